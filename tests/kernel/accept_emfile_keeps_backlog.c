/* SPDX-License-Identifier: BSD-2-Clause */
/* accept4() that fails with EMFILE leaves the connection in the backlog. The listener stays
 * readable, so a level-triggered loop that goes on asking spins: it must stop watching the
 * listener until a descriptor is free again. Then the connection is there, with the bytes
 * its client sent meanwhile.
 */
#include "belief.h"

#include <sys/resource.h>

static void story(int family)
{
	struct sockaddr_storage addr;
	struct epoll_event ev = { .events = EPOLLIN };
	struct rlimit was, low;
	socklen_t len;
	char buf[16];
	int listener, client, server, ep, spins = 0, refused = 0;

	listener = tcp_listener(family, &addr, &len);
	client = tcp_socket(family);
	ep = need(epoll_create1(EPOLL_CLOEXEC));
	need(epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev));
	if (connect(client, (struct sockaddr *)&addr, len) < 0)
		must(errno == EINPROGRESS);
	must(epoll_wait(ep, &ev, 1, 5000) == 1);

	need(getrlimit(RLIMIT_NOFILE, &was));
	low = was;
	low.rlim_cur = (rlim_t)ep + 1;
	need(setrlimit(RLIMIT_NOFILE, &low));
	for (int i = 0; i < 100; i++) {
		spins += epoll_wait(ep, &ev, 1, 0) == 1;
		if (accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) < 0)
			refused += errno == EMFILE;
	}
	believe_is(refused, 100, "no descriptor left: accept4 says EMFILE each time");
	believe_is(spins, 100, "and epoll says readable each time: a spin");
	need(epoll_ctl(ep, EPOLL_CTL_DEL, listener, NULL));
	believe_is(epoll_wait(ep, &ev, 1, PATIENCE), 0, "not watched, it is silent");
	must(polled(client, POLLOUT, 5000) == POLLOUT);
	believe_is(give(client, "hello", 5, 0), 5,
		   "the client is connected and may send meanwhile");

	need(setrlimit(RLIMIT_NOFILE, &was));
	ev.events = EPOLLIN;
	need(epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev));
	believe_is(epoll_wait(ep, &ev, 1, 5000), 1, "watched again, it is readable");
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	believe(server >= 0, "with a descriptor free accept4 gets the connection");
	must(server >= 0);
	believe(within(queued(server) == 5) && take(server, buf, sizeof(buf), 0) == 5,
		"and what was sent to it");
	believe(accept4(listener, NULL, NULL, 0) < 0 && errno == EAGAIN,
		"once, not a hundred times");
	close(server);
	close(client);
	close(listener);
	close(ep);
}

int main(void)
{
	belief_begin();
	each_family(story);
	return belief_end();
}
