/* SPDX-License-Identifier: BSD-2-Clause */
/* pump.h — one direction of a join: from one socket to another, until one of them makes it stop
 *
 *   in ──take──▶ [ held ] ──give──▶ out
 *
 * Kept true between calls:
 *   held is not empty only if `out` was full: then wait for room on `out`, and do not read `in`
 *   a run is taken only when held is empty, and given completely before the next is taken
 *   FLOW_END and FLOW_IN_BROKEN are said only when everything taken has been given
 * The urgent byte, once taken, waits in `urgent` and goes before anything that came after it.
 */
#ifndef ENGINE_PUMP_H
#define ENGINE_PUMP_H

#include "engine/engine.h"

struct way {
	struct source src;
	int out;
	int urgent; /* the urgent byte that could not be sent yet, or -1 */
	struct run held;
	uint32_t lent;  /* bytes that went to `out` and are in `in` still, see lend.h */
	uint64_t taken; /* bytes out of `in`, or lent */
	uint64_t moved[SHUNT_ENGINES]; /* bytes into `out`, by engine */
	uint32_t urgents;              /* urgent bytes met */
	/* If set, told of n bytes that were taken, before any of them is sent. `held` may be elsewhere afterwards, or,
	 * if its bytes were lost, empty. */
	void (*tell)(struct way *w, uint32_t n);
	void *told; /* whoever is told */
	int side;   /* and of which way, for him */
};

enum flow {
	FLOW_DRY,        /* nothing to take now */
	FLOW_FULL,       /* `out` takes no more now */
	FLOW_TURN,       /* there may be more, but it is others' turn */
	FLOW_END,        /* `in` has ended, all of it is out */
	FLOW_IN_BROKEN,  /* *error on `in`, all that came before is out */
	FLOW_OUT_BROKEN, /* *error on `out` */
	FLOW_NO_MEMORY   /* nothing could be taken for want of memory; try later */
};

/* What a failure of `in`, or of `out`, says: -errno becomes a flow, and *error where it is broken. */
enum flow flow_of_input(ssize_t failure, int *error);
enum flow flow_of_output(ssize_t failure, int *error);

void way_init(struct way *w, int in, int out);
enum flow pump(struct kit *k, const struct engine *e, struct way *w, int *error);
/* Send what is held, take nothing. FLOW_DRY: nothing is held any more. */
enum flow pump_out(struct kit *k, struct way *w, int *error);
/* Take what was lent: before anything else is done with `in`; pump does. 0, or -errno: some is there still. */
int way_take(struct way *w);
void way_drop(struct kit *k, struct way *w);

#endif
