/* SPDX-License-Identifier: BSD-2-Clause */
/* end.c — the life of one end, once it is attached
 *
 *   connecting ──▶ up ──▶ (FIN came · our FIN went) ──▶ gone
 *        └───────────┴──▶ hurt ──▶ broken ───────────▶ gone
 *
 * Hurt is not broken: a socket that was reset still holds what came before the reset. So a hurt end
 * leaves epoll (its error would be reported for ever), is read to the end of its queue from the work
 * list, and only then the program is told. Once the error has been taken from the socket, reading it
 * says 0, like an orderly end: the fact F_HURT is what keeps a cut-off stream from looking complete.
 *
 * An event is noted, and reads; what follows from it, and what the program has ordered, is done by end_work before
 * the next wait, at the end of which end_settle has epoll watch for what is waited for now.
 */
#include "lib/end.h"

#include <errno.h>
#include <stdlib.h>

#include "base/sys.h"
#include "lib/buf.h"
#include "lib/fit.h"
#include "lib/slots.h"
#include "lib/stream.h"

/* -- its descriptor -- */

void end_watch(struct shunt_end *e, uint32_t events)
{
	if (end_is(e, F_GONE))
		return;
	if (events == 0 && end_is(e, F_HUNG_UP)) { /* also when we watched for nothing before */
		end_unwatch(e);
		return;
	}
	if (e->interest == events)
		return;
	int op = e->interest == EPOLL_NONE ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
	int r = sys_epoll_ctl(e->s->epfd, op, e->src.fd, events, slots_ticket(e));

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

int end_lend(struct shunt_end *e)
{
	end_unwatch(e);
	return slots_lend(e);
}

/* -- how it ends -- */

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

void end_free(struct shunt_end *e)
{
	slots_leave(e);
	list_remove(&e->told);
	list_remove(&e->work);
	free(e);
}

/* -- what epoll says, and what is due -- */

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
