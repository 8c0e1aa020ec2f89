/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_device.c — three reasons to look at a device
 *
 *   rtnetlink says so      it came or went, somebody changed its filters
 *   the clock says so      nobody tells of TCX: once a second all are looked at (graft_devices_check)
 *   the programs are new   (reload): all get them
 */
#include "engine/graft_device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sys.h"
#include "engine/graft_clsact.h"
#include "engine/graft_link.h"
#include "engine/graft_netlink.h"
#include "engine/graft_route.h"
#include "engine/graft_table.h"
#include "engine/graft_tcx.h"

enum {
	PASS_MS = 100,   /* the least time between two passes over the routes */
	PASS_SHARE = 10, /* and a pass is at most this part of the time */
	PART_MS = 5,     /* of a pass, then others have their turn */
	HEARD = 65536,
	AT_ONCE = 512, /* datagrams; then others have their turn */
};

struct state {
	struct graft_table t;
	int heard, timer;
	struct graft_route route;
	bool ways;                    /* routes have changed */
	bool passing;                 /* a pass has begun */
	uint64_t pass_at, pass_began; /* ms: when the next one may begin; the present one did */
};

/* -- news -- */

static void hear_one(struct graft_devices *d, const struct nlmsghdr *h)
{
	struct state *s = d->state;
	const struct tcmsg *tc;
	struct graft_link l;

	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (!graft_link_read(h, &l))
			return;
		if (h->nlmsg_type == RTM_NEWLINK)
			graft_table_arrive(&s->t, &l);
		else
			graft_table_leave(&s->t, l.ifindex);
		s->ways = true;
		return;
	case RTM_NEWQDISC:
	case RTM_DELQDISC:
	case RTM_NEWTFILTER:
	case RTM_DELTFILTER:
		tc = rt_fixed(h);
		if (s->t.clsact && tc->tcm_ifindex > 0)
			graft_table_look(&s->t, (uint32_t)tc->tcm_ifindex);
		return;
	default: s->ways = true; /* nothing else was asked for but what may lead elsewhere */
	}
}

/* False: nothing more to hear. *lost: news were. */
static bool hear(struct graft_devices *d, char *buf, bool *lost)
{
	const struct state *s = d->state;
	ssize_t got = recv(s->heard, buf, HEARD, MSG_DONTWAIT);
	const struct nlmsghdr *h;
	size_t at = 0;

	if (got < 0) {
		*lost = *lost || errno == ENOBUFS;
		return errno == ENOBUFS || errno == EINTR;
	}
	while ((h = rt_next(buf, (size_t)got, &at)))
		hear_one(d, h);
	return true;
}

/* Routes have changed, or a pass is not over: now, or when it is time again. */
static void pass(struct graft_devices *d)
{
	struct state *s = d->state;
	const uint64_t now = clock_ms();

	if (!s->passing && now < s->pass_at) {
		sys_timerfd_set(s->timer, s->pass_at - now);
		return;
	}
	if (!s->passing) {
		s->passing = true;
		s->ways = false;
		s->pass_began = now;
	}
	if (!graft_route_part(&s->route, d->k, s->t.rt, s->t.lo, now + PART_MS)) {
		sys_timerfd_set(s->timer, 1);
		return;
	}
	const uint64_t over = clock_ms(), rest = (over - s->pass_began) * PASS_SHARE;

	s->passing = false;
	s->pass_at = over + (rest > PASS_MS ? rest : PASS_MS);
	d->moved = s->route.changed;
	if (s->ways)
		sys_timerfd_set(s->timer, s->pass_at - over);
}

static void settle(struct graft_devices *d)
{
	struct state *s = d->state;

	graft_table_settle(&s->t);
	d->count = s->t.count;
	d->mended = s->t.mended;
}

void graft_devices_follow(struct graft_devices *d)
{
	struct state *s = d->state;
	char *buf = malloc(HEARD);
	bool lost = false;
	uint64_t rang;

	while (read(s->timer, &rang, sizeof(rang)) < 0 && errno == EINTR)
		;
	for (int i = 0; buf && i < AT_ONCE && hear(d, buf, &lost); i++)
		;
	free(buf);
	if (lost) {
		graft_table_list(&s->t);
		s->ways = true;
	}
	settle(d);
	if (s->ways || s->passing)
		pass(d);
}

void graft_devices_check(struct graft_devices *d)
{
	struct state *s = d->state;

	graft_folder_answer(d->k->lock);
	graft_table_look(&s->t, 0);
	settle(d);
}

/* -- beginning and end -- */

static int choose(struct graft_devices *d, enum graft_how how, char *problem, size_t size)
{
	struct state *s = d->state;
	const bool tcx = s->t.lo && graft_tcx_works(s->t.lo);

	s->t.clsact = d->clsact = how == GRAFT_CLSACT || !tcx;
	if (how != GRAFT_TCX || tcx)
		return 0;
	snprintf(problem, size, "this kernel has no TCX (Linux 6.6, CONFIG_NET_XGRESS)");
	return -EOPNOTSUPP;
}

static int watch(struct graft_devices *d, struct state *s)
{
	int rc = s->t.rt = rt_open();

	if (rc >= 0)
		rc = s->heard = rt_listen();
	if (rc >= 0)
		rc = s->timer = sys_timerfd();
	if (rc >= 0)
		rc = d->netlink = sys_epoll_create();
	if (rc >= 0)
		rc = sys_epoll_ctl(d->netlink, EPOLL_CTL_ADD, s->heard, EPOLLIN, 0);
	if (rc >= 0)
		rc = sys_epoll_ctl(d->netlink, EPOLL_CTL_ADD, s->timer, EPOLLIN, 0);
	return rc < 0 ? rc : 0;
}

int graft_devices_open(struct graft_devices *d, struct graft_kernel *k, enum graft_how how,
		       char *problem, size_t size)
{
	struct state *s = calloc(1, sizeof(*s));
	int rc;

	memset(d, 0, sizeof(*d));
	d->k = k;
	d->netlink = -1;
	d->state = s;
	problem[0] = '\0';
	if (!s)
		return -ENOMEM;
	s->t.rt = s->heard = s->timer = -1;
	s->t.k = k;
	s->t.stale = true;
	rc = watch(d, s);
	/* Listening already: what changes from here on is heard. */
	if (rc == 0)
		rc = graft_table_list(&s->t);
	if (rc == 0)
		rc = choose(d, how, problem, size);
	if (rc == 0) {
		graft_table_sweep(&s->t);
		settle(d);
		if (!d->count) {
			snprintf(problem, size, "no device takes the programs");
			rc = -ENODEV;
		}
	}
	if (rc == 0) {
		pass(d);
		return 0;
	}
	if (!problem[0])
		snprintf(problem, size, "rtnetlink: %s", strerror(-rc));
	graft_devices_close(d);
	return rc;
}

void graft_devices_close(struct graft_devices *d)
{
	struct state *s = d->state;

	sys_close(d->netlink);
	d->netlink = -1;
	if (!s)
		return;
	sys_close(s->timer);
	sys_close(s->heard);
	sys_close(s->t.rt);
	graft_table_close(&s->t);
	free(s);
	d->state = NULL;
}

/* -- for who has no table -- */

struct round {
	const struct graft_kernel *k;
	int rt, n;
	void (*tell)(void *to, uint32_t ifindex, bool clsact);
	void *to;
	uint32_t ifindex[4096];
	int devices;
};

static void note_link(void *to, const struct graft_link *l)
{
	struct round *r = to;

	if (l->ethernet && r->devices < (int)(sizeof(r->ifindex) / sizeof(r->ifindex[0])))
		r->ifindex[r->devices++] = l->ifindex;
}

/* Each device, with a socket of its own: the listing must be over before one asks of another. */
static int each_device(const struct graft_kernel *k, int (*each)(struct round *r, uint32_t ifindex),
		       void (*tell)(void *to, uint32_t ifindex, bool clsact), void *to)
{
	struct round *r = calloc(1, sizeof(*r));
	int rc = r ? rt_open() : -ENOMEM;

	if (rc >= 0) {
		r->k = k;
		r->rt = rc;
		r->tell = tell;
		r->to = to;
		rc = graft_link_each(r->rt, note_link, r);
		for (int i = 0; i < r->devices; i++)
			r->n += each(r, r->ifindex[i]);
		close(r->rt);
		rc = rc < 0 ? rc : r->n;
	}
	free(r);
	return rc;
}

static int off(struct round *r, uint32_t ifindex)
{
	int n = graft_tcx_off(r->k, ifindex, GRAFT_IN) + graft_tcx_off(r->k, ifindex, GRAFT_OUT);

	return n + graft_clsact_off(r->k, r->rt, ifindex);
}

int graft_devices_detach(struct graft_kernel *k)
{
	int rc = each_device(k, off, NULL, NULL);

	graft_tcx_sweep(k, NULL, NULL);
	return rc;
}

static int has_both(struct round *r, uint32_t ifindex)
{
	bool tcx =
		graft_tcx_has(r->k, ifindex, GRAFT_IN) && graft_tcx_has(r->k, ifindex, GRAFT_OUT);

	if (!tcx && !(graft_clsact_has(r->k, r->rt, ifindex, GRAFT_IN) &&
		      graft_clsact_has(r->k, r->rt, ifindex, GRAFT_OUT)))
		return 0;
	if (r->tell)
		r->tell(r->to, ifindex, !tcx);
	return 1;
}

int graft_devices_each(const struct graft_kernel *k,
		       void (*tell)(void *to, uint32_t ifindex, bool clsact), void *to)
{
	return each_device(k, has_both, tell, to);
}

int graft_devices_attached(const struct graft_kernel *k)
{
	return graft_devices_each(k, NULL, NULL);
}

bool graft_devices_tcx(void)
{
	return graft_tcx_works(if_nametoindex("lo"));
}
