/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_reserve.h — net.ipv4.ip_local_reserved_ports: what the kernel shall not choose from
 *
 * It is a list of this network namespace that others have their ranges in: those are left alone. What we
 * add is noted (graft_note), so that whoever detaches can give back that and no more.
 */
#ifndef ENGINE_GRAFT_RESERVE_H
#define ENGINE_GRAFT_RESERVE_H

#include <stddef.h>
#include <stdint.h>

/* Does the kernel keep its hands off first…last? It does when the range lies outside of
 * ip_local_port_range, or is in the list already (0), or is added to it now (1; also when it was added
 * by an earlier process of ours). Otherwise -EPERM, -EINVAL or what reading and writing the list gave,
 * with the problem and the remedy. */
int graft_reserve(uint16_t first, uint16_t last, int notes, char *problem, size_t size);

/* Take what is noted inside of first…last out of the list again. 0 or -errno (it stays noted). */
int graft_unreserve(uint16_t first, uint16_t last, int notes);

#endif
