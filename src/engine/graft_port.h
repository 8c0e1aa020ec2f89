/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_port.h — ports that are the grafts' alone
 *
 * After the hand-over the kernel believes the port of our socket to be free. Nobody else may ever get
 * it while the graft lives, or his connection would be taken over by ours. So ports come from a range
 * that the kernel does not choose from (net.ipv4.ip_local_reserved_ports), and we count ourselves who
 * has which. All functions may be called by any thread.
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
	bool reserved; /* by us, and ours to give back */
	_Atomic uint32_t cursor;
	_Atomic uint64_t used[PORT_WORDS];
};

/* See that the kernel does not choose from first…last: the range lies outside of ip_local_port_range,
 * or is in ip_local_reserved_ports already, or is added to that now. 0, or -EADDRINUSE, -EPERM, -EINVAL
 * with the problem and the remedy ("sysctl -w net.ipv4.ip_local_reserved_ports=40000-49999"). */
int graft_ports_open(struct graft_ports *p, uint16_t first, uint16_t last, char *problem,
		     size_t size);
/* Was this range reserved by an earlier process of ours? Kept in a note beside the pins by the caller. */
/* Take what graft_ports_open added out of ip_local_reserved_ports again; other ranges stay. */
void graft_ports_unreserve(uint16_t first, uint16_t last);

/* A port that is not in use, round the range; 0: none. */
uint16_t graft_port_take(struct graft_ports *p);
/* Mark one as used (adoption). False: it was already. */
bool graft_port_mark(struct graft_ports *p, uint16_t port);
void graft_port_give(struct graft_ports *p, uint16_t port);
/* Ports in use. */
unsigned graft_ports_used(const struct graft_ports *p);

#endif
