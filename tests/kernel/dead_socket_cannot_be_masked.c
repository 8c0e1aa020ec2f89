/* SPDX-License-Identifier: BSD-2-Clause */
/* EPOLLERR and EPOLLHUP are reported whether asked for or not: a dead socket with events = 0
 * wakes a level-triggered epoll for ever. Only EPOLL_CTL_DEL (or close) silences it; EPOLLONESHOT
 * and EPOLLET say it once. A clean end of both directions gives EPOLLHUP without EPOLLERR; a FIN
 * from one side only gives nothing that cannot be masked.
 */
#include "belief.h"

#include <netinet/tcp.h>

static uint32_t next(int ep, int ms)
{
	struct epoll_event ev = { 0 };

	return need(epoll_wait(ep, &ev, 1, ms)) ? ev.events : 0;
}

static int watch(int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events };
	int ep = need(epoll_create1(EPOLL_CLOEXEC));

	need(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	return ep;
}

static void dead(int family)
{
	int s[2], ep, spins = 0;

	tcp_pair(family, s);
	ep = watch(s[1], 0);
	believe_is(next(ep, 0), 0, "a living socket with events = 0 is silent");
	close_reset(s[0]);
	believe(next(ep, 5000) == (EPOLLERR | EPOLLHUP), "reset: ERR and HUP with events = 0");
	while (spins < 1000 && next(ep, 0))
		spins++;
	believe_is(spins, 1000, "and again, as often as it is asked");
	must(so_error(s[1]) == ECONNRESET);
	believe(next(ep, 0) == EPOLLHUP, "taking the error leaves HUP");
	need(epoll_ctl(ep, EPOLL_CTL_DEL, s[1], NULL));
	believe_is(next(ep, PATIENCE), 0, "EPOLL_CTL_DEL silences it");
	close(ep);

	ep = watch(s[1], EPOLLET);
	believe(next(ep, 0) == EPOLLHUP, "EPOLLET says it");
	believe_is(next(ep, PATIENCE), 0, "once");
	close(ep);

	ep = watch(s[1], EPOLLONESHOT);
	believe(next(ep, 0) == EPOLLHUP, "EPOLLONESHOT says it");
	believe_is(next(ep, PATIENCE), 0, "once");
	close(ep);
	close(s[1]);
}

static void both_ended(int s[2], const char *what)
{
	int ep = watch(s[1], 0);

	need(shutdown(s[0], SHUT_WR));
	must(polled(s[1], POLLRDHUP, 5000) & POLLRDHUP);
	believe_is(next(ep, PATIENCE), 0, "%s: one FIN, events = 0: silent", what);
	need(shutdown(s[1], SHUT_WR));
	believe(next(ep, 5000) == EPOLLHUP, "%s: both FINs: HUP without ERR", what);
	believe(next(ep, 0) == EPOLLHUP, "%s: and again", what);
	close(ep);
	close_both(s);
}

static void own_fin_only(int family)
{
	int s[2], ep;

	tcp_pair(family, s);
	ep = watch(s[1], 0);
	need(shutdown(s[1], SHUT_WR));
	believe_is(next(ep, PATIENCE), 0, "our own FIN alone: silent");
	close(ep);
	close_both(s);
}

static void story(int family)
{
	int s[2];

	dead(family);
	own_fin_only(family);
	tcp_pair(family, s);
	both_ended(s, "tcp");
}

int main(void)
{
	int s[2];

	belief_begin();
	each_family(story);
	unix_pair(s);
	both_ended(s, "unix");
	return belief_end();
}
