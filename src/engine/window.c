/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/window.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>

#include "base/probe.h"
#include "base/sys.h"

enum {
	A_LITTLE = 256 * 1024
}; /* bytes; the kernel's steps follow what was read, so it is not far yet */

#ifndef SO_BUF_LOCK /* since Linux 5.14 */
#define SO_BUF_LOCK 72
#endif
enum { NARROW = 256 * 1024, RELAXED = 1 << 30 };
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

bool window_narrow(int fd, struct window *was)
{
	int size = 0;

	*was = (struct window){ .narrow = true };
	if (sys_getsockopt(fd, SOL_SOCKET, SO_BUF_LOCK, &was->locks) < 0 ||
	    sys_getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size) < 0)
		was->narrow = false;
	else if (size > NARROW)
		was->size = size;
	if (was->narrow)
		sys_setsockopt(fd, SOL_SOCKET, SO_BUF_LOCK, was->locks | RECEIVE_LOCKED);
	if (was->size)
		sys_setsockopt(fd, SOL_SOCKET, SO_RCVBUF, NARROW / 2);
	return was->size > 0;
}

/* What an ordinary user may not set the kernel finds again by itself, unless it was told not to. */
void window_widen(int fd, struct window *was)
{
	if (!was->narrow)
		return;
	if (was->size && sys_setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, was->size / 2) < 0)
		sys_setsockopt(fd, SOL_SOCKET, SO_RCVBUF, was->size / 2);
	sys_setsockopt(fd, SOL_SOCKET, SO_BUF_LOCK, was->locks);
	was->narrow = false;
}

void window_small(int fd, bool small)
{
	sys_setsockopt(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, small ? 1 : RELAXED);
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
