/* SPDX-License-Identifier: BSD-2-Clause */
/* While a head is being peeked at, SO_RCVLOWAT = "what I have + what I miss" keeps level-triggered
 * epoll silent, instead of firing for ever on the bytes that are only looked at. It wakes when the
 * mark is reached, at FIN, at a reset, and when the receive window is exhausted, so that a mark
 * that can never be reached does not hang. recv and splice do not care about the mark.
 *
 * The kernel keeps its own head: with a fixed SO_RCVBUF the mark is capped at half of it, else
 * at half of tcp_rmem[2], and the buffer is raised to make the mark reachable.
 */
#include "belief.h"

static void mark(int fd, int bytes)
{
	option(fd, SOL_SOCKET, SO_RCVLOWAT, bytes);
}

static void silent_until(int family)
{
	char buf[64];
	int s[2], p[2];

	tcp_pair(family, s);
	pipe_pair(p);
	must(give(s[0], "0123456789", 10, 0) == 10);
	must(within(queued(s[1]) == 10));
	believe(epolled(s[1], EPOLLIN, 0) == EPOLLIN, "ten bytes, no mark: readable");
	believe_is(take(s[1], buf, sizeof(buf), MSG_PEEK), 10, "a peek takes nothing away");
	believe(epolled(s[1], EPOLLIN, 0) == EPOLLIN, "so it stays readable: a short head spins");
	mark(s[1], 12);
	believe(epolled(s[1], EPOLLIN, PATIENCE) == 0, "mark at 12: silent");
	believe_is(take(s[1], buf, sizeof(buf), MSG_PEEK), 10,
		   "though recv still gives what is there");
	must(give(s[0], "a", 1, 0) == 1);
	must(within(queued(s[1]) == 11));
	believe(epolled(s[1], EPOLLIN, PATIENCE) == 0, "eleven bytes: silent");
	must(give(s[0], "b", 1, 0) == 1);
	believe(epolled(s[1], EPOLLIN, 5000) == EPOLLIN, "twelve: readable");
	mark(s[1], 1000);
	believe_is(pull(s[1], p[1], 5), 5, "splice does not care about the mark");
	need(shutdown(s[0], SHUT_WR));
	believe(epolled(s[1], EPOLLIN, 5000) & EPOLLIN, "a FIN wakes it below the mark");
	close_both(s);

	tcp_pair(family, s);
	mark(s[1], 1000);
	must(give(s[0], "abc", 3, 0) == 3);
	must(within(queued(s[1]) == 3));
	close_reset(s[0]);
	believe(epolled(s[1], EPOLLIN, 5000) & EPOLLIN, "so does a reset");
	close(s[1]);
	close_both(p);
}

/* One epoll set that is there from the beginning: the wake-up really comes. */
static void wakes_a_sleeper(int family)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = need(epoll_create1(EPOLL_CLOEXEC));
	int s[2];

	tcp_pair(family, s);
	mark(s[1], 4);
	need(epoll_ctl(ep, EPOLL_CTL_ADD, s[1], &ev));
	must(give(s[0], "abc", 3, 0) == 3);
	believe_is(epoll_wait(ep, &ev, 1, PATIENCE), 0, "a sleeper sleeps on below the mark");
	must(give(s[0], "d", 1, 0) == 1);
	believe_is(epoll_wait(ep, &ev, 1, 5000), 1, "and is woken at it");
	mark(s[1], 100);
	believe_is(epoll_wait(ep, &ev, 1, PATIENCE), 0, "raising the mark silences it again");
	mark(s[1], 1);
	believe_is(epoll_wait(ep, &ev, 1, 5000), 1, "lowering it wakes at once");
	close(ep);
	close_both(s);
}

static void capped(int family)
{
	int s[2];
	int buf, low;

	tcp_pair(family, s);
	option(s[1], SOL_SOCKET, SO_RCVBUF, 16384);
	buf = option_of(s[1], SOL_SOCKET, SO_RCVBUF);
	mark(s[1], 1 << 20);
	low = option_of(s[1], SOL_SOCKET, SO_RCVLOWAT);
	believe_is(low, buf / 2, "SO_RCVBUF set: the mark is capped at half of it");
	believe_is(option_of(s[1], SOL_SOCKET, SO_RCVBUF), buf, "and the buffer stays as it was");
	must(stuff(s[0], 1 << 20) > 0);
	believe(epolled(s[1], EPOLLIN, 5000) == EPOLLIN,
		"it wakes when the window is exhausted (%d bytes came, mark %d)", queued(s[1]),
		low);
	close_both(s);

	tcp_pair(family, s);
	buf = option_of(s[1], SOL_SOCKET, SO_RCVBUF);
	mark(s[1], buf);
	low = option_of(s[1], SOL_SOCKET, SO_RCVLOWAT);
	believe(low == buf && option_of(s[1], SOL_SOCKET, SO_RCVBUF) > buf,
		"SO_RCVBUF not set: a mark at %d raises the buffer to %d", low,
		option_of(s[1], SOL_SOCKET, SO_RCVBUF));
	close_both(s);

	tcp_pair(family, s);
	buf = option_of(s[1], SOL_SOCKET, SO_RCVBUF);
	mark(s[1], INT32_MAX);
	low = option_of(s[1], SOL_SOCKET, SO_RCVLOWAT);
	believe(low < INT32_MAX, "even then it is capped (at %d), not refused", low);
	close_both(s);
}

static void story(int family)
{
	silent_until(family);
	wakes_a_sleeper(family);
	capped(family);
}

int main(void)
{
	belief_begin();
	each_family(story);
	return belief_end();
}
