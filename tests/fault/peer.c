/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fault.h"

#define NOISE 1048573 /* a prime: no length of ours divides it */

/* A narrow way: it is full soon. The short segments keep it from waiting for timers, as loopback's long ones
 * would with so small a window. */
enum { NARROW = 8 * 1024, SEGMENT = 1400 };

const unsigned char *noise(unsigned seed, size_t at, size_t *len)
{
	static unsigned char bytes[NOISE];
	static bool made;
	uint32_t x = 2463534242u;
	size_t from = (at + seed * (size_t)90001) % NOISE;

	for (size_t i = 0; !made && i < NOISE; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		bytes[i] = (unsigned char)(x >> 8);
	}
	made = true;
	if (*len > NOISE - from)
		*len = NOISE - from;
	return bytes + from;
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static void option(int fd, int level, int name, int value)
{
	must(setsockopt(fd, level, name, &value, sizeof(value)) == 0, "setsockopt");
}

/* Where peers are met, made once: looking for a free port gets slow when thousands are in TIME_WAIT. */
static struct door {
	int fd;
	uint16_t port;
} doors[2], shut;

static struct door door_new(void)
{
	struct sockaddr_in at = loopback(0);
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	must(fd >= 0, "socket");
	must(bind(fd, (struct sockaddr *)&at, len) == 0, "bind");
	must(getsockname(fd, (struct sockaddr *)&at, &len) == 0, "getsockname");
	return (struct door){ fd, ntohs(at.sin_port) };
}

static int knocked(const struct door *d)
{
	return accept4(d->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/* What is accepted has the listener's options. */
void peers_begin(void)
{
	int late;

	if (!shut.port)
		shut = door_new(); /* so that nobody else listens there */
	for (int narrow = 0; narrow < 2; narrow++) {
		struct door *d = &doors[narrow];

		while (d->port && (late = knocked(d)) >= 0) /* it belonged to an earlier run */
			close(late);
		if (d->port)
			continue;
		*d = door_new();
		option(d->fd, SOL_SOCKET, SO_OOBINLINE, 1);
		option(d->fd, IPPROTO_TCP, TCP_NODELAY, 1);
		if (narrow) {
			option(d->fd, SOL_SOCKET, SO_RCVBUF, NARROW);
			option(d->fd, IPPROTO_TCP, TCP_MAXSEG, SEGMENT);
		}
		must(listen(d->fd, 16) == 0, "listen");
	}
}

static struct peer *peer_new(struct world *w, const char *name)
{
	must(w->peer_count < PEERS, "room for one more peer");
	struct peer *p = &w->peers[w->peer_count];

	*p = (struct peer){ .name = name,
			    .fd = -1,
			    .other = -1,
			    .seed = ++w->peer_count,
			    .urgent_at = SIZE_MAX,
			    .appetite = SIZE_MAX,
			    .want = END_FIN };
	return p;
}

struct peer *peer_pair(struct world *w, const char *name, bool narrow)
{
	struct peer *p = peer_new(w, name);
	const struct door *d = &doors[narrow];
	struct sockaddr_in to = loopback(d->port);

	p->other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(p->other >= 0, "socket");
	if (narrow)
		option(p->other, SOL_SOCKET, SO_SNDBUF, NARROW);
	must(connect(p->other, (struct sockaddr *)&to, sizeof(to)) == 0, "connect");
	p->fd = knocked(d);
	must(p->fd >= 0, "accept");
	return p;
}

struct peer *peer_listens(struct world *w, const char *name, bool narrow, uint16_t *port)
{
	struct peer *p = peer_new(w, name);

	p->door = &doors[narrow];
	*port = p->door->port;
	return p;
}

uint16_t port_refused(void)
{
	return shut.port;
}

void peer_sends(struct peer *p, size_t bytes, enum end then)
{
	p->to_send = bytes;
	p->then = then;
}

void peer_expects(struct peer *p, unsigned seed, size_t at, size_t len)
{
	struct piece_of *last = p->piece < p->pieces ? &p->tape[p->pieces - 1] : NULL;

	p->total += len;
	if (last && last->seed == seed && last->at + last->len == at) {
		last->len += len;
		return;
	}
	must(p->pieces < TAPE, "room on the tape");
	p->tape[p->pieces++] = (struct piece_of){ seed, at, len };
}

void peer_expects_nothing(struct peer *p)
{
	if (p->got)
		wrong("%s got %zu bytes of a join that came undone", p->name, p->got);
	p->pieces = p->piece = 0;
	p->total = 0;
	p->may_fin = false;
}

static void peer_got(struct peer *p, const unsigned char *bytes, size_t n)
{
	while (n > 0) {
		if (p->piece == p->pieces) {
			wrong("%s got %zu bytes more than the %zu ordered", p->name, n, p->total);
			return;
		}
		struct piece_of *of = &p->tape[p->piece];
		size_t some = of->len - p->piece_got < n ? of->len - p->piece_got : n;
		const unsigned char *want = noise(of->seed, of->at + p->piece_got, &some);

		if (memcmp(bytes, want, some)) {
			wrong("%s got a wrong byte in [%zu, %zu)", p->name, p->got, p->got + some);
			p->end = END_RESET; /* said once is enough */
			return;
		}
		p->got += some;
		p->piece_got += some;
		if (p->piece_got == of->len) {
			p->piece++;
			p->piece_got = 0;
		}
		bytes += some;
		n -= some;
	}
}

static bool peer_reads(struct peer *p)
{
	static unsigned char bytes[256 * 1024];
	size_t left = p->appetite;
	bool moved = false;

	while (left > 0 && p->end == END_OPEN) {
		ssize_t n = recv(p->fd, bytes, left < sizeof(bytes) ? left : sizeof(bytes), 0);

		if (n < 0 && errno == EAGAIN)
			break;
		moved = true;
		if (n > 0) {
			peer_got(p, bytes, (size_t)n);
			left -= (size_t)n;
		} else {
			p->end = n == 0 && !p->write_failed ? END_FIN : END_RESET;
		}
	}
	return moved;
}

static ssize_t send_some(struct peer *p, size_t n)
{
	bool urgent = p->sent == p->urgent_at;

	if (urgent)
		n = 1;
	else if (p->sent < p->urgent_at && n > p->urgent_at - p->sent)
		n = p->urgent_at - p->sent;
	const unsigned char *bytes = noise(p->seed, p->sent, &n);

	return send(p->fd, bytes, n, MSG_NOSIGNAL | (urgent ? MSG_OOB : 0));
}

static bool peer_writes(struct peer *p)
{
	size_t left = p->pace ? p->pace : SIZE_MAX;
	bool moved = false;

	while (left > 0 && p->sent < p->to_send && !p->write_failed) {
		size_t n = p->to_send - p->sent < left ? p->to_send - p->sent : left;
		ssize_t gone = send_some(p, n);

		if (gone < 0 && errno == EAGAIN)
			break;
		moved = true;
		if (gone < 0) {
			p->write_failed = true;
			break;
		}
		p->sent += (size_t)gone;
		left -= (size_t)gone;
	}
	return moved;
}

/* Linger with no time: a reset. */
static void close_hard(int *fd)
{
	struct linger now = { .l_onoff = 1 };

	if (*fd >= 0) {
		setsockopt(*fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(*fd);
	}
	*fd = -1;
}

/* The end of what it sends. A reset throws away what is not acknowledged: it waits for that. */
static bool peer_ends(struct peer *p)
{
	int unsent = 0;

	if (p->then_done || p->then == END_OPEN || p->sent < p->to_send || p->write_failed)
		return false;
	if (p->then == END_FIN) {
		shutdown(p->fd, SHUT_WR);
	} else {
		must(ioctl(p->fd, SIOCOUTQ, &unsent) == 0, "SIOCOUTQ");
		if (unsent > 0)
			return false;
		peer_reads(p);
		close_hard(&p->fd);
		p->end = p->end == END_OPEN ? END_RESET : p->end;
	}
	p->then_done = true;
	return true;
}

bool peer_step(struct peer *p)
{
	bool moved = false;

	if (p->fd < 0 && p->door && p->end == END_OPEN) {
		p->fd = knocked(p->door);
		moved = p->fd >= 0;
	}
	if (p->fd < 0)
		return moved;
	if (!p->waits) {
		moved |= peer_writes(p);
		moved |= peer_ends(p);
	}
	if (p->fd >= 0)
		moved |= peer_reads(p);
	return moved;
}

void peer_forgets(struct peer *p)
{
	char byte;
	int fd;

	while ((fd = knocked(p->door)) >= 0) {
		if (recv(fd, &byte, 1, 0) == 0)
			wrong("%s saw an orderly end of a connection that was never told", p->name);
		close(fd);
	}
}

bool peer_over(const struct peer *p)
{
	return p->end != END_OPEN;
}

void peer_end(struct peer *p)
{
	close_hard(&p->fd);
	close_hard(&p->other);
}

void peer_judge(const struct peer *p, bool untouched)
{
	if (p->end == END_FIN && !p->may_fin)
		wrong("%s saw an orderly end that nobody ordered, after %zu bytes", p->name,
		      p->got);
	if (p->end == END_FIN && p->got != p->total)
		wrong("%s saw an orderly end after %zu bytes of %zu: a cut-off stream looks complete",
		      p->name, p->got, p->total);
	if (!untouched)
		return;
	if (p->got != p->total && !p->part_will_do)
		wrong("%s got %zu bytes of %zu", p->name, p->got, p->total);
	if (p->end != p->want)
		wrong("%s's end is %d, not %d", p->name, (int)p->end, (int)p->want);
}
