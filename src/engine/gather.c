/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/gather.h"

#include <fcntl.h>
#include <string.h>

#include "base/sys.h"

enum { SPARSE = 4, LITTLE = 16 * 1024 };

size_t gather_footprint(const struct run *r)
{
	if (r->where == RUN_BLOCK)
		return r->block->size;
	if (r->where == RUN_PIPE)
		return r->length > r->pipe.room ? r->length : r->pipe.room;
	return 0;
}

static ssize_t some_into_pipe(struct run *to, const struct run *from, size_t n)
{
	if (from->where == RUN_BLOCK)
		return sys_write(to->pipe.wr, from->block->bytes + from->at, n);
	return sys_splice(from->pipe.rd, to->pipe.wr, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

/* Until all went over or no slot is left. */
static ssize_t into_pipe(struct kit *k, struct run *to, struct run *from, size_t n)
{
	size_t moved = 0;

	while (moved < n) {
		ssize_t some = some_into_pipe(to, from, n - moved);

		if (some == -EAGAIN || (some <= 0 && moved > 0))
			break;
		if (some <= 0)
			return some == 0 ? -EIO : some;
		moved += (size_t)some;
		to->length += (size_t)some;
		run_advance(k, from, (size_t)some);
	}
	return (ssize_t)moved;
}

/* A block that was made to measure has no room behind its bytes: they move to a common one. */
static int make_space(struct kit *k, struct run *to, size_t n)
{
	if (to->block->size - to->at - to->length >= n || to->length >= k->blocks.unit)
		return 0;
	struct block *b = block_take(&k->blocks, k->blocks.unit);

	if (!b)
		return -ENOMEM;
	memcpy(b->bytes, to->block->bytes + to->at, to->length);
	block_put(&k->blocks, to->block);
	to->block = b;
	to->at = 0;
	return 0;
}

/* Behind the bytes of a block nobody reads, though others may share what is before. A pipe with much in it is
 * worth more than the copy. */
static ssize_t into_block(struct kit *k, struct run *to, struct run *from, size_t n)
{
	if (from->where == RUN_PIPE && from->length > LITTLE)
		return 0;
	int failed = make_space(k, to, n);
	size_t space = to->block->size - to->at - to->length;

	if (failed)
		return failed;
	if (n > space)
		n = space;
	if (n == 0)
		return 0;
	failed = run_read(k, from, to->block->bytes + to->at + to->length, n);
	if (failed)
		return failed;
	to->length += n;
	return (ssize_t)n;
}

ssize_t gather(struct kit *k, struct run *to, struct run *from, size_t n)
{
	size_t left = to->length < k->unit ? k->unit - to->length : 0;

	if (n > from->length)
		n = from->length;
	if (n > left)
		n = left;
	if (n == 0)
		return 0;
	if (to->where == RUN_BLOCK)
		return into_block(k, to, from, n);
	ssize_t moved = into_pipe(k, to, from, n);

	if (moved < 0 || (size_t)moved == n || to->length >= to->pipe.room / SPARSE)
		return moved;
	if (run_fold(k, to) < 0)
		return moved;
	ssize_t more = into_block(k, to, from, n - (size_t)moved);

	return more > 0 ? moved + more : moved;
}
