/* SPDX-License-Identifier: BSD-2-Clause */
/* copy.c — engine: recv and send, 256K at a time; the plain truth that the others are compared with
 *
 * Two copies, no pipe, no trap. A context that copies by choice may say another unit; who steps down
 * from splice takes no more than a common block, whatever a pipe would have held. A short recv means
 * that the socket was empty at that moment, so the call that would only say EAGAIN is not made.
 */
#include "base/sys.h"
#include "engine/engine.h"

ssize_t copy_take(struct kit *k, struct source *s, struct run *r, size_t max)
{
	if (max > k->blocks.unit)
		max = k->blocks.unit;
	struct block *b = block_take(&k->blocks, max < BLOCK_UNIT ? BLOCK_UNIT : max);

	if (!b)
		return -ENOMEM;
	ssize_t n = s->pipe ? sys_read(s->fd, b->bytes, max) : sys_recv(s->fd, b->bytes, max, 0);

	if (n <= 0) {
		block_put(&k->blocks, b);
		return n;
	}
	s->dry = (size_t)n < max;
	k->taken += (uint64_t)n;
	*r = (struct run){ .where = RUN_BLOCK, .length = (size_t)n, .block = b };
	return n;
}

static const char *cannot(void)
{
	return NULL;
}

const struct engine engine_copy = { "copy", SHUNT_COPY, cannot, copy_take };
