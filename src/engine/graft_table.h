/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_table.h — the devices of this namespace, and which of them have the programs */
#ifndef ENGINE_GRAFT_TABLE_H
#define ENGINE_GRAFT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/graft_kernel.h"
#include "engine/graft_link.h"

struct graft_table {
	struct graft_kernel *k;
	int rt;      /* rt_open() */
	bool clsact; /* by graft_clsact; else graft_tcx */
	bool stale;  /* devices may have programs of an earlier process, or such as were replaced */
	uint32_t lo; /* index of the loopback device */
	struct graft_device *dev;
	size_t n, room;
	unsigned count;  /* devices that have both programs */
	uint64_t mended; /* times that one was missing or overtaken, and put back */
};

/* A device came, or has another name. It is to be settled. */
void graft_table_arrive(struct graft_table *t, const struct graft_link *l);
/* A device went, or moved to another namespace. */
void graft_table_leave(struct graft_table *t, uint32_t ifindex);
/* List all anew by rtnetlink: who came, who went; all are to be settled. 0 or -errno. */
int graft_table_list(struct graft_table *t);
/* What the maps and pins of an earlier process know of devices that have gone: away with it. */
void graft_table_sweep(struct graft_table *t);

/* One is to be settled (0: all). */
void graft_table_look(struct graft_table *t, uint32_t ifindex);
/* Settle those: each gets the programs, or gets them back, or is told of in the log. */
void graft_table_settle(struct graft_table *t);
/* Forget all of it; the programs stay. */
void graft_table_close(struct graft_table *t);

#endif
