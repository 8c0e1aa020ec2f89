/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/split_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sys.h"

/* -- mail -- */

int split_mail_open(struct split_mail *m)
{
	*m = (struct split_mail){ .thing = SPLIT_MAIL };
	pthread_mutex_init(&m->lock, NULL);
	list_init(&m->notes);
	m->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return m->wake < 0 ? -errno : 0;
}

struct split_note *split_mail_take(struct split_mail *m)
{
	pthread_mutex_lock(&m->lock);
	struct list *n = list_first(&m->notes);

	if (n)
		list_remove(n);
	pthread_mutex_unlock(&m->lock);
	return n ? list_of(n, struct split_note, in) : NULL;
}

void split_mail_close(struct split_mail *m)
{
	struct split_note *n;

	if (!m->notes.next)
		return;
	while ((n = split_mail_take(m))) {
		sys_close(n->fd);
		free(n);
	}
	sys_close(m->wake);
	pthread_mutex_destroy(&m->lock);
}

void split_mail_woken(struct split_mail *m)
{
	uint64_t n;

	if (read(m->wake, &n, sizeof(n)) < 0 && errno != EAGAIN)
		log_say(LOG_ERROR_LEVEL, "a worker's mail cannot be read");
}

static int post(struct split_mail *m, enum split_note_kind kind, int fd, uint64_t at)
{
	struct split_note *n = sys_alloc(sizeof(*n));
	uint64_t one = 1;

	if (!n)
		return -ENOMEM;
	*n = (struct split_note){ .kind = kind, .fd = fd, .at = at };
	pthread_mutex_lock(&m->lock);
	list_add_tail(&m->notes, &n->in);
	pthread_mutex_unlock(&m->lock);
	if (write(m->wake, &one, sizeof(one)) < 0)
		log_say(LOG_ERROR_LEVEL, "a worker could not be woken");
	return 0;
}

/* -- link -- */

void split_link_init(struct split_link *l, struct shunt *s, struct split_mail *to, size_t unit)
{
	*l = (struct split_link){ .thing = SPLIT_LINK, .s = s, .to = to, .unit = unit };
	l->out.whole = true;
}

/* What is queued on the old pipe still goes, and its end behind it. */
static void finish(struct split_link *l)
{
	if (l->out.end)
		shunt_finish(l->out.end);
	l->out.end = NULL;
}

/* The pipe's reading end, attached nowhere yet; the writing end is ours. */
static int new_pipe(struct split_link *l, int *rd)
{
	int p[2], r = sys_pipe(p);

	if (r < 0)
		return r;
	sys_pipe_size(p[1], l->unit); /* else it stays smaller, and carries less at a time */
	r = shunt_attach(l->s, p[1], SHUNT_NONE, l, &l->out.end);
	if (r < 0) {
		l->out.end = NULL;
		sys_close(p[0]);
		sys_close(p[1]);
		return r;
	}
	*rd = p[0];
	return 0;
}

/* A new stretch begins at `at`. If that fails, this link is dead until the next one. */
static int begin(struct split_link *l, uint64_t at, uint64_t origin)
{
	int rd, r;

	finish(l);
	r = new_pipe(l, &rd);
	if (r == 0) {
		r = post(l->to, NOTE_STRETCH, rd, at);
		if (r < 0) {
			sys_close(rd);
			finish(l);
		}
	}
	if (r < 0)
		log_say(LOG_ERROR_LEVEL, "the stream cannot be brought to a worker: error %d", -r);
	split_out_start(&l->out, at);
	l->origin = origin;
	l->skips = l->out.skips;
	return r;
}

/* Has it come to where a source had ended? */
static void tell_ends(struct split_link *l)
{
	while (l->ends > 0 && l->out.pos >= l->end[0].at) {
		finish(l);
		post(l->to, l->end[0].cut_off ? NOTE_CUT : NOTE_END, -1, 0);
		l->ends--;
		memmove(l->end, l->end + 1, l->ends * sizeof(l->end[0]));
	}
}

/* What follows pos is of another stretch than what is under way. */
static bool is_new(const struct split_link *l, const struct split_chunk *c)
{
	return !l->out.end || c->origin != l->origin || c->at > l->out.pos ||
	       l->out.skips != l->skips;
}

void split_link_feed(struct split_link *l, const struct split_ring *r)
{
	const struct split_chunk *c;
	uint64_t before = UINT64_MAX;

	tell_ends(l);
	while (l->out.pos != before && l->out.pos < r->ready &&
	       (c = split_ring_find(r, l->out.pos))) {
		uint64_t pos = l->out.pos;

		if (is_new(l, c) && begin(l, c->at > pos ? c->at : pos, c->origin) < 0)
			return;
		before = l->out.pos;
		l->out.last = split_ring_stretch(r, c);
		split_out_feed(&l->out, l->s, r);
		tell_ends(l);
	}
}

void split_link_end(struct split_link *l, const struct split_ring *r, bool cut_off)
{
	if (l->ends == SPLIT_LINK_ENDS) /* they are far behind: one end will do for two */
		l->ends--;
	l->end[l->ends++] = (struct split_link_end){ r->ready, cut_off };
	split_link_feed(l, r);
}

void split_link_mind(struct split_link *l, const struct split_ring *r, uint64_t until)
{
	if (!l->out.end || split_out_sent(&l->out, l->s) >= until)
		return;
	split_out_skip(&l->out, l->s, r);
	begin(l, r->live, r->origin);
}

void split_link_event(struct split_link *l, const struct shunt_event *ev,
		      const struct split_ring *r)
{
	if (ev->end != l->out.end)
		return;
	if (ev->what == SHUNT_ROOM)
		split_link_feed(l, r);
	if (ev->what == SHUNT_BROKEN || ev->what == SHUNT_GONE) /* the other worker has ended */
		l->out.end = NULL;
}
