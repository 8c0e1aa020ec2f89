/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_load.h — the programs and their maps go into the kernel */
#ifndef ENGINE_GRAFT_LOAD_H
#define ENGINE_GRAFT_LOAD_H

#include <stddef.h>
#include <stdint.h>

enum graft_way { GRAFT_IN, GRAFT_OUT };

/* The maps, in the order of their names here. */
#define GRAFT_MAPS(X)                                                                              \
	X(GM_T4, "t4")                                                                             \
	X(GM_T6, "t6")                                                                             \
	X(GM_SLOTS, "slots")                                                                       \
	X(GM_EVENTS, "events")                                                                     \
	X(GM_COUNTS, "counts")                                                                     \
	X(GM_DEVICES, "devices")                                                                   \
	X(GM_PORTS, "ports")                                                                       \
	X(GM_DECLINES, "declines")

enum graft_map {
#define GM_NAME(name, text) name,
	GRAFT_MAPS(GM_NAME)
#undef GM_NAME
		GM_COUNT
};
const char *graft_map_name(enum graft_map m);

/* Has this thread the rights, and the kernel what it takes? 0, -EPERM, -ENOENT (no BTF). */
int graft_load_may(char *problem, size_t size);

/* Load both programs, on the maps of map[]: where a descriptor is -1 the map is made, with room for
 * `slots`, and its descriptor put there. program[], id[] by enum graft_way; all descriptors are the
 * caller's. 0 or -errno: -EPROTO, a map is not as these programs know it. */
int graft_load(int map[GM_COUNT], int program[2], uint32_t id[2], uint32_t slots, char *problem,
	       size_t size);

/* Is the map as our programs know it? max_entries in *entries. -EPROTO: no. */
int graft_load_fits(int fd, enum graft_map m, uint32_t *entries);

#endif
