/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/split.h"
#include "daemon/signals.h"

#include <cap-ng.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/probe.h"
#include "base/sys.h"
#include "base/units.h"
#include "daemon/limits.h"
#include "daemon/split_metrics.h"
#include "engine/engine.h"

enum { STOP_MS = 4500, POLL_MOST_MS = 3600000, SHARES = 8, LEAST_UNITS = 4 };

#define UNIT_MOST  ((size_t)1 << 20)
#define UNIT_LEAST ((size_t)64 << 10)

struct split {
	struct split_conf conf;
	struct listener listener[SPLIT_LISTENS], source_door;
	size_t listeners;
	bool source_bound;
	struct split_worker *worker;
	unsigned opened;
	int done, signals;
	bool stopping, draining;
	const char *unit_why;
	struct admin *admin;
	struct split_metrics metrics;
	_Atomic uint64_t running;
};

/* -- limits -- */

size_t split_least(size_t unit)
{
	return LEAST_UNITS * unit;
}

/* Is this user's number of pipe pages limited (fs.pipe-user-pages-soft)? */
static bool is_limited(void)
{
	return !capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_RESOURCE) &&
	       !capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN);
}

size_t split_unit(const struct split_conf *conf, const char **why)
{
	const char *cannot;
	const struct engine *e = engine_pick(conf->engine, &cannot);
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

/* How many subscribers the limit of descriptors carries: one each, and two while blocked, for a pipe; the soft
 * limit is raised to the hard one. */
static uint64_t subscribers_allowed(const struct split_conf *c)
{
	struct rlimit limit = { .rlim_cur = 1024, .rlim_max = 1024 };

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
		getrlimit(RLIMIT_NOFILE, &limit);
	}
	uint64_t held = (c->lag + c->burst) / c->unit * 4; /* pipes of two, packed half full */
	uint64_t own = 16 + c->workers * (16 + 2 * PIPE_KEEP + held + c->listens);

	return limit.rlim_cur > own + 3 ? (limit.rlim_cur - own) / 3 : 1;
}

/* Each worker holds the stream, by reference to the same pages; where bytes are copied, they are its own. */
static uint64_t memory(const struct split_conf *c)
{
	return c->workers * (c->lag + c->burst) + (c->workers - 1) * c->unit;
}

/* -- start -- */

static void say_size(struct log_line *l, const char *key, uint64_t bytes)
{
	char text[UNITS_TEXT];

	log_text(l, key, units_size_text(bytes, text));
}

static void say_engine(const struct split *x, struct log_line *l)
{
	const char *wanted = NULL, *better = NULL;
	const struct engine *e = engine_pick(x->conf.engine, &wanted);
	const struct engine *best = engine_pick(SHUNT_AUTO, &better);

	if (!e)
		e = &engine_copy;
	log_text(l, "engine", e->name);
	if (wanted && e->id != x->conf.engine && x->conf.engine != SHUNT_AUTO)
		log_format(l, "reason", "no %s: %s", shunt_engine_text(x->conf.engine), wanted);
	else if (e != best)
		log_format(l, "reason", "asked for; %s would work", best->name);
	else if (e->id == SHUNT_COPY)
		log_format(l, "reason", "no splice: %s", engine_splice.cannot());
	else if (probe_pipe(UNIT_LEAST) < (int)UNIT_LEAST)
		log_text(
			l, "reason",
			"no pipes are left for this user now (fs.pipe-user-pages-soft): copied meanwhile");
	else if (x->unit_why)
		log_format(l, "reason", "units of %zuK: %s", x->conf.unit >> 10, x->unit_why);
}

static void say_listening(const struct split *x, const struct listener *l)
{
	const struct split_conf *c = &x->conf;
	char text[ADDR_TEXT];
	struct log_line line;

	log_begin(&line, LOG_INFO_LEVEL);
	log_text(&line, "msg", "listening");
	log_text(&line, "listen", l->text);
	if (c->source_comes)
		log_text(&line, "source_listen", x->source_door.text);
	else
		log_text(&line, "source", addr_text(&c->source[0], text));
	if (c->sources > 1)
		log_number(&line, "more_sources", c->sources - 1);
	log_text(&line, "http", c->type);
	say_engine(x, &line);
	say_size(&line, "unit", c->unit);
	say_size(&line, "lag", c->lag);
	say_size(&line, "burst", c->burst);
	say_size(&line, "memory", memory(c));
	log_number(&line, "workers", c->workers);
	log_number(&line, "max_subscribers", c->max_subscribers);
	log_end(&line);
}

static int open_listeners(struct split *x, char *problem, size_t size)
{
	const struct split_conf *c = &x->conf;
	int r = 0;

	if (c->source_comes) {
		r = listen_open(&x->source_door, &c->source_listen, 1, problem, size);
		x->source_bound = r == 0;
	}
	for (; r == 0 && x->listeners < c->listens; x->listeners++) {
		r = listen_open(&x->listener[x->listeners], &c->listen[x->listeners], c->workers,
				problem, size);
		if (r < 0)
			break;
	}
	return r;
}

static int open_admin(struct split *x, char *problem, size_t size)
{
	if (!x->conf.admin)
		return 0;
	return admin_open(&x->admin, &x->conf.admin_listen, split_metrics_pages, &x->metrics,
			  problem, size);
}

static int start_admin(struct split *x, char *problem, size_t size)
{
	struct log_line l;

	x->metrics = (struct split_metrics){ x->worker, x->opened, memory(&x->conf) };
	int r = x->admin ? admin_start(x->admin, limits_admin(), problem, size) : 0;

	if (r < 0 || !x->admin)
		return r;
	log_begin(&l, LOG_INFO_LEVEL);
	log_text(&l, "msg", "metrics and health are told over HTTP");
	log_text(&l, "admin", admin_text(x->admin));
	log_end(&l);
	return 0;
}

static int open_workers(struct split *x)
{
	const struct split_conf *c = &x->conf;
	sigset_t set;
	int r = 0;

	signals_ours(&set);
	x->done = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	x->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	x->worker = sys_alloc(c->workers * sizeof(*x->worker));
	if (x->done < 0 || x->signals < 0)
		r = -errno;
	else if (!x->worker)
		r = -ENOMEM;
	while (r == 0 && x->opened < c->workers) {
		unsigned number = x->opened++;

		r = split_worker_open(&x->worker[number], c, number, x->listener, x->done,
				      &x->running);
	}
	struct split_ways ways = { .source_door = c->source_comes ? &x->source_door : NULL,
				   .others = x->worker + 1,
				   .count = c->workers - 1 };

	if (r == 0)
		r = split_worker_connect(&x->worker[0], &ways);
	for (unsigned i = 0; r == 0 && i < x->opened; i++)
		r = split_worker_start(&x->worker[i]);
	return r;
}

static void limit_subscribers(struct split_conf *c)
{
	uint64_t allowed = subscribers_allowed(c);

	if (c->max_subscribers && c->max_subscribers <= allowed)
		return;
	if (c->max_subscribers)
		log_say(LOG_WARN_LEVEL,
			"--max-subscribers %llu needs more descriptors than the limit allows: %llu "
			"(raise the hard limit: ulimit -Hn, LimitNOFILE=)",
			(unsigned long long)c->max_subscribers, (unsigned long long)allowed);
	c->max_subscribers = allowed;
}

int split_start(struct split **out, const struct split_conf *conf, char *problem, size_t size,
		bool *bound)
{
	struct split *x = sys_alloc(sizeof(*x));

	*bound = true;
	if (!x) {
		snprintf(problem, size, "no memory");
		return -ENOMEM;
	}
	x->conf = *conf;
	x->done = x->signals = -1;
	if (!x->conf.unit)
		x->conf.unit = split_unit(conf, &x->unit_why);
	limit_subscribers(&x->conf);
	int r = open_listeners(x, problem, size);

	if (r == 0)
		r = open_admin(x, problem, size);
	if (r < 0) {
		*bound = false;
	} else {
		for (size_t i = 0; i < x->listeners; i++)
			say_listening(x, &x->listener[i]);
		r = open_workers(x);
		if (r < 0)
			snprintf(problem, size, "cannot start %u workers: %s", conf->workers,
				 strerror(-r));
		else
			r = start_admin(x, problem, size);
	}
	if (r < 0) {
		split_free(x);
		return r;
	}
	*out = x;
	return 0;
}

/* -- run -- */

static void close_listeners(struct split *x)
{
	while (x->listeners > 0)
		listen_close(&x->listener[--x->listeners]);
	if (x->source_bound)
		listen_close(&x->source_door);
	x->source_bound = false;
}

static void wish_all(struct split *x, enum split_wish wish)
{
	for (unsigned i = 0; i < x->opened; i++)
		split_worker_wish(&x->worker[i], wish);
}

static void take_signals(struct split *x)
{
	struct signalfd_siginfo info;
	char text[UNITS_TEXT];

	while (read(x->signals, &info, sizeof(info)) == sizeof(info)) {
		if (x->stopping || (info.ssi_signo == SIGUSR1 && x->draining))
			continue;
		if (info.ssi_signo == SIGUSR1) {
			x->draining = true;
			log_say(LOG_INFO_LEVEL,
				"draining: no new subscribers, until the source ends, at most %s",
				x->conf.drain_timeout ? units_time_text(x->conf.drain_timeout, text)
						      : "for ever");
			wish_all(x, SPLIT_DRAIN);
		} else {
			x->stopping = true;
			log_say(LOG_INFO_LEVEL, "stopping");
			wish_all(x, SPLIT_STOP);
		}
	}
}

static bool all_finished(const struct split *x)
{
	for (unsigned i = 0; i < x->opened; i++)
		if (!atomic_load(&x->worker[i].finished))
			return false;
	return true;
}

static int poll_ms(uint64_t now, uint64_t until)
{
	if (until <= now)
		return 0;
	return until - now > POLL_MOST_MS ? POLL_MOST_MS : (int)(until - now);
}

int split_run(struct split *x, void (*each_second)(const struct split_totals *, void *), void *arg)
{
	uint64_t now = clock_ms(), next = each_second ? now + 1000 : UINT64_MAX;
	uint64_t stop_by = UINT64_MAX;

	while (!all_finished(x)) {
		struct pollfd fds[] = { { .fd = x->signals, .events = POLLIN },
					{ .fd = x->done, .events = POLLIN } };
		uint64_t n;

		poll(fds, 2, poll_ms(now, next < stop_by ? next : stop_by));
		now = clock_ms();
		take_signals(x);
		if (read(x->done, &n, sizeof(n)) < 0 && errno != EAGAIN)
			return -errno;
		if (now >= next) {
			struct split_totals t;

			split_totals(x, &t);
			each_second(&t, arg);
			next += 1000;
		}
		if (x->stopping && stop_by == UINT64_MAX)
			stop_by = now + STOP_MS;
		if (now >= stop_by)
			return -ETIME;
	}
	return 0;
}

static uint64_t load(const _Atomic uint64_t *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

void split_totals(const struct split *x, struct split_totals *out)
{
	*out = (struct split_totals){ .running = 0 };
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
	admin_close(x->admin); /* it reads what workers say */
	for (unsigned i = 0; i < x->opened; i++)
		if (x->worker[i].started)
			split_worker_wish(&x->worker[i], SPLIT_STOP);
	for (unsigned i = 0; i < x->opened; i++)
		if (x->worker[i].started)
			pthread_join(x->worker[i].thread, NULL);
	while (x->opened > 0)
		split_worker_close(&x->worker[--x->opened]);
	close_listeners(x);
	if (x->done >= 0)
		close(x->done);
	if (x->signals >= 0)
		close(x->signals);
	free(x->worker);
	free(x);
}
