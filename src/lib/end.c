/* SPDX-License-Identifier: BSD-2-Clause */
/* end.c — the life of one end
 *
 *   connecting ──▶ up ──▶ (FIN came · our FIN went) ──▶ gone
 *        └───────────┴──▶ hurt ──▶ broken ───────────▶ gone
 *
 * Hurt is not broken: a socket that was reset still holds what came before the reset. So a hurt end
 * leaves epoll (its error would be reported for ever), is read to the end of its queue from the work
 * list, and only then the program is told. Once the error has been taken from the socket, reading it
 * says 0, like an orderly end: the fact F_HURT is what keeps a cut-off stream from looking complete.
 */
#include "lib/end.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/sys.h"
#include "base/ticket.h"
#include "lib/buf.h"
#include "lib/fit.h"
#include "lib/stream.h"

enum { SLOTS_FIRST = 64, SLOTS_MOST = 1 << 24, PORT_TRIES = 4, PORTS_AGAIN_MS = 1000 };

static int grow_slots(struct shunt *s)
{
	uint32_t count = s->slot_count ? s->slot_count * 2 : SLOTS_FIRST;

	if (count > SLOTS_MOST)
		return -ENOSPC;
	struct slot *slots = sys_alloc(count * sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		slots[i] = i < s->slot_count ? s->slots[i] : (struct slot){ .next_free = i + 1 };
	free(s->slots);
	s->slots = slots;
	s->slot_free = s->slot_count;
	s->slot_count = count;
	return 0;
}

/* Two ends on one descriptor would close each other's: a bit for each tells. 0, -EEXIST, -ENOMEM. */
static int claim_fd(struct shunt *s, int fd)
{
	uint32_t word = (uint32_t)fd / 64, words = s->fd_words ? s->fd_words : 16;
	uint64_t bit = UINT64_C(1) << (fd % 64);

	while (words <= word)
		words *= 2;
	if (words > s->fd_words) {
		uint64_t *fds = sys_alloc(words * sizeof(*fds));

		if (!fds)
			return -ENOMEM;
		if (s->fd_words)
			memcpy(fds, s->fds, s->fd_words * sizeof(*fds));
		free(s->fds);
		s->fds = fds;
		s->fd_words = words;
	}
	if (s->fds[word] & bit)
		return -EEXIST;
	s->fds[word] |= bit;
	return 0;
}

static void yield_fd(struct shunt_end *e)
{
	int fd = e->src.fd;

	if (fd >= 0)
		e->s->fds[fd / 64] &= ~(UINT64_C(1) << (fd % 64));
	e->src.fd = -1;
}

int end_lend(struct shunt_end *e)
{
	int fd = e->src.fd;

	end_unwatch(e);
	yield_fd(e);
	return fd;
}

void end_take_back(struct shunt_end *e, int fd)
{
	claim_fd(e->s, fd); /* there was room for it before */
	e->src.fd = fd;
}

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
	int r = s->slot_free == s->slot_count ? grow_slots(s) : 0;

	if (r < 0)
		return r;
	struct shunt_end *e = sys_alloc(sizeof(*e));

	r = e ? claim_fd(s, fd) : -ENOMEM;
	if (r < 0) {
		free(e);
		return r;
	}
	e->s = s;
	e->depth = e->want = depth;
	e->kind = kind;
	e->src.fd = fd;
	e->interest = EPOLL_NONE;
	e->limit = s->outstanding;
	e->last = s->now = clock_ms();
	e->stat.engine = depth == SHUNT_ALL ? SHUNT_COPY : s->engine->id;
	list_init(&e->told);
	list_init(&e->work);
	stream_init(&e->out);
	e->slot = s->slot_free;
	s->slot_free = s->slots[e->slot].next_free;
	s->slots[e->slot].end = e;
	s->ends++;
	end_touch(e);
	*out = e;
	return 0;
}

int end_watched(struct shunt *s, int fd, struct shunt_end **out)
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

int end_new(struct shunt *s, int fd, size_t depth, struct shunt_end **out)
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
	return r < 0 ? r : end_ours(s, fd, kind, connecting, depth, out);
}

int end_ours(struct shunt *s, int fd, enum end_kind kind, bool connecting, size_t depth,
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

int end_connect(struct shunt *s, const struct sockaddr *to, socklen_t len,
		const struct shunt_end *like, size_t depth, struct shunt_end **out)
{
	enum end_kind kind = to->sa_family == AF_UNIX ? END_UNIX : END_TCP;
	bool alike = kind == END_TCP && like && like->kind == END_TCP && like->src.fd >= 0;
	bool connecting;
	uint16_t port = 0;
	unsigned refused = 0;
	int fd, r, tries = alike && s->graft && s->now >= s->ports_again ? PORT_TRIES : 1;

	do { /* the last try does without a port of the grafts' */
		fd = sys_socket(to->sa_family, SOCK_STREAM, 0);
		if (fd < 0)
			return fd;
		port = --tries > 0 ? fit_begin(s, fd, like, to->sa_family) : 0;
		r = begin_connect(fd, to, len, alike ? like : NULL, &connecting);
		if (r == 0)
			r = end_ours(s, fd, kind, connecting, depth, out);
		if (r < 0) {
			sys_reset_at_close(
				fd); /* it may be up: no orderly end of what never began */
			sys_close(fd);
			fit_drop(s, port);
			refused += r == -EADDRNOTAVAIL;
		}
	} while (r == -EADDRNOTAVAIL &&
		 tries > 0); /* its last connection there is not forgotten yet */
	if (r == 0)
		(*out)->port = port;
	if (refused > 1) /* most are remembered: a minute long, by the kernel (TIME_WAIT) */
		s->ports_again = s->now + PORTS_AGAIN_MS;
	return r;
}

void end_free(struct shunt_end *e)
{
	struct shunt *s = e->s;
	struct slot *slot = &s->slots[e->slot];

	yield_fd(e);
	slot->end = NULL;
	slot->generation++;
	slot->next_free = s->slot_free;
	s->slot_free = e->slot;
	s->ends--;
	list_remove(&e->told);
	list_remove(&e->work);
	free(e);
}

void end_watch(struct shunt_end *e, uint32_t events)
{
	struct shunt *s = e->s;

	if (end_is(e, F_GONE))
		return;
	if (events == 0 && end_is(e, F_HUNG_UP)) { /* also when we watched for nothing before */
		end_unwatch(e);
		return;
	}
	if (e->interest == events)
		return;
	int op = e->interest == EPOLL_NONE ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
	uint64_t ticket = ticket_make(TICKET_END, e->slot, s->slots[e->slot].generation);
	int r = sys_epoll_ctl(s->epfd, op, e->src.fd, events, ticket);

	if (r == 0)
		e->interest = events;
	else if (!end_is(e, F_HURT | F_BROKEN)) /* nobody would ever wake us for it */
		end_hurt(e, -r);
}

void end_unwatch(struct shunt_end *e)
{
	if (e->interest != EPOLL_NONE)
		sys_epoll_ctl(e->s->epfd, EPOLL_CTL_DEL, e->src.fd, 0, 0);
	e->interest = EPOLL_NONE;
}

enum shunt_why end_why(int error)
{
	switch (error) {
	case 0: return SHUNT_WHY_DONE;
	case ECONNRESET:
	case EPIPE:
	case ECONNABORTED: return SHUNT_WHY_RESET;
	case ECONNREFUSED:
	case ENOENT: /* no such Unix socket */ return SHUNT_WHY_REFUSED;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENETDOWN: return SHUNT_WHY_UNREACHABLE;
	case ETIMEDOUT: return SHUNT_WHY_TIMEOUT;
	case EOVERFLOW: /* a tap's */ return SHUNT_WHY_BEHIND;
	case ENOMEM:
	case ENOBUFS:
	case EMFILE:
	case ENFILE:
	case ENOSPC: return SHUNT_WHY_NO_MEMORY;
	default: return SHUNT_WHY_ERROR;
	}
}

int end_socket_error(struct shunt_end *e)
{
	int error = 0;

	if (e->kind == END_PIPE)
		return EPIPE; /* nobody reads any more: else it has no error */
	if (sys_getsockopt(e->src.fd, SOL_SOCKET, SO_ERROR, &error) < 0)
		return EIO;
	return error;
}

void end_hurt(struct shunt_end *e, int error)
{
	if (end_is(e, F_HURT | F_BROKEN | F_GONE))
		return;
	e->facts |= F_HURT;
	e->error = error;
	e->why = error ? end_why(error) : SHUNT_WHY_RESET;
	end_unwatch(e);
	stream_drop(e);
	end_touch(e);
}

static void end_broken(struct shunt_end *e)
{
	if (end_is(e, F_BROKEN))
		return;
	e->facts |= F_BROKEN;
	end_tell(e, SHUNT_BROKEN);
}

void end_gone(struct shunt_end *e, enum shunt_why why, bool reset)
{
	if (end_is(e, F_GONE))
		return;
	if (end_will_tell(e, SHUNT_ARRIVED)) { /* nobody has seen it, nobody will */
		struct shunt_buf *b = e->buf;

		end_untell(e, SHUNT_ARRIVED);
		if (b->lying)
			buf_put_back(b);
		buf_unref(b);
	}
	buf_orphan_all(e);
	stream_drop(e);
	stream_untap(e);
	int fd = end_lend(e);

	if (fd >= 0) { /* else it was a graft */
		if (reset && e->kind == END_TCP)
			sys_reset_at_close(fd);
		sys_close(fd);
	}
	fit_end(e);
	e->facts |= F_GONE;
	e->why = why;
	if (why == SHUNT_WHY_ABORTED) /* it was the program's will, whatever else went wrong */
		end_untell(e, SHUNT_BROKEN);
	end_tell(e, SHUNT_GONE);
}

int end_check_connect(struct shunt_end *e, uint32_t events)
{
	if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
		return 0;
	int error = end_socket_error(e);

	/* a refusal says ECONNREFUSED: these come after the connection was made, and maybe after bytes */
	bool was_up = error == ECONNRESET || error == EPIPE;

	if (!was_up && (error || (events & EPOLLHUP))) {
		end_hurt(e, error ? error : ECONNRESET);
		return 0;
	}
	e->facts &= (uint16_t)~F_CONNECTING;
	e->last = e->s->now;
	end_tell(e, SHUNT_CONNECTED);
	end_touch(e);
	if (was_up)
		end_hurt(e, error);
	return !was_up;
}

/* A lying buffer, an event not yet handed out, or too much in the program's hands hold reading back. */
static bool may_read(const struct shunt_end *e)
{
	return !end_is(e, F_CONNECTING | F_FIN_CAME | F_LOST | F_BROKEN | F_GONE) && !e->buf &&
	       !e->join && e->depth != SHUNT_JOIN && e->kind != END_WATCHED &&
	       e->stat.outstanding < e->limit;
}

static void arrive(struct shunt_end *e)
{
	int r = buf_arrive(e);

	if (r > 0) {
		e->last = e->s->now;
		end_tell(e, SHUNT_ARRIVED);
		return;
	}
	if (r == -EAGAIN && !end_is(e, F_HURT))
		return;
	if (r == -ENOMEM || r == -ENOBUFS) {
		end_hurt(e, -r);
		end_broken(e);
	} else if (end_is(e, F_HURT)) { /* its queue is empty */
		end_broken(e);
	} else if (r == 0) {
		e->facts |= F_FIN_CAME;
		end_tell(e, SHUNT_ENDED);
	} else {
		end_hurt(e, -r);
		end_broken(e);
	}
	end_touch(e);
}

void end_push(struct shunt_end *e)
{
	if (end_is(e, F_CONNECTING | F_HURT | F_BROKEN))
		return;
	int r = stream_empty(e) ? 0 : stream_flush(e);

	if (r < 0) {
		end_hurt(e, -r);
		return;
	}
	if (stream_empty(e) && !end_is(e, F_FULL)) /* what was cut has made room as well */
		stream_tell_room(e);
	if (!stream_empty(e) || !end_is(e, F_FINISH) || end_is(e, F_FIN_WENT))
		return;
	e->facts |= F_FIN_WENT;
	r = e->kind == END_PIPE ? 0 : sys_shutdown_write(e->src.fd); /* closing it says the same */
	if (r < 0) {
		int error = end_socket_error(e);

		end_hurt(e, error ? error : -r);
	}
}

void end_work(struct shunt_end *e)
{
	if (end_is(e, F_GONE) || e->kind == END_WATCHED) {
		end_settle(e);
		return;
	}
	if (end_is(e, F_LOST))
		end_hurt(e, e->error);
	end_push(e);
	if (end_is(e, F_HURT) && !end_will_tell(e, SHUNT_ARRIVED)) {
		if (may_read(e))
			arrive(e);
		else if (e->depth == SHUNT_JOIN || end_is(e, F_CONNECTING | F_FIN_CAME | F_LOST))
			end_broken(
				e); /* nothing more is to be read; else a head or a held buffer goes first */
	}
	if (end_is(e, F_BROKEN)) /* with a reset: what broke it may have been on our side */
		end_gone(e, e->why, true);
	else if (end_is(e, F_FIN_CAME) && end_is(e, F_FIN_WENT))
		end_gone(e, SHUNT_WHY_DONE, false);
	else
		end_settle(e);
}

void end_settle(struct shunt_end *e)
{
	uint32_t events = 0;

	if (end_is(e, F_GONE | F_HURT | F_BROKEN))
		return;
	if (e->kind == END_WATCHED) {
		events = EPOLLIN;
	} else if (end_is(e, F_CONNECTING)) {
		events = EPOLLOUT;
	} else {
		if (may_read(e))
			events |= END_INPUT | (e->src.urgent ? 0 : EPOLLPRI);
		if (may_read(e) && end_is(e, F_EDGE))
			events |= EPOLLET;
		if (end_is(e, F_FULL))
			events |= EPOLLOUT;
	}
	end_watch(e, events);
}

void end_note(struct shunt_end *e, uint32_t events)
{
	if (events & EPOLLPRI)
		e->src.urgent = true;
	if (events & (EPOLLRDHUP | EPOLLHUP))
		e->src.ending = true;
	if (events & EPOLLHUP)
		e->facts |= F_HUNG_UP;
	if (events & EPOLLOUT)
		e->facts &= (uint16_t)~F_FULL;
	if (events & EPOLLERR) {
		int error = end_socket_error(e);

		if (error || (events & EPOLLHUP))
			end_hurt(e, error);
	}
}

void end_ready(struct shunt_end *e, uint32_t events)
{
	if (end_is(e, F_GONE | F_HURT | F_BROKEN))
		return;
	if (e->kind == END_WATCHED) {
		end_tell(e, SHUNT_READY);
		return;
	}
	end_touch(e);
	if (end_is(e, F_CONNECTING)) {
		end_check_connect(e, events);
		return;
	}
	end_note(e, events);
	if ((events & (END_INPUT | EPOLLPRI | EPOLLHUP)) && may_read(e) && !end_is(e, F_HURT))
		arrive(e);
}
