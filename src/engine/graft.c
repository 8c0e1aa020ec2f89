/* SPDX-License-Identifier: BSD-2-Clause */
/* graft.c — all of the graft's rooms, opened in order and closed in the opposite one */
#include "engine/graft_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/sys.h"
#include "engine/graft_keeper.h"
#include "engine/graft_reserve.h"
#include "engine/graft_seat.h"

static int say(char *problem, size_t size, int r, const char *what)
{
	if (r < 0)
		snprintf(problem, size, "%s: %s", what, strerror(-r));
	return r;
}

static int open_rooms(struct shunt_graft *g, const struct shunt_graft_options *o, char *problem,
		      size_t size)
{
	uint16_t first = o->port_first ? o->port_first : GRAFT_PORT_FIRST;
	uint16_t last = o->port_last ? o->port_last : GRAFT_PORT_LAST;
	int r = graft_kernel_open(&g->kernel, o->bpffs, first, last,
				  o->slots ? o->slots : GRAFT_SLOTS, problem, size);

	if (r < 0) {
		g->kernel.lock = -1; /* nothing to close */
		return r;
	}
	r = graft_ports_open(&g->ports, first, last, g->kernel.notes, problem, size);
	if (r < 0)
		return r;
	r = say(problem, size, seats_init(g), "cannot remember grafts");
	if (r < 0)
		return r;
	keeper_adopt(g);
	r = graft_devices_open(&g->devices, &g->kernel, o->clsact ? GRAFT_CLSACT : GRAFT_BEST,
			       problem, size);
	g->opened_devices = r == 0;
	return r < 0 ? r : say(problem, size, keeper_start(g), "cannot start the keeper of grafts");
}

int shunt_graft_open(struct shunt_graft **out, const struct shunt_graft_options *given,
		     char *problem, size_t size)
{
	struct shunt_graft_options o = SHUNT_GRAFT_OPTIONS;

	if (given && given->size != sizeof(o))
		return say(problem, size, -EINVAL, "grafts of another version of the library");
	if (given)
		o = *given;
	if (o.port_first > o.port_last || o.slots > 1u << 24)
		return say(problem, size, -EINVAL, "ports or slots out of range");
	struct shunt_graft *g = sys_alloc(sizeof(*g));

	if (!g)
		return say(problem, size, -ENOMEM, "no grafts");
	pthread_mutex_init(&g->lock, NULL);
	g->kernel.lock = g->wake = -1;
	list_init(&g->free);
	list_init(&g->lingering);
	list_init(&g->retiring);
	list_init(&g->killing);
	list_init(&g->ended);
	g->least = o.least ? o.least : GRAFT_LEAST;
	g->idle_ms = o.idle_ms;
	g->ended_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int r = g->ended_fd < 0 ? say(problem, size, -errno, "no grafts")
				: open_rooms(g, &o, problem, size);

	if (r < 0) {
		shunt_graft_close(g);
		return r;
	}
	*out = g;
	return 0;
}

/* What is grafted goes on. Where nothing is, nothing stays. */
static void leave_kernel(struct shunt_graft *g)
{
	bool lives = false;

	for (uint32_t i = 0; !lives && i < g->kernel.slots; i++)
		lives = slot_state(graft_slot(g, i)) == SLOT_GRAFTED;
	if (!lives) {
		graft_devices_detach(&g->kernel);
		graft_unreserve(g->ports.first, g->ports.last, g->kernel.notes);
		graft_kernel_remove(&g->kernel);
	}
	graft_kernel_close(&g->kernel);
}

void shunt_graft_close(struct shunt_graft *g)
{
	struct list *n;

	if (!g)
		return;
	keeper_stop(g);
	if (g->opened_devices)
		graft_devices_close(&g->devices);
	if (g->kernel.lock >= 0)
		leave_kernel(g);
	while ((n = list_first(&g->ended))) {
		list_remove(n);
		free(list_of(n, struct graft_ended, in));
	}
	if (g->ended_fd >= 0)
		close(g->ended_fd);
	pthread_mutex_destroy(&g->lock);
	free(g->seat);
	free(g);
}

int shunt_graft_fd(const struct shunt_graft *g)
{
	return g->ended_fd;
}

int shunt_graft_ended(struct shunt_graft *g, struct shunt_graft_end *end)
{
	uint64_t n;

	pthread_mutex_lock(&g->lock);
	struct list *l = list_first(&g->ended);

	if (l)
		list_remove(l);
	else
		(void)!read(g->ended_fd, &n, sizeof(n));
	pthread_mutex_unlock(&g->lock);
	if (!l)
		return 0;
	struct graft_ended *e = list_of(l, struct graft_ended, in);

	*end = e->end;
	free(e);
	return 1;
}
