/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/lend.h"

#include <errno.h>

#include "base/sys.h"

/* Of the n bytes at the head of `in`, those that are not lent yet. */
static enum flow send_on(struct kit *k, struct way *w, const unsigned char *bytes, size_t n,
			 int *error)
{
	while (w->lent < n) {
		ssize_t sent = sys_send(w->out, bytes + w->lent, n - w->lent, 0);

		if (sent < 0)
			return flow_of_output(sent, error);
		w->lent += (uint32_t)sent;
		w->taken += (uint64_t)sent;
		k->taken += (uint64_t)sent;
		w->moved[SHUNT_COPY] += (uint64_t)sent;
		k->moved[SHUNT_COPY] += (uint64_t)sent;
	}
	return FLOW_DRY;
}

enum flow lend(struct kit *k, struct way *w, int *error)
{
	enum flow f = pump_out(k, w, error);

	if (f != FLOW_DRY)
		return f;
	if (w->src.urgent || w->src.ending || w->src.hurt || w->tell)
		return FLOW_TURN;
	struct block *b = block_take(&k->blocks, BLOCK_UNIT);

	if (!b)
		return FLOW_NO_MEMORY;
	ssize_t n = sys_recv(w->src.fd, b->bytes, BLOCK_UNIT, MSG_PEEK);
	bool at_mark = !w->lent && sys_at_mark(w->src.fd) > 0; /* recv steps over the urgent byte */

	if (n < 0 && (n != -EAGAIN || !at_mark))
		f = flow_of_input(n, error);
	else if (n <= 0 || n == BLOCK_UNIT || at_mark)
		f = FLOW_TURN;
	else
		f = send_on(k, w, b->bytes, (size_t)n, error);
	block_put(&k->blocks, b);
	return f;
}
