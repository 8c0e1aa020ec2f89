/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/bench_conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/sys.h"

#define AT_ONCE 128
#define ACCEPTS 64
#define MOST    ((size_t)1 << 20)

int bench_conn_room(struct bench *b)
{
	struct rlimit limit = { .rlim_cur = 1024 };

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	b->room = limit.rlim_cur < MOST ? (size_t)limit.rlim_cur : MOST;
	b->conn = sys_alloc(b->room * sizeof(*b->conn)); /* untouched pages cost nothing */
	return b->conn ? 0 : -ENOMEM;
}

static void note(struct bench *b, int error)
{
	struct bench_error *e = b->errors;

	while (e < b->errors + BENCH_ERRORS - 1 && e->count && e->error != error)
		e++;
	if (e->count == 0)
		e->error = error;
	e->count++;
}

/* One fewer; if it is to be followed by another, not at once: what failed will do so again. */
static void failed(struct bench *b, int error)
{
	b->failed++;
	note(b, error);
	if (b->tool->renew && b->stop == BENCH_RUNS)
		b->again++;
}

/* Out of descriptors: connections wait in the backlog until one is given back. */
static void listen_again(struct bench *b)
{
	int fd = b->listener.fd[0];

	if (sys_epoll_ctl(b->epoll, EPOLL_CTL_ADD, fd, EPOLLIN, (uint32_t)fd) == 0)
		b->deaf = false;
}

static void not_waited_for(struct bench *b, struct bench_conn *c)
{
	b->connecting -= c->connecting;
	b->proving -= c->proving;
	c->connecting = c->proving = false;
}

static void close_one(struct bench *b, struct bench_conn *c)
{
	if (b->tool->closing && !c->connecting)
		b->tool->closing(b, c);
	not_waited_for(b, c);
	timer_disarm(&b->timers, &c->timer);
	free(c->rest);
	c->rest = NULL;
	sys_close(c->fd);
	c->open = false;
	b->open--;
	if (b->deaf)
		listen_again(b);
}

/* A place for the socket, watched for events. NULL: the socket is closed, *error says why. */
static struct bench_conn *adopt(struct bench *b, int fd, uint32_t events, int *error)
{
	struct bench_conn *c = &b->conn[fd];
	uint32_t generation = (size_t)fd < b->room ? c->generation + 1 : 0;

	*error = (size_t)fd < b->room ? sys_epoll_ctl(b->epoll, EPOLL_CTL_ADD, fd, events,
						      (uint64_t)generation << 32 | (uint32_t)fd)
				      : -EMFILE;
	if (*error < 0) {
		sys_close(fd);
		return NULL;
	}
	*c = (struct bench_conn){ .fd = fd, .generation = generation, .events = events };
	c->open = true;
	c->number = b->next_number++;
	c->began = b->now;
	b->open++;
	if ((size_t)fd >= b->top)
		b->top = (size_t)fd + 1;
	return c;
}

static void is_up(struct bench *b, struct bench_conn *c)
{
	b->up++;
	b->active_at = b->now;
	b->tool->up(b, c);
}

/* -- those we make -- */

static int make_socket(const struct bench *b, const struct addr *to)
{
	int fd = sys_socket(to->ss.ss_family, SOCK_STREAM, 0), rc = 0;
	const struct addr *from =
		b->asked.froms ? &b->asked.from[b->next_number % b->asked.froms] : NULL;

	if (fd < 0 || to->ss.ss_family == AF_UNIX)
		return fd;
	rc = sys_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	/* The port is chosen when connecting: by then it is known which ones are free towards there. */
	if (rc == 0 && from)
		rc = sys_setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	if (rc == 0 && from && bind(fd, (const struct sockaddr *)&from->ss, from->len) < 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	sys_close(fd);
	return rc;
}

/* If none has ever been up, the name's next address may be the right one. */
static bool try_elsewhere(struct bench *b)
{
	if (b->up > 0 || b->target + 1 >= b->asked.tos)
		return false;
	b->target++;
	b->to_open++;
	return true;
}

static bool open_one(struct bench *b)
{
	const struct addr *to = &b->asked.to[b->target];
	uint64_t began = clock_ns();
	int fd = make_socket(b, to);
	int rc = fd < 0 ? fd : sys_connect(fd, (const struct sockaddr *)&to->ss, to->len), error;
	struct bench_conn *c;

	if (fd >= 0 && rc == -EAGAIN) { /* a Unix socket's backlog is full */
		sys_close(fd);
		b->again++;
		return false;
	}
	if (fd >= 0 && rc < 0 && rc != -EINPROGRESS)
		sys_close(fd);
	if (rc < 0 && rc != -EINPROGRESS) {
		if (!try_elsewhere(b))
			failed(b, rc);
		return true;
	}
	c = adopt(b, fd, rc < 0 ? EPOLLOUT : 0, &error);
	if (!c) {
		failed(b, error);
		return true;
	}
	c->began = began;
	c->connecting = rc < 0;
	b->connecting += c->connecting;
	if (!c->connecting)
		is_up(b, c);
	return true;
}

void bench_conn_open_some(struct bench *b)
{
	/* Who makes connections for their own sake has said how many it wants at a time. */
	uint64_t most = b->tool->renew ? UINT64_MAX : AT_ONCE;

	while (b->to_open > 0 && b->connecting + b->proving < most && b->stop == BENCH_RUNS) {
		b->to_open--;
		if (!open_one(b))
			break;
	}
}

void bench_conn_connected(struct bench *b, struct bench_conn *c)
{
	int error = 0, rc = sys_getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error);

	if (rc == 0 && error && try_elsewhere(b)) {
		close_one(b, c);
	} else if (rc < 0 || error) {
		bench_conn_end(b, c, rc < 0 ? rc : -error);
	} else {
		not_waited_for(b, c);
		bench_conn_wait_for(b, c, 0);
		is_up(b, c);
	}
}

void bench_conn_give_up(struct bench *b)
{
	for (struct bench_conn *c = NULL; (c = bench_conn_each(b, c));)
		if (c->connecting || c->proving)
			bench_conn_end(b, c, -ETIMEDOUT);
}

/* -- those that come -- */

void bench_conn_accept(struct bench *b)
{
	for (int i = 0; i < ACCEPTS; i++) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		int fd = sys_accept(b->listener.fd[0], &from, &len), error;
		struct bench_conn *c;

		if (fd == -ECONNABORTED)
			continue;
		if (fd < 0) {
			if (fd == -EAGAIN)
				return;
			note(b, fd);
			b->deaf = b->open > 0;
			if (b->deaf)
				sys_epoll_ctl(b->epoll, EPOLL_CTL_DEL, b->listener.fd[0], 0, 0);
			return;
		}
		if (from.ss_family != AF_UNIX)
			sys_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
		c = adopt(b, fd, 0, &error);
		if (c)
			is_up(b, c);
		else
			failed(b, error);
	}
}

/* -- all of them -- */

void bench_conn_wait_for(struct bench *b, struct bench_conn *c, uint32_t events)
{
	uint64_t ticket = (uint64_t)c->generation << 32 | (uint32_t)c->fd;

	if (c->events == events)
		return;
	if (sys_epoll_ctl(b->epoll, EPOLL_CTL_MOD, c->fd, events, ticket) == 0)
		c->events = events;
}

void bench_conn_prove(struct bench *b, struct bench_conn *c)
{
	c->proving = true;
	b->proving++;
}

void bench_conn_proved(struct bench *b, struct bench_conn *c)
{
	b->active_at = b->now;
	not_waited_for(b, c);
}

int bench_conn_wake(struct bench *b, struct bench_conn *c, uint64_t at_ns)
{
	return timer_arm(&b->timers, &c->timer, at_ns / 1000);
}

void bench_conn_end(struct bench *b, struct bench_conn *c, int error)
{
	close_one(b, c);
	b->active_at = b->now;
	if (error < 0) {
		failed(b, error);
		return;
	}
	b->ended++;
	b->to_open += b->tool->renew && b->stop == BENCH_RUNS;
}

struct bench_conn *bench_conn_each(struct bench *b, struct bench_conn *last)
{
	struct bench_conn *c = last ? last + 1 : b->conn;

	for (; c && c < b->conn + b->top; c++)
		if (c->open)
			return c;
	return NULL;
}

void bench_conn_close_all(struct bench *b)
{
	b->cut = b->open;
	for (struct bench_conn *c = NULL; (c = bench_conn_each(b, c));)
		close_one(b, c);
}
