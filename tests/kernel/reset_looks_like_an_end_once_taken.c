/* SPDX-License-Identifier: BSD-2-Clause */
/* A reset leaves the bytes that came before it readable, for recv and for splice. After them comes
 * ECONNRESET: once. Whoever takes it (a read, a failing send on the same socket, SO_ERROR) takes
 * it from everybody: from then on recv and splice return 0, exactly as after a FIN. What still
 * tells the two apart: TCP_INFO says TCP_CLOSE though we never sent a FIN of our own.
 * After a FIN a reset cannot be seen by reading at all.
 */
#include "belief.h"

#include <netinet/tcp.h>

static int p[2];

/* "abcd" came, then a reset. */
static int broken(int family)
{
	int s[2];

	tcp_pair(family, s);
	must(give(s[0], "abcd", 4, 0) == 4);
	must(within(queued(s[1]) == 4));
	close_reset(s[0]);
	must(within(tcp_state(s[1]) == TCP_CLOSE));
	return s[1];
}

static void read_it_out(int family)
{
	char buf[16];
	int fd = broken(family);
	uint32_t says = epolled(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, 1000);

	believe((says & (EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP)) ==
			(EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP),
		"a reset is IN, ERR, HUP and RDHUP at once");
	believe_is(queued(fd), 4, "FIONREAD still counts the bytes that came before the reset");
	believe_is(take(fd, buf, 2, 0), 2, "recv still gets bytes that came before the reset");
	believe_is(pull(fd, p[1], 65536), 2, "and so does splice");
	believe_is(pull(fd, p[1], 65536), -ECONNRESET, "then splice says ECONNRESET");
	believe_is(pull(fd, p[1], 65536), 0, "but only once: then splice says 0, like a FIN");
	believe_is(take(fd, buf, 2, 0), 0, "and recv says 0");
	says = epolled(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, 1000);
	believe((says & EPOLLHUP) && !(says & EPOLLERR), "epoll now says HUP without ERR");
	close(fd);

	fd = broken(family);
	believe_is(take(fd, buf, sizeof(buf), MSG_PEEK), 4,
		   "a peek sees the bytes before the reset");
	believe_is(take(fd, buf, sizeof(buf), 0), 4, "recv takes them all");
	believe_is(take(fd, buf, sizeof(buf), MSG_PEEK), -ECONNRESET,
		   "even a peek says ECONNRESET");
	believe_is(take(fd, buf, sizeof(buf), 0), 0, "and takes it: recv says 0");
	close(fd);
}

static void send_takes_it(int family)
{
	int fd = broken(family);

	believe_is(give(fd, "x", 1, 0), -ECONNRESET, "a send says ECONNRESET first");
	believe_is(give(fd, "x", 1, 0), -EPIPE, "and EPIPE from then on");
	believe_is(pull(fd, p[1], 65536), 4, "the bytes are still readable");
	believe_is(pull(fd, p[1], 65536), 0,
		   "after them splice says 0: the reset looks like an end");
	believe_is(tcp_state(fd), TCP_CLOSE, "TCP_INFO knows: TCP_CLOSE, and we sent no FIN");
	close(fd);
}

static void so_error_takes_it(int family)
{
	char buf[16];
	int fd = broken(family);

	believe(shutdown(fd, SHUT_WR) < 0 && errno == ENOTCONN, "shutdown says ENOTCONN");
	believe(epolled(fd, 0, 0) & EPOLLERR, "and leaves the error where it is, as epoll does");
	believe_is(so_error(fd), ECONNRESET, "SO_ERROR says ECONNRESET while bytes are queued");
	believe_is(so_error(fd), 0, "once");
	believe_is(take(fd, buf, sizeof(buf), 0), 4, "the bytes are still readable");
	believe_is(take(fd, buf, sizeof(buf), 0), 0, "after them recv says 0");
	believe_is(tcp_state(fd), TCP_CLOSE, "TCP_INFO knows: TCP_CLOSE, and we sent no FIN");
	close(fd);
}

static void fin_then_reset(int family)
{
	int s[2];

	tcp_pair(family, s);
	must(give(s[0], "abcd", 4, 0) == 4);
	need(shutdown(s[0], SHUT_WR));
	must(within(tcp_state(s[1]) == TCP_CLOSE_WAIT));
	close_reset(s[0]);
	believe(within(tcp_state(s[1]) == TCP_CLOSE),
		"a reset after a FIN does end the connection");
	believe_is(pull(s[1], p[1], 65536), 4, "bytes first");
	believe_is(pull(s[1], p[1], 65536), 0, "then 0, though a reset followed the FIN");
	believe_is(pull(s[1], p[1], 65536), 0, "reading never shows it");
	believe(epolled(s[1], 0, 0) & EPOLLERR, "epoll shows it: ERR");
	believe_is(so_error(s[1]), EPIPE, "SO_ERROR calls it EPIPE, not ECONNRESET");
	close(s[1]);
}

static void fin_is_an_end(int family)
{
	int s[2];

	tcp_pair(family, s);
	need(shutdown(s[0], SHUT_WR));
	must(polled(s[1], POLLRDHUP, 5000) & POLLRDHUP);
	believe_is(pull(s[1], p[1], 65536), 0, "for comparison, a FIN: splice says 0");
	believe_is(tcp_state(s[1]), TCP_CLOSE_WAIT, "and TCP_INFO says TCP_CLOSE_WAIT");
	close_both(s);
}

static void story(int family)
{
	pipe_pair(p);
	read_it_out(family);
	send_takes_it(family);
	so_error_takes_it(family);
	fin_then_reset(family);
	fin_is_an_end(family);
	close_both(p);
}

int main(void)
{
	belief_begin();
	each_family(story);
	return belief_end();
}
