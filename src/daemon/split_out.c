/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/split_out.h"

#include <errno.h>

/* A rest of a packet may still be queued behind one that waits; more may not. */
size_t split_out_queue_limit(size_t align)
{
	return 2 * align;
}

void split_out_start(struct split_out *o, uint64_t pos)
{
	o->start = o->pos = pos;
	o->last = UINT64_MAX;
	o->skipping = o->stuck = false;
}

static size_t queued(const struct split_out *o, const struct shunt *s)
{
	struct shunt_stat stat;

	return shunt_stat(s, o->end, &stat) == 0 ? stat.queued : 0;
}

/* What was queued before the stream began, as an HTTP head, is none of it. */
uint64_t split_out_sent(const struct split_out *o, const struct shunt *s)
{
	uint64_t waiting = queued(o, s);

	return waiting > o->pos - o->start ? o->start : o->pos - waiting;
}

static void jump(struct split_out *o, uint64_t pos)
{
	o->skipped += pos - o->pos;
	o->start = o->pos = pos;
	o->skipping = o->stuck = false;
}

/* One piece, up to `until`. */
static int queue(struct split_out *o, const struct split_ring *r, uint64_t until)
{
	const struct split_chunk *c = split_ring_find(r, o->pos);

	if (!c)
		return -EAGAIN;
	if (c->at > o->pos) { /* it is gone, or never came */
		o->skips++;
		jump(o, c->at);
		return o->whole ? -EAGAIN : 0;
	}
	uint64_t end = c->at + c->length < until ? c->at + c->length : until;

	if (end <= o->pos)
		return -EAGAIN;
	size_t off = (size_t)(o->pos - c->at), length = (size_t)(end - o->pos);
	int failed = shunt_queue(o->end, c->buf, off, length);

	if (failed == -EINVAL) { /* what lay in its pipe was lost */
		o->skips++;
		jump(o, end);
		return o->whole ? -EAGAIN : 0;
	}
	if (failed == 0)
		o->pos = end;
	return failed;
}

void split_out_feed(struct split_out *o, const struct shunt *s, const struct split_ring *r)
{
	if (!o->end)
		return;
	if (o->skipping && (o->stuck || queued(o, s) > 0))
		return;
	if (o->skipping) {
		const struct split_chunk *c = split_ring_find(r, r->live);

		jump(o, c && c->at > r->live ? r->ready : r->live);
	}
	uint64_t until = r->ready < o->last ? r->ready : o->last;

	while (o->pos < until && queue(o, r, until) == 0)
		;
}

void split_out_skip(struct split_out *o, const struct shunt *s, const struct split_ring *r)
{
	uint64_t sent = split_out_sent(o, s), border = sent;
	const struct split_chunk *c = split_ring_find(r, sent);
	size_t waiting = queued(o, s), ours = (size_t)(o->pos - sent);

	if (o->skipping)
		return;
	if (c && c->at <= sent && sent > o->start)
		border = split_ring_border(r, c->origin, sent);
	size_t rest = (size_t)(border - sent), keep = waiting - ours + (rest < ours ? rest : ours);

	if (keep < waiting)
		shunt_cut(o->end, keep); /* without memory it sends more than it must */
	if (o->pos > border)
		o->pos = border;
	while (o->pos < border && queue(o, r, border) == 0)
		;
	o->skips++;
	o->skipping = true;
	o->stuck = keep == 0 && o->pos == border && rest <= ours;
}
