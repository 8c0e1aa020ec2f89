/* SPDX-License-Identifier: BSD-2-Clause */
/* model.h — what the program should do, told a second time and in another way
 *
 * Plain C over bytes; sums are made from scratch over the whole packet, not from differences, and
 * nothing is taken from the program but the layout of a slot. Sockets it has none: an ARMED pair is
 * never cut here.
 */
#ifndef GRAFT_MODEL_H
#define GRAFT_MODEL_H

#include "engine/graft_map.h"
#include "wire.h"

enum { MODEL_SLOTS = 4, MODEL_EVENTS = 16, VERDICT_NEXT = -1, VERDICT_DROP = 2, VERDICT_SENT = 7 };

/* In a field of the slot that holds a time: it should have become the time of this packet. */
#define MODEL_NOW UINT64_MAX

struct model {
	struct graft_slot slot[MODEL_SLOTS];
	bool listed[MODEL_SLOTS][2]; /* the tuple of this side is in the map */
	uint64_t counts[GC_COUNTS];  /* by the last packet */
	struct graft_event event[MODEL_EVENTS];
	unsigned events; /* by the last packet */
	uint8_t strip[65536];
};

/* The tuple of packets from peer x of slot i. */
struct tuple model_tuple(const struct model *m, unsigned i, unsigned x);

/* w comes in; it is changed as the program should change it. Returns the verdict. */
int model_in(struct model *m, struct wire *w);
/* w goes out. */
int model_out(struct model *m, struct wire *w);

#endif
