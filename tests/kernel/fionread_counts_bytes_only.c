/* SPDX-License-Identifier: BSD-2-Clause */
/* FIONREAD counts bytes that can be read, and not the FIN behind them; after a reset it still
 * counts what can be read. (It stops at an urgent mark: see urgent_byte_stops_splice.)
 */
#include "belief.h"

#include <netinet/tcp.h>

static void until_fin(int s[2], const char *what)
{
	char buf[8];

	believe_is(queued(s[1]), 0, "%s: nothing sent: 0", what);
	must(give(s[0], "abc", 3, 0) == 3);
	must(give(s[0], "def", 3, 0) == 3);
	believe(within(queued(s[1]) == 6), "%s: six bytes sent in two pieces: 6", what);
	need(shutdown(s[0], SHUT_WR));
	must(polled(s[1], POLLRDHUP, 5000) & POLLRDHUP);
	believe_is(queued(s[1]), 6, "%s: a FIN adds nothing", what);
	must(take(s[1], buf, 4, 0) == 4);
	believe_is(queued(s[1]), 2, "%s: four read: 2", what);
	must(take(s[1], buf, 4, MSG_PEEK) == 2);
	believe_is(queued(s[1]), 2, "%s: a peek takes nothing", what);
	must(take(s[1], buf, 4, 0) == 2);
	believe_is(queued(s[1]), 0, "%s: all read, FIN there: 0", what);
	must(take(s[1], buf, 4, 0) == 0);
	believe_is(queued(s[1]), 0, "%s: FIN read: 0", what);
	close_both(s);
}

static void story(int family)
{
	int s[2];

	tcp_pair(family, s);
	until_fin(s, "tcp");

	tcp_pair(family, s);
	must(give(s[0], "abc", 3, 0) == 3);
	must(within(queued(s[1]) == 3));
	close_reset(s[0]);
	must(within(tcp_state(s[1]) == TCP_CLOSE));
	believe_is(queued(s[1]), 3, "tcp: after a reset what came before it still counts");
	close(s[1]);
}

int main(void)
{
	int s[2];

	belief_begin();
	each_family(story);
	unix_pair(s);
	until_fin(s, "unix");
	return belief_end();
}
