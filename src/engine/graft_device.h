/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_device.h — the programs on every device: put there, watched, put back; and the ways out of grafts
 *
 * A device qualifies if it has Ethernet headers (Ethernet, loopback, veth, VLAN, bridge …). Where the
 * kernel has TCX (6.6) a pinned link, before all others (graft_tcx); otherwise a clsact filter of the
 * lowest priority (graft_clsact). Devices come and go, routes change, others put programs before ours:
 * rtnetlink tells of most of it, the rest is looked for.
 */
#ifndef ENGINE_GRAFT_DEVICE_H
#define ENGINE_GRAFT_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/graft_kernel.h"

struct graft_devices {
	struct graft_kernel *k;
	int netlink;     /* readable when something changed, or a pass over the routes is due */
	bool clsact;     /* TCX is not to be had, or not wanted */
	unsigned count;  /* devices that have both programs */
	uint64_t mended; /* times that a program had been missing or overtaken, and was put back */
	uint64_t moved;  /* sides of grafts that got another way out */
	/* more, private to graft_device.c */
	void *state;
};

enum graft_how { GRAFT_BEST, GRAFT_TCX, GRAFT_CLSACT };

/* Put the programs on all devices there are, and begin to watch. 0 or -errno with the problem; d needs
 * no closing then. A device that cannot have them is told of in the log, and no graft leads through it. */
int graft_devices_open(struct graft_devices *d, struct graft_kernel *k, enum graft_how how,
		       char *problem, size_t size);
/* The netlink descriptor is readable: follow what happened. Tells in the log what was mended. Grafts
 * whose way out has changed get the new one (slot->side[].ifindex, hop): all GRAFTED and CLOSED slots
 * are looked through when routes, addresses or links changed, at most once in 100 ms. */
void graft_devices_follow(struct graft_devices *d);
/* Look whether every program is still there and comes first (once a second). */
void graft_devices_check(struct graft_devices *d);
/* Stop watching; the programs stay. */
void graft_devices_close(struct graft_devices *d);
/* Take all programs of this folder off, TCX and clsact alike, also those that an earlier process put
 * there; a clsact qdisc that we added and nobody else uses goes too. Works on a kernel half opened by
 * graft_kernel_take as well. Returns how many were taken off, or -errno. */
int graft_devices_detach(struct graft_kernel *k);
/* How many devices have them (by asking the kernel): for status. Or -errno. */
int graft_devices_attached(const struct graft_kernel *k);
/* The same; `tell` hears of each of them, and whether it has them by clsact filters. */
int graft_devices_each(const struct graft_kernel *k,
		       void (*tell)(void *to, uint32_t ifindex, bool clsact), void *to);
/* Has this kernel TCX? Asking needs CAP_NET_ADMIN: without it, no. */
bool graft_devices_tcx(void);

#endif
