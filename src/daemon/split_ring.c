/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/split_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"

enum { SPARE = 64 }; /* chunks that could not be put together */

static struct split_chunk *nth(const struct split_ring *r, unsigned i)
{
	return &r->chunk[(r->first + i) % r->room];
}

static uint64_t end_of(const struct split_chunk *c)
{
	return c->at + c->length;
}

static struct split_chunk *last_but(const struct split_ring *r, unsigned i)
{
	return r->count > i ? nth(r, r->count - 1 - i) : NULL;
}

int split_ring_open(struct split_ring *r, size_t limit, size_t unit, size_t align)
{
	unsigned room = (unsigned)(4 * limit / unit) + SPARE;

	*r = (struct split_ring){ .room = room, .limit = limit, .unit = unit, .align = align };
	r->chunk = sys_alloc(room * sizeof(*r->chunk));
	return r->chunk ? 0 : -ENOMEM;
}

/* An emptied pipe serves again, one with bytes in it does not. What somebody still waits for stays. */
static void drop(struct split_ring *r, struct split_chunk *c)
{
	r->footprint -= c->footprint;
	shunt_pack(NULL, c->buf, SIZE_MAX);
	shunt_release(c->buf);
	*c = (struct split_chunk){ .buf = NULL };
}

static void drop_last(struct split_ring *r)
{
	drop(r, last_but(r, 0));
	r->count--;
}

void split_ring_close(struct split_ring *r)
{
	while (r->count > 0)
		drop_last(r);
	free(r->chunk);
	r->chunk = NULL;
}

static void measure(struct split_ring *r, struct split_chunk *c)
{
	r->footprint -= c->footprint;
	c->footprint = shunt_footprint(c->buf);
	r->footprint += c->footprint;
}

void split_ring_release(struct split_ring *r, uint64_t until)
{
	while (r->count > 0 && end_of(nth(r, 0)) <= until) {
		drop(r, nth(r, 0));
		r->first = (r->first + 1) % r->room;
		r->count--;
	}
}

void split_ring_begin(struct split_ring *r, uint64_t at)
{
	struct split_chunk *c;

	while ((c = last_but(r, 0)) && end_of(c) > r->ready) {
		if (c->at >= r->ready)
			drop_last(r);
		else
			c->length = (size_t)(r->ready - c->at);
	}
	r->live = r->ready = r->end = r->origin = at;
}

/* Its buffer has nothing that does not count, so more may be put behind. */
static bool is_whole(const struct split_chunk *c)
{
	return c->length == shunt_length(c->buf);
}

/* The first n bytes of c are somewhere else now, or nowhere. */
static void took(struct split_ring *r, struct split_chunk *c, size_t n)
{
	c->at += n;
	c->length -= n;
	if (c->length == 0)
		drop_last(r);
	else
		measure(r, c);
}

void split_ring_settle(struct split_ring *r, uint64_t needed)
{
	split_ring_release(r, needed);
	struct split_chunk *c = last_but(r, 0), *before = last_but(r, 1);

	if (!c || !is_whole(c) || c->at >= r->ready)
		return;
	size_t n = (size_t)(r->ready - c->at);

	if (needed >= r->ready) { /* a part of a packet lies behind */
		if (shunt_pack(NULL, c->buf, n) == (ssize_t)n)
			took(r, c, n);
		return;
	}
	if (!before || !is_whole(before) || before->origin != c->origin || c->length >= r->unit / 2)
		return;
	ssize_t moved = shunt_pack(before->buf, c->buf, n);

	if (moved <= 0)
		return;
	before->length += (size_t)moved;
	measure(r, before);
	took(r, c, (size_t)moved);
}

/* Behind the beginning of its first packet, if that is all there is in the last chunk. */
static size_t complete(struct split_ring *r, struct shunt_buf *buf)
{
	struct split_chunk *c = last_but(r, 0);

	if (!c || c->at < r->ready || end_of(c) != r->end || !is_whole(c))
		return 0;
	ssize_t moved = shunt_pack(c->buf, buf, shunt_length(buf));

	if (moved <= 0)
		return 0;
	c->length += (size_t)moved;
	measure(r, c);
	return (size_t)moved;
}

void split_ring_add(struct split_ring *r, struct shunt_buf *buf)
{
	size_t moved = complete(r, buf), length = shunt_length(buf);

	if (r->count == r->room) /* see split_ring_over: not if the caller sees to it */
		split_ring_release(r, end_of(nth(r, 0)));
	if (length > 0) {
		struct split_chunk *c = nth(r, r->count++);

		shunt_hold(buf);
		*c = (struct split_chunk){
			.buf = buf, .at = r->end + moved, .length = length, .origin = r->origin
		};
		measure(r, c);
	}
	r->end += moved + length;
	r->live = r->ready;
	r->ready = r->end - (r->end - r->origin) % r->align;
}

bool split_ring_over(const struct split_ring *r)
{
	return r->footprint > r->limit - r->unit || r->count == r->room;
}

uint64_t split_ring_oldest(const struct split_ring *r)
{
	return r->count > 0 ? end_of(nth(r, 0)) : r->ready;
}

const struct split_chunk *split_ring_find(const struct split_ring *r, uint64_t pos)
{
	const struct split_chunk *found = NULL;

	for (unsigned i = r->count; i > 0 && end_of(nth(r, i - 1)) > pos; i--)
		found = nth(r, i - 1);
	return found;
}

uint64_t split_ring_stretch(const struct split_ring *r, const struct split_chunk *c)
{
	for (unsigned i = 0; i < r->count; i++)
		if (nth(r, i)->at > c->at && nth(r, i)->origin != c->origin)
			return nth(r, i)->at;
	return UINT64_MAX;
}

uint64_t split_ring_border(const struct split_ring *r, uint64_t origin, uint64_t pos)
{
	uint64_t over = (pos - origin) % r->align;

	return over ? pos + r->align - over : pos;
}

uint64_t split_ring_before(const struct split_ring *r, size_t back)
{
	uint64_t pos = r->ready > back ? r->ready - back : 0;
	const struct split_chunk *c = split_ring_find(r, pos), *next;

	if (back == 0 || !c)
		return r->ready;
	pos = split_ring_border(r, c->origin, pos > c->at ? pos : c->at);
	next = split_ring_find(r, pos);
	if (next && next->origin != c->origin) /* its packets are counted anew */
		pos = next->at;
	return pos < r->ready ? pos : r->ready;
}
