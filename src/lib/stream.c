/* SPDX-License-Identifier: BSD-2-Clause */
/* stream.c — pieces go out in order, each started when its turn comes
 *
 * Starting a piece decides how its bytes leave. The last one who refers to a whole buffer takes over
 * its run as it is. Anybody else gets references to the same bytes: a count for memory, tee(2) into a
 * pipe of his own for bytes in a pipe. What the socket did not take stays in the piece's run.
 *
 * A tap gets references to all that is about to leave, as pieces that have been started already. Little
 * that has to wait there is copied instead: a pipe for each small piece would be dear.
 */
#include "lib/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "lib/buf.h"

void stream_init(struct stream *st)
{
	list_init(&st->pieces);
	st->queued = 0;
}

static struct piece *piece_new(struct shunt_end *e, size_t len)
{
	struct piece *p = sys_alloc(sizeof(*p));

	if (!p)
		return NULL;
	p->len = len;
	list_add_tail(&e->out.pieces, &p->in);
	e->out.queued += len;
	if (e->out.queued > e->s->queue_limit / 2)
		e->facts |= F_OVER;
	return p;
}

static void piece_free(struct shunt_end *e, struct piece *p)
{
	list_remove(&p->in);
	e->out.queued -= p->started ? p->run.length : p->len;
	run_drop(&e->s->kit, &p->run);
	if (p->buf && !p->started)
		p->buf->waiting--;
	if (p->buf)
		buf_unref(p->buf);
	free(p);
}

int stream_add(struct shunt_end *e, struct shunt_buf *b, size_t off, size_t len)
{
	struct piece *p = piece_new(e, len);

	if (!p)
		return -ENOMEM;
	p->buf = buf_ref(b);
	p->buf->waiting++;
	p->off = off;
	return 0;
}

int stream_add_bytes(struct shunt_end *e, const void *bytes, size_t len)
{
	struct block *block = block_take(&e->s->kit.blocks, len);
	struct piece *p = block ? piece_new(e, len) : NULL;

	if (!p) {
		block_put(&e->s->kit.blocks, block);
		return -ENOMEM;
	}
	memcpy(block->bytes, bytes, len);
	p->started = true;
	p->run = (struct run){ .where = RUN_BLOCK, .length = len, .block = block };
	return 0;
}

/* -- taps -- */

enum { LITTLE = 64 * 1024 };

/* What is left of a piece under way goes to this tap too, even if one before it has had all of it. */
void stream_tap(struct shunt_end *e, struct shunt_end *copy, size_t most)
{
	struct list *first = list_first(&e->out.pieces);

	if (first)
		list_of(first, struct piece, in)->copied = false;
	e->tap = copy;
	e->tap_most = most;
	copy->tapped = e;
}

void stream_untap(struct shunt_end *e)
{
	if (e->tap)
		e->tap->tapped = NULL;
	if (e->tapped)
		e->tapped->tap = NULL;
	e->tap = e->tapped = NULL;
}

/* It is told by its own end's turn: whoever calls is in the middle of another's. */
static void break_tap(struct shunt_end *e, int error)
{
	struct shunt_end *copy = e->tap;

	stream_untap(copy);
	end_lost(copy, error);
}

/* The tap that takes so many bytes more. One that can't breaks, one that is over is let go of: NULL. */
static struct shunt_end *tap_for(struct shunt_end *e, size_t length)
{
	struct shunt_end *copy = e->tap;

	if (!copy || length == 0)
		return NULL;
	if (end_is(copy, F_HURT | F_BROKEN | F_GONE | F_FINISH)) {
		stream_untap(copy);
		return NULL;
	}
	if (length > e->tap_most || copy->out.queued > e->tap_most - length) {
		break_tap(e, EOVERFLOW);
		return NULL;
	}
	return copy;
}

void stream_copy(struct shunt_end *e, struct run *r)
{
	struct shunt_end *copy = tap_for(e, r->length);
	struct kit *k = &e->s->kit;
	struct run mine = { .where = RUN_NOWHERE };

	if (!copy)
		return;
	int failed = run_share(k, r, 0, r->length, &mine);

	if (!failed && mine.length < LITTLE && !stream_empty(copy))
		failed = run_fold(k, &mine);
	struct piece *p = failed ? NULL : piece_new(copy, mine.length);

	if (!p) {
		run_drop(k, &mine);
		break_tap(e, failed ? -failed : ENOMEM);
		return;
	}
	run_trim(k, &mine);
	p->run = mine;
	p->started = true;
	end_touch(copy);
}

void stream_copy_byte(struct shunt_end *e, unsigned char byte)
{
	struct shunt_end *copy = tap_for(e, 1);

	if (!copy)
		return;
	int r = stream_add_bytes(copy, &byte, 1);

	if (r < 0)
		break_tap(e, -r);
	else
		end_touch(copy);
}

/* -- pieces leave -- */

static int piece_start(struct shunt_end *e, struct piece *p)
{
	struct shunt_buf *b = p->buf;
	int r = buf_lift(b);

	if (r < 0)
		return r;
	if (b->refs == 1 && p->off == 0 && p->len == b->length) {
		p->run = b->run;
		b->run = (struct run){ .where = RUN_NOWHERE };
	} else {
		r = run_share(&e->s->kit, &b->run, p->off, p->len, &p->run);
	}
	p->started = r == 0;
	if (p->started)
		b->waiting--;
	return r;
}

/* Send one piece on its way. 0: it is gone. */
static int piece_send(struct shunt_end *e, struct piece *p, bool more)
{
	struct kit *k = &e->s->kit;
	int r = p->started ? 0 : piece_start(e, p);

	if (r == 0 && e->tap && !p->copied) {
		size_t length = p->run.length;

		stream_copy(e, &p->run);
		p->copied = true;
		if (p->run.length != length)
			return -EIO;
	}
	while (r == 0 && p->run.where != RUN_NOWHERE) {
		uint32_t refused = k->splice_refused;
		ssize_t n = run_give(k, &p->run, e->src.fd, e->stat.moved, more);

		e->stat.splice_refused += k->splice_refused - refused;
		if (n < 0)
			return (int)n;
		e->out.queued -= (size_t)n;
		e->stat.out += (uint64_t)n;
		e->last = e->s->now;
	}
	return r;
}

void stream_tell_room(struct shunt_end *e)
{
	if (end_is(e, F_OVER) && e->out.queued <= e->s->queue_limit / 2) {
		e->facts &= (uint16_t)~F_OVER;
		end_tell(e, SHUNT_ROOM);
	}
}

int stream_flush(struct shunt_end *e)
{
	struct list *n;

	while ((n = list_first(&e->out.pieces))) {
		struct piece *p = list_of(n, struct piece, in);
		int r = piece_send(e, p, n->next != &e->out.pieces);

		if (r == -EAGAIN) {
			run_trim(&e->s->kit, &p->run);
			e->facts |= F_FULL;
			stream_tell_room(e);
			return 0;
		}
		if (r < 0)
			return r;
		piece_free(e, p);
	}
	e->facts &= (uint16_t)~F_FULL;
	stream_tell_room(e);
	return 0;
}

int stream_cut(struct shunt_end *e, size_t keep)
{
	struct list *n, *next;

	if (keep < e->out.queued && end_is(e, F_FULL))
		e->facts |= F_OVER; /* tell when it takes bytes again */
	list_each_safe(n, next, &e->out.pieces) {
		struct piece *p = list_of(n, struct piece, in);
		size_t length = p->started ? p->run.length : p->len;

		if (keep >= length) {
			keep -= length;
			continue;
		}
		if (keep == 0) {
			piece_free(e, p);
			continue;
		}
		int r = p->started ? run_cut(&e->s->kit, &p->run, keep) : 0;

		if (r < 0)
			return r;
		if (!p->started)
			p->len = keep;
		e->out.queued -= length - keep;
		keep = 0;
	}
	return 0;
}

void stream_drop(struct shunt_end *e)
{
	struct list *n;

	while ((n = list_first(&e->out.pieces)))
		piece_free(e, list_of(n, struct piece, in));
	e->facts &= (uint16_t)~F_OVER;
}
