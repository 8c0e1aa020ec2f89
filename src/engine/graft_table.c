/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_table.c — a device is settled: graft_tcx or graft_clsact see to it that the present programs are
 * there and come first, and say what they found. If another one insists on being first as we do, we give
 * in for ever longer times, for each move costs more than it. */
#include "engine/graft_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/graft_clsact.h"
#include "engine/graft_note.h"
#include "engine/graft_tcx.h"

enum {
	WAIT_MS = 1000, /* before a program is moved to the front again; doubles */
	WAIT_MOST = 64000,
	QUIET_MS = 600000, /* after such a time without a quarrel it is forgotten */
};

struct graft_device {
	struct graft_link link;
	bool on;              /* has both programs */
	bool told;            /* that it has not */
	bool seen;            /* by the present listing */
	bool look;            /* to be settled */
	uint64_t moved, wait; /* ms: when it was put first again, and how long until next time */
};

static struct graft_device *find(const struct graft_table *t, uint32_t ifindex)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->dev[i].link.ifindex == ifindex)
			return &t->dev[i];
	return NULL;
}

static void say(struct graft_table *t, const struct graft_device *dev, enum graft_way way, int what)
{
	t->mended++;
	log_say(LOG_WARN_LEVEL,
		what == HOOK_MOVED
			? "graft: on the way %s of %s another program had come first; ours is first again"
			: "graft: on the way %s of %s our program was missing; it is there again",
		graft_way_name(way), dev->link.name);
}

void graft_table_look(struct graft_table *t, uint32_t ifindex)
{
	for (size_t i = 0; i < t->n; i++)
		if (!ifindex || t->dev[i].link.ifindex == ifindex)
			t->dev[i].look = true;
}

static int settle_way(struct graft_table *t, struct graft_device *dev, enum graft_way way,
		      bool may_move)
{
	char problem[256];
	int rc;

	if (t->clsact)
		return graft_clsact_settle(t->k, t->rt, dev->link.ifindex, way, may_move);
	rc = graft_tcx_settle(t->k, dev->link.ifindex, way, may_move);
	if (rc != HOOK_RELOAD)
		return rc;
	rc = graft_kernel_reload(t->k, problem, sizeof(problem));
	if (rc < 0) {
		log_say(LOG_WARN_LEVEL, "graft: %s", problem);
		return HOOK_BEHIND; /* it works, for those that are not before it */
	}
	t->stale = true;
	graft_table_look(t, 0); /* each device has to get the new ones */
	return graft_tcx_settle(t->k, dev->link.ifindex, way, may_move);
}

static bool may_move(const struct graft_device *dev, uint64_t now)
{
	return !dev->moved || now - dev->moved >= dev->wait;
}

static void has_moved(struct graft_device *dev, uint64_t now)
{
	const bool quiet = !dev->moved || now - dev->moved > QUIET_MS;

	dev->wait = quiet ? WAIT_MS : dev->wait < WAIT_MOST ? dev->wait * 2 : WAIT_MOST;
	dev->moved = now;
}

/* The program is on its way in: packets may leave by it, for the answers will be seen. */
static int allow(const struct graft_table *t, uint32_t ifindex, bool yes)
{
	const uint32_t one = 1;

	if (!yes)
		bpf_map_delete_elem(t->k->devices, &ifindex);
	else if (bpf_map_update_elem(t->k->devices, &ifindex, &one, BPF_ANY) < 0)
		return -errno;
	return 0;
}

static void set_on(struct graft_table *t, struct graft_device *dev, int rc)
{
	if (rc >= 0)
		rc = allow(t, dev->link.ifindex, true);
	if (rc < 0 && !dev->told) {
		log_say(LOG_WARN_LEVEL, "graft: no graft leads through %s: %s", dev->link.name,
			rc == -EEXIST  ? "another filter has the first priority"
			: rc == -EBUSY ? "it has a qdisc in the place of clsact"
				       : strerror(-rc));
		dev->told = true;
	}
	if (rc < 0)
		allow(t, dev->link.ifindex, false);
	else
		dev->told = false;
	t->count = t->count + (rc >= 0) - dev->on;
	dev->on = rc >= 0;
}

static void settle(struct graft_table *t, struct graft_device *dev)
{
	const uint64_t now = clock_ms();
	const bool may = may_move(dev, now), had = dev->on;
	int rc = 0;

	dev->look = false;
	for (enum graft_way w = GRAFT_IN; w <= GRAFT_OUT && rc >= 0; w++) {
		rc = settle_way(t, dev, w, may);
		if (had && (rc == HOOK_PUT || rc == HOOK_MOVED))
			say(t, dev, w, rc);
		if (rc == HOOK_MOVED)
			has_moved(dev, now);
	}
	if (rc == -ENODEV)
		return; /* its end is on the way to us */
	set_on(t, dev, rc);
}

/* What an earlier process put there the other way. */
static void leave_other_way(struct graft_table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const uint32_t ifindex = t->dev[i].link.ifindex;

		if (!t->dev[i].on)
			continue;
		if (!t->clsact) {
			graft_clsact_off(t->k, t->rt, ifindex);
			continue;
		}
		graft_tcx_off(t->k, ifindex, GRAFT_IN);
		graft_tcx_off(t->k, ifindex, GRAFT_OUT);
	}
}

/* All that are to be looked at; one may cause all others to be. When every device has the present
 * programs, nobody needs the older ones. */
void graft_table_settle(struct graft_table *t)
{
	bool all = true;

	for (bool again = true; again;) {
		again = false;
		for (size_t i = 0; i < t->n; i++) {
			if (!t->dev[i].look)
				continue;
			again = true;
			settle(t, &t->dev[i]);
		}
	}
	for (size_t i = 0; i < t->n; i++)
		all = all && t->dev[i].on;
	if (t->stale)
		leave_other_way(t);
	if (t->stale && all) {
		graft_kernel_forget(t->k);
		t->stale = false;
	}
}

/* -- coming and going -- */

void graft_table_arrive(struct graft_table *t, const struct graft_link *l)
{
	struct graft_device *dev = find(t, l->ifindex);

	if (l->loopback)
		t->lo = l->ifindex;
	if (!l->ethernet)
		return;
	if (dev) {
		dev->link = *l; /* it may have another name now */
		dev->seen = true;
		return;
	}
	if (t->n == t->room) {
		const size_t room = t->room ? t->room * 2 : 16;
		struct graft_device *more = realloc(t->dev, room * sizeof(*more));

		if (!more) {
			log_say(LOG_WARN_LEVEL, "graft: no graft leads through %s: no memory",
				l->name);
			return;
		}
		t->dev = more;
		t->room = room;
	}
	t->dev[t->n++] = (struct graft_device){ .link = *l, .seen = true, .look = true };
}

void graft_table_leave(struct graft_table *t, uint32_t ifindex)
{
	struct graft_device *dev = find(t, ifindex);

	if (!dev)
		return;
	/* A link stays with a device that moves to another namespace, and would be seen no more. */
	graft_tcx_off(t->k, ifindex, GRAFT_IN);
	graft_tcx_off(t->k, ifindex, GRAFT_OUT);
	graft_note_clear(t->k->notes, NOTE_CLSACT, ifindex);
	allow(t, ifindex, false);
	t->count -= dev->on;
	*dev = t->dev[--t->n];
}

static bool is_here(void *to, uint32_t ifindex)
{
	return find(to, ifindex) != NULL;
}

/* What the maps and pins of an earlier process know of devices that have gone. */
void graft_table_sweep(struct graft_table *t)
{
	uint32_t key, next;
	bool more = bpf_map_get_next_key(t->k->devices, NULL, &key) == 0;

	graft_tcx_sweep(t->k, is_here, t);
	for (; more; key = next) {
		more = bpf_map_get_next_key(t->k->devices, &key, &next) == 0;
		if (!is_here(t, key))
			allow(t, key, false);
	}
}

static void see_link(void *to, const struct graft_link *l)
{
	graft_table_arrive(to, l);
}

int graft_table_list(struct graft_table *t)
{
	int rc;

	for (size_t i = 0; i < t->n; i++)
		t->dev[i].seen = false;
	rc = graft_link_each(t->rt, see_link, t);
	for (size_t i = t->n; rc == 0 && i > 0; i--)
		if (!t->dev[i - 1].seen)
			graft_table_leave(t, t->dev[i - 1].link.ifindex);
	graft_table_look(t, 0);
	return rc;
}

void graft_table_close(struct graft_table *t)
{
	free(t->dev);
	t->dev = NULL;
	t->n = t->room = 0;
}
