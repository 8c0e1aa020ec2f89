/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_pins.h — what is open of a folder, and what is pinned in it */
#ifndef ENGINE_GRAFT_PINS_H
#define ENGINE_GRAFT_PINS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/graft_folder.h"
#include "engine/graft_load.h"
#include "engine/graft_map.h"

struct graft_kernel {
	char dir[GRAFT_PATH];
	int lock;       /* graft_folder_lock; -1: only looked at */
	int program[2]; /* by enum graft_way; -1 when only looked at or taken */
	uint32_t id[2];
	int t4, t6, slots_fd, events, counts, devices, ports_fd, declines_fd;
	int notes;               /* graft_note */
	struct graft_slot *slot; /* mapped, `slots` of them; NULL: the folder is not whole */
	uint32_t slots;
	uint8_t *strip;     /* mapped: enum graft_strip for each of GRAFT_PORTS ports */
	uint64_t *declined; /* mapped: counts by enum graft_decline */
	bool found;         /* the maps were there before: there may be grafts in them */
	uint16_t first, last;
};

/* Nothing is open. */
void graft_pins_clear(struct graft_kernel *k);
/* Everything is closed, the lock last, and k is clear. */
void graft_pins_close(struct graft_kernel *k);

/* Where the descriptor of a map is kept. */
int *graft_pins_fd(struct graft_kernel *k, enum graft_map m);
/* Open all maps of k->dir. 0; -ENOENT: one is missing; -errno. None is open then. */
int graft_pins_find(struct graft_kernel *k);
/* slot, strip and declined become memory, to be read or written as well. 0; -EPROTO: the maps are not as our
 * programs know them; -errno. */
int graft_pins_map(struct graft_kernel *k, bool write);
void graft_pins_unmap(struct graft_kernel *k);

/* Pin all maps; both programs. 0 or -errno. */
int graft_pins_put_maps(struct graft_kernel *k);
int graft_pins_put_programs(const struct graft_kernel *k);
/* "in-" and "out-": what the name of a program's pin begins with; its number follows. */
const char *graft_pins_prefix(enum graft_way way);
/* How many programs are pinned in a folder. */
unsigned graft_pins_programs(const char *dir);

#endif
