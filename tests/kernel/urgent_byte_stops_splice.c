/* SPDX-License-Identifier: BSD-2-Clause */
/* One byte sent with MSG_OOB stops splice at its mark: EAGAIN, for ever, while bytes wait behind
 * it and epoll says readable. Whoever trusts EAGAIN then spins. recv(MSG_OOB) fetches the byte but
 * leaves the mark; a plain recv, even one that finds nothing behind it, steps over the mark, and
 * then splice goes on. SO_OOBINLINE does not help splice, but with it one recv of one byte at the
 * mark gets the urgent byte in its place, fetched before or not, and splice goes on behind it.
 */
#include "belief.h"

#include <sys/ioctl.h>

#include <linux/sockios.h>

static int at_mark(int fd)
{
	int yes = -1;

	need(ioctl(fd, SIOCATMARK, &yes));
	return yes;
}

/* "ab", then '!' urgent, then behind. */
static void urgent(int family, int s[2], const char *behind)
{
	tcp_pair(family, s);
	must(give(s[0], "ab", 2, 0) == 2);
	must(give(s[0], "!", 1, MSG_OOB) == 1);
	if (*behind)
		must(give(s[0], behind, strlen(behind), 0) == (ssize_t)strlen(behind));
	must(polled(s[1], POLLPRI, 5000) & POLLPRI);
	must(within(unsent(s[0]) == 0));
}

static void stops(int family)
{
	char buf[16];
	int s[2], p[2];

	urgent(family, s, "cd");
	pipe_pair(p);
	believe_is(queued(s[1]), 2, "FIONREAD counts up to the mark only");
	believe_is(at_mark(s[1]), 0, "SIOCATMARK says 0 before it");
	believe_is(take(s[1], buf, sizeof(buf), MSG_PEEK), 2, "a peek stops at the mark");
	believe_is(pull(s[1], p[1], 65536), 2, "splice stops at the mark");
	for (int i = 0; i < 100; i++)
		if (pull(s[1], p[1], 65536) != -EAGAIN)
			believe(false, "splice says EAGAIN at the mark, time %d", i);
	believe_is(pull(s[1], p[1], 65536), -EAGAIN, "and says EAGAIN however often it is asked");
	believe_is(at_mark(s[1]), 1, "SIOCATMARK says 1");
	believe_is(queued(s[1]), 0, "FIONREAD says 0 though bytes wait behind the mark");
	believe((epolled(s[1], EPOLLIN | EPOLLPRI, 0) & (EPOLLIN | EPOLLPRI)) ==
			(EPOLLIN | EPOLLPRI),
		"epoll says IN and PRI");
	believe(take(s[1], buf, 1, MSG_OOB) == 1 && buf[0] == '!', "recv(MSG_OOB) gets the byte");
	believe_is(take(s[1], buf, 1, MSG_OOB), -EINVAL, "once, then EINVAL");
	believe(epolled(s[1], EPOLLIN | EPOLLPRI, 0) == EPOLLIN, "epoll says IN, no longer PRI");
	believe_is(at_mark(s[1]), 1, "the mark is still there");
	believe_is(pull(s[1], p[1], 65536), -EAGAIN, "and splice still stops at it");
	believe(take(s[1], buf, 1, MSG_PEEK) == 1 && buf[0] == 'c',
		"a peek at the mark sees behind it, where splice cannot go");
	believe_is(pull(s[1], p[1], 65536), -EAGAIN, "without moving the mark");
	believe(take(s[1], buf, 1, 0) == 1 && buf[0] == 'c', "a plain recv steps over it");
	believe_is(pull(s[1], p[1], 65536), 1, "and splice goes on");
	close_both(s);
	close_both(p);
}

/* A head that is waited for and has the mark in it: both sides of the mark are counted. */
static void head_across_mark(int family)
{
	char buf[16];
	int s[2];

	urgent(family, s, "cd");
	option(s[1], SOL_SOCKET, SO_RCVLOWAT, 4);
	believe(epolled(s[1], EPOLLIN, 0) == EPOLLIN,
		"SO_RCVLOWAT counts beyond the mark: two before, two behind, four wanted: IN");
	believe_is(take(s[1], buf, 4, MSG_PEEK), 2, "but a peek never sees more than two");
	believe(epolled(s[1], EPOLLIN, 0) == EPOLLIN, "so who waits for four by peeking spins");
	close_both(s);
}

static void nothing_behind(int family)
{
	char buf[16];
	int s[2], p[2];

	urgent(family, s, "");
	pipe_pair(p);
	must(pull(s[1], p[1], 65536) == 2);
	believe(epolled(s[1], EPOLLIN | EPOLLPRI, 0) == EPOLLPRI,
		"nothing behind the mark: epoll says PRI but not IN");
	must(take(s[1], buf, 1, MSG_OOB) == 1);
	believe(epolled(s[1], EPOLLIN | EPOLLPRI, 0) == 0,
		"and is silent when the byte is fetched");
	believe_is(at_mark(s[1]), 1, "at the mark");
	believe_is(take(s[1], buf, sizeof(buf), 0), -EAGAIN, "a plain recv finds nothing");
	believe_is(at_mark(s[1]), 0, "but has stepped over the mark");
	must(give(s[0], "cd", 2, 0) == 2);
	must(polled(s[1], POLLIN, 5000) & POLLIN);
	believe_is(pull(s[1], p[1], 65536), 2, "so splice gets what comes later");
	close_both(s);
	close_both(p);
}

static void not_fetched(int family)
{
	char buf[16];
	int s[2], p[2];

	urgent(family, s, "cd");
	pipe_pair(p);
	must(pull(s[1], p[1], 65536) == 2);
	believe(take(s[1], buf, sizeof(buf), 0) == 2 && !memcmp(buf, "cd", 2),
		"a recv at the mark skips an urgent byte that nobody fetched");
	believe_is(take(s[1], buf, 1, MSG_OOB), -EINVAL, "it is lost");
	close_both(s);
	close_both(p);
}

static void inlined(int family, bool fetch)
{
	char buf[16];
	int s[2], p[2];

	urgent(family, s, "cd");
	pipe_pair(p);
	if (fetch)
		must(take(s[1], buf, 1, MSG_OOB) == 1);
	option(s[1], SOL_SOCKET, SO_OOBINLINE, 1);
	must(pull(s[1], p[1], 65536) == 2);
	believe_is(pull(s[1], p[1], 65536), -EAGAIN,
		   "with SO_OOBINLINE splice stops just the same");
	believe(take(s[1], buf, 1, 0) == 1 && buf[0] == '!', "but recv gets the byte in its place");
	option(s[1], SOL_SOCKET, SO_OOBINLINE, 0);
	believe_is(at_mark(s[1]), 0, "and has left the mark behind");
	believe_is(pull(s[1], p[1], 65536), 2, "so splice goes on");
	close_both(s);
	close_both(p);
}

static void two_marks(int family)
{
	char buf[16];
	int s[2];

	urgent(family, s, "cd");
	must(give(s[0], "?", 1, MSG_OOB) == 1);
	must(give(s[0], "ef", 2, 0) == 2);
	must(within(unsent(s[0]) == 0));
	believe(take(s[1], buf, 1, MSG_OOB) == 1 && buf[0] == '?', "a second urgent byte wins");
	believe(take(s[1], buf, sizeof(buf), 0) == 5 && !memcmp(buf, "ab!cd", 5),
		"the first becomes an ordinary byte in its place");
	believe(take(s[1], buf, sizeof(buf), 0) == 2 && !memcmp(buf, "ef", 2), "then the rest");
	close_both(s);
}

static void blocking_says_zero(int family)
{
	int s[2], p[2];

	urgent(family, s, "cd");
	pipe_pair(p);
	must(pull(s[1], p[1], 65536) == 2);
	blocking(s[1], true);
	believe_is(pull(s[1], p[1], 65536), 0,
		   "a blocking socket does not even say EAGAIN: 0, no FIN");
	close_both(s);
	close_both(p);
}

static void story(int family)
{
	stops(family);
	head_across_mark(family);
	nothing_behind(family);
	not_fetched(family);
	inlined(family, false);
	inlined(family, true);
	two_marks(family);
	blocking_says_zero(family);
}

int main(void)
{
	belief_begin();
	each_family(story);
	return belief_end();
}
