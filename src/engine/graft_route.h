/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_route.h — the ways out of grafts follow the routes
 *
 * A graft has its way out from the route that its socket had at the cut, and nobody looks it up again
 * for a packet. So when routes change, the ways of all grafts are looked up, once for each destination,
 * as the kernel would for an unmarked packet of this machine. What has no way any more keeps the one it
 * had: it may come back.
 */
#ifndef ENGINE_GRAFT_ROUTE_H
#define ENGINE_GRAFT_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/graft_kernel.h"

/* Where a pass over all slots is. */
struct graft_route {
	uint32_t at;      /* the next slot; 0: it begins, or is over */
	uint64_t changed; /* sides that got another way, in all passes */
};

/* A part of a pass, until `until` (clock_ms) or a little longer; `rt` by rt_open(), `lo` the loopback
 * device's index. True: the pass is over. */
bool graft_route_part(struct graft_route *r, struct graft_kernel *k, int rt, uint32_t lo,
		      uint64_t until);

#endif
