/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_clsact.h — programs on a device by filters of its qdisc clsact, where there is no TCX
 *
 * Filters belong to the device and stay when their maker goes. Ours have the lowest priority number there
 * is, and a handle of their folder.
 */
#ifndef ENGINE_GRAFT_CLSACT_H
#define ENGINE_GRAFT_CLSACT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/graft_kernel.h"
#include "engine/graft_tcx.h" /* enum graft_hook */

/* As their namesakes of TCX; `rt` by rt_open(). The qdisc is added when there is none, and that is
 * noted. -EBUSY: there is another at its place; -EEXIST: one that is no BPF program has our priority. */
int graft_clsact_settle(const struct graft_kernel *k, int rt, uint32_t ifindex, enum graft_way way,
			bool may_move);
bool graft_clsact_has(const struct graft_kernel *k, int rt, uint32_t ifindex, enum graft_way way);
/* Both ways; the qdisc as well, when a shunt added it and nobody uses it. How many were taken off. */
int graft_clsact_off(const struct graft_kernel *k, int rt, uint32_t ifindex);

#endif
