/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/split.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/probe.h"
#include "base/sys.h"
#include "base/units.h"
#include "daemon/split_worker.h"
#include "engine/engine.h"

enum { SHARES = 8, SUB_FDS = 3 /* one each, and two while blocked, for a pipe */ };

#define UNIT_MOST  ((size_t)1 << 20)
#define UNIT_LEAST ((size_t)64 << 10)

struct split {
	struct split_shared shared;
	const struct listener *source_door; /* NULL: we go to it */
	struct split_worker *worker;
	unsigned opened;
	const char *unit_why;
};

/* -- limits -- */

/* Is this user's number of pipe pages limited (fs.pipe-user-pages-soft)? */
static bool is_limited(void)
{
	return !capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_RESOURCE) &&
	       !capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN);
}

/* What one worker moves at a time when nothing is said: the largest unit of which eight are within lag and burst, and
 * that this user's pipes may have. *why: the reason for a smaller one, or NULL. */
static size_t unit_of(const struct split_conf *conf, enum shunt_engine engine, const char **why)
{
	const char *cannot;
	const struct engine *e = engine_pick(engine, &cannot);
	size_t unit = UNIT_MOST, least = e == &engine_splice ? UNIT_LEAST : BLOCK_UNIT;
	int granted;

	*why = NULL;
	while (unit > least && unit > (conf->lag + conf->burst) / SHARES)
		unit /= 2;
	if (e != &engine_splice)
		return unit;
	if (unit > PIPE_MIDDLE && is_limited()) {
		unit = PIPE_MIDDLE; /* so four times as many subscribers may be blocked at once */
		*why = "an ordinary user's pipes are limited in number (fs.pipe-user-pages-soft)";
	}
	granted = probe_pipe(unit);
	if (granted >= (int)UNIT_LEAST && (size_t)granted < unit) {
		unit = (size_t)granted;
		*why = "no larger pipe is granted (fs.pipe-max-size, fs.pipe-user-pages-soft)";
	}
	return unit;
}

/* Descriptors beside those of subscribers. */
static uint64_t own_descriptors(const struct split_shared *s)
{
	uint64_t held =
		(s->conf->lag + s->conf->burst) / s->unit * 4; /* pipes of two, packed half full */

	return 16 + s->workers * (16 + 2 * PIPE_KEEP + held + s->conf->listen.count);
}

uint64_t split_needs(const struct split *x)
{
	unsigned most = x->shared.conf->max_subscribers;

	return most ? own_descriptors(&x->shared) + SUB_FDS * ((uint64_t)most + 1) : 0;
}

void split_limit(struct split *x, uint64_t descriptors)
{
	uint64_t own = own_descriptors(&x->shared), wanted = x->shared.conf->max_subscribers;
	uint64_t allowed = descriptors > own + SUB_FDS ? (descriptors - own) / SUB_FDS : 1;

	if (wanted && wanted > allowed)
		log_say(LOG_WARN_LEVEL,
			"%llu subscribers at %s need more descriptors than the limit allows: %llu "
			"(raise the hard limit: ulimit -Hn, LimitNOFILE=)",
			(unsigned long long)wanted, x->shared.text[0], (unsigned long long)allowed);
	atomic_store(&x->shared.most, wanted && wanted < allowed ? wanted : allowed);
}

/* Each worker holds the stream, by reference to the same pages; where bytes are copied, they are its own. */
static uint64_t memory(const struct split_shared *s)
{
	return s->workers * (s->conf->lag + s->conf->burst) + (s->workers - 1) * s->unit;
}

/* -- what is said of it -- */

static void say_size(struct log_line *l, const char *key, uint64_t bytes)
{
	char text[UNITS_TEXT];

	log_text(l, key, units_size_text(bytes, text));
}

static void say_engine(const struct split *x, struct log_line *l)
{
	const char *wanted = NULL, *better = NULL;
	const struct engine *e = engine_pick(x->shared.engine, &wanted);
	const struct engine *best = engine_pick(SHUNT_AUTO, &better);

	if (!e)
		e = &engine_copy;
	log_text(l, "engine", e->name);
	if (wanted && e->id != x->shared.engine && x->shared.engine != SHUNT_AUTO)
		log_format(l, "reason", "no %s: %s", shunt_engine_text(x->shared.engine), wanted);
	else if (e != best)
		log_format(l, "reason", "asked for; %s would work", best->name);
	else if (e->id == SHUNT_COPY)
		log_format(l, "reason", "no splice: %s", engine_splice.cannot());
	else if (probe_pipe(UNIT_LEAST) < (int)UNIT_LEAST)
		log_text(
			l, "reason",
			"no pipes are left for this user now (fs.pipe-user-pages-soft): copied meanwhile");
	else if (x->unit_why)
		log_format(l, "reason", "units of %zuK: %s", x->shared.unit >> 10, x->unit_why);
}

static void say_listening(const struct split *x, const char *address)
{
	const struct split_shared *s = &x->shared;
	char text[ADDR_TEXT];
	struct log_line line;

	log_begin(&line, LOG_INFO_LEVEL);
	log_text(&line, "msg", "listening");
	log_text(&line, "listen", address);
	log_text(&line, "split", s->label);
	if (x->source_door)
		log_text(&line, "source_listen", x->source_door->text);
	else
		log_text(&line, "source", addr_text(&s->source[0], text));
	if (s->sources > 1)
		log_number(&line, "more_sources", s->sources - 1);
	log_text(&line, "http", s->conf->type);
	say_engine(x, &line);
	say_size(&line, "unit", s->unit);
	say_size(&line, "lag", s->conf->lag);
	say_size(&line, "burst", s->conf->burst);
	say_size(&line, "memory", memory(s));
	log_number(&line, "workers", s->workers);
	log_number(&line, "max_subscribers", atomic_load(&s->most));
	log_end(&line);
}

void split_say(const struct split *x)
{
	for (size_t i = 0; i < x->shared.conf->listen.count; i++)
		say_listening(x, x->shared.text[i]);
}

/* -- beginning -- */

static int find_source(struct split_shared *s, char *problem, size_t size)
{
	const struct conf_source *source = &s->conf->source;
	const char *wrong;
	int n = source->comes ? 0
			      : addr_resolve(&source->at.name, s->source, SPLIT_SOURCES, &wrong);

	if (n < 0) {
		snprintf(problem, size, "source %s: %s", source->at.text, wrong);
		return -EDESTADDRREQ;
	}
	s->sources = (size_t)n;
	return 0;
}

static int open_workers(struct split *x, struct listener *const *listener)
{
	struct split_shared *s = &x->shared;
	int r = 0;

	x->worker = sys_alloc(s->workers * sizeof(*x->worker));
	if (!x->worker)
		return -ENOMEM;
	while (r == 0 && x->opened < s->workers) {
		unsigned number = x->opened++;

		r = split_worker_open(&x->worker[number], s, number, listener);
	}
	const struct split_ways ways = { .source_door = x->source_door,
					 .others = x->worker + 1,
					 .count = s->workers - 1 };

	return r < 0 ? r : split_worker_connect(&x->worker[0], &ways);
}

static int open_all(struct split *x, struct listener *const *listener, char *problem, size_t size)
{
	struct split_shared *s = &x->shared;
	size_t listens = s->conf->listen.count;
	int r = find_source(s, problem, size);

	if (r < 0)
		return r;
	for (size_t i = 0; i < listens; i++)
		memcpy(s->text[i], listener[i]->text, sizeof(s->text[i]));
	if (s->conf->source.comes)
		x->source_door = listener[listens];
	r = open_workers(x, listener);
	if (r < 0)
		snprintf(problem, size, "cannot open %u workers of the split at %s: %s", s->workers,
			 s->text[0], strerror(-r));
	return r;
}

int split_open(struct split **out, const struct split_conf *conf, const struct split_options *o,
	       struct listener *const *listener, char *problem, size_t size)
{
	struct split *x = sys_alloc(sizeof(*x));

	if (!x) {
		snprintf(problem, size, "no memory");
		return -ENOMEM;
	}
	x->shared.conf = conf;
	x->shared.workers = o->workers;
	x->shared.engine = o->engine;
	x->shared.done = o->done;
	atomic_init(&x->shared.most, conf->max_subscribers ? conf->max_subscribers : UINT64_MAX);
	if (o->labelled)
		x->shared.label = x->shared.text[0];
	x->shared.unit = conf->unit ? conf->unit : unit_of(conf, o->engine, &x->unit_why);
	int r = open_all(x, listener, problem, size);

	if (r < 0) {
		split_free(x);
		return r;
	}
	*out = x;
	return 0;
}

int split_begin(struct split *x)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < x->opened; i++)
		r = split_worker_start(&x->worker[i]);
	return r;
}

/* -- while it runs -- */

static void wish_all(struct split *x, enum split_wish wish)
{
	for (unsigned i = 0; i < x->opened; i++)
		split_worker_wish(&x->worker[i], wish);
}

void split_show(struct split *x, bool shown)
{
	atomic_store(&x->shared.shown, shown);
	for (unsigned i = 0; i < x->opened; i++)
		split_worker_nudge(&x->worker[i]);
}

void split_drain(struct split *x, uint64_t limit_ms)
{
	atomic_store(&x->shared.drain_ms, limit_ms);
	wish_all(x, SPLIT_DRAIN);
}

void split_stop(struct split *x)
{
	wish_all(x, SPLIT_STOP);
}

bool split_is_shut(const struct split *x)
{
	for (unsigned i = 0; i < x->opened; i++)
		if (!atomic_load(&x->worker[i].left))
			return false;
	return true;
}

bool split_is_finished(const struct split *x)
{
	for (unsigned i = 0; i < x->opened; i++)
		if (!atomic_load(&x->worker[i].finished))
			return false;
	return true;
}

const char *split_label(const struct split *x)
{
	return x->shared.label;
}

struct split_worker *split_workers(const struct split *x, unsigned *count)
{
	*count = x->opened;
	return x->worker;
}

static uint64_t load(const _Atomic uint64_t *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

void split_totals(const struct split *x, struct split_totals *out)
{
	*out = (struct split_totals){ .memory = memory(&x->shared) };
	for (unsigned i = 0; i < x->opened; i++) {
		const struct split_counts *c = &x->worker[i].counts;
		uint64_t lag = load(&c->lag);

		out->running += load(&c->running);
		out->ended += load(&c->ended);
		out->in += load(&c->in);
		out->out += load(&c->out);
		out->skips += load(&c->skips);
		out->skipped += load(&c->skipped);
		out->held += load(&c->held);
		out->sources += load(&c->sources);
		out->source_here |= atomic_load_explicit(&c->source_here, memory_order_relaxed);
		if (lag > out->lag)
			out->lag = lag;
		for (int e = 0; e < SHUNT_ENGINES; e++)
			out->moved[e] += load(&c->moved[e]);
	}
}

void split_free(struct split *x)
{
	if (!x)
		return;
	for (unsigned i = 0; i < x->opened; i++)
		if (x->worker[i].started)
			split_worker_wish(&x->worker[i], SPLIT_STOP);
	for (unsigned i = 0; i < x->opened; i++)
		if (x->worker[i].started)
			pthread_join(x->worker[i].thread, NULL);
	while (x->opened > 0)
		split_worker_close(&x->worker[--x->opened]);
	free(x->worker);
	free(x);
}
