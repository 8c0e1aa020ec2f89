/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_kernel.h — the kernel's half of grafts: programs and maps, loaded or found pinned
 *
 *   BPFFS/shunt/v1-NETNS-FIRST-LAST/    one folder for each range of ports; NETNS is the namespace's
 *     t4 t6 slots events counts devices ports            cookie. Maps outlive who made them, pinned
 *     in out                                             programs
 *     link-in-IFINDEX link-out-IFINDEX                   TCX links; clsact filters need no pin
 *
 * Who opens the folder first makes all of it; who comes later, after a crash say, finds the maps with
 * all grafts in them, loads programs of its own on the same maps, and puts them in place of the old
 * ones. One process at a time: an abstract Unix socket is bound while the folder is in use, and the
 * kernel lets go of it when the process dies. A range that overlaps with another one's is refused.
 */
#ifndef ENGINE_GRAFT_KERNEL_H
#define ENGINE_GRAFT_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/graft_map.h"

#define GRAFT_BPFFS "/sys/fs/bpf"

struct graft_kernel {
	char dir[256];
	int lock;    /* the abstract socket */
	int in, out; /* programs */
	int t4, t6, slots_fd, events, counts, devices, ports_fd;
	struct graft_slot *slot; /* mapped, `slots` of them */
	uint32_t slots;
	uint8_t *strip; /* mapped: enum graft_strip for each of GRAFT_PORTS ports */
	bool found;     /* the maps were there before: there may be grafts in them */
};

/* Open the folder for ports first…last below bpffs (NULL: GRAFT_BPFFS), with room for `slots` grafts
 * when it is new. 0, or -errno with the problem and its remedy in words: -EPERM, -ENOENT (no bpffs, no
 * BTF), -EADDRINUSE (another process has it, or a range that overlaps), -EPROTO (another layout), ... */
int graft_kernel_open(struct graft_kernel *k, const char *bpffs, uint16_t first, uint16_t last,
		      uint32_t slots, char *problem, size_t size);
/* Let go of everything; what is pinned, and attached, goes on. */
void graft_kernel_close(struct graft_kernel *k);
/* Undo everything that open made in the kernel (after graft_devices_detach): pins, folders. */
void graft_kernel_remove(struct graft_kernel *k);

/* What graft_kernel_open would say, without leaving anything behind: 0 or -errno. */
int graft_kernel_probe(const char *bpffs, char *problem, size_t size);

/* The folders of this network namespace, one after the other, whether in use or not: first, last, and
 * pid of who uses it (0: nobody). Returns how many there are, at most `most` are filled in. */
struct graft_folder {
	char dir[256];
	uint16_t first, last;
	pid_t user;
};
int graft_kernel_folders(const char *bpffs, struct graft_folder *f, int most);
/* Open one for reading (status, list), without its lock. close as usual. */
int graft_kernel_look(struct graft_kernel *k, const char *dir, char *problem, size_t size);
/* Take one with its lock to remove it: -EADDRINUSE: it is in use. */
int graft_kernel_take(struct graft_kernel *k, const char *dir, char *problem, size_t size);

/* Counts of all CPUs together. */
int graft_kernel_counts(const struct graft_kernel *k, uint64_t counts[GC_COUNTS]);

#endif
