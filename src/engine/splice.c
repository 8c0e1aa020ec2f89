/* SPDX-License-Identifier: BSD-2-Clause */
/* splice.c — engine: bytes pass through a pipe by page reference and are never seen
 *
 *   socket A ──splice──▶ [ pipe from the pool ] ──splice──▶ socket B
 *
 * A run is taken only into an empty pipe. Then EAGAIN has one meaning, "the socket is empty"; with
 * bytes in the pipe it could as well mean "the pipe is full", and a loop that guesses hangs.
 *
 * Zero does not always mean the end, nor EAGAIN that nothing is there: with an urgent byte next in
 * line splice says one or the other for ever. So the end is asked of recv, which is cheap (once in
 * a stream's life) and never wrong; and EAGAIN asks for the mark, so that the urgent byte is known.
 *
 * A pipe costs three calls and its pages' references. Up to COPY_BELOW bytes a copy is cheaper; how many
 * wait could be asked, but asking costs as much as copying them. So a stream begins small, is bulk
 * from its first full measure on, and small again after THIN_RUNS small runs in a row. Who wants no byte
 * copied says so (copy_below 1), and pays for the pipes.
 */
#include <fcntl.h>

#include "base/sys.h"
#include "engine/engine.h"

enum {
	THIN_RUNS = 16, /* small runs in a row that end a bulk transfer */
	DRY = 32 * 1024 /* a shorter run is likely to have been the last for now */
};

static const char *cannot(void)
{
	int p[2];

	if (sys_pipe(p) < 0) /* none now; later there may be: each transfer looks for itself */
		return NULL;
	/* from a pipe into itself is EINVAL where splice works; a filter says EPERM or ENOSYS */
	ssize_t n = sys_splice(p[0], p[1], 1, SPLICE_F_NONBLOCK);

	sys_close(p[0]);
	sys_close(p[1]);
	return n == -EPERM || n == -ENOSYS ? "splice(2) is forbidden here" : NULL;
}

/* Little is expected. A copy that fills its measure ends the belief. */
static ssize_t take_small(struct kit *k, struct source *s, struct run *r, size_t max)
{
	size_t measure = max < k->copy_below ? max : k->copy_below;
	ssize_t n = copy_take(k, s, r, measure);

	s->bulk = n == (ssize_t)measure;
	return n;
}

static void remember(const struct kit *k, struct source *s, ssize_t n)
{
	s->dry = n < DRY;
	if (n > (ssize_t)k->copy_below)
		s->thin = 0;
	else if (++s->thin >= THIN_RUNS) {
		s->bulk = false;
		s->thin = 0;
	}
}

static ssize_t splice_take(struct kit *k, struct source *s, struct run *r, size_t max)
{
	struct pipe p;

	if (s->no_splice)
		return copy_take(k, s, r, max);
	if (!s->bulk && k->copy_below > 1)
		return take_small(k, s, r, max);
	if (pipe_take(&k->pipes, &p) < 0) {
		s->pipe_refused++;
		k->pipe_refused++;
		return copy_take(k, s, r, max);
	}
	ssize_t n = sys_splice(s->fd, p.wr, max < p.room ? max : p.room,
			       SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (n > 0) {
		remember(k, s, n);
		k->taken += (uint64_t)n;
		*r = (struct run){ .where = RUN_PIPE, .length = (size_t)n, .pipe = p };
		return n;
	}
	pipe_give(&k->pipes, &p, 0);
	if (run_splice_refused(n)) {
		s->no_splice = true;
		s->splice_refused++;
		k->splice_refused++;
	}
	if (n == -EAGAIN && sys_at_mark(s->fd) == 1)
		s->urgent = true;
	return n == 0 || run_splice_refused(n) ? copy_take(k, s, r, max) : n;
}

const struct engine engine_splice = { "splice", SHUNT_SPLICE, cannot, splice_take };
