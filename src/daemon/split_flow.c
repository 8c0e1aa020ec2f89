/* SPDX-License-Identifier: BSD-2-Clause */
/* split_flow.c — what becomes of an arrival
 *
 *   an arrival, from the source or from the first worker:
 *     what nobody needs any more is let go, and the newest chunk put in its place ─▶ the arrival is
 *     added ─▶ while too much is held, the oldest chunk goes, and those who have not sent it yet hear of
 *     it before; or, if nobody is to lose anything, reading stops ─▶ all outputs are fed
 *
 * Orders are carried out at the next wait, so all outputs send before the next arrival is read.
 */
#include "daemon/split_flow.h"

#include <errno.h>
#include <stdlib.h>

#include "base/sys.h"

/* -- the ring and who follows it -- */

static uint64_t needed(struct split_flow *f)
{
	uint64_t least = split_subs_needed(&f->subs);

	for (unsigned i = 0; i < f->links; i++) {
		const struct split_out *o = &f->link[i].out;
		uint64_t sent = o->end ? split_out_sent(o, f->s) : UINT64_MAX;

		if (sent < least)
			least = sent;
	}
	return least;
}

/* A newcomer may begin so far back. */
static uint64_t kept(const struct split_flow *f)
{
	uint64_t ready = f->ring.ready;

	return ready > f->conf->burst ? ready - f->conf->burst : 0;
}

static void pause_reading(struct split_flow *f, bool paused)
{
	f->paused = paused;
	split_source_pause(&f->source, paused);
	if (f->in)
		shunt_limit(f->in, paused ? 0 : SIZE_MAX);
}

static void make_room(struct split_flow *f)
{
	bool wait = f->conf->on_lag == SPLIT_WAIT;

	while (split_ring_over(&f->ring)) {
		uint64_t until = split_ring_oldest(&f->ring);

		if (wait && needed(f) < until) {
			pause_reading(f, true);
			return;
		}
		split_subs_mind(&f->subs, until);
		for (unsigned i = 0; i < f->links; i++)
			split_link_mind(&f->link[i], &f->ring, until);
		split_ring_release(&f->ring, until);
	}
	if (f->paused)
		pause_reading(f, false);
}

static void arrived(struct split_flow *f, struct shunt_buf *buf)
{
	uint64_t least = needed(f), keep = kept(f);

	split_ring_settle(&f->ring, least < keep ? least : keep);
	split_ring_add(&f->ring, buf);
	make_room(f);
	split_subs_feed(&f->subs);
	for (unsigned i = 0; i < f->links; i++)
		split_link_feed(&f->link[i], &f->ring);
}

void split_flow_again(struct split_flow *f)
{
	if (!f->paused)
		return;
	uint64_t least = needed(f), keep = kept(f);

	split_ring_release(&f->ring, least < keep ? least : keep);
	make_room(f);
}

static void source_began(struct split_flow *f)
{
	split_ring_begin(&f->ring, f->ring.ready);
}

static void source_ended(struct split_flow *f, bool cut_off)
{
	if (f->conf->on_source_end != SPLIT_LEAVE && !f->last)
		return;
	split_subs_finish(&f->subs, cut_off);
	for (unsigned i = 0; i < f->links; i++)
		split_link_end(&f->link[i], &f->ring, cut_off);
}

void split_flow_said(struct split_flow *f, enum split_said said, const struct shunt_event *ev)
{
	if (said == SAID_BYTES)
		arrived(f, ev->buf);
	if (said == SAID_ENDED || said == SAID_BROKEN)
		source_ended(f, said == SAID_BROKEN);
	if (said == SAID_BEGAN || (said == SAID_BROKEN && f->source.here)) /* taken over */
		source_began(f);
}

void split_flow_last(struct split_flow *f)
{
	f->last = true;
	if (f->source.here) {
		f->source.closed = true;
	} else {
		split_source_close(&f->source);
		source_ended(f, false);
	}
}

/* -- from the first worker -- */

static void read_note(struct split_flow *f, const struct split_note *n)
{
	if (n->kind != NOTE_STRETCH) {
		split_subs_finish(&f->subs, n->kind == NOTE_CUT);
		return;
	}
	split_ring_begin(&f->ring, n->at);
	if (shunt_attach(f->s, n->fd, SHUNT_NONE, &f->feed, &f->in) < 0) {
		f->in = NULL;
		sys_close(n->fd);
	}
}

static void read_notes(struct split_flow *f)
{
	struct split_note *n;

	while (!f->in && (n = split_mail_take(&f->mail))) {
		read_note(f, n);
		free(n);
	}
}

void split_flow_noted(struct split_flow *f)
{
	split_mail_woken(&f->mail);
	read_notes(f);
}

void split_flow_fed(struct split_flow *f, const struct shunt_event *ev)
{
	if (ev->end != f->in)
		return;
	if (ev->what == SHUNT_ARRIVED)
		arrived(f, ev->buf);
	if (ev->what == SHUNT_ENDED || ev->what == SHUNT_BROKEN) {
		f->in = NULL;
		read_notes(f);
	}
}

/* -- beginning and end -- */

int split_flow_open(struct split_flow *f, const struct split_shared *shared)
{
	const struct split_conf *conf = shared->conf;
	struct shunt_options o = SHUNT_OPTIONS;

	*f = (struct split_flow){
		.shared = shared, .conf = conf, .feed = SPLIT_FEED, .source = { .due = UINT64_MAX }
	};
	o.engine = shared->engine;
	o.unit = shared->unit;
	o.queue_limit = split_out_queue_limit(conf->align);
	o.outstanding = SIZE_MAX; /* what is held is the ring's to limit */
	int r = shunt_open(&f->s, &o);

	if (r == 0)
		r = split_ring_open(&f->ring, conf->lag + conf->burst, shared->unit, conf->align);
	if (r == 0)
		split_subs_init(&f->subs, f->s, conf, &f->ring);
	return r;
}

int split_flow_mail(struct split_flow *f)
{
	struct shunt_end *end;
	int r = split_mail_open(&f->mail);

	return r < 0 ? r : shunt_attach(f->s, f->mail.wake, SHUNT_WATCH, &f->mail, &end);
}

int split_flow_first(struct split_flow *f, const struct listener *door, unsigned others)
{
	f->link = others ? sys_alloc(others * sizeof(*f->link)) : NULL;
	if (others && !f->link)
		return -ENOMEM;
	return split_source_open(&f->source, f->s, f->shared, door);
}

void split_flow_link(struct split_flow *f, struct split_flow *other)
{
	split_link_init(&f->link[f->links++], f->s, &other->mail, f->shared->unit);
}

void split_flow_close(struct split_flow *f)
{
	if (f->ring.chunk)
		split_ring_close(&f->ring);
	if (f->subs.s)
		split_subs_free(&f->subs);
	shunt_close(f->s);
	split_mail_close(&f->mail);
	free(f->link);
}
