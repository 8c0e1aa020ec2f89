/* SPDX-License-Identifier: BSD-2-Clause */
/* A Unix stream socket has a reset too: closing it with unread bytes in its own queue gives the
 * peer ECONNRESET after the bytes that came before, once, then 0. But there is no other way to
 * send one: SO_LINGER {1,0} does nothing, so a socket with an empty queue can only end cleanly.
 * Whoever must pass a reset on to a Unix socket can do so only by leaving bytes unread in it.
 */
#include "belief.h"

static void unread(void)
{
	char buf[16];
	int s[2];

	unix_pair(s);
	must(give(s[0], "abcd", 4, 0) == 4);
	must(give(s[1], "x", 1, 0) == 1);
	need(close(s[0]));
	believe(epolled(s[1], EPOLLIN, 1000) & EPOLLERR,
		"closed with a byte unread: epoll says ERR");
	believe_is(take(s[1], buf, sizeof(buf), 0), 4, "bytes before the reset come first");
	believe_is(take(s[1], buf, sizeof(buf), 0), -ECONNRESET, "then ECONNRESET");
	believe_is(take(s[1], buf, sizeof(buf), 0), 0, "once, then 0");
	close(s[1]);

	unix_pair(s);
	must(give(s[1], "x", 1, 0) == 1);
	need(close(s[0]));
	believe_is(give(s[1], "x", 1, 0), -EPIPE, "a send says EPIPE at once, never ECONNRESET");
	believe_is(take(s[1], buf, sizeof(buf), 0), -ECONNRESET,
		   "and leaves the error to the reader");
	close(s[1]);
}

static void linger(void)
{
	char buf[16];
	int s[2];

	unix_pair(s);
	must(give(s[0], "abcd", 4, 0) == 4);
	close_reset(s[0]);
	believe(!(epolled(s[1], EPOLLIN, 1000) & EPOLLERR), "SO_LINGER {1,0} makes no reset");
	believe_is(take(s[1], buf, sizeof(buf), 0), 4, "the bytes come");
	believe_is(take(s[1], buf, sizeof(buf), 0), 0, "and then a clean end");
	close(s[1]);
}

static void after_fin(void)
{
	char buf[16];
	int s[2];

	unix_pair(s);
	must(give(s[1], "x", 1, 0) == 1);
	need(shutdown(s[0], SHUT_WR));
	must(polled(s[1], POLLRDHUP, 1000) & POLLRDHUP);
	need(close(s[0]));
	believe_is(take(s[1], buf, sizeof(buf), 0), -ECONNRESET,
		   "an end already passed on does not hide a reset, as it does with TCP");
	close(s[1]);
}

int main(void)
{
	belief_begin();
	unread();
	linger();
	after_fin();
	return belief_end();
}
