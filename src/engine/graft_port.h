/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_port.h — ports that are the grafts' alone
 *
 * After the hand-over the kernel believes the port of our socket to be free. Nobody else may ever get
 * it while the graft lives, or his connection would be taken over by ours. So ports come from a range
 * that the kernel does not choose from (graft_reserve), and we count ourselves who has which. All
 * functions may be called by any thread.
 */
#ifndef ENGINE_GRAFT_PORT_H
#define ENGINE_GRAFT_PORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PORT_WORDS = 65536 / 64 };

struct graft_ports {
	uint16_t first, last;
	bool reserved; /* by us, now or by an earlier process, and ours to give back */
	_Atomic uint32_t cursor;
	_Atomic uint64_t used[PORT_WORDS];
};

/* See that the kernel does not choose from first…last: graft_reserve, with `notes` (graft_kernel's, or
 * -1: nothing is remembered). 0, or -EPERM, -EINVAL, … with the problem and the remedy. */
int graft_ports_open(struct graft_ports *p, uint16_t first, uint16_t last, int notes, char *problem,
		     size_t size);

/* A port that is not in use, round the range; 0: none. */
uint16_t graft_port_take(struct graft_ports *p);
/* Mark one as used (adoption). False: it was already, or is not of the range. */
bool graft_port_mark(struct graft_ports *p, uint16_t port);
void graft_port_give(struct graft_ports *p, uint16_t port);
/* Ports in use. */
unsigned graft_ports_used(const struct graft_ports *p);

#endif
