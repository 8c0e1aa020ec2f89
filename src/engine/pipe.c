/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/pipe.h"

#include "base/clock.h"
#include "base/sys.h"

void pipe_pool_init(struct pipe_pool *pool, size_t want)
{
	*pool = (struct pipe_pool){ .want = want < PIPE_LEAST ? PIPE_LEAST : want };
}

static void destroy(struct pipe *p)
{
	sys_close(p->rd);
	sys_close(p->wr);
	p->rd = p->wr = -1;
}

/* The largest size up to what is wanted: 1M, then 256K, then what pipes are born with. Once the quota
 * has been met the wish stays at 256K, so that what is left of it serves four times as many. */
static int grow(struct pipe_pool *pool, struct pipe *p)
{
	int size = sys_pipe_size(p->wr, pool->want);

	if (size == -EPERM && pool->want > PIPE_MIDDLE) {
		pool->want = PIPE_MIDDLE;
		size = sys_pipe_size(p->wr, PIPE_MIDDLE);
	}
	if (size < 0)
		size = sys_pipe_size(p->wr, 0);
	if (size < 0)
		return size;
	if ((size_t)size < PIPE_LEAST)
		return -EPERM;
	p->room = (size_t)size;
	return 0;
}

static int make(struct pipe_pool *pool, struct pipe *p)
{
	int fds[2];
	int r = sys_pipe(fds);

	if (r < 0)
		return r;
	p->rd = fds[0];
	p->wr = fds[1];
	r = grow(pool, p);
	if (r < 0)
		destroy(p);
	return r;
}

int pipe_take(struct pipe_pool *pool, struct pipe *p)
{
	if (pool->kept > 0) {
		*p = pool->idle[--pool->kept];
		pool->out++;
		return 0;
	}
	if (pool->refused_at && pool->refused_at == clock_ms())
		return -EPERM;
	int r = make(pool, p);

	pool->refused_at = r < 0 ? clock_ms() : 0;
	if (r == 0)
		pool->out++;
	return r;
}

void pipe_give(struct pipe_pool *pool, struct pipe *p, size_t left)
{
	pool->out--;
	if (left == 0 && pool->kept < PIPE_KEEP)
		pool->idle[pool->kept++] = *p;
	else
		destroy(p);
	p->rd = p->wr = -1;
}

void pipe_pool_free(struct pipe_pool *pool)
{
	while (pool->kept > 0)
		destroy(&pool->idle[--pool->kept]);
}
