/* SPDX-License-Identifier: BSD-2-Clause */
/* swarm_mixed.c — connections of mixed kinds, each of which both ends can foretell
 *
 *     peer mixed-server ADDR                   the server of all of them
 *     peer mixed ADDR COUNT AT_ONCE SEED MOST  COUNT connections, sizes up to MOST, then one line
 *
 * Connection n of seed s is always the same: the client says both numbers first, and from there each
 * end knows how much the other one sends, when, and how it ends. The server greets with GREETING
 * bytes before it has heard a word; some clients wait for them, others speak at once.
 *
 *     TALK     some rounds of question and answer; the client's FIN, the server's
 *     EARLY    one question and the client's FIN; a long answer, the server's FIN
 *     SERVED   rounds, then the server's FIN first
 *     DUPLEX   both send all at once, then both FIN
 *     BREAK_C  the server sends without end; the client reads a while, and resets
 *     BREAK_S  the other way round
 *
 * Each byte is checked. A wrong byte, a wrong end or 60 s in which nothing moves ends the program
 * with 1, after a word about which connection, of what kind, and where it stood.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"
#include "swarm_plan.h"

enum { BATCH = 256, QUIET_MS = 60000, ENDLESS = 4096 };

struct party {
	int fd, server, known, connecting;
	int cut, ended; /* our FIN has gone, his has come */
	struct plan plan;
	uint64_t sent, got, began;
	unsigned char hello[HELLO];
	struct party *next;
};

struct mixed {
	struct peer_addr to;
	int poll, server;
	uint64_t count, made, seed, most, bytes;
	uint64_t *took; /* ms of each */
	uint64_t done;
	struct party *over; /* freed after the turn */
};

static unsigned char scratch[64 * 1024];

/* -- the plan, as it stands -- */

/* How many bytes a party may have sent, having got so many. */
static uint64_t may_send(const struct party *o)
{
	const struct plan *p = &o->plan;
	uint64_t up = HELLO, down = GREETING;

	if (!o->known)
		return o->server ? GREETING : HELLO;
	if (!o->server && p->waits && o->got < GREETING)
		return 0;
	if ((p->kind == BREAK_C && o->server) || (p->kind == BREAK_S && !o->server))
		return UINT64_MAX;
	if (p->kind == BREAK_C || p->kind == BREAK_S)
		return o->server ? GREETING : HELLO;
	if (p->kind == DUPLEX)
		return o->server ? p->all_down : p->all_up;
	for (unsigned i = 0; i < p->rounds; i++) {
		if (!o->server && o->got < down)
			return up;
		up += p->up[i];
		if (o->server && o->got < up)
			return down;
		down += p->down[i];
	}
	return o->server ? down : up;
}

/* Is it the one that resets? It takes no byte more than it needs. */
static int breaks(const struct party *o)
{
	return o->known && o->plan.kind == (o->server ? BREAK_S : BREAK_C);
}

/* How many bytes come; UINT64_MAX: until it breaks. */
static uint64_t will_get(const struct party *o)
{
	if (o->plan.kind == (o->server ? BREAK_C : BREAK_S))
		return UINT64_MAX;
	return o->server ? o->plan.all_up : o->plan.all_down;
}

static void wrong(const struct party *o, const char *what)
{
	fail("%s %" PRIu64 " (%s): %s; sent %" PRIu64 " of %" PRIu64 ", got %" PRIu64
	     " of %" PRIu64,
	     o->server ? "server of" : "client", o->plan.number,
	     o->known ? plan_kind(&o->plan) : "unknown", what, o->sent, may_send(o), o->got,
	     will_get(o));
}

/* -- one connection -- */

static void watch(const struct mixed *m, struct party *o, int op, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = o };

	if (epoll_ctl(m->poll, op, o->fd, &ev))
		fail("epoll_ctl: %s", strerror(errno));
}

static void open_one(struct mixed *m);

static void gone(struct mixed *m, struct party *o)
{
	struct linger now = { .l_onoff = 1 };

	if (breaks(o))
		setsockopt(o->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(o->fd);
	o->fd = -1;
	o->next = m->over;
	m->over = o;
	if (m->server)
		return;
	m->took[m->done++] = now_ms() - o->began;
	if (m->made < m->count)
		open_one(m);
}

/* The bytes of our stream (or his) from `at` on: hello and greeting are told apart by where they lie. */
static uint64_t stream_of(const struct party *o, int ours)
{
	return o->plan.seed + (o->server == ours);
}

static void take_hello(struct party *o, size_t n)
{
	uint64_t id[2];

	for (size_t i = 0; i < n && o->got + i < HELLO; i++)
		o->hello[o->got + i] = scratch[i];
	if (o->got + n < HELLO)
		return;
	memcpy(id, o->hello, sizeof(id));
	plan_make(&o->plan, id[0] >> 32, id[1], id[0] & UINT32_MAX);
	o->known = 1;
}

static void check(struct party *o, size_t n)
{
	size_t head = o->server ? HELLO : GREETING,
	       skip = o->got < head ? head - (size_t)o->got : 0;

	if (skip >= n || !o->known)
		return;
	if (pattern_differs(stream_of(o, 0), o->got + skip, scratch + skip, n - skip) >= 0)
		wrong(o, "a wrong byte");
}

static void fill(const struct party *o, size_t n)
{
	pattern(stream_of(o, 1), o->sent, scratch, n);
	for (size_t i = 0; !o->server && i < n && o->sent + i < HELLO; i++)
		scratch[i] = o->hello[o->sent + i];
	for (size_t i = 0; o->server && i < n && o->sent + i < GREETING; i++)
		scratch[i] = '.';
}

static int broken(const struct party *o, int error)
{
	if (error != ECONNRESET && error != EPIPE)
		wrong(o, strerror(error));
	if (!o->known || will_get(o) != UINT64_MAX)
		wrong(o, "reset");
	return 1;
}

/* True: it broke, and may. */
static int one_reads(struct mixed *m, struct party *o)
{
	uint64_t left = o->server && !o->known ? HELLO - o->got : will_get(o) - o->got;
	int exact = !o->known || breaks(o);
	ssize_t n =
		recv(o->fd, scratch, exact && left < sizeof(scratch) ? left : sizeof(scratch), 0);

	if (n < 0)
		return errno == EAGAIN ? 0 : broken(o, errno);
	if (n == 0) {
		if (!o->known || left)
			wrong(o, "an early end");
		o->ended = 1;
		return 0;
	}
	if (o->server && !o->known)
		take_hello(o, (size_t)n);
	check(o, (size_t)n);
	o->got += (uint64_t)n;
	if (o->known && o->got > will_get(o))
		wrong(o, "more than all");
	m->bytes += (uint64_t)n;
	return 0;
}

static int one_sends(struct party *o)
{
	uint64_t left = may_send(o) - o->sent;
	size_t most = may_send(o) == UINT64_MAX ? ENDLESS : sizeof(scratch);
	size_t n = left < most ? (size_t)left : most;

	if (n == 0)
		return 0;
	fill(o, n);
	ssize_t sent = send(o->fd, scratch, n, MSG_NOSIGNAL);

	if (sent < 0)
		return errno == EAGAIN ? 0 : broken(o, errno);
	o->sent += (uint64_t)sent;
	return 0;
}

/* Has it sent all, and is it its turn to say so? */
static int may_cut(const struct party *o)
{
	const struct plan *p = &o->plan;
	int first = p->kind == SERVED ? o->server : !o->server;

	if (o->cut || !o->known || p->kind == BREAK_C || p->kind == BREAK_S ||
	    o->sent < (o->server ? p->all_down : p->all_up))
		return 0;
	if (p->kind == DUPLEX || (p->kind == EARLY && first))
		return 1;
	return first ? o->got == will_get(o) : o->ended;
}

static void one_step(struct mixed *m, struct party *o, uint32_t events)
{
	if (o->connecting && (events & (EPOLLERR | EPOLLHUP)))
		wrong(o, "no connection");
	o->connecting = 0;
	if (one_sends(o) || (!o->ended && one_reads(m, o))) {
		gone(m, o);
		return;
	}
	if (may_cut(o)) {
		shutdown(o->fd, SHUT_WR);
		o->cut = 1;
	}
	if ((o->cut && o->ended) || (breaks(o) && o->got == will_get(o)))
		gone(m, o);
	else
		watch(m, o, EPOLL_CTL_MOD,
		      (o->ended ? 0 : EPOLLIN) | (o->sent < may_send(o) ? EPOLLOUT : 0));
}

/* -- many -- */

static void open_one(struct mixed *m)
{
	struct party *o = calloc(1, sizeof(*o));
	uint64_t id[2] = { m->seed << 32 | m->most, m->made };

	if (!o)
		fail("no memory");
	memcpy(o->hello, id, sizeof(id));
	plan_make(&o->plan, m->seed, m->made++, m->most);
	o->known = o->connecting = 1;
	o->began = now_ms();
	o->fd = socket(m->to.ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (o->fd < 0)
		fail("socket: %s", strerror(errno));
	if (connect(o->fd, (struct sockaddr *)&m->to.ss, m->to.len) && errno != EINPROGRESS)
		fail("connect: %s", strerror(errno));
	watch(m, o, EPOLL_CTL_ADD, EPOLLOUT);
}

static void guests_come(struct mixed *m, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct party *o = calloc(1, sizeof(*o));

		if (!o)
			fail("no memory");
		o->fd = fd;
		o->server = 1;
		watch(m, o, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
	}
	if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
		fail("accept: %s", strerror(errno));
}

static void turn(struct mixed *m, int listener)
{
	struct epoll_event ev[BATCH];
	int n = epoll_wait(m->poll, ev, BATCH, m->server ? -1 : QUIET_MS);

	if (n == 0)
		fail("nothing moves any more: %" PRIu64 " of %" PRIu64 " are done", m->done,
		     m->count);
	for (int i = 0; i < n; i++) {
		struct party *o = ev[i].data.ptr;

		if (!o)
			guests_come(m, listener);
		else if (o->fd >= 0)
			one_step(m, o, ev[i].events);
	}
	while (m->over) {
		struct party *o = m->over;

		m->over = o->next;
		free(o);
	}
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void tell(struct mixed *m)
{
	qsort(m->took, m->done, sizeof(*m->took), by_size);
	printf("{\"done\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"p50_ms\":%" PRIu64
	       ",\"p99_ms\":%" PRIu64 ",\"most_ms\":%" PRIu64 "}\n",
	       m->done, m->bytes, m->took[m->done / 2], m->took[m->done * 99 / 100],
	       m->took[m->done - 1]);
}

int mixed_main(int argc, char **argv)
{
	struct mixed m = { .poll = epoll_create1(EPOLL_CLOEXEC) };

	if (m.poll < 0 || argc != 6)
		fail("usage: peer mixed ADDR COUNT AT_ONCE SEED MOST");
	addr_read(&m.to, argv[1]);
	m.count = number(argv[2]);
	m.seed = number(argv[4]);
	m.most = number(argv[5]);
	m.took = calloc(m.count, sizeof(*m.took));
	if (!m.took || !m.count)
		fail("no memory");
	for (uint64_t i = number(argv[3]); i && m.made < m.count; i--)
		open_one(&m);
	while (m.done < m.count)
		turn(&m, -1);
	tell(&m);
	return 0;
}

int mixed_server_main(int argc, char **argv)
{
	struct mixed m = { .poll = epoll_create1(EPOLL_CLOEXEC), .server = 1 };
	struct epoll_event ev = { .events = EPOLLIN };

	if (m.poll < 0 || argc != 2)
		fail("usage: peer mixed-server ADDR");
	int listener = listen_at(argv[1], 4096, 0, 0);

	nonblocking(listener);
	if (epoll_ctl(m.poll, EPOLL_CTL_ADD, listener, &ev))
		fail("epoll_ctl: %s", strerror(errno));
	for (;;)
		turn(&m, listener);
}
