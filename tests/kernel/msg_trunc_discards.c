/* SPDX-License-Identifier: BSD-2-Clause */
/* recv(fd, NULL, n, MSG_TRUNC) on TCP throws away up to n queued bytes without copying them. On a
 * Unix stream socket MSG_TRUNC means nothing: with no buffer to write to, it says EFAULT and
 * throws nothing away.
 */
#include "belief.h"

static void story(int family)
{
	char buf[16];
	int s[2];

	tcp_pair(family, s);
	must(give(s[0], "abcdefgh", 8, 0) == 8);
	must(within(queued(s[1]) == 8));
	believe_is(take(s[1], NULL, 3, MSG_TRUNC), 3,
		   "three bytes discarded with no buffer at all");
	believe_is(take(s[1], NULL, 1, MSG_TRUNC | MSG_PEEK), 1, "a peek discards none");
	believe(take(s[1], buf, 1, 0) == 1 && buf[0] == 'd', "the fourth is next");
	believe_is(take(s[1], NULL, 1 << 20, MSG_TRUNC), 4, "asking for more gives what is there");
	believe_is(take(s[1], NULL, 1 << 20, MSG_TRUNC), -EAGAIN, "and then EAGAIN");
	need(shutdown(s[0], SHUT_WR));
	must(polled(s[1], POLLRDHUP, 5000) & POLLRDHUP);
	believe_is(take(s[1], NULL, 1 << 20, MSG_TRUNC), 0, "0 after a FIN");
	close_both(s);
}

static void on_unix(void)
{
	char buf[16];
	int s[2];

	unix_pair(s);
	must(give(s[0], "abcdefgh", 8, 0) == 8);
	believe_is(take(s[1], NULL, 3, MSG_TRUNC), -EFAULT, "unix: EFAULT");
	believe_is(queued(s[1]), 8, "unix: nothing discarded");
	memset(buf, '-', sizeof(buf));
	believe(take(s[1], buf, 3, MSG_TRUNC) == 3 && !memcmp(buf, "abc-", 4),
		"unix: with a buffer it is an ordinary recv");
	close_both(s);
}

int main(void)
{
	belief_begin();
	each_family(story);
	on_unix();
	return belief_end();
}
