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

#include <stdint.h>

#include "engine/graft_kernel.h"

/* Of all grafts; `rt` by rt_open(), `lo` the loopback device's index. How many sides changed. */
unsigned graft_route_all(struct graft_kernel *k, int rt, uint32_t lo);

#endif
