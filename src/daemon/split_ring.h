/* SPDX-License-Identifier: BSD-2-Clause */
/* split_ring.h — the stream as it is held: the last arrivals, in order
 *
 *        start                       live    ready  end      offsets in the stream
 *          │  chunk   │   chunk   │    │ chunk │····│
 *          ▼──────────┴───────────┴────▼───────▼────▼
 *
 * A chunk is a held buffer. The newest one is as it arrived, so that all who are at the live point get it
 * whole; when the next arrives, it is put behind the chunk before it (shunt_pack), or let go if nobody
 * needs it. With packets of a known size `ready` is the last border: what lies behind it, a part of a
 * packet, waits for the rest, and lies alone in the last chunk when that comes.
 *
 * Offsets are counted from the first source's first byte on and never go back. Each source has an
 * origin, from which its packets are counted. What is held is counted as memory (shunt_footprint).
 */
#ifndef DAEMON_SPLIT_RING_H
#define DAEMON_SPLIT_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shunt.h"

struct split_chunk {
	struct shunt_buf *buf;
	uint64_t at;   /* where its first byte lies in the stream */
	size_t length; /* less than the buffer's when a part of a packet was given up */
	uint64_t origin;
	size_t footprint;
};

struct split_ring {
	struct split_chunk *chunk;
	unsigned room, first, count;
	size_t limit; /* of memory */
	size_t unit;  /* the most that may arrive at once */
	size_t align;
	size_t footprint;
	uint64_t live;  /* `ready` before the last arrival */
	uint64_t ready; /* so far it may be sent */
	uint64_t end, origin;
};

/* 0, -ENOMEM. limit is at least three units. */
int split_ring_open(struct split_ring *r, size_t limit, size_t unit, size_t align);
void split_ring_close(struct split_ring *r);

/* What comes now is a new source's, or comes after a gap: its first byte lies at `at`, `ready` or beyond. */
void split_ring_begin(struct split_ring *r, uint64_t at);

/* Nobody needs what lies before `needed`: let it go, and put the newest chunk in its place. */
void split_ring_settle(struct split_ring *r, uint64_t needed);

/* An arrival. Takes a hold of its own. Before it, settle; after it, see that the ring is not over. */
void split_ring_add(struct split_ring *r, struct shunt_buf *buf);

/* Would the next arrival be one too many? Then the oldest chunk must go. */
bool split_ring_over(const struct split_ring *r);
/* The end of the oldest chunk; `ready` when there is none. */
uint64_t split_ring_oldest(const struct split_ring *r);
/* Let go of chunks that lie before `until`. */
void split_ring_release(struct split_ring *r, uint64_t until);

/* The chunk in which pos lies, or else the next one; NULL: there is none. */
const struct split_chunk *split_ring_find(const struct split_ring *r, uint64_t pos);

/* Where the next source's bytes begin, after this chunk; UINT64_MAX: there are none. */
uint64_t split_ring_stretch(const struct split_ring *r, const struct split_chunk *c);

/* Where a packet begins that is at most `back` bytes before `ready`, and held. */
uint64_t split_ring_before(const struct split_ring *r, size_t back);

/* The next border from pos on. */
uint64_t split_ring_border(const struct split_ring *r, uint64_t origin, uint64_t pos);

#endif
