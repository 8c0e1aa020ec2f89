/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_tcx.h — programs on a device by TCX links (Linux 6.6): pinned, and before all others */
#ifndef ENGINE_GRAFT_TCX_H
#define ENGINE_GRAFT_TCX_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/graft_kernel.h"

/* What graft_tcx_settle and graft_clsact_settle found, and did about it. */
enum graft_hook {
	HOOK_FINE,    /* it is there, and comes first */
	HOOK_PUT,     /* it was not there: put there, first */
	HOOK_RENEWED, /* one of an earlier process of ours was there: replaced in its place */
	HOOK_MOVED,   /* others had come before it: it is first again */
	HOOK_BEHIND,  /* others are before it, and it may not be moved now */
	HOOK_RELOAD,  /* others are before it, and only a program loaded anew can pass them */
};

bool graft_tcx_works(uint32_t ifindex);
/* See that k's program is on the device, once, and before all but those of other shunts. enum
 * graft_hook or -errno. */
int graft_tcx_settle(const struct graft_kernel *k, uint32_t ifindex, enum graft_way way,
		     bool may_move);
/* Is one of the folder's there? */
bool graft_tcx_has(const struct graft_kernel *k, uint32_t ifindex, enum graft_way way);
/* Take it off, with its pin. True: there was one. */
bool graft_tcx_off(const struct graft_kernel *k, uint32_t ifindex, enum graft_way way);
/* Take off all that are pinned and whose device `keep` does not want. How many. */
unsigned graft_tcx_sweep(const struct graft_kernel *k, bool (*keep)(void *to, uint32_t ifindex),
			 void *to);

#endif
