/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll does not look at SO_RCVLOWAT of a Unix stream socket: it may be set, and changes nothing.
 * What keeps a short head from spinning there is EPOLLET: one wake-up for each arrival.
 */
#include "belief.h"

int main(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	char buf[64];
	int ep, s[2];

	belief_begin();
	unix_pair(s);
	option(s[1], SOL_SOCKET, SO_RCVLOWAT, 100);
	believe_is(option_of(s[1], SOL_SOCKET, SO_RCVLOWAT), 100, "SO_RCVLOWAT can be set");
	must(give(s[0], "abc", 3, 0) == 3);
	believe(epolled(s[1], EPOLLIN, 0) == EPOLLIN, "and epoll says readable below it");

	ep = need(epoll_create1(EPOLL_CLOEXEC));
	ev.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
	need(epoll_ctl(ep, EPOLL_CTL_ADD, s[1], &ev));
	believe_is(epoll_wait(ep, &ev, 1, 0), 1, "EPOLLET: what was there before is told");
	for (int i = 0; i < 3; i++) {
		must(take(s[1], buf, sizeof(buf), MSG_PEEK) == 3 + i);
		believe_is(epoll_wait(ep, &ev, 1, PATIENCE), 0, "after a peek: silent");
		must(give(s[0], "d", 1, 0) == 1);
		believe_is(epoll_wait(ep, &ev, 1, 1000), 1, "one more byte: one more edge");
	}
	need(shutdown(s[0], SHUT_WR));
	believe(epoll_wait(ep, &ev, 1, 1000) == 1 && (ev.events & EPOLLRDHUP),
		"the end is an edge too");
	close(ep);
	close_both(s);
	return belief_end();
}
