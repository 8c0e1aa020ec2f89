/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/daemon.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "base/units.h"
#include "daemon/grafts.h"
#include "daemon/worker.h"
#include "engine/engine.h"

enum { STOP_MS = 4500, POLL_MOST_MS = 3600000 };

struct daemon {
	struct relay_conf conf;
	struct listener listener[RELAY_LISTENS];
	size_t listeners;
	struct worker *worker;
	unsigned opened;
	int done, signals;
	bool stopping, draining;
	_Atomic uint64_t running;
	struct grafts grafts;
};

static void signal_set(sigset_t *set)
{
	struct sigaction hup;

	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGUSR1);
	/* a terminal that closes ends us in order, unless somebody wants us to outlive it (nohup) */
	if (sigaction(SIGHUP, NULL, &hup) == 0 && hup.sa_handler != SIG_IGN)
		sigaddset(set, SIGHUP);
}

void daemon_block_signals(void)
{
	sigset_t set;

	signal_set(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* -- start -- */

uint64_t daemon_connections(uint64_t descriptors, unsigned workers, size_t listens)
{
	/* standard streams, signals, a look-up; for each worker epoll, two wakers and its sockets */
	uint64_t own = 10 + workers * (3 + listens);
	uint64_t pipes = (uint64_t)workers * 2 * PIPE_KEEP;

	/* where they are short, pipes do without: by copying */
	if (descriptors > 4 * (own + pipes))
		own += pipes;
	return descriptors > own + 4 ? (descriptors - own) / 2 : 2;
}

/* The soft limit is raised to the hard one. */
static uint64_t connections_allowed(const struct relay_conf *c)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return daemon_connections(1024, c->workers, c->listens);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	return daemon_connections(limit.rlim_cur, c->workers, c->listens);
}

/* The engine that will run, and why not a better one. */
static void say_listening(const struct daemon *d, const struct listener *l)
{
	const char *better = NULL, *wanted = NULL;
	const struct engine *e = engine_pick(d->conf.engine, &wanted);
	const struct engine *best = engine_pick(SHUNT_AUTO, &better);
	struct log_line line;
	char text[ADDR_TEXT];

	if (!e)
		e = &engine_copy;
	log_begin(&line, LOG_INFO_LEVEL);
	log_text(&line, "msg", "listening");
	log_text(&line, "listen", l->text);
	log_text(&line, "target", addr_text(&d->conf.target[0], text));
	if (d->conf.targets > 1)
		log_number(&line, "more_targets", d->conf.targets - 1);
	if (d->grafts.graft)
		log_text(&line, "engine", shunt_engine_text(SHUNT_GRAFT));
	log_text(&line, d->grafts.graft ? "before" : "engine", e->name);
	if (d->grafts.why[0] && e->id == SHUNT_COPY && d->conf.engine == SHUNT_AUTO)
		log_format(&line, "reason", "no splice: %s; no graft: %s", engine_splice.cannot(),
			   d->grafts.why);
	else if (d->grafts.why[0])
		log_format(&line, "reason", "no graft: %s", d->grafts.why);
	else if (d->grafts.graft)
		; /* nothing better is to be had */
	else if (wanted && e->id != d->conf.engine && d->conf.engine != SHUNT_AUTO)
		log_format(&line, "reason", "no %s: %s", shunt_engine_text(d->conf.engine), wanted);
	else if (e != best)
		log_format(&line, "reason", "asked for; %s would work", best->name);
	else if (e->id == SHUNT_COPY)
		log_format(&line, "reason", "no splice: %s", engine_splice.cannot());
	log_number(&line, "workers", d->conf.workers);
	log_number(&line, "max_connections", d->conf.max_connections);
	log_end(&line);
}

static int open_all(struct daemon *d, char *problem, size_t size)
{
	const struct relay_conf *c = &d->conf;
	sigset_t set;
	int r = 0;

	for (; d->listeners < c->listens; d->listeners++) {
		r = listen_open(&d->listener[d->listeners], &c->listen[d->listeners], c->workers,
				problem, size);
		if (r < 0)
			return r;
	}
	r = grafts_open(&d->grafts, c);
	if (r < 0) {
		snprintf(problem, size, "no grafts: %s", d->grafts.why);
		return r;
	}
	grafts_drop_rights(&d->grafts);
	for (size_t i = 0; i < d->listeners; i++)
		grafts_fit_listener(&d->grafts, c, &d->listener[i]);
	signal_set(&set);
	d->done = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	d->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	d->worker = sys_alloc(c->workers * sizeof(*d->worker));
	if (d->done < 0 || d->signals < 0)
		r = -errno;
	else if (!d->worker)
		r = -ENOMEM;
	for (; r == 0 && d->opened < c->workers; d->opened++)
		r = worker_open(&d->worker[d->opened], c, d->opened, d->listener, d->grafts.graft,
				d->done, &d->running);
	for (unsigned i = 0; r == 0 && i < d->opened; i++)
		r = worker_start(&d->worker[i]);
	if (r < 0)
		snprintf(problem, size, "cannot start %u workers: %s", c->workers, strerror(-r));
	return r;
}

int daemon_start(struct daemon **out, const struct relay_conf *conf, char *problem, size_t size,
		 bool *bound)
{
	struct daemon *d = sys_alloc(sizeof(*d));

	*bound = false;
	if (!d) {
		*bound = true;
		snprintf(problem, size, "no memory");
		return -ENOMEM;
	}
	d->conf = *conf;
	d->done = d->signals = -1;
	uint64_t allowed = connections_allowed(conf);

	if (!d->conf.max_connections || d->conf.max_connections > allowed) {
		if (d->conf.max_connections)
			log_say(LOG_WARN_LEVEL,
				"--max-connections %llu needs more descriptors than the limit allows: %llu "
				"(raise the hard limit: ulimit -Hn, LimitNOFILE=)",
				(unsigned long long)d->conf.max_connections,
				(unsigned long long)allowed);
		d->conf.max_connections = allowed;
	}
	int r = open_all(d, problem, size);

	*bound = d->listeners == conf->listens;
	if (r < 0) {
		daemon_free(d);
		return r;
	}
	for (size_t i = 0; i < d->listeners; i++)
		say_listening(d, &d->listener[i]);
	*out = d;
	return 0;
}

const char *daemon_address(const struct daemon *d, size_t i)
{
	return i < d->listeners ? d->listener[i].text : "";
}

/* -- run -- */

static void close_listeners(struct daemon *d)
{
	while (d->listeners > 0)
		listen_close(&d->listener[--d->listeners]);
}

static void wish_all(struct daemon *d, enum wish wish)
{
	for (unsigned i = 0; i < d->opened; i++)
		worker_wish(&d->worker[i], wish);
}

static void stop(struct daemon *d, const char *msg)
{
	if (d->stopping)
		return;
	d->stopping = true;
	log_say(LOG_INFO_LEVEL, "%s", msg);
	wish_all(d, WISH_STOP);
}

static void drain(struct daemon *d)
{
	char text[UNITS_TEXT];

	if (d->stopping || d->draining)
		return;
	d->draining = true;
	log_say(LOG_INFO_LEVEL, "draining: no new connections, at most %s for those that run",
		d->conf.drain_timeout ? units_time_text(d->conf.drain_timeout, text) : "for ever");
	wish_all(d, WISH_DRAIN); /* the listeners are closed when all have let go of them */
}

static void take_signals(struct daemon *d)
{
	struct signalfd_siginfo info;

	while (read(d->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGUSR1)
			drain(d);
		else
			stop(d, "stopping");
	}
}

static bool all_shut(const struct daemon *d)
{
	for (unsigned i = 0; i < d->opened; i++)
		if (!atomic_load(&d->worker[i].shut))
			return false;
	return true;
}

static bool all_finished(const struct daemon *d)
{
	for (unsigned i = 0; i < d->opened; i++)
		if (!atomic_load(&d->worker[i].finished))
			return false;
	return true;
}

int daemon_run(struct daemon *d, uint64_t after_ms,
	       void (*each_second)(const struct daemon_totals *, void *), void *arg)
{
	uint64_t now = clock_ms(), next = now + 1000, stop_by = UINT64_MAX;
	uint64_t end = after_ms == UINT64_MAX ? UINT64_MAX : now + after_ms;

	while (!all_finished(d)) {
		struct pollfd fds[] = { { .fd = d->signals, .events = POLLIN },
					{ .fd = d->done, .events = POLLIN },
					{ .fd = grafts_fd(&d->grafts), .events = POLLIN } };
		uint64_t until = end < stop_by ? end : stop_by, n;

		if (each_second && next < until)
			until = next;
		if (until > now + POLL_MOST_MS)
			until = now + POLL_MOST_MS;
		poll(fds, 3, until > now ? (int)(until - now) : 0);
		now = clock_ms();
		take_signals(d);
		if (fds[2].revents)
			grafts_log_ended(&d->grafts);
		if (read(d->done, &n, sizeof(n)) < 0 && errno != EAGAIN)
			return -errno;
		if (d->draining && all_shut(d))
			close_listeners(d);
		if (each_second && now >= next) {
			struct daemon_totals t;

			daemon_totals(d, &t);
			each_second(&t, arg);
			next += 1000;
		}
		if (now >= end) {
			stop(d, "the time is over: stopping");
			end = UINT64_MAX;
		}
		if (d->stopping && stop_by == UINT64_MAX)
			stop_by = now + STOP_MS;
		if (now >= stop_by)
			return -ETIME;
	}
	return 0;
}

void daemon_totals(const struct daemon *d, struct daemon_totals *out)
{
	*out = (struct daemon_totals){ .running = 0 };
	for (unsigned i = 0; i < d->opened; i++) {
		const struct worker_counts *c = &d->worker[i].counts;

		out->running += atomic_load_explicit(&c->running, memory_order_relaxed);
		out->ended += atomic_load_explicit(&c->ended, memory_order_relaxed);
		out->in += atomic_load_explicit(&c->in, memory_order_relaxed);
		out->out += atomic_load_explicit(&c->out, memory_order_relaxed);
		for (int e = 0; e < SHUNT_ENGINES; e++)
			out->moved[e] += atomic_load_explicit(&c->moved[e], memory_order_relaxed);
	}
}

void daemon_free(struct daemon *d)
{
	if (!d)
		return;
	wish_all(d, WISH_STOP);
	for (unsigned i = 0; i < d->opened; i++) {
		if (d->worker[i].started)
			pthread_join(d->worker[i].thread, NULL);
		worker_close(&d->worker[i]);
	}
	grafts_close(&d->grafts);
	close_listeners(d);
	if (d->done >= 0)
		close(d->done);
	if (d->signals >= 0)
		close(d->signals);
	free(d->worker);
	free(d);
}
