/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_kernel.h — the kernel's half of grafts: programs and maps, loaded or found pinned
 *
 *   BPFFS/shunt/v2-NETNS-FIRST-LAST/    one folder for each range of ports (graft_folder)
 *     t4 t6 slots events counts devices ports declines            maps outlive who made them
 *     in-ID out-ID                                       programs, by their number in the kernel
 *     link-in-IFINDEX link-out-IFINDEX                   TCX links; clsact filters need no pin
 *
 * Who opens the folder first makes all of it; who comes later, after a crash say, finds the maps with
 * all grafts in them, loads programs of its own on the same maps, and puts them in place of the old
 * ones (graft_device). One process at a time; a range that overlaps with another one's is refused.
 */
#ifndef ENGINE_GRAFT_KERNEL_H
#define ENGINE_GRAFT_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/graft_pins.h"

/* Open the folder for ports first…last below bpffs (NULL: GRAFT_BPFFS), with room for `slots` grafts
 * when it is new. 0, or -errno with the problem and its remedy in words: -EPERM, -ENOENT (no bpffs, no
 * BTF), -EADDRINUSE (another process has it, or a range that overlaps), -EPROTO (another layout),
 * -ENOSYS (built without grafts), ... k needs no closing then. */
int graft_kernel_open(struct graft_kernel *k, const char *bpffs, uint16_t first, uint16_t last,
		      uint32_t slots, char *problem, size_t size);
/* Let go of everything; what is pinned, and attached, goes on. */
void graft_kernel_close(struct graft_kernel *k);
/* Undo everything that open made in the kernel (after graft_devices_detach): pins, folders. */
void graft_kernel_remove(struct graft_kernel *k);
/* Load the programs anew: the kernel does not take one program twice on one device, and a second one
 * is what it takes to come first again without a gap. The old ones stay pinned while they are in use. */
int graft_kernel_reload(struct graft_kernel *k, char *problem, size_t size);

/* What graft_kernel_open would say, without leaving anything behind: 0 or -errno. */
int graft_kernel_probe(const char *bpffs, char *problem, size_t size);

/* Open one of graft_folders() for reading (status, list), without its lock. close as usual. */
int graft_kernel_look(struct graft_kernel *k, const char *dir, char *problem, size_t size);
/* Take one with its lock to remove it, whole or not: -EADDRINUSE: it is in use. */
int graft_kernel_take(struct graft_kernel *k, const char *dir, char *problem, size_t size);

/* Is this one of the programs of k's folder? Also such as earlier processes loaded. */
bool graft_kernel_owns(const struct graft_kernel *k, enum graft_way way, uint32_t id);
/* Or of any folder of this namespace? They leave each other's packets alone. */
bool graft_kernel_kin(const struct graft_kernel *k, enum graft_way way, uint32_t id);
/* Let go of all programs but the present ones: no device has them any more. */
void graft_kernel_forget(const struct graft_kernel *k);

/* Slots that are not FREE. */
unsigned graft_kernel_grafts(const struct graft_kernel *k);
/* Counts of all CPUs together. */
int graft_kernel_counts(const struct graft_kernel *k, uint64_t counts[GC_COUNTS]);

/* "in" and "out" */
const char *graft_way_name(enum graft_way way);

#endif
