/* SPDX-License-Identifier: BSD-2-Clause */
/* attach.c — how an end begins
 *
 *   attach    what is this descriptor?    a stream socket, connected or about to be ──▶ an end with two directions
 *                                         a pipe ──▶ an end with one
 *   watch     whatever epoll takes ──▶ an end that only tells when it is ready
 *   connect   a socket of our own, connecting or connected by now
 *
 * What cannot become an end is said here, and the descriptor is then as it was, but for O_NONBLOCK; what goes wrong
 * later is an event. A connection that we begin asks fit.c for a port which a graft can use, and does without one
 * rather than fail: ports of that range may be remembered by the kernel for a minute after their last connection.
 */
#include "lib/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/sys.h"
#include "lib/end.h"
#include "lib/fit.h"
#include "lib/slots.h"
#include "lib/stream.h"

enum { PORT_TRIES = 4, PORTS_AGAIN_MS = 1000 };

/* -- what it is -- */

/* Stream sockets only. */
static int kind_of(int fd, enum end_kind *kind)
{
	int type, domain;
	int r = sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type);

	if (r == 0)
		r = sys_getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain);
	if (r < 0)
		return r;
	if (type != SOCK_STREAM || (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX))
		return -EPROTOTYPE;
	*kind = domain == AF_UNIX ? END_UNIX : END_TCP;
	return 0;
}

/* Only those that lead somewhere, or will. */
static int leads(int fd, bool *connecting)
{
	int r = sys_connected(fd);

	*connecting = r == 0;
	if (r != -ENOTCONN)
		return r < 0 ? r : 0;
	int error = 0; /* refused or reset before we saw it? */

	sys_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error);
	return error ? -error : -ENOTCONN;
}

/* An end in its slot, for a descriptor that is known to be of this kind. */
static int make(struct shunt *s, int fd, enum end_kind kind, size_t depth, struct shunt_end **out)
{
	struct shunt_end *e = sys_alloc(sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->s = s;
	e->depth = e->want = depth;
	e->kind = kind;
	e->interest = EPOLL_NONE;
	e->limit = s->outstanding;
	e->last = s->now = clock_ms();
	e->stat.engine = depth == SHUNT_ALL ? SHUNT_COPY : s->engine->id;
	list_init(&e->told);
	list_init(&e->work);
	stream_init(&e->out);
	int r = slots_enter(e, fd);

	if (r < 0) {
		free(e);
		return r;
	}
	end_touch(e);
	*out = e;
	return 0;
}

/* A stream socket, non-blocking, connected or connecting. */
static int new_socket(struct shunt *s, int fd, enum end_kind kind, bool connecting, size_t depth,
		      struct shunt_end **out)
{
	int r = make(s, fd, kind, depth, out);

	if (r < 0)
		return r;
	if (connecting)
		(*out)->facts |= F_CONNECTING;
	if (kind == END_TCP) /* without it a relay of small messages waits for ACKs (Nagle) */
		sys_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	return 0;
}

/* A pipe has one direction: the other one is over from the beginning. Its peer is a thread like ours, so
 * what comes is no beginning of something small. */
static int new_pipe(struct shunt *s, int fd, size_t depth, struct shunt_end **out)
{
	int which = sys_pipe_end(fd);

	if (which < 0)
		return which;
	if (depth != SHUNT_NONE && (which == O_WRONLY || depth != SHUNT_ALL))
		return -EINVAL;
	int r = sys_nonblock(fd);

	if (r == 0)
		r = make(s, fd, END_PIPE, depth, out);
	if (r < 0)
		return r;
	struct shunt_end *e = *out;

	e->facts |= which == O_WRONLY ? F_FIN_CAME : F_FINISH | F_FIN_WENT;
	e->src.pipe = e->src.bounded = e->src.bulk = true;
	return 0;
}

int attach_stream(struct shunt *s, int fd, size_t depth, struct shunt_end **out)
{
	enum end_kind kind;
	bool connecting;
	int r = kind_of(fd, &kind);

	if (r == -ENOTSOCK)
		return new_pipe(s, fd, depth, out);
	if (r == 0)
		r = leads(fd, &connecting);
	if (r == 0)
		r = sys_nonblock(fd);
	return r < 0 ? r : new_socket(s, fd, kind, connecting, depth, out);
}

int attach_watched(struct shunt *s, int fd, struct shunt_end **out)
{
	struct shunt_end *e = NULL;
	int type, r = sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type);

	if (r != -EBADF)
		r = make(s, fd, END_WATCHED, SHUNT_WATCH, &e);
	if (r < 0)
		return r;
	end_settle(e); /* what epoll does not take, the call can say */
	if (end_is(e, F_HURT)) {
		r = -e->error;
		end_free(e);
		return r;
	}
	*out = e;
	return 0;
}

/* -- by connecting -- */

static int begin_connect(int fd, const struct sockaddr *to, socklen_t len,
			 const struct shunt_end *like, bool *connecting)
{
	*connecting = false;
	/* what waits there goes out with the last packet of the handshake */
	if (like && sys_waiting(like->src.fd) > 0)
		sys_setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, 0);
	int r = sys_connect(fd, to, len);

	return r == -EINPROGRESS ? leads(fd, connecting) /* on the loopback it is up by now */ : r;
}

/* From a port of the grafts' range when `fitting`. */
static int connect_once(struct shunt *s, const struct sockaddr *to, socklen_t len,
			const struct shunt_end *like, bool fitting, size_t depth,
			struct shunt_end **out)
{
	enum end_kind kind = to->sa_family == AF_UNIX ? END_UNIX : END_TCP;
	bool connecting;
	int fd = sys_socket(to->sa_family, SOCK_STREAM, 0);

	if (fd < 0)
		return fd;
	uint16_t port = fitting ? fit_begin(s, fd, like, to->sa_family) : 0;
	int r = begin_connect(fd, to, len, like, &connecting);

	if (r == 0)
		r = new_socket(s, fd, kind, connecting, depth, out);
	if (r == 0) {
		(*out)->port = port;
		return 0;
	}
	sys_reset_at_close(fd); /* it may be up: no orderly end of what never began */
	sys_close(fd);
	fit_drop(s, port);
	return r;
}

int attach_connect(struct shunt *s, const struct sockaddr *to, socklen_t len,
		   const struct shunt_end *like, size_t depth, struct shunt_end **out)
{
	bool alike = to->sa_family != AF_UNIX && like && like->kind == END_TCP && like->src.fd >= 0;
	int r, tries = alike && s->graft && s->now >= s->ports_again ? PORT_TRIES : 1;
	unsigned remembered = 0;

	do { /* the last try does without a port of the grafts' */
		r = connect_once(s, to, len, alike ? like : NULL, --tries > 0, depth, out);
		remembered += r == -EADDRNOTAVAIL;
	} while (r == -EADDRNOTAVAIL && tries > 0);
	if (remembered > 1) /* most are, for a minute, by the kernel (TIME_WAIT) */
		s->ports_again = s->now + PORTS_AGAIN_MS;
	return r;
}
