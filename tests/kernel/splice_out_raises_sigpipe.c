/* SPDX-License-Identifier: BSD-2-Clause */
/* splice has no MSG_NOSIGNAL. Into a socket that was reset the first splice says ECONNRESET and
 * raises nothing (it takes the error); every later one says EPIPE and raises SIGPIPE. After our
 * own SHUT_WR, and on a Unix socket whose peer is gone, it is EPIPE and SIGPIPE at once. What was
 * in the pipe stays there. A peer that merely closed (FIN) does not refuse: the bytes go out.
 */
#include "belief.h"

#include <netinet/tcp.h>
#include <signal.h>

static volatile sig_atomic_t pipes;

static void count(int sig)
{
	(void)sig;
	pipes++;
}

static void expect(int pipe, int fd, ssize_t want, int signals, const char *when)
{
	int before = pipes;

	believe_is(push(pipe, fd, 4), want, "%s: splice says %s", when, strerror((int)-want));
	believe_is(pipes - before, signals, "%s: SIGPIPE raised %d times", when, signals);
}

static void after_reset(int family)
{
	int s[2], p[2];

	tcp_pair(family, s);
	pipe_pair(p);
	must(write(p[1], "abcdefgh", 8) == 8);
	close_reset(s[0]);
	must(within(tcp_state(s[1]) == TCP_CLOSE));
	expect(p[0], s[1], -ECONNRESET, 0, "reset by the peer, first");
	expect(p[0], s[1], -EPIPE, 1, "reset by the peer, second");
	expect(p[0], s[1], -EPIPE, 1, "reset by the peer, third");
	believe_is(queued(p[0]), 8, "the pipe still holds all its bytes");
	believe_is(pull(s[1], p[1], 8), 0,
		   "and the reader of that socket now sees an end, no reset");
	close(s[1]);
	close_both(p);
}

static void after_fin(int family)
{
	int s[2], p[2];

	tcp_pair(family, s);
	pipe_pair(p);
	must(write(p[1], "abcdefgh", 8) == 8);
	need(close(s[0]));
	must(polled(s[1], POLLRDHUP, 5000) & POLLRDHUP);
	believe_is(push(p[0], s[1], 4), 4, "closed by the peer: the first splice is accepted");
	believe_is(pipes, 0, "without SIGPIPE");
	must(within(tcp_state(s[1]) == TCP_CLOSE));
	expect(p[0], s[1], -EPIPE, 1, "closed by the peer, reset came back");
	close(s[1]);
	close_both(p);

	pipes = 0;
	tcp_pair(family, s);
	pipe_pair(p);
	must(write(p[1], "abcdefgh", 8) == 8);
	need(shutdown(s[1], SHUT_WR));
	expect(p[0], s[1], -EPIPE, 1, "after our own SHUT_WR");
	close_both(s);
	close_both(p);
}

static void on_unix(void)
{
	int s[2], p[2];

	unix_pair(s);
	pipe_pair(p);
	must(write(p[1], "abcdefgh", 8) == 8);
	need(close(s[0]));
	expect(p[0], s[1], -EPIPE, 1, "unix, closed by the peer");
	believe_is(queued(p[0]), 8, "the pipe still holds all its bytes");
	close(s[1]);
	close_both(p);
}

static void story(int family)
{
	pipes = 0;
	after_reset(family);
	pipes = 0;
	after_fin(family);
}

int main(void)
{
	struct sigaction act = { .sa_handler = count };

	belief_begin();
	need(sigaction(SIGPIPE, &act, NULL));
	each_family(story);
	on_unix();
	return belief_end();
}
