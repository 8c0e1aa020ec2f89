/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/run.h"

#include <fcntl.h>
#include <string.h>

#include "base/sys.h"

void kit_init(struct kit *k, size_t unit, size_t block_size)
{
	*k = (struct kit){ .unit = unit, .copy_below = COPY_BELOW, .null = -1 };
	pipe_pool_init(&k->pipes, unit);
	block_pool_init(&k->blocks, block_size);
}

void kit_free(struct kit *k)
{
	pipe_pool_free(&k->pipes);
	block_pool_free(&k->blocks);
	sys_close(k->null);
	k->null = -1;
}

void run_advance(struct kit *k, struct run *r, size_t n)
{
	r->length -= n;
	if (r->where == RUN_BLOCK)
		r->at += n;
	if (r->length == 0)
		run_drop(k, r);
}

static void count(struct kit *k, uint64_t moved[SHUNT_ENGINES], enum shunt_engine by, size_t n)
{
	moved[by] += n;
	k->moved[by] += n;
}

bool run_splice_refused(ssize_t error)
{
	return error == -EINVAL || error == -EPERM || error == -ENOSYS || error == -EOPNOTSUPP;
}

static ssize_t give_block(struct kit *k, struct run *r, int fd, uint64_t moved[], bool more)
{
	const unsigned char *bytes = r->block->bytes + r->at;
	ssize_t n = sys_send(fd, bytes, r->length, more ? MSG_MORE : 0);

	if (n == -ENOTSOCK) /* a pipe */
		n = sys_write(fd, bytes, r->length);
	if (n > 0) {
		count(k, moved, SHUNT_COPY, (size_t)n);
		run_advance(k, r, (size_t)n);
	}
	return n;
}

ssize_t run_give(struct kit *k, struct run *r, int fd, uint64_t moved[SHUNT_ENGINES], bool more)
{
	if (r->where == RUN_NOWHERE)
		return 0;
	if (r->where == RUN_BLOCK)
		return give_block(k, r, fd, moved, more);

	unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | (more ? SPLICE_F_MORE : 0);
	ssize_t n = sys_splice(r->pipe.rd, fd, r->length, flags);

	if (run_splice_refused(n)) {
		k->splice_refused++;
		int folded = run_fold(k, r);

		return folded < 0 ? folded : give_block(k, r, fd, moved, more);
	}
	if (n > 0) {
		count(k, moved, SHUNT_SPLICE, (size_t)n);
		run_advance(k, r, (size_t)n);
	}
	return n == 0 ? -EIO : n;
}

/* Read `n` bytes out of a pipe that has them. */
static int read_all(int fd, unsigned char *to, size_t n)
{
	while (n > 0) {
		ssize_t got = sys_read(fd, to, n);

		if (got <= 0)
			return got == 0 ? -EIO : (int)got;
		to += got;
		n -= (size_t)got;
	}
	return 0;
}

int run_read(struct kit *k, struct run *r, unsigned char *to, size_t n)
{
	int failed = 0;

	if (r->where == RUN_PIPE)
		failed = read_all(r->pipe.rd, to, n);
	else
		memcpy(to, r->block->bytes + r->at, n);
	if (failed)
		run_drop(k, r);
	else
		run_advance(k, r, n);
	return failed;
}

int run_cut(struct kit *k, struct run *r, size_t keep)
{
	if (keep >= r->length)
		return 0;
	struct block *b = keep ? block_take(&k->blocks, keep) : NULL;
	int failed = keep && !b ? -ENOMEM : 0;

	if (failed)
		return failed;
	if (keep)
		failed = run_read(k, r, b->bytes, keep);
	run_drop(k, r);
	if (failed)
		block_put(&k->blocks, b);
	else if (keep)
		*r = (struct run){ .where = RUN_BLOCK, .length = keep, .block = b };
	return failed;
}

int run_fold(struct kit *k, struct run *r)
{
	if (r->where != RUN_PIPE)
		return 0;
	struct block *b = block_take(&k->blocks, r->length);

	if (!b)
		return -ENOMEM;
	size_t length = r->length;
	int failed = read_all(r->pipe.rd, b->bytes, length);

	run_drop(k, r);
	if (failed) {
		block_put(&k->blocks, b);
		return failed;
	}
	*r = (struct run){ .where = RUN_BLOCK, .length = length, .block = b };
	return 0;
}

/* Throw away the first n bytes of a pipe: there is no offset in tee(2). */
static int discard(struct kit *k, int rd, size_t n)
{
	if (k->null < 0 && n > 0)
		k->null = sys_open_null();
	if (k->null < 0)
		return n > 0 ? k->null : 0;
	while (n > 0) {
		ssize_t gone = sys_splice(rd, k->null, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

		if (gone <= 0)
			return gone == 0 ? -EIO : (int)gone;
		n -= (size_t)gone;
	}
	return 0;
}

int run_discard(struct kit *k, struct run *r, size_t n)
{
	int failed = r->where == RUN_PIPE ? discard(k, r->pipe.rd, n) : 0;

	if (!failed)
		run_advance(k, r, n);
	else if (k->null >= 0) /* who knows how much went */
		run_drop(k, r);
	return failed;
}

/* References to the wanted pages in a pipe of their own; any failure leaves `from` untouched. */
static int share_pipe(struct kit *k, const struct run *from, size_t off, size_t len, struct run *to)
{
	struct pipe p;
	int r = pipe_take(&k->pipes, &p);

	if (r < 0) {
		k->pipe_refused++;
		return r;
	}
	ssize_t n = sys_tee(from->pipe.rd, p.wr, off + len);
	bool whole = n == (ssize_t)(off + len) && discard(k, p.rd, off) == 0;

	if (!whole) { /* the pipe has fewer slots than the bytes have pieces, or the kernel refused */
		k->splice_refused++;
		pipe_give(&k->pipes, &p, 1);
		return -ENOBUFS;
	}
	*to = (struct run){ .where = RUN_PIPE, .length = len, .pipe = p };
	return 0;
}

int run_share(struct kit *k, struct run *from, size_t off, size_t len, struct run *to)
{
	if (from->where == RUN_PIPE) {
		if (share_pipe(k, from, off, len, to) == 0)
			return 0;
		int r = run_fold(k, from);

		if (r < 0)
			return r;
	}
	if (from->where == RUN_NOWHERE)
		return -EIO;
	*to = (struct run){ .where = RUN_BLOCK,
			    .length = len,
			    .block = block_ref(from->block),
			    .at = from->at + off };
	return 0;
}

void run_trim(struct kit *k, struct run *r)
{
	if (r->where != RUN_BLOCK || r->block->refs > 1 || r->length > r->block->size / 4)
		return;
	struct block *b = block_take(&k->blocks, r->length);

	if (!b)
		return;
	memcpy(b->bytes, r->block->bytes + r->at, r->length);
	block_put(&k->blocks, r->block);
	r->block = b;
	r->at = 0;
}

void run_drop(struct kit *k, struct run *r)
{
	if (r->where == RUN_BLOCK)
		block_put(&k->blocks, r->block);
	else if (r->where == RUN_PIPE)
		pipe_give(&k->pipes, &r->pipe, r->length);
	*r = (struct run){ .where = RUN_NOWHERE };
}
