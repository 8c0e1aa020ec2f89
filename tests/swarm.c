/* SPDX-License-Identifier: BSD-2-Clause */
/* swarm.c — thousands of connections in one process, and the server that echoes them
 *
 *     peer echo ADDR             sends back whatever comes, for as long as it comes
 *     peer swarm ADDR            does what its stdin says, one line each, and answers each
 *
 *     open N                     until N connections are open
 *     round SIZE                 each sends SIZE bytes and gets them back, checked
 *     short COUNT AT_ONCE SIZE   COUNT connections, each: connect, SIZE there and back, FIN, FIN
 *     close                      FIN to all, and the FIN back from all
 *     reset                      resets all
 *
 * Each connection sends a stream of its own (its number is the seed), so bytes that went astray
 * between connections are noticed as well as lost ones. A line is answered with "ok …"; anything
 * that goes wrong ends the program with 1.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

#define AT_ONCE 128 /* connections being made at a time */
#define BATCH   256

struct one {
	int fd;
	int connecting, closing;
	uint64_t number, sent, got, goal;
};

struct swarm {
	struct peer_addr to;
	int poll;
	struct one *all;
	size_t size, open, busy; /* slots, connections, those with something left to do */
	uint64_t made;
	uint64_t at_most; /* `short`: how many to make altogether */
	uint64_t goal;    /* `short`: bytes of each */
};

static unsigned char scratch[64 * 1024];

static void all_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

static void watch(int poll, int op, int fd, uint32_t events, void *ptr)
{
	struct epoll_event ev = { .events = events, .data.ptr = ptr };

	if (epoll_ctl(poll, op, fd, &ev))
		fail("epoll_ctl: %s", strerror(errno));
}

static int made_epoll(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		fail("epoll_create1: %s", strerror(errno));
	return fd;
}

/* -- the server -- */

struct guest {
	int fd;
	size_t from, to; /* what is still to be sent back */
	unsigned char bytes[8 * 1024];
};

static void guest_gone(struct guest *g)
{
	close(g->fd);
	free(g);
}

static void guest_step(int poll, struct guest *g)
{
	ssize_t n;

	if (g->from == g->to) {
		n = recv(g->fd, g->bytes, sizeof(g->bytes), 0);
		if (n == 0 || (n < 0 && errno != EAGAIN)) {
			guest_gone(g);
			return;
		}
		g->from = 0;
		g->to = n > 0 ? (size_t)n : 0;
	}
	while (g->from < g->to) {
		n = send(g->fd, g->bytes + g->from, g->to - g->from, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN) {
			guest_gone(g);
			return;
		}
		if (n < 0)
			break;
		g->from += (size_t)n;
	}
	watch(poll, EPOLL_CTL_MOD, g->fd, g->from < g->to ? EPOLLOUT : EPOLLIN, g);
}

static void guests_come(int poll, int listener)
{
	struct guest *g;
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		g = calloc(1, sizeof(*g));
		if (!g)
			fail("no memory");
		g->fd = fd;
		watch(poll, EPOLL_CTL_ADD, fd, EPOLLIN, g);
	}
	if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
		fail("accept: %s", strerror(errno));
}

int echo_main(int argc, char **argv)
{
	struct epoll_event ev[BATCH];
	int poll = made_epoll();
	int listener, n, i;

	if (argc != 2)
		fail("usage: peer echo ADDR");
	all_descriptors();
	listener = listen_at(argv[1], 4096, 0, 0);
	nonblocking(listener);
	watch(poll, EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
	for (;;) {
		n = epoll_wait(poll, ev, BATCH, -1);
		for (i = 0; i < n; i++) {
			if (ev[i].data.ptr)
				guest_step(poll, ev[i].data.ptr);
			else
				guests_come(poll, listener);
		}
	}
}

/* -- the swarm -- */

static void one_wants(const struct swarm *s, struct one *o)
{
	uint32_t events = 0;

	if (o->connecting || o->sent < o->goal)
		events |= EPOLLOUT;
	if (o->got < o->goal || o->closing)
		events |= EPOLLIN;
	watch(s->poll, EPOLL_CTL_MOD, o->fd, events, o);
}

static void one_open(struct swarm *s, struct one *o)
{
	memset(o, 0, sizeof(*o));
	o->number = s->made++;
	o->goal = s->goal;
	o->fd = socket(s->to.ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (o->fd < 0)
		fail("socket: %s", strerror(errno));
	if (connect(o->fd, (struct sockaddr *)&s->to.ss, s->to.len) && errno != EINPROGRESS)
		fail("connect: %s", strerror(errno));
	o->connecting = 1;
	s->open++;
	s->busy++;
	watch(s->poll, EPOLL_CTL_ADD, o->fd, EPOLLOUT, o);
}

static void one_connected(struct one *o)
{
	int err = 0;
	socklen_t len = sizeof(err);

	getsockopt(o->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err)
		fail("connection %lu: %s", (unsigned long)o->number, strerror(err));
	o->connecting = 0;
}

static void one_send(struct one *o)
{
	size_t n = sizeof(scratch);
	ssize_t got;

	if (o->goal - o->sent < n)
		n = (size_t)(o->goal - o->sent);
	pattern(o->number, o->sent, scratch, n);
	got = send(o->fd, scratch, n, MSG_NOSIGNAL);
	if (got < 0 && errno != EAGAIN)
		fail("connection %lu: send: %s", (unsigned long)o->number, strerror(errno));
	if (got > 0)
		o->sent += (uint64_t)got;
}

static void one_read(struct one *o)
{
	ssize_t n = recv(o->fd, scratch, sizeof(scratch), 0);
	long bad;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0)
		fail("connection %lu: recv: %s after %lu bytes", (unsigned long)o->number,
		     strerror(errno), (unsigned long)o->got);
	if (n == 0 && o->closing) {
		o->closing = 2;
		return;
	}
	if (n == 0)
		fail("connection %lu: ended after %lu of %lu bytes", (unsigned long)o->number,
		     (unsigned long)o->got, (unsigned long)o->goal);
	bad = pattern_differs(o->number, o->got, scratch, (size_t)n);
	if (bad >= 0)
		fail("connection %lu: byte %lu is wrong", (unsigned long)o->number,
		     (unsigned long)(o->got + (uint64_t)bad));
	o->got += (uint64_t)n;
	if (o->got > o->goal)
		fail("connection %lu: more came back than was sent", (unsigned long)o->number);
}

static void one_closed(struct swarm *s, struct one *o)
{
	close(o->fd);
	o->fd = -1;
	s->open--;
}

/* Done with its goal: rest, or (in `short`) close in order and make room for the next. */
static void one_rests(struct swarm *s, struct one *o)
{
	if (s->at_most && !o->closing) {
		shutdown(o->fd, SHUT_WR);
		o->closing = 1;
		one_wants(s, o);
		return;
	}
	s->busy--;
	if (o->closing == 2)
		one_closed(s, o);
	else
		watch(s->poll, EPOLL_CTL_MOD, o->fd, 0, o);
	if (s->at_most && s->made < s->at_most)
		one_open(s, o);
}

static void one_step(struct swarm *s, struct one *o, uint32_t events)
{
	if (o->connecting)
		one_connected(o);
	if ((events & EPOLLOUT) && o->sent < o->goal)
		one_send(o);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		one_read(o);
	if (o->closing == 1)
		return;
	if (o->sent == o->goal && o->got == o->goal)
		one_rests(s, o);
	else
		one_wants(s, o);
}

static void swarm_turn(struct swarm *s)
{
	struct epoll_event ev[BATCH];
	int n = epoll_wait(s->poll, ev, BATCH, 20000);
	int i;

	if (n == 0)
		fail("nothing moves any more: %zu of %zu connections wait", s->busy, s->open);
	for (i = 0; i < n; i++)
		one_step(s, ev[i].data.ptr, ev[i].events);
}

static void slots(struct swarm *s, size_t n)
{
	size_t i;

	if (s->open)
		fail("close the open ones first");
	free(s->all);
	s->all = calloc(n, sizeof(*s->all));
	if (!s->all)
		fail("no memory");
	s->size = n;
	for (i = 0; i < n; i++)
		s->all[i].fd = -1;
}

static void do_open(struct swarm *s, size_t n)
{
	s->goal = s->at_most = 0;
	slots(s, n);
	while (s->open < n || s->busy) {
		while (s->open < n && s->busy < AT_ONCE)
			one_open(s, &s->all[s->open]);
		swarm_turn(s);
	}
}

static void do_round(struct swarm *s, uint64_t size)
{
	size_t i;

	for (i = 0; i < s->size; i++) {
		s->all[i].goal += size;
		one_wants(s, &s->all[i]);
	}
	s->busy = s->size;
	while (s->busy)
		swarm_turn(s);
}

static void do_short(struct swarm *s, uint64_t count, size_t at_once, uint64_t size)
{
	size_t i;

	slots(s, at_once);
	s->goal = size;
	s->at_most = s->made + count;
	for (i = 0; i < at_once && s->made < s->at_most; i++)
		one_open(s, &s->all[i]);
	while (s->busy)
		swarm_turn(s);
	s->at_most = 0;
}

static void do_close_all(struct swarm *s)
{
	size_t i;

	for (i = 0; i < s->size; i++) {
		shutdown(s->all[i].fd, SHUT_WR);
		s->all[i].closing = 1;
		one_wants(s, &s->all[i]);
	}
	s->busy = s->size;
	while (s->busy)
		swarm_turn(s);
}

static void do_reset_all(struct swarm *s)
{
	struct linger now = { .l_onoff = 1 };
	size_t i;

	for (i = 0; i < s->size; i++) {
		setsockopt(s->all[i].fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		one_closed(s, &s->all[i]);
	}
}

static void obey(struct swarm *s, const char *line)
{
	char verb[16] = "";
	unsigned long a = 0, b = 0, c = 0;

	sscanf(line, "%15s %lu %lu %lu", verb, &a, &b, &c);
	if (strcmp(verb, "open") == 0)
		do_open(s, a);
	else if (strcmp(verb, "round") == 0)
		do_round(s, a);
	else if (strcmp(verb, "short") == 0)
		do_short(s, a, b, c);
	else if (strcmp(verb, "close") == 0)
		do_close_all(s);
	else if (strcmp(verb, "reset") == 0)
		do_reset_all(s);
	else
		fail("unknown order '%s'", verb);
	printf("ok %s\n", verb);
}

int swarm_main(int argc, char **argv)
{
	struct swarm s = { .poll = made_epoll() };
	char line[128];

	if (argc != 2)
		fail("usage: peer swarm ADDR");
	all_descriptors();
	addr_read(&s.to, argv[1]);
	while (fgets(line, sizeof(line), stdin))
		obey(&s, line);
	return 0;
}
