/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/pump.h"

#include <errno.h>

#include "base/sys.h"
#include "engine/urgent.h"
#include "engine/window.h"

/* What is moved before the others have their turn: so many runs, and no more than so many units. A
 * unit of 1M takes a fraction of a millisecond; small messages of others wait meanwhile. */
enum { ROUNDS = 16, UNITS = 2 };

void way_init(struct way *w, int in, int out)
{
	*w = (struct way){ .src = { .fd = in }, .out = out, .urgent = -1 };
}

void way_drop(struct kit *k, struct way *w)
{
	run_drop(k, &w->held);
	w->urgent = -1;
}

/* Whoever is told of an error has taken it: for the next one it looks like an end. */
enum flow flow_of_input(ssize_t failure, int *error)
{
	if (failure == -EAGAIN)
		return FLOW_DRY;
	if (failure == -ENOMEM || failure == -ENOBUFS)
		return FLOW_NO_MEMORY;
	*error = (int)-failure;
	return FLOW_IN_BROKEN;
}

enum flow flow_of_output(ssize_t failure, int *error)
{
	if (failure == -EAGAIN)
		return FLOW_FULL;
	if (failure == -ENOMEM || failure == -ENOBUFS)
		return FLOW_NO_MEMORY;
	*error = (int)-failure;
	return FLOW_OUT_BROKEN;
}

int way_take(struct way *w)
{
	while (w->lent > 0) {
		ssize_t n = sys_recv(w->src.fd, NULL, w->lent, MSG_TRUNC);

		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		w->lent -= (uint32_t)n;
	}
	return 0;
}

/* Nothing follows what is held but the FIN, which is already there: both leave in one packet. */
static bool fin_is_next(const struct way *w)
{
	return w->src.ending && !w->src.hurt && w->src.dry;
}

/* Send what is held. FLOW_DRY: nothing is held any more. */
static enum flow drain(struct kit *k, struct way *w, int *error)
{
	while (w->held.where != RUN_NOWHERE) {
		uint32_t refused = k->splice_refused;
		ssize_t n = run_give(k, &w->held, w->out, w->moved, fin_is_next(w));

		if (k->splice_refused != refused) {
			w->src.no_splice = true;
			w->src.splice_refused++;
		}
		if (n < 0)
			return flow_of_output(n, error);
	}
	return FLOW_DRY;
}

/* Send the urgent byte as one. Where `out` knows no urgent bytes (some Unix sockets) it goes in line:
 * better there than lost. */
static enum flow drain_urgent(struct kit *k, struct way *w, int *error)
{
	unsigned char byte = (unsigned char)w->urgent;
	ssize_t n = sys_send(w->out, &byte, 1, MSG_OOB);

	if (n == -EOPNOTSUPP)
		n = sys_send(w->out, &byte, 1, 0);
	if (n == -EAGAIN)
		return FLOW_FULL;
	if (n < 0) {
		*error = (int)-n;
		return FLOW_OUT_BROKEN;
	}
	w->urgent = -1;
	w->moved[SHUNT_COPY]++;
	k->moved[SHUNT_COPY]++;
	return FLOW_DRY;
}

/* The urgent byte is next: take it by itself. Any other way of taking steps over it, so it is asked for
 * whenever epoll told of it or had no chance to, as while `out` was full. FLOW_TURN: go on. */
static enum flow take_urgent(struct kit *k, struct way *w, int *error)
{
	int byte = urgent_take(w->src.fd);

	if (byte == -EAGAIN)
		return FLOW_TURN;
	if (byte == -ENOMEM || byte == -ENOBUFS)
		return FLOW_NO_MEMORY;
	if (byte == -EINPROGRESS || (byte < 0 && !w->src.urgent)) {
		w->src.urgent = false;
		return FLOW_DRY; /* epoll will tell */
	}
	if (byte < 0) {
		*error = -byte;
		return FLOW_IN_BROKEN;
	}
	w->urgent = byte;
	w->src.urgent = false;
	w->urgents++;
	if (w->tell)
		w->tell(w, 1);
	w->taken++;
	k->taken++;
	k->urgent++;
	return FLOW_TURN;
}

/* One run from `in` to `out`. FLOW_TURN: gone, and there may be more. */
static enum flow round_once(struct kit *k, const struct engine *e, struct way *w, int *error)
{
	bool urgent = w->src.urgent, ask = urgent || !w->src.fresh;

	w->src.fresh = w->src.fresh && w->src.ending; /* after the FIN nothing comes any more */
	enum flow f = ask ? take_urgent(k, w, error) : FLOW_TURN;

	if (f != FLOW_TURN)
		return f;
	if (w->urgent >= 0) {
		enum flow sent = drain_urgent(k, w, error);

		return sent == FLOW_DRY ? FLOW_TURN : sent;
	}
	w->src.dry = false;
	ssize_t n = e->take(k, &w->src, &w->held, k->unit);

	if (n == 0)
		return FLOW_END;
	if (n == -EAGAIN && w->src.urgent && !urgent) /* the engine met the mark */
		return FLOW_TURN;
	if (n == -EAGAIN)
		w->src.urgent = false;
	if (n < 0)
		return flow_of_input(n, error);
	w->taken += (uint64_t)n;
	if (w->tell)
		w->tell(w, (uint32_t)n);
	if (w->held.where == RUN_NOWHERE) { /* whoever was told has lost them: no hole goes out */
		*error = EIO;
		return FLOW_IN_BROKEN;
	}
	window_note(k, &w->src, (size_t)n);
	f = drain(k, w, error);
	if (f != FLOW_DRY)
		return f;
	/* with an end or an urgent byte announced, what comes next is known to be there */
	return w->src.dry && !w->src.ending && !w->src.urgent ? FLOW_DRY : FLOW_TURN;
}

enum flow pump_out(struct kit *k, struct way *w, int *error)
{
	enum flow f = drain(k, w, error);

	return f == FLOW_DRY && w->urgent >= 0 ? drain_urgent(k, w, error) : f;
}

enum flow pump(struct kit *k, const struct engine *e, struct way *w, int *error)
{
	enum flow f = pump_out(k, w, error);
	int lent = way_take(w);

	if (f != FLOW_DRY)
		return f;
	if (lent < 0) /* that it was not to be had now says nothing of what is there */
		return lent == -EAGAIN ? FLOW_NO_MEMORY : flow_of_input(lent, error);
	uint64_t until = w->taken + UNITS * k->unit;

	for (int i = 0; i < ROUNDS && w->taken < until; i++) {
		f = round_once(k, e, w, error);
		if (f != FLOW_TURN)
			return f;
	}
	return FLOW_TURN;
}
