/* SPDX-License-Identifier: BSD-2-Clause */
/* With an urgent mark in the queue and a FIN behind it, splice returns 0 at the mark though bytes
 * remain: 0 from splice does not mean that everything was read. SIOCATMARK tells, and a peek of
 * one byte finds the bytes behind the mark.
 */
#include "belief.h"

#include <sys/ioctl.h>

#include <linux/sockios.h>

static void story(int family)
{
	char buf[16];
	int s[2], p[2];
	int mark = -1;

	tcp_pair(family, s);
	pipe_pair(p);
	must(give(s[0], "ab", 2, 0) == 2);
	must(give(s[0], "!", 1, MSG_OOB) == 1);
	must(give(s[0], "cd", 2, 0) == 2);
	need(shutdown(s[0], SHUT_WR));
	must(polled(s[1], POLLRDHUP, 5000) & POLLRDHUP);

	believe_is(pull(s[1], p[1], 65536), 2, "bytes before the mark");
	believe_is(pull(s[1], p[1], 65536), 0,
		   "splice says 0 at the mark when a FIN lies behind it");
	need(ioctl(s[1], SIOCATMARK, &mark));
	believe_is(mark, 1, "SIOCATMARK tells");
	believe(take(s[1], buf, 1, MSG_PEEK) == 1 && buf[0] == 'c', "a peek finds a byte");
	believe(take(s[1], buf, 1, 0) == 1 && buf[0] == 'c', "one plain recv steps over the mark");
	believe_is(pull(s[1], p[1], 65536), 1, "splice gets the rest");
	believe_is(pull(s[1], p[1], 65536), 0, "and 0 again");
	believe_is(take(s[1], buf, 1, MSG_PEEK), 0, "which now is the end: a peek says 0 too");
	close_both(s);
	close_both(p);
}

static void urgent_last(int family)
{
	char buf[16];
	int s[2], p[2];

	tcp_pair(family, s);
	pipe_pair(p);
	must(give(s[0], "ab", 2, 0) == 2);
	must(give(s[0], "!", 1, MSG_OOB) == 1);
	need(shutdown(s[0], SHUT_WR));
	must(polled(s[1], POLLRDHUP, 5000) & POLLRDHUP);
	must(pull(s[1], p[1], 65536) == 2);
	believe_is(pull(s[1], p[1], 65536), 0, "urgent byte last: splice says 0");
	believe_is(take(s[1], buf, 1, MSG_PEEK), 0, "and so does a peek");
	believe(take(s[1], buf, 1, MSG_OOB) == 1 && buf[0] == '!',
		"yet recv(MSG_OOB) still has the byte to give");
	close_both(s);
	close_both(p);
}

int main(void)
{
	belief_begin();
	each_family(story);
	each_family(urgent_last);
	return belief_end();
}
