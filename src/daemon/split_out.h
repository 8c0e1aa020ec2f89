/* SPDX-License-Identifier: BSD-2-Clause */
/* split_out.h — an output that follows the ring at its own pace
 *
 * At most one chunk is queued on its end, and a little more: so a blocked output costs one pipe, and its
 * bytes are the ring's. Whoever is about to let go of what an output has not sent yet says so before:
 * it sends the rest of the packet it is in, and goes on at the live point when that has left.
 */
#ifndef DAEMON_SPLIT_OUT_H
#define DAEMON_SPLIT_OUT_H

#include "daemon/split_ring.h"

struct split_out {
	struct shunt_end *end;
	uint64_t start; /* where it began, or went on after a skip */
	uint64_t pos;   /* the next byte to be queued */
	uint64_t last;  /* where it ends; UINT64_MAX: nowhere */
	bool skipping;  /* what comes next is the live point */
	bool whole;     /* a gap ends the feeding, so that who feeds can tell of it first */
	bool stuck;     /* and its socket must have taken something before */
	uint64_t skips, skipped;
};

/* From pos on, without an end. */
void split_out_start(struct split_out *o, uint64_t pos);

/* Queue what there is. */
void split_out_feed(struct split_out *o, const struct shunt *s, const struct split_ring *r);

/* All of it is queued, up to its last byte. */
static inline bool split_out_is_over(const struct split_out *o)
{
	return o->pos >= o->last;
}

/* Bytes of the stream before this one have left. */
uint64_t split_out_sent(const struct split_out *o, const struct shunt *s);

/* What it has not sent yet is about to be let go: only the rest of its packet follows now. */
void split_out_skip(struct split_out *o, const struct shunt *s, const struct split_ring *r);

/* The queue_limit of a context for such outputs. */
size_t split_out_queue_limit(size_t align);

#endif
