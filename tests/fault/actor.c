/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/sys.h"
#include "fault.h"

enum {
	TURNS_RELENT = 12,
	TURNS_SLOW = 2000, /* one byte at a time gets nowhere */
	TURNS_IDLE = 1500, /* of a millisecond each, in which nothing moved: it hangs */
	TURNS_MOST = 200000
};

/* The call's answer, or its second one. */
#define TWICE(call)                                                                                \
	({                                                                                         \
		int r_ = (call);                                                                   \
		if (r_ < 0 && r_ != -EPIPE) {                                                      \
			r_ = (call);                                                               \
			if (r_ < 0 && r_ != -EPIPE && fault_is_single())                           \
				wrong(#call " failed a second time: %s", strerror(-r_));           \
		}                                                                                  \
		r_;                                                                                \
	})

static struct actor *actor_new(struct world *w, struct peer *p)
{
	must(w->actor_count < ACTORS, "room for one more actor");
	struct actor *a = &w->actors[w->actor_count++];

	*a = (struct actor){ .name = p->name, .peer = p };
	return a;
}

struct actor *actor_attach(struct world *w, struct peer *p, size_t depth)
{
	struct actor *a = actor_new(w, p);

	if (TWICE(shunt_attach(w->s, p->other, depth, a, &a->end)) < 0) {
		w->failed = true; /* the socket stays ours */
		return a;
	}
	p->other = -1;
	a->made = true;
	return a;
}

struct actor *actor_connect(struct world *w, struct peer *p, uint16_t port, size_t depth)
{
	struct actor *a = actor_new(w, p);
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	a->connecting = true;
	sys_fault_connect_late(w->story->connect_late);
	int r = shunt_connect(w->s, (struct sockaddr *)&to, sizeof(to), NULL, depth, a, &a->end);

	if (r < 0) { /* the peer must not take what it left for the new one */
		peer_forgets(p);
		r = shunt_connect(w->s, (struct sockaddr *)&to, sizeof(to), NULL, depth, a, &a->end);
	}
	sys_fault_connect_late(false);
	if (r < 0 && fault_is_single())
		wrong("shunt_connect failed a second time: %s", strerror(-r));
	if (r < 0)
		w->failed = true;
	else
		a->made = true;
	return a;
}

struct actor *actor_watch(struct world *w, struct peer *p)
{
	struct actor *a = actor_new(w, p);

	a->watched = true;
	a->made = TWICE(shunt_attach(w->s, p->other, SHUNT_WATCH, a, &a->end)) == 0;
	w->failed |= !a->made;
	return a;
}

int actor_join(struct world *w, struct actor *a, struct actor *b)
{
	int r = a->end && b->end ? TWICE(shunt_join(a->end, b->end)) : -EPIPE;

	if (r < 0) {
		abort_all(w);
		return r;
	}
	peer_expects(b->peer, a->peer->seed, a->arrived, a->peer->to_send - a->arrived);
	peer_expects(a->peer, b->peer->seed, b->arrived, b->peer->to_send - b->arrived);
	a->partner = b;
	b->partner = a;
	b->peer->may_fin = a->peer->then == END_FIN;
	a->peer->may_fin = b->peer->then == END_FIN;
	return 0;
}

void actor_queue(struct world *w, struct actor *a, struct shunt_buf *b, unsigned seed,
		 size_t stream_at, size_t off, size_t len)
{
	if (!a->end)
		return;
	int r = TWICE(shunt_queue(a->end, b, off, len));

	if (r == 0)
		peer_expects(a->peer, seed, stream_at + off, len);
	else
		actor_abort(a);
	w->failed |= r < 0;
}

void actor_insert(struct world *w, struct actor *a, unsigned seed, size_t at, size_t len)
{
	size_t some = len;

	if (!a->end)
		return;
	const unsigned char *bytes = noise(seed, at, &some);
	int r = TWICE(shunt_insert(a->end, bytes, some));

	if (r == 0)
		peer_expects(a->peer, seed, at, some);
	else
		actor_abort(a);
	w->failed |= r < 0;
}

void actor_finish(struct world *w, struct actor *a)
{
	if (!a->end)
		return;
	if (TWICE(shunt_finish(a->end)) == 0)
		a->peer->may_fin = true;
	else
		w->failed = true;
}

void actor_more(struct world *w, struct actor *a, size_t want)
{
	if (a->aborted)
		return;
	if (TWICE(shunt_more(a->end, want)) < 0) {
		w->failed = true;
		actor_abort(a);
	}
}

void actor_abort(struct actor *a)
{
	if (a->end && a->watched && shunt_detach(a->end) >= 0) {
		a->detached = true;
		a->end = NULL;
	}
	if (a->end && !a->aborted && !a->watched)
		shunt_abort(a->end); /* -EINVAL: it is gone already, which will be told */
	a->aborted = true;
}

void abort_all(struct world *w)
{
	for (unsigned i = 0; i < w->actor_count; i++)
		actor_abort(&w->actors[i]);
}

/* -- turns -- */

static void note_broken(struct actor *a, const struct shunt_event *ev)
{
	if (a->broken++)
		wrong("%s was told BROKEN twice", a->name);
	if (ev->why == SHUNT_WHY_NONE || ev->why == SHUNT_WHY_DONE || ev->why >= SHUNT_WHYS)
		wrong("%s broke without a reason", a->name);
	if (ev->why == SHUNT_WHY_ERROR && ev->error == 0)
		wrong("%s broke by an error that has no number", a->name);
	a->why = ev->why;
	a->error = ev->error;
}

static void note_gone(struct actor *a, const struct shunt_event *ev)
{
	if (ev->why == SHUNT_WHY_NONE || ev->why >= SHUNT_WHYS)
		wrong("%s is gone without a reason", a->name);
	if (a->broken && ev->why != a->why && ev->why != SHUNT_WHY_ABORTED)
		wrong("%s broke by %s but is gone by %s", a->name, shunt_why_text(a->why),
		      shunt_why_text(ev->why));
	if (!ev->stat)
		wrong("%s is gone without its counts", a->name);
	else if (ev->why == SHUNT_WHY_DONE && ev->stat->out != a->peer->total)
		wrong("%s is done, but its counts say %zu out, not %zu", a->name,
		      (size_t)ev->stat->out, a->peer->total);
	a->why = ev->why;
	a->gone = true;
	a->end = NULL;
}

/* A join with an end that never came up comes undone: the other one is alone, unless the story has joined it
 * anew. That one was up from the beginning if it was attached and the kernel did not say otherwise. */
static void note_alone(const struct actor *a)
{
	const char *first = sys_fault_name(0), *second = sys_fault_name(1);
	bool doubted = (first && !strcmp(first, "sys_connected")) ||
		       (second && !strcmp(second, "sys_connected"));

	if (a->partner && a->partner->partner == a && !a->connected && (a->connecting || doubted))
		actor_abort(a->partner);
}

static void note_ended(struct actor *a)
{
	if (a->ended++)
		wrong("%s was told ENDED twice", a->name);
	if (a->broken)
		wrong("%s was told ENDED after BROKEN", a->name);
	if (a->peer->then != END_FIN || a->arrived != a->peer->to_send)
		wrong("%s was told ENDED after %zu bytes of %zu: a cut-off stream looks complete",
		      a->name, a->arrived, a->peer->to_send);
}

static void note(struct world *w, const struct shunt_event *ev)
{
	struct actor *a = ev->user;

	if (!a || a->gone || a->detached || ev->end != a->end) {
		wrong("event %d for an end that is not there", (int)ev->what);
		return;
	}
	if (ev->what == SHUNT_CONNECTED && a->connected++)
		wrong("%s was told CONNECTED twice", a->name);
	if (ev->what == SHUNT_JOINED && a->joined++)
		wrong("%s was told JOINED twice", a->name);
	if (ev->what == SHUNT_BROKEN)
		note_broken(a, ev);
	if (ev->what == SHUNT_ENDED)
		note_ended(a);
	if (ev->what == SHUNT_ARRIVED && (ev->length == 0 || ev->seen > ev->length))
		wrong("%s: %zu seen of %zu arrived", a->name, ev->seen, ev->length);
	if (ev->what == SHUNT_GONE)
		note_gone(a, ev);
	if (w->story->event)
		w->story->event(w, ev, a);
	if (ev->what == SHUNT_GONE)
		note_alone(a);
}

static bool all_over(const struct world *w)
{
	for (unsigned i = 0; i < w->actor_count; i++)
		if (w->actors[i].end)
			return false;
	for (unsigned i = 0; i < w->peer_count; i++)
		if (!peer_over(&w->peers[i]))
			return false;
	return true;
}

/* A socket that shunt did not take will never be: its peer is told. */
static void turn_away(struct world *w)
{
	for (unsigned i = 0; i < w->peer_count; i++) {
		struct peer *p = &w->peers[i];

		if (p->other >= 0 || p->fd < 0)
			peer_end(p);
		if (p->fd < 0)
			p->end = END_RESET;
	}
}

/* What the counts say must be possible. */
static void count_up(const struct world *w)
{
	struct shunt_stat stat;

	for (unsigned i = 0; i < w->actor_count; i++) {
		const struct actor *a = &w->actors[i];

		if (!a->end || a->watched)
			continue;
		if (shunt_stat(w->s, a->end, &stat) < 0)
			wrong("%s has no counts", a->name);
		if (stat.in > a->peer->sent || stat.out > a->peer->total)
			wrong("%s: %zu in of %zu, %zu out of %zu", a->name, (size_t)stat.in,
			      a->peer->sent, (size_t)stat.out, a->peer->total);
	}
	if (shunt_stat(w->s, NULL, &stat) < 0)
		wrong("the context has no counts");
}

static bool one_turn(struct world *w, int timeout)
{
	struct shunt_event ev[8];
	int max = w->story->events ? w->story->events : (int)COUNT(ev);
	int n = shunt_wait(w->s, ev, max, timeout);
	bool moved = n > 0;

	w->turn++;
	if (n < 0 && n != -EINTR)
		wrong("shunt_wait says %s", strerror(-n));
	for (int i = 0; i < n; i++)
		note(w, &ev[i]);
	for (unsigned i = 0; i < w->peer_count; i++)
		moved |= peer_step(&w->peers[i]);
	count_up(w);
	if (w->story->turn)
		w->story->turn(w);
	return moved;
}

void play_turns(struct world *w, unsigned turns)
{
	while (turns-- > 0)
		one_turn(w, 0);
}

static void say_hang(const struct world *w)
{
	for (unsigned i = 0; i < w->actor_count; i++)
		if (w->actors[i].end)
			wrong("it hangs: %s is not gone", w->actors[i].name);
	for (unsigned i = 0; i < w->peer_count; i++)
		if (!peer_over(&w->peers[i]))
			wrong("it hangs: %s sees no end, got %zu of %zu", w->peers[i].name,
			      w->peers[i].got, w->peers[i].total);
}

void play(struct world *w)
{
	unsigned idle = 0, turns = 0;
	unsigned long count = 0;

	while (!all_over(w)) {
		bool none_left = true;

		idle = one_turn(w, idle > 1) ? 0 : idle + 1;
		for (unsigned i = 0; i < w->actor_count; i++)
			none_left &= !w->actors[i].end;
		if (none_left && idle > 1)
			turn_away(w);
		if (idle == 2)
			count = sys_fault_count();
		if (idle == TURNS_RELENT)
			fault_relents(TURNS_RELENT - 2, count);
		if (turns == TURNS_SLOW)
			fault_relents(0, count);
		if (idle > TURNS_IDLE || ++turns > TURNS_MOST) {
			say_hang(w);
			return;
		}
	}
}

void play_close(struct world *w)
{
	for (unsigned i = 0; i < w->actor_count; i++) {
		w->actors[i].closed = w->actors[i].end != NULL;
		w->actors[i].end = NULL;
	}
	shunt_close(w->s);
	w->s = NULL;
	for (unsigned idle = 0; idle < 3; idle++)
		for (unsigned i = 0; i < w->peer_count; i++)
			if (peer_step(&w->peers[i]))
				idle = 0;
	turn_away(w);
	for (unsigned i = 0; i < w->peer_count; i++)
		if (!peer_over(&w->peers[i]))
			wrong("%s sees no end after shunt_close", w->peers[i].name);
}

void actor_judge(const struct actor *a)
{
	if (!a->made)
		return;
	if (a->gone + a->detached + a->closed != 1)
		wrong("%s was made, but was not gone, given back or closed once", a->name);
	if (a->why == SHUNT_WHY_DONE && a->gone &&
	    (a->peer->end != END_FIN || a->peer->got != a->peer->total))
		wrong("%s is said to be done, but its peer got %zu of %zu and %s", a->name,
		      a->peer->got, a->peer->total,
		      a->peer->end == END_FIN ? "an orderly end" : "no orderly end");
}
