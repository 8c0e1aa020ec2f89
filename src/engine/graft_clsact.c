/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/graft_clsact.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "engine/graft_netlink.h"
#include "engine/graft_note.h"

/* A handle: of the folder by its first port, and one bit by which two of ours differ while one takes
 * the other's place. */
enum { PRIORITY = 1, HANDLE = 0x40000000, MOST = 32 };

struct filter {
	uint32_t handle, id; /* id: of its program; 0: it is no program */
	uint32_t priority, chain;
	uint16_t protocol; /* network order */
};

struct filters {
	struct filter f[MOST];
	int n;
	uint32_t ifindex; /* asked for */
};

static uint32_t parent(enum graft_way way)
{
	return TC_H_MAKE(TC_H_CLSACT, way == GRAFT_IN ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

static uint32_t handle_of(const struct graft_kernel *k, bool second)
{
	return HANDLE | (uint32_t)k->first << 1 | second;
}

/* -- the qdisc -- */

struct kind {
	uint32_t ifindex;
	char name[IFNAMSIZ];
};

static void see_kind(void *to, const struct nlmsghdr *h)
{
	const struct tcmsg *tc = rt_fixed(h);
	const struct rtattr *at[TCA_MAX + 1];
	struct kind *kind = to;

	if (h->nlmsg_type != RTM_NEWQDISC || tc->tcm_ifindex != (int)kind->ifindex ||
	    tc->tcm_parent != TC_H_CLSACT)
		return;
	rt_attrs(h, sizeof(*tc), at, TCA_MAX);
	if (at[TCA_KIND])
		snprintf(kind->name, sizeof(kind->name), "%s",
			 (const char *)rt_value(at[TCA_KIND]));
}

/* 1: it is there; 0: not; -EBUSY: one of another kind is. All qdiscs are listed for it, for who asks after
 * one alone has the answer told to everybody who listens: to ourselves as well, and would ask again. */
static int has_qdisc(int rt, uint32_t ifindex)
{
	const struct tcmsg tc = { .tcm_family = AF_UNSPEC, .tcm_ifindex = (int)ifindex };
	struct kind kind = { .ifindex = ifindex };
	struct rt_message m;
	int rc;

	rt_begin(&m, RTM_GETQDISC, NLM_F_DUMP, &tc, sizeof(tc));
	rc = rt_ask(rt, &m, see_kind, &kind);
	if (rc < 0)
		return rc;
	return !kind.name[0] ? 0 : !strcmp(kind.name, "clsact") ? 1 : -EBUSY;
}

static int set_qdisc(int rt, uint32_t ifindex, bool there)
{
	const struct tcmsg tc = { .tcm_family = AF_UNSPEC,
				  .tcm_ifindex = (int)ifindex,
				  .tcm_parent = TC_H_CLSACT,
				  .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0) };
	struct rt_message m;

	if (there)
		rt_begin(&m, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &tc, sizeof(tc));
	else
		rt_begin(&m, RTM_DELQDISC, 0, &tc, sizeof(tc));
	rt_put_text(&m, TCA_KIND, "clsact");
	return rt_ask(rt, &m, NULL, NULL);
}

static int need_qdisc(const struct graft_kernel *k, int rt, uint32_t ifindex)
{
	int rc = has_qdisc(rt, ifindex);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = graft_note(k->notes, NOTE_CLSACT, ifindex);
	if (rc == 0)
		rc = set_qdisc(rt, ifindex, true);
	return rc == -EEXIST ? 0 : rc;
}

/* -- filters -- */

static void see_filter(void *to, const struct nlmsghdr *h)
{
	const struct rtattr *at[TCA_MAX + 1], *bpf[TCA_BPF_MAX + 1];
	const struct tcmsg *tc = rt_fixed(h);
	struct filters *all = to;
	struct filter *f;

	if (h->nlmsg_type != RTM_NEWTFILTER || tc->tcm_ifindex != (int)all->ifindex ||
	    all->n == MOST)
		return;
	rt_attrs(h, sizeof(*tc), at, TCA_MAX);
	/* A classifier is shown once without a handle, before its filters: it holds nothing itself. */
	if (!tc->tcm_handle || !at[TCA_KIND])
		return;
	f = &all->f[all->n++];
	f->handle = tc->tcm_handle;
	f->priority = TC_H_MAJ(tc->tcm_info) >> 16;
	f->protocol = (uint16_t)TC_H_MIN(tc->tcm_info);
	f->chain = rt_u32(at[TCA_CHAIN]);
	f->id = 0;
	if (strcmp(rt_value(at[TCA_KIND]), "bpf") != 0 || !at[TCA_OPTIONS])
		return;
	rt_attrs_in(at[TCA_OPTIONS], bpf, TCA_BPF_MAX);
	f->id = rt_u32(bpf[TCA_BPF_ID]);
}

static int list(int rt, uint32_t ifindex, enum graft_way way, struct filters *all)
{
	const struct tcmsg tc = { .tcm_family = AF_UNSPEC,
				  .tcm_ifindex = (int)ifindex,
				  .tcm_parent = parent(way) };
	struct rt_message m;

	all->n = 0;
	all->ifindex = ifindex;
	rt_begin(&m, RTM_GETTFILTER, NLM_F_DUMP, &tc, sizeof(tc));
	return rt_ask(rt, &m, see_filter, all);
}

static struct tcmsg place(uint32_t ifindex, enum graft_way way, uint32_t handle)
{
	return (struct tcmsg){ .tcm_family = AF_UNSPEC,
			       .tcm_ifindex = (int)ifindex,
			       .tcm_parent = parent(way),
			       .tcm_handle = handle,
			       .tcm_info = TC_H_MAKE(PRIORITY << 16, htons(ETH_P_ALL)) };
}

/* With NLM_F_EXCL a new one, before all others of its priority; without, in place of the old one. */
static int put(const struct graft_kernel *k, int rt, uint32_t ifindex, enum graft_way way,
	       uint32_t handle, uint16_t flags)
{
	const struct tcmsg tc = place(ifindex, way, handle);
	struct rtattr *options;
	struct rt_message m;

	rt_begin(&m, RTM_NEWTFILTER, NLM_F_CREATE | flags, &tc, sizeof(tc));
	rt_put_text(&m, TCA_KIND, "bpf");
	options = rt_nest(&m, TCA_OPTIONS);
	rt_put_u32(&m, TCA_BPF_FD, (uint32_t)k->program[way]);
	rt_put_text(&m, TCA_BPF_NAME, way == GRAFT_IN ? "shunt_graft_in" : "shunt_graft_out");
	rt_put_u32(&m, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	rt_nest_end(&m, options);
	return rt_ask(rt, &m, NULL, NULL);
}

static int take_off(int rt, uint32_t ifindex, enum graft_way way, const struct filter *f)
{
	struct tcmsg tc = place(ifindex, way, f->handle);
	struct rt_message m;

	tc.tcm_info = TC_H_MAKE(f->priority << 16, f->protocol);
	rt_begin(&m, RTM_DELTFILTER, 0, &tc, sizeof(tc));
	rt_put_text(&m, TCA_KIND, "bpf");
	if (f->chain)
		rt_put_u32(&m, TCA_CHAIN, f->chain);
	return rt_ask(rt, &m, NULL, NULL);
}

static bool ours(const struct graft_kernel *k, enum graft_way way, const struct filter *f)
{
	return f->id && graft_kernel_owns(k, way, f->id);
}

/* The first of ours; *behind: a stranger comes before it. NULL: none. */
static const struct filter *first_of_ours(const struct graft_kernel *k, enum graft_way way,
					  const struct filters *all, bool *behind)
{
	*behind = false;
	for (int i = 0; i < all->n; i++) {
		if (all->f[i].chain)
			continue;
		if (ours(k, way, &all->f[i]))
			return &all->f[i];
		if (!*behind)
			*behind = !all->f[i].id || !graft_kernel_kin(k, way, all->f[i].id);
	}
	*behind = false;
	return NULL;
}

/* All of ours but `keep`. How many. */
static int clear(const struct graft_kernel *k, int rt, enum graft_way way,
		 const struct filters *all, uint32_t keep)
{
	int n = 0;

	for (int i = 0; i < all->n; i++)
		if (all->f[i].handle != keep && ours(k, way, &all->f[i]))
			n += take_off(rt, all->ifindex, way, &all->f[i]) == 0;
	return n;
}

int graft_clsact_settle(const struct graft_kernel *k, int rt, uint32_t ifindex, enum graft_way way,
			bool may_move)
{
	const struct filter *have;
	struct filters all;
	uint32_t handle;
	bool behind;
	int rc = list(rt, ifindex, way, &all);

	if (rc < 0)
		return rc;
	have = first_of_ours(k, way, &all, &behind);
	if (have && !behind && have->id == k->id[way])
		return HOOK_FINE;
	rc = need_qdisc(k, rt, ifindex);
	if (rc < 0)
		return rc;
	if (have && !behind && put(k, rt, ifindex, way, have->handle, 0) == 0) {
		clear(k, rt, way, &all, have->handle);
		return HOOK_RENEWED;
	}
	if (behind && !may_move)
		return HOOK_BEHIND;
	handle = handle_of(k, have && have->handle == handle_of(k, false));
	rc = put(k, rt, ifindex, way, handle, NLM_F_EXCL);
	if (rc == -EINVAL)
		return -EEXIST;
	if (rc < 0)
		return rc;
	clear(k, rt, way, &all, handle);
	return behind ? HOOK_MOVED : HOOK_PUT;
}

bool graft_clsact_has(const struct graft_kernel *k, int rt, uint32_t ifindex, enum graft_way way)
{
	struct filters all;
	bool behind;

	return list(rt, ifindex, way, &all) == 0 && first_of_ours(k, way, &all, &behind);
}

int graft_clsact_off(const struct graft_kernel *k, int rt, uint32_t ifindex)
{
	const bool noted = graft_noted(k->notes, NOTE_CLSACT, ifindex);
	struct filters all;
	int n = 0, left = 0;

	for (enum graft_way w = GRAFT_IN; w <= GRAFT_OUT; w++) {
		if (list(rt, ifindex, w, &all) < 0)
			return n;
		const int gone = clear(k, rt, w, &all, 0);

		n += gone;
		left += all.n - gone;
	}
	if (noted && !left && has_qdisc(rt, ifindex) == 1 && set_qdisc(rt, ifindex, false) == 0)
		graft_note_clear(k->notes, NOTE_CLSACT, ifindex);
	return n;
}
