/* SPDX-License-Identifier: BSD-2-Clause */
/* After a FIN splice first hands over what was queued before it, then returns 0, and goes on
 * returning 0. An end of stream that was seen and forgotten can be asked for again.
 */
#include "belief.h"

static void end_of(int s[2], const char *what)
{
	int p[2];

	pipe_pair(p);
	must(give(s[0], "hello", 5, 0) == 5);
	need(shutdown(s[0], SHUT_WR));
	must(polled(s[1], POLLRDHUP, 5000) & POLLRDHUP);

	believe_is(pull(s[1], p[1], 3), 3, "%s: bytes come before the end", what);
	believe_is(pull(s[1], p[1], 65536), 2, "%s: all of them", what);
	for (int i = 0; i < 3; i++)
		believe_is(pull(s[1], p[1], 65536), 0, "%s: then 0, time %d", what, i + 1);
	believe(epolled(s[1], EPOLLIN, 0) & EPOLLIN, "%s: and epoll keeps saying readable", what);
	close_both(p);

	pipe_pair(p);
	must(stuff(p[1], SIZE_MAX) > 0);
	believe_is(pull(s[1], p[1], 65536), -EAGAIN,
		   "%s: but with a full pipe the end is not seen: EAGAIN", what);
	close_both(p);
	close_both(s);
}

static void tcp(int family)
{
	int s[2];

	tcp_pair(family, s);
	end_of(s, "tcp");
}

int main(void)
{
	int s[2];

	belief_begin();
	each_family(tcp);
	unix_pair(s);
	end_of(s, "unix");
	return belief_end();
}
