/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/ask.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "look/proxyproto.h"
#include "look/status.h"

/* All that is read: the status line, and what may go before it. */
enum { REPLY_MOST = 4096 };

__attribute__((format(printf, 3, 4))) static enum ask_answer answer(struct ask *a,
								    enum ask_answer is,
								    const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(a->why, sizeof(a->why), fmt, args);
	va_end(args);
	return is;
}

static enum ask_answer bad(struct ask *a, int error)
{
	return answer(a, ASK_BAD, "%s", strerror(error < 0 ? -error : error));
}

/* -- connecting -- */

/* No address of ours leads there; else it is the ports that are used up. */
static bool no_way_to(const struct addr *to)
{
	int fd = sys_socket(to->ss.ss_family, SOCK_DGRAM, 0);
	int r = fd < 0 ? 0 : sys_connect(fd, (const struct sockaddr *)&to->ss, to->len);

	sys_close(fd);
	return r < 0;
}

static bool own_lack(const struct addr *to, int r)
{
	switch (-r) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM: return true;
	case EADDRNOTAVAIL: return !no_way_to(to);
	default: return false;
	}
}

/* A socket that asks for a port of this machine's which nobody listens at may be given that very port, and be
 * connected to itself. */
static bool to_itself(const struct ask *a)
{
	struct addr self, peer;

	return a->to.ss.ss_family != AF_UNIX && addr_of_self(a->fd, &self) == 0 &&
	       addr_of_peer(a->fd, &peer) == 0 && addr_same(&self, &peer);
}

static enum ask_answer connected(struct ask *a)
{
	int error = 0, r;

	sys_getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error);
	if (error)
		return bad(a, error);
	r = sys_connected(a->fd);
	if (r == 0)
		return ASK_WAIT;
	if (r < 0)
		return bad(a, r);
	if (to_itself(a))
		return bad(a, ECONNREFUSED);
	a->connected = true;
	return ASK_GOOD;
}

/* -- asking -- */

static bool write_request(struct ask *a, const struct ask_question *q)
{
	static const char unknown[] = "PROXY UNKNOWN\r\n";
	uint8_t header[PROXYPROTO_MOST];
	size_t n = 0, room;
	int more = 0;

	if (q->proxy == CONF_PROXY_V2)
		n = proxyproto_build(2, NULL, NULL, header);
	else if (q->proxy == CONF_PROXY_V1)
		memcpy(header, unknown, n = sizeof(unknown) - 1);
	room = n + (q->http ? strlen(q->http) + strlen(q->host) : 0) + 128;
	a->request = sys_alloc(room);
	if (!a->request)
		return false;
	memcpy(a->request, header, n);
	if (q->http)
		more = snprintf(a->request + n, room - n,
				"GET %s HTTP/1.1\r\n"
				"Host: %s\r\n"
				"User-Agent: shunt\r\n"
				"Accept: */*\r\n"
				"Connection: close\r\n\r\n",
				q->http, q->host);
	a->length = n + (size_t)more;
	return true;
}

enum ask_answer ask_begin(struct ask *a, const struct ask_question *q, int epfd, uint64_t ticket)
{
	int r;

	*a = (struct ask){ .epfd = epfd, .fd = -1, .to = *q->to, .http = q->http };
	if (!write_request(a, q) || (q->http && !(a->reply = sys_alloc(REPLY_MOST))))
		return answer(a, ASK_LACK, "%s", strerror(ENOMEM));
	a->fd = sys_socket(q->to->ss.ss_family, SOCK_STREAM, 0);
	if (a->fd < 0 && own_lack(q->to, a->fd))
		return answer(a, ASK_LACK, "%s", strerror(-a->fd));
	if (a->fd < 0)
		return bad(a, a->fd);
	r = sys_connect(a->fd, (const struct sockaddr *)&q->to->ss, q->to->len);
	if (r < 0 && r != -EINPROGRESS)
		return own_lack(q->to, r) ? answer(a, ASK_LACK, "%s", strerror(-r)) : bad(a, r);
	r = sys_epoll_ctl(epfd, EPOLL_CTL_ADD, a->fd, EPOLLOUT, ticket);
	return r < 0 ? answer(a, ASK_LACK, "%s", strerror(-r)) : ASK_WAIT;
}

/* -- what is answered -- */

static enum ask_answer judge(struct ask *a)
{
	unsigned status;
	struct look l = look_status(a->reply, a->came, &status);

	if (l.verdict == LOOK_NO)
		return answer(a, ASK_BAD, "what it answers is no HTTP");
	if (l.verdict == LOOK_MORE && a->came == REPLY_MOST)
		return answer(a, ASK_BAD, "no status in the first %d bytes", REPLY_MOST);
	if (l.verdict == LOOK_MORE)
		return ASK_WAIT;
	if (status < 200 || status > 399)
		return answer(a, ASK_BAD, "status %u", status);
	return ASK_GOOD;
}

static enum ask_answer hear(struct ask *a)
{
	enum ask_answer is = ASK_WAIT;

	while (is == ASK_WAIT) {
		ssize_t n = sys_recv(a->fd, a->reply + a->came, REPLY_MOST - a->came, 0);

		if (n == -EAGAIN)
			return ASK_WAIT;
		if (n < 0)
			return bad(a, (int)n);
		if (n == 0)
			return answer(a, ASK_BAD, "it closed before it had answered");
		a->came += (size_t)n;
		is = judge(a);
	}
	return is;
}

static enum ask_answer say(struct ask *a, uint64_t ticket)
{
	while (a->sent < a->length) {
		ssize_t n = sys_send(a->fd, a->request + a->sent, a->length - a->sent, 0);

		if (n == -EAGAIN)
			return ASK_WAIT;
		if (n < 0)
			return bad(a, (int)n);
		a->sent += (size_t)n;
	}
	if (!a->http)
		return ASK_GOOD;
	if (sys_epoll_ctl(a->epfd, EPOLL_CTL_MOD, a->fd, EPOLLIN, ticket) < 0)
		return answer(a, ASK_LACK, "%s", strerror(ENOMEM));
	return hear(a);
}

enum ask_answer ask_go_on(struct ask *a, uint64_t ticket)
{
	if (!a->connected) {
		enum ask_answer is = connected(a);

		if (is != ASK_GOOD)
			return is;
	}
	if (a->sent < a->length || !a->http)
		return say(a, ticket);
	return hear(a);
}

void ask_late(struct ask *a)
{
	if (!a->connected)
		answer(a, ASK_BAD, "no connection in time");
	else
		answer(a, ASK_BAD, "it was connected, but no answer came in time");
}

void ask_end(struct ask *a)
{
	if (a->fd >= 0)
		sys_reset_at_close(a->fd);
	sys_close(a->fd);
	free(a->request);
	free(a->reply);
	a->fd = -1;
	a->request = a->reply = NULL;
}
