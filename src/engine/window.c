/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/window.h"

#include <stdio.h>

#include "base/probe.h"
#include "base/sys.h"

enum {
	A_LITTLE = 256 * 1024
}; /* bytes; the kernel's steps follow what was read, so it is not far yet */

#ifndef SO_BUF_LOCK /* since Linux 5.14 */
#define SO_BUF_LOCK 72
#endif
enum { RECEIVE_LOCKED = 2 }; /* SOCK_RCVBUF_LOCK: SO_RCVBUF has been set */

size_t window_limit(size_t wanted)
{
	FILE *f = fopen("/proc/sys/net/ipv4/tcp_rmem", "re");
	unsigned long most = 0;

	if (!f)
		return wanted;
	int found = fscanf(f, "%*u %*u %lu", &most);

	fclose(f);
	return found == 1 && most <= wanted ? 0 : wanted;
}

/* The kernel doubles what is asked for, to pay for its own book-keeping. */
static void set(const struct source *s, size_t limit)
{
	int half = (int)(limit / 2), locks = 0;
	uint64_t most = 0;

	if (sys_getsockopt(s->fd, SOL_SOCKET, SO_BUF_LOCK, &locks) == 0 && (locks & RECEIVE_LOCKED))
		return;
	if (sys_setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, half) == 0)
		return;
	if (probe_sysctl("net.core.rmem_max", &most) == 0 && most >= limit / 2)
		sys_setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, half);
}

void window_note(const struct kit *k, struct source *s, size_t n)
{
	if (s->bounded || k->receive_limit == 0)
		return;
	s->since += n < A_LITTLE ? (uint32_t)n : A_LITTLE;
	if (s->since < A_LITTLE)
		return;
	s->bounded = true;
	set(s, k->receive_limit);
}
