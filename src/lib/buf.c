/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/buf.h"

#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "engine/urgent.h"
#include "engine/window.h"

static struct shunt_buf *buf_new(struct shunt_end *e)
{
	struct shunt_buf *b = sys_alloc(sizeof(*b));

	if (!b)
		return NULL;
	b->s = e->s;
	b->end = e;
	b->refs = 1;
	list_init(&b->handed);
	list_add_tail(&e->s->bufs, &b->all);
	return b;
}

static void buf_free(struct shunt_buf *b)
{
	struct kit *k = &b->s->kit;

	list_remove(&b->all);
	list_remove(&b->handed);
	run_drop(k, &b->run);
	if (b->look)
		block_put(&k->blocks, b->look);
	free(b);
}

void buf_low_water(struct shunt_end *e, size_t bytes)
{
	if (e->kind != END_TCP || (bytes <= 1 && !end_is(e, F_LOWAT)))
		return;
	if (bytes > INT32_MAX)
		bytes = INT32_MAX;
	if (sys_setsockopt(e->src.fd, SOL_SOCKET, SO_RCVLOWAT, (int)bytes) < 0)
		return; /* then we are woken more often than needed, and nothing else */
	if (bytes > 1)
		e->facts |= F_LOWAT;
	else
		e->facts &= (uint16_t)~F_LOWAT;
}

/* The head, seen in place. Short of what was asked for and with more to come, we wait on: a socket
 * without a low-water mark wakes us at every arrival. */
static ssize_t peek(struct shunt_end *e, struct run *head)
{
	struct kit *k = &e->s->kit;
	struct block *b = block_take(&k->blocks, e->want > BLOCK_UNIT ? e->want : BLOCK_UNIT);

	if (!b)
		return -ENOMEM;
	ssize_t n = sys_recv(e->src.fd, b->bytes, e->want, MSG_PEEK);
	bool wait_on = n > 0 && (size_t)n < e->want && end_is(e, F_MORE) && end_is(e, F_EDGE) &&
		       !e->src.ending;

	if (n <= 0 || wait_on) {
		block_put(&k->blocks, b);
		return wait_on ? -EAGAIN : n;
	}
	*head = (struct run){ .where = RUN_BLOCK, .length = (size_t)n, .block = b };
	run_trim(k, head);
	k->viewed += (uint64_t)n;
	e->stat.viewed += (uint64_t)n;
	return n;
}

/* How much may arrive at once: a unit, or what is missing to the limit of what may be outstanding. */
static size_t room(const struct shunt_end *e)
{
	size_t left = e->limit > e->stat.outstanding ? e->limit - e->stat.outstanding : 1;

	return left < e->s->kit.unit ? left : e->s->kit.unit;
}

static int arrive_head(struct shunt_end *e)
{
	struct run head = { .where = RUN_NOWHERE };

	ssize_t n = peek(e, &head);

	if (n <= 0)
		return (int)n;
	struct shunt_buf *b = buf_new(e);

	if (!b) {
		run_drop(&e->s->kit, &head);
		return -ENOMEM;
	}
	int waiting = (size_t)n == e->want ? sys_waiting(e->src.fd) : 0;
	size_t length = waiting > n ? (size_t)waiting : (size_t)n;

	if (length > room(e))
		length = (size_t)n > room(e) ? (size_t)n : room(e);
	b->lying = true;
	b->look = head.block;
	b->view = head.block->bytes;
	b->seen = (size_t)n;
	b->length = length;
	e->buf = b;
	e->facts &= (uint16_t)~F_MORE;
	return 1;
}

static int arrive_taken(struct shunt_end *e)
{
	struct kit *k = &e->s->kit;
	bool all = e->depth == SHUNT_ALL;
	struct shunt_buf *b = buf_new(e);

	if (!b)
		return -ENOMEM;
	ssize_t n =
		all ? copy_take(k, &e->src, &b->run, room(e) < BLOCK_UNIT ? room(e) : BLOCK_UNIT)
		    : e->s->engine->take(k, &e->src, &b->run, room(e));

	if (n <= 0) {
		buf_free(b);
		return (int)n;
	}
	run_trim(k, &b->run);
	b->length = (size_t)n;
	if (all) {
		b->view = b->run.block->bytes + b->run.at;
		b->seen = b->length;
		k->viewed += (uint64_t)n;
		e->stat.viewed += (uint64_t)n;
	}
	e->stat.in += (uint64_t)n;
	e->stat.outstanding += b->length;
	e->buf = b;
	window_note(k, &e->src, (size_t)n);
	return 1;
}

int buf_arrive(struct shunt_end *e)
{
	bool head = e->depth != SHUNT_NONE && e->depth != SHUNT_ALL;

	if (e->src.urgent && urgent_take(e->src.fd) >= 0) { /* no peek sees beyond it */
		e->src.urgent = false;
		e->stat.urgent++;
		e->s->kit.urgent++;
	}
	return head ? arrive_head(e) : arrive_taken(e);
}

/* The first n bytes in the socket's queue are not wanted (TCP throws them away itself; a Unix
 * socket must be read). */
static int skip(struct shunt_end *e, size_t n)
{
	struct kit *k = &e->s->kit;
	struct block *b = NULL;
	int failed = 0;

	if (e->kind != END_TCP && !(b = block_take(&k->blocks, BLOCK_UNIT)))
		return -ENOMEM;
	while (n > 0 && !failed) {
		size_t some = b && n > b->size ? b->size : n;
		ssize_t got = sys_recv(e->src.fd, b ? b->bytes : NULL, some, b ? 0 : MSG_TRUNC);

		if (got <= 0)
			failed = got == 0 ? -EPIPE : (int)got;
		else
			n -= (size_t)got;
	}
	block_put(&k->blocks, b);
	return failed;
}

/* Bytes of a socket to the end of a run that is already in memory. */
static int read_rest(struct shunt_end *e, struct run *r, size_t length)
{
	while (r->length < length) {
		ssize_t n = sys_recv(e->src.fd, r->block->bytes + r->length, length - r->length, 0);

		if (n <= 0)
			return n == 0 ? -EPIPE : (int)n;
		r->length += (size_t)n;
	}
	return 0;
}

/* The bytes are known to be there, but a pipe may not have slots for them all; then all of them
 * go into memory, for a buffer is one run. */
static int lift_run(struct shunt_end *e, struct shunt_buf *b)
{
	struct kit *k = &e->s->kit;
	ssize_t n = e->s->engine->take(k, &e->src, &b->run, b->length);

	if (n <= 0)
		return n == 0 ? -EPIPE : (int)n;
	if ((size_t)n == b->length)
		return 0;
	struct block *whole = block_take(&k->blocks, b->length);
	int failed = whole ? run_fold(k, &b->run) : -ENOMEM;

	if (failed) {
		block_put(&k->blocks, whole);
		return failed;
	}
	memcpy(whole->bytes, b->run.block->bytes + b->run.at, b->run.length);
	block_put(&k->blocks, b->run.block);
	b->run.block = whole;
	b->run.at = 0;
	return read_rest(e, &b->run, b->length);
}

int buf_lift(struct shunt_buf *b)
{
	struct shunt_end *e = b->end;
	int failed;

	if (!b->lying)
		return b->lost ? -EIO : 0;
	uint64_t taken = b->s->kit.taken;

	if (b->seen == b->length) {
		failed = skip(e, b->length);
		if (!failed)
			b->run = (struct run){ .where = RUN_BLOCK,
					       .length = b->length,
					       .block = block_ref(b->look) };
	} else {
		failed = lift_run(e, b);
	}
	if (failed == -EAGAIN) /* they had been there: not the caller's "later" */
		failed = -EIO;
	b->lying = false;
	b->lost = failed != 0;
	if (failed) {
		run_drop(&b->s->kit, &b->run);
		end_lost(e, -failed);
	}
	e->buf = NULL;
	e->want = e->depth;
	e->stat.in += b->length;
	e->stat.outstanding += b->length;
	e->s->kit.taken = taken + b->length;
	buf_low_water(e, 1);
	end_touch(e);
	return failed;
}

void buf_put_back(struct shunt_buf *b)
{
	b->lying = false;
	b->lost = true;
	b->end->buf = NULL;
	b->end = NULL;
}

struct shunt_buf *buf_ref(struct shunt_buf *b)
{
	b->refs++;
	return b;
}

void buf_unref(struct shunt_buf *b)
{
	struct shunt_end *e = b->end;

	if (--b->refs > 0)
		return;
	if (b->lying) { /* never sent: its bytes go nowhere */
		int failed = skip(e, b->length);

		e->buf = NULL;
		e->want = e->depth;
		e->stat.in += b->length;
		e->s->kit.taken += b->length;
		if (failed)
			end_lost(e, -failed);
		buf_low_water(e, 1);
	} else if (e) {
		e->stat.outstanding -= b->length;
		if (e->buf == b)
			e->buf = NULL;
	}
	if (e)
		end_touch(e);
	buf_free(b);
}

void buf_orphan_all(struct shunt_end *e)
{
	struct list *n;

	list_each(n, &e->s->bufs) {
		struct shunt_buf *b = list_of(n, struct shunt_buf, all);

		if (b->end != e)
			continue;
		if (b->lying) /* a failure is remembered in the buffer */
			buf_lift(b);
		b->end = NULL;
	}
	e->buf = NULL;
}
