/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_tcx.c — links
 *
 * Each link is pinned the moment it is made, so that it stays when its maker goes; and it is found
 * again by that pin. There is never more than one of ours on a hook, save for the instant in which a
 * new one is there already and the old one still: both do the same.
 *
 * The kernel takes a program once on each hook. So a program that others came before cannot be put
 * before them; a second copy of it can, and then the first goes (HOOK_RELOAD).
 */
#include "engine/graft_tcx.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

/* Newer than the headers of Debian 12. */
enum { TCX_INGRESS = 46, TCX_EGRESS = 47, BEFORE = 1 << 3, MOST = 64 };

static int attach_type(enum graft_way way)
{
	return way == GRAFT_IN ? TCX_INGRESS : TCX_EGRESS;
}

static const char *prefix(enum graft_way way)
{
	return way == GRAFT_IN ? "link-in-" : "link-out-";
}

/* The programs of a hook, in their order: how many, or -errno. The kernel writes as far as `revision`,
 * whatever size it is told, so the struct is whole. */
static int list(uint32_t ifindex, enum graft_way way, uint32_t id[MOST])
{
	struct {
		uint32_t ifindex, type, query_flags, attach_flags;
		uint64_t ids;
		uint32_t count, pad;
		uint64_t prog_flags, link_ids, link_flags, revision;
		uint64_t rest[8];
	} q = { .ifindex = ifindex,
		.type = (uint32_t)attach_type(way),
		.ids = (uintptr_t)id,
		.count = MOST };

	if (syscall(SYS_bpf, BPF_PROG_QUERY, &q, sizeof(q)) < 0)
		return errno == ENOENT ? 0 : -errno; /* nothing was ever there */
	return q.count < MOST ? (int)q.count : MOST;
}

bool graft_tcx_works(uint32_t ifindex)
{
	uint32_t id[MOST];

	return list(ifindex, GRAFT_IN, id) >= 0;
}

static int pin_path(const struct graft_kernel *k, char path[GRAFT_PATH], uint32_t ifindex,
		    enum graft_way way)
{
	return graft_pin_number(path, k->dir, prefix(way), ifindex);
}

/* Off its device at once, not when the last reference has gone. */
static void let_go(int link)
{
	if (link < 0)
		return;
	bpf_link_detach(link);
	close(link);
}

static int put_first(const struct graft_kernel *k, uint32_t ifindex, enum graft_way way)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = BEFORE);
	char path[GRAFT_PATH];
	int rc = pin_path(k, path, ifindex, way), old, link;

	if (rc < 0)
		return rc;
	link = bpf_link_create(k->program[way], (int)ifindex,
			       (enum bpf_attach_type)attach_type(way), &opts);
	if (link < 0)
		return link;
	old = graft_pinned(path);
	rc = graft_pin(link, path);
	if (rc == 0)
		let_go(old);
	else if (old >= 0)
		close(old);
	close(link); /* not pinned, it goes with its descriptor */
	return rc;
}

/* The link that is pinned gets the present program. */
static int renew(const struct graft_kernel *k, uint32_t ifindex, enum graft_way way)
{
	char path[GRAFT_PATH];
	int rc = pin_path(k, path, ifindex, way), link;

	if (rc < 0)
		return rc;
	link = graft_pinned(path);
	if (link < 0)
		return link;
	rc = bpf_link_update(link, k->program[way], NULL);
	close(link);
	return rc;
}

struct order {
	bool present, ours; /* the present program; any of the folder */
	bool behind;        /* a stranger comes before it */
};

static int look(const struct graft_kernel *k, uint32_t ifindex, enum graft_way way, struct order *o)
{
	uint32_t id[MOST];
	int n = list(ifindex, way, id);
	bool strangers = false;

	memset(o, 0, sizeof(*o));
	for (int i = 0; i < n && !o->ours; i++) {
		o->present = id[i] == k->id[way];
		o->ours = o->present || graft_kernel_owns(k, way, id[i]);
		if (o->ours)
			o->behind = strangers;
		else if (!strangers)
			strangers = !graft_kernel_kin(k, way, id[i]);
	}
	return n < 0 ? n : 0;
}

int graft_tcx_settle(const struct graft_kernel *k, uint32_t ifindex, enum graft_way way,
		     bool may_move)
{
	struct order o;
	int rc = look(k, ifindex, way, &o);

	if (rc < 0)
		return rc;
	if (o.ours && !o.behind && o.present)
		return HOOK_FINE;
	if (o.ours && !o.behind && renew(k, ifindex, way) == 0)
		return HOOK_RENEWED;
	if (o.behind && !may_move)
		return HOOK_BEHIND;
	if (o.present)
		return HOOK_RELOAD;
	rc = put_first(k, ifindex, way);
	return rc < 0 ? rc : o.behind ? HOOK_MOVED : HOOK_PUT;
}

bool graft_tcx_has(const struct graft_kernel *k, uint32_t ifindex, enum graft_way way)
{
	struct order o;

	return look(k, ifindex, way, &o) == 0 && o.ours;
}

static void drop(const char *path)
{
	let_go(graft_pinned(path));
	unlink(path);
}

bool graft_tcx_off(const struct graft_kernel *k, uint32_t ifindex, enum graft_way way)
{
	const bool had = graft_tcx_has(k, ifindex, way);
	char path[GRAFT_PATH];

	if (pin_path(k, path, ifindex, way) == 0)
		drop(path);
	return had;
}

struct sweep {
	bool (*keep)(void *to, uint32_t ifindex);
	void *to;
	unsigned gone;
};

static void sweep(void *to, const char *path, uint32_t ifindex)
{
	struct sweep *s = to;

	if (s->keep && s->keep(s->to, ifindex))
		return;
	drop(path);
	s->gone++;
}

unsigned graft_tcx_sweep(const struct graft_kernel *k, bool (*keep)(void *to, uint32_t ifindex),
			 void *to)
{
	struct sweep s = { .keep = keep, .to = to };

	for (enum graft_way w = GRAFT_IN; w <= GRAFT_OUT; w++)
		graft_folder_each(k->dir, prefix(w), sweep, &s);
	return s.gone;
}
