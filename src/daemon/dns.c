/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/dns.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/sys.h"

/* The first try of each name server; twice and four times as long the next. */
enum { PATIENCE_MS = 1000, TRIES = 3 };

/* c-ares tells what it waits for; nothing, before it closes the socket. */
static void watch(void *data, ares_socket_t fd, int readable, int writable)
{
	struct dns *d = data;
	uint32_t events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u);
	uint64_t ticket = DNS_TICKET | (uint32_t)fd;

	if (!events)
		sys_epoll_ctl(d->epfd, EPOLL_CTL_DEL, fd, 0, 0);
	else if (sys_epoll_ctl(d->epfd, EPOLL_CTL_MOD, fd, events, ticket) == -ENOENT)
		sys_epoll_ctl(d->epfd, EPOLL_CTL_ADD, fd, events, ticket);
}

int dns_open(struct dns **out, int epfd)
{
	struct dns *d = sys_alloc(sizeof(*d));
	struct ares_options o = {
		.timeout = PATIENCE_MS,
		.tries = TRIES,
		.sock_state_cb = watch,
		.sock_state_cb_data = d,
	};
	int r;

	if (!d)
		return -ENOMEM;
	d->epfd = epfd;
	r = ares_library_init(ARES_LIB_INIT_ALL);
	if (r == ARES_SUCCESS) {
		r = ares_init_options(&d->channel, &o,
				      ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
		if (r != ARES_SUCCESS)
			ares_library_cleanup();
	}
	if (r == ARES_SUCCESS) {
		*out = d;
		return 0;
	}
	free(d);
	return r == ARES_ENOMEM ? -ENOMEM : -EIO;
}

void dns_close(struct dns *d)
{
	if (!d)
		return;
	ares_destroy(d->channel);
	ares_library_cleanup();
	free(d);
}

void dns_ready(struct dns *d, uint64_t ticket, uint32_t events)
{
	ares_socket_t fd = (ares_socket_t)(uint32_t)ticket;
	bool failed = events & (EPOLLERR | EPOLLHUP);

	ares_process_fd(d->channel, events & EPOLLIN || failed ? fd : ARES_SOCKET_BAD,
			events & EPOLLOUT || failed ? fd : ARES_SOCKET_BAD);
}

uint64_t dns_patience(struct dns *d)
{
	struct timeval room, *next = ares_timeout(d->channel, NULL, &room);

	if (!next)
		return UINT64_MAX;
	return (uint64_t)next->tv_sec * 1000 + (uint64_t)next->tv_usec / 1000 + 1;
}

void dns_late(struct dns *d)
{
	ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

bool dns_in_hosts(struct dns *d, const char *name)
{
	static const int families[] = { AF_INET, AF_INET6 };

	for (int i = 0; i < 2; i++) {
		struct hostent *host = NULL;

		if (ares_gethostbyname_file(d->channel, name, families[i], &host) == ARES_SUCCESS) {
			ares_free_hostent(host);
			return true;
		}
	}
	return false;
}
