/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/window.h"

#include "base/probe.h"
#include "base/sys.h"

enum { LOOK_EVERY = 1024 * 1024 }; /* bytes; a buffer can't grow much meanwhile */

/* The kernel doubles what is asked for, to pay for its own book-keeping. */
static void set(const struct source *s, size_t limit)
{
	int half = (int)(limit / 2);
	uint64_t most = 0;

	if (sys_setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, half) == 0)
		return;
	if (probe_sysctl("net.core.rmem_max", &most) == 0 && most >= limit / 2)
		sys_setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, half);
}

void window_note(const struct kit *k, struct source *s, size_t n)
{
	int size = 0;

	if (s->bounded || (s->since += (uint32_t)n) < LOOK_EVERY)
		return;
	s->since = 0;
	if (sys_getsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &size) < 0 ||
	    (size_t)size <= k->receive_limit)
		return;
	s->bounded = true;
	set(s, k->receive_limit);
}
