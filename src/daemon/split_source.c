/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/split_source.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/sys.h"
#include "base/units.h"

enum { RETRY_MOST = 32 }; /* times the first wait */

static void say_here(const struct split_source *x)
{
	struct log_line l;

	log_begin(&l, LOG_INFO_LEVEL);
	log_text(&l, "msg", "source is here");
	log_text(&l, "split", x->shared->label);
	log_number(&l, "source", x->number);
	log_text(&l, "from", x->peer);
	log_end(&l);
}

static void say_gone(const struct split_source *x, const char *end)
{
	struct shunt_stat st;
	struct log_line l;

	shunt_stat(x->s, x->end, &st);
	log_begin(&l, LOG_INFO_LEVEL);
	log_text(&l, "msg", "source is gone");
	log_text(&l, "split", x->shared->label);
	log_number(&l, "source", x->number);
	log_text(&l, "from", x->peer);
	log_number(&l, "dur_ms", x->now - x->born);
	log_number(&l, "bytes", x->bytes);
	if (st.pipe_refused)
		log_number(&l, "pipe_refused", st.pipe_refused);
	if (st.splice_refused)
		log_number(&l, "splice_refused", st.splice_refused);
	log_text(&l, "end", end);
	log_end(&l);
}

static void say_refused(const struct split_source *x, const char *second)
{
	struct log_line l;

	log_begin(&l, LOG_WARN_LEVEL);
	log_format(&l, "msg", "a second source, %s, is refused: %s is here", second, x->peer);
	log_text(&l, "split", x->shared->label);
	log_end(&l);
}

/* -- we go to it -- */

static void wait_a_while(struct split_source *x)
{
	uint64_t most = RETRY_MOST * x->conf->retry;

	x->target = 0;
	x->due = x->now + x->retry_ms;
	x->retry_ms = 2 * x->retry_ms < most ? 2 * x->retry_ms : most;
}

static void say_failed(const struct split_source *x, const struct addr *at, const char *what)
{
	static _Thread_local struct log_limit limit = LOG_LIMIT(4, 10000);
	char text[ADDR_TEXT];
	uint64_t held;

	if (!log_may(&limit, x->now, &held))
		return;
	struct log_line l;

	log_begin(&l, LOG_WARN_LEVEL);
	log_text(&l, "msg", "cannot reach the source");
	log_text(&l, "split", x->shared->label);
	log_text(&l, "source", addr_text(at, text));
	log_text(&l, "reason", what);
	log_held(&l, held);
	log_end(&l);
}

/* The next address, the first that can be begun with. */
static void reach_out(struct split_source *x)
{
	while (x->target < x->shared->sources) {
		const struct addr *at = &x->shared->source[x->target];
		int r = shunt_connect(x->s, (const struct sockaddr *)&at->ss, at->len, NULL,
				      SHUNT_NONE, x, &x->end);

		if (r == 0) {
			x->due = x->conf->source_timeout ? x->now + x->conf->source_timeout
							 : UINT64_MAX;
			return;
		}
		say_failed(x, at, strerror(-r));
		x->target++;
	}
	wait_a_while(x);
}

/* This address failed. */
static void next_target(struct split_source *x, const char *what)
{
	say_failed(x, &x->shared->source[x->target], what);
	x->end = NULL;
	x->target++;
	if (!x->closed)
		reach_out(x);
}

/* -- it is here -- */

static enum split_said begin(struct split_source *x)
{
	x->here = true;
	x->paused = false;
	x->born = x->heard = x->now;
	x->bytes_before += x->bytes;
	x->bytes = 0;
	x->number++;
	x->due = UINT64_MAX;
	say_here(x);
	return SAID_BEGAN;
}

static enum split_said end(struct split_source *x, const char *why, enum split_said said)
{
	say_gone(x, why);
	x->here = false;
	x->end = NULL;
	if (x->shared->sources && !x->closed)
		wait_a_while(x);
	else
		x->due = UINT64_MAX;
	return said;
}

static void heard(struct split_source *x, const struct shunt_event *ev)
{
	x->heard = x->now;
	x->bytes += ev->length;
	x->retry_ms = x->conf->retry;
}

enum split_said split_source_event(struct split_source *x, const struct shunt_event *ev)
{
	if (ev->end != x->end) /* one that we have done with */
		return SAID_NOTHING;
	if (ev->what == SHUNT_CONNECTED) {
		addr_text(&x->shared->source[x->target], x->peer);
		return begin(x);
	}
	if (ev->what == SHUNT_ARRIVED) {
		heard(x, ev);
		return SAID_BYTES;
	}
	if (ev->what == SHUNT_ENDED) {
		shunt_finish(x->end);
		return end(x, "done", SAID_ENDED);
	}
	if (ev->what != SHUNT_BROKEN)
		return SAID_NOTHING;
	if (x->here)
		return end(x, shunt_why_text(ev->why), SAID_BROKEN);
	next_target(x, ev->error ? strerror(ev->error) : shunt_why_text(ev->why));
	return SAID_NOTHING;
}

enum split_said split_source_knock(struct split_source *x)
{
	struct addr from = { .len = sizeof(from.ss) };
	int fd = x->door.end ? sys_accept(x->door.fd, &from.ss, &from.len) : -EAGAIN;
	enum split_said before = SAID_BEGAN;
	char text[ADDR_TEXT];

	if (fd < 0)
		return SAID_NOTHING;
	addr_text(&from, text);
	if (x->here && !x->conf->takeover) {
		say_refused(x, text);
		sys_reset_at_close(fd);
		sys_close(fd);
		return SAID_NOTHING;
	}
	if (x->here) {
		struct shunt_end *old = x->end;

		before = end(x, "taken-over", SAID_BROKEN);
		shunt_abort(old);
	}
	if (shunt_attach(x->s, fd, SHUNT_NONE, x, &x->end) < 0) {
		x->end = NULL;
		sys_close(fd);
		return before == SAID_BROKEN ? SAID_BROKEN : SAID_NOTHING;
	}
	memcpy(x->peer, text, sizeof(text));
	begin(x);
	return before;
}

/* -- time -- */

static uint64_t silent_at(const struct split_source *x)
{
	if (!x->here || x->paused || !x->conf->source_timeout)
		return UINT64_MAX;
	return x->heard + x->conf->source_timeout;
}

uint64_t split_source_due(const struct split_source *x)
{
	uint64_t silent = silent_at(x);

	if (x->closed && !x->here)
		return UINT64_MAX;
	return silent < x->due ? silent : x->due;
}

enum split_said split_source_tick(struct split_source *x, uint64_t now)
{
	struct shunt_end *old = x->end;

	x->now = now;
	if (now < split_source_due(x))
		return SAID_NOTHING;
	if (x->here) {
		enum split_said said = end(x, "silent", SAID_BROKEN);

		shunt_abort(old);
		return said;
	}
	if (!old) {
		reach_out(x);
	} else {
		next_target(x, "no answer in time");
		shunt_abort(old);
	}
	return SAID_NOTHING;
}

void split_source_pause(struct split_source *x, bool paused)
{
	if (!x->here || x->paused == paused)
		return;
	x->paused = paused;
	x->heard = x->now;
	shunt_limit(x->end, paused ? 0 : SIZE_MAX);
}

int split_source_open(struct split_source *x, struct shunt *s, const struct split_shared *shared,
		      const struct listener *door)
{
	*x = (struct split_source){
		.thing = SPLIT_SOURCE, .s = s, .shared = shared, .conf = shared->conf, .due = 0
	};
	x->retry_ms = x->conf->retry;
	if (!door)
		return 0;
	x->due = UINT64_MAX;
	x->door = (struct split_source_door){ .thing = SPLIT_SOURCE_DOOR, .fd = door->fd[0] };
	return shunt_attach(s, x->door.fd, SHUNT_WATCH, &x->door, &x->door.end);
}

void split_source_shut(struct split_source *x)
{
	if (x->door.end)
		shunt_detach(x->door.end);
	x->door.end = NULL;
}

void split_source_close(struct split_source *x)
{
	struct shunt_end *old = x->end;

	x->closed = true;
	if (x->here)
		end(x, "stop", SAID_NOTHING);
	x->end = NULL;
	if (old)
		shunt_abort(old);
}
