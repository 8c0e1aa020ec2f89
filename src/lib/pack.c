/* SPDX-License-Identifier: BSD-2-Clause */
/* pack.c — bytes change their buffer, and nothing else
 *
 * A piece that has been started has references of its own to what it sends; one that waits knows an
 * offset in its buffer. So bytes may leave the front of a buffer only while no piece waits for it, and
 * may always be added behind.
 */
#include "lib/pack.h"

#include <errno.h>

#include "engine/gather.h"

size_t pack_footprint(const struct shunt_buf *b)
{
	return b->lying ? b->look->size : gather_footprint(&b->run);
}

/* What a source has outstanding goes with the bytes. */
static void account(struct shunt_buf *b, ssize_t n)
{
	b->length = (size_t)((ssize_t)b->length + n);
	if (!b->end)
		return;
	b->end->stat.outstanding = (size_t)((ssize_t)b->end->stat.outstanding + n);
	end_touch(b->end);
}

/* Nobody wants them. */
static ssize_t throw_away(struct shunt_buf *from, size_t n)
{
	if (n > from->length)
		n = from->length;
	int failed = run_discard(&from->s->kit, &from->run, n);

	from->lost = from->length > n && from->run.where == RUN_NOWHERE;
	if (failed)
		return from->lost ? -EIO : failed;
	account(from, -(ssize_t)n);
	return (ssize_t)n;
}

ssize_t pack(struct shunt_buf *to, struct shunt_buf *from, size_t n)
{
	if (!to && !from->view && !from->lost && from->waiting == 0 &&
	    from->run.where != RUN_NOWHERE)
		return throw_away(from, n);
	if (!to)
		return from->view || from->lost ? -EINVAL : from->length ? -EBUSY : 0;
	if (to == from || to->s != from->s || to->view || from->view || to->lost || from->lost)
		return -EINVAL;
	if (from->waiting > 0 || to->run.where == RUN_NOWHERE)
		return -EBUSY;
	if (from->run.where == RUN_NOWHERE)
		return from->length > 0 ? -EBUSY : 0;
	ssize_t moved = gather(&to->s->kit, &to->run, &from->run, n);

	if (moved > 0) {
		account(to, moved);
		account(from, -moved);
	}
	/* what could not be saved from a pipe that gave errors */
	to->lost = to->run.where == RUN_NOWHERE;
	from->lost = from->length > 0 && from->run.where == RUN_NOWHERE;
	return to->lost || from->lost ? -EIO : moved;
}
