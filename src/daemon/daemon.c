/* SPDX-License-Identifier: BSD-2-Clause */
/* daemon.c — what is done in which order, and what is done on a signal
 *
 *   start: sockets, backends, rules ─▶ grafts, whose rights are dropped then ─▶ workers ─▶ the admin endpoint
 *   reload: a file without a mistake ─▶ new rules ─▶ all workers have them ─▶ old sockets closed
 *   end: the admin endpoint, then workers, then what they used
 */
#include "daemon/daemon.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "base/units.h"
#include "daemon/announce.h"
#include "daemon/conf_load.h"
#include "daemon/force.h"
#include "daemon/inspect.h"
#include "daemon/limits.h"
#include "daemon/service.h"
#include "daemon/signals.h"

enum { STOP_MS = 4500, POLL_MOST_MS = 3600000, PROBLEM = 512 };

struct daemon {
	const char *file;
	bool brief;
	struct force force;
	struct rules *rules; /* in force, or about to be; held */
	struct grafts grafts;
	struct crew crew;
	bool has_crew;
	struct inspect inspect;
	int signals;
	bool stopping, draining, unsettled;
	uint64_t connections; /* at most */
	uint64_t watchdog;    /* how often, ms; 0: never */
};

/* -- start -- */

static void say_listening(struct daemon *d, const struct rules *before)
{
	const struct announcement a = { &d->grafts, d->force.workers, d->connections, d->brief };

	for (size_t i = 0; i < d->rules->gates; i++) {
		const struct gate *g = &d->rules->gate[i];
		bool known = false;

		for (size_t k = 0; before && k < before->gates; k++)
			known |= before->gate[k].listener == g->listener;
		grafts_fit_listener(&d->grafts, d->rules->backends, g->listener);
		if (!known)
			announce(&a, d->rules, g);
	}
	splits_say(&d->force.splits);
}

/* Without listeners, and without a file that may bring some one day, there is nothing for relaying workers to do. */
static bool relays(const struct daemon *d, const struct conf *c)
{
	return c->listeners > 0 || d->file;
}

static void share_descriptors(struct daemon *d, const struct conf *c, uint64_t descriptors)
{
	uint64_t left = splits_limit(&d->force.splits, descriptors, c->listeners > 0);

	d->connections =
		limits_allowed(c->limits.connections, d->force.workers, c->listeners, left);
}

static int start_crew(struct daemon *d, char *problem, size_t size)
{
	const struct crew_options o = { relays(d, d->rules->conf) ? d->force.workers : 0,
					&d->force.tallies, d->grafts.graft, d->brief };
	int r;

	d->has_crew = true;
	r = crew_open(&d->crew, d->rules, &o);
	crew_limit(&d->crew, d->connections);
	if (r == 0)
		r = crew_start(&d->crew);
	if (r == 0)
		r = force_begin(&d->force);
	if (r < 0)
		snprintf(problem, size, "cannot start %u workers: %s", d->force.workers,
			 strerror(-r));
	return r;
}

static int start(struct daemon *d, const struct conf *c, char *problem, size_t size, bool *bound)
{
	uint64_t descriptors = limits_descriptors(c->admin.on);
	sigset_t set;
	int r;

	signals_ours(&set);
	d->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (d->signals < 0) {
		snprintf(problem, size, "cannot wait for signals: %s", strerror(errno));
		return -errno;
	}
	r = force_make(&d->force, c, NULL, &d->rules, problem, size, bound);
	if (r < 0)
		return r;
	share_descriptors(d, c, descriptors);
	splits_show(&d->force.splits, c->admin.on);
	r = inspect_open(&d->inspect, c, problem, size);
	*bound = r == 0;
	if (r < 0)
		return r;
	r = relays(d, c) ? grafts_open(&d->grafts, c) : 0;
	if (r < 0) {
		snprintf(problem, size, "no grafts: %s", d->grafts.why);
		return r;
	}
	d->inspect.of.graft = d->grafts.graft;
	grafts_drop_rights(&d->grafts);
	r = relays(d, c) ? force_care(&d->force, d->rules, !d->file, problem, size) : 0;
	if (r == 0)
		r = start_crew(d, problem, size);
	return r < 0 ? r : inspect_start(&d->inspect, problem, size);
}

int daemon_start(struct daemon **out, const struct daemon_options *options, char *problem,
		 size_t size, bool *bound)
{
	struct daemon *d = sys_alloc(sizeof(*d));
	const struct conf *c = options->conf;

	*bound = true;
	if (!d) {
		snprintf(problem, size, "no memory");
		return -ENOMEM;
	}
	d->file = options->file;
	d->brief = options->brief;
	d->signals = -1;
	d->watchdog = service_watchdog_ms();
	force_init(&d->force, c, d->brief);
	inspect_init(&d->inspect, &(struct metrics_of){ .crew = &d->crew,
							.tallies = &d->force.tallies,
							.splits = &d->force.splits,
							.began = clock_ms() });
	int r = start(d, c, problem, size, bound);

	if (r < 0) {
		daemon_free(d);
		return r;
	}
	say_listening(d, NULL);
	inspect_settle(&d->inspect, true);
	service_ready();
	*out = d;
	return 0;
}

const char *daemon_address(const struct daemon *d, size_t i)
{
	return i < d->rules->gates ? d->rules->gate[i].text : "";
}

/* -- reload -- */

static void say_mistakes(const struct conf_report *report)
{
	for (size_t i = 0; i < report->messages; i++)
		log_say(report->message[i].warning ? LOG_WARN_LEVEL : LOG_ERROR_LEVEL, "%s",
			report->message[i].text);
	if (report->lost)
		log_say(LOG_ERROR_LEVEL, "and %zu more", report->lost);
}

static int take_conf(struct daemon *d, const struct conf *c, char *problem, size_t size)
{
	struct rules *old = d->rules, *rules;
	bool bound;
	int r = inspect_open(&d->inspect, c, problem, size);

	if (r == 0)
		r = inspect_start(&d->inspect, problem, size);
	if (r == 0)
		r = force_make(&d->force, c, old, &rules, problem, size, &bound);
	if (r < 0) {
		inspect_settle(&d->inspect, false);
		return r;
	}
	announce_lasting(old->conf, c);
	log_setup(STDERR_FILENO, c->log.level, c->log.format);
	d->rules = rules;
	crew_rules(&d->crew, rules);
	force_begin(&d->force);
	share_descriptors(d, c, limits_descriptors(c->admin.on));
	crew_limit(&d->crew, d->connections);
	splits_show(&d->force.splits, c->admin.on);
	d->unsettled = true;
	say_listening(d, old);
	inspect_settle(&d->inspect, true);
	rules_unref(old);
	return 0;
}

static void reload(struct daemon *d)
{
	struct conf_report report = { .message = NULL };
	char problem[PROBLEM] = "its configuration has mistakes";
	const struct conf *c = NULL;

	service_reloading();
	int r = conf_load(d->file, &c, &report);

	say_mistakes(&report);
	conf_report_clear(&report);
	if (r == 0)
		r = take_conf(d, c, problem, sizeof(problem));
	conf_unref(c);
	tally_add(r < 0 ? &d->force.tallies.reloads_failed : &d->force.tallies.reloads, 1);
	if (r < 0)
		log_say(LOG_ERROR_LEVEL, "not reloaded: %s; all goes on by the old one", problem);
	else
		log_say(LOG_INFO_LEVEL, "reloaded: new connections go by %s", d->file);
	service_reloaded();
}

/* -- run -- */

static void stop(struct daemon *d, const char *msg)
{
	if (d->stopping)
		return;
	d->stopping = true;
	log_say(LOG_INFO_LEVEL, "%s", msg);
	service_stopping();
	inspect_leaving(&d->inspect, "stopping");
	crew_wish(&d->crew, WISH_STOP);
	splits_stop(&d->force.splits);
}

static void drain(struct daemon *d)
{
	uint64_t limit = d->rules->conf->timeouts.drain;
	char text[UNITS_TEXT];

	if (d->stopping || d->draining)
		return;
	d->draining = true;
	log_say(LOG_INFO_LEVEL,
		"draining: nobody is let in any more, at most %s for those who are here",
		limit ? units_time_text(limit, text) : "for ever");
	service_stopping();
	inspect_leaving(&d->inspect, "draining");
	splits_drain(&d->force.splits, limit);
	crew_wish(&d->crew, WISH_DRAIN); /* the sockets are closed when all have let go of them */
}

static void take_signals(struct daemon *d)
{
	struct signalfd_siginfo info;
	bool again = false; /* several that came meanwhile are one */

	while (read(d->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGUSR1)
			drain(d);
		else if (info.ssi_signo == SIGHUP && d->file)
			again = true;
		else
			stop(d, "stopping");
	}
	if (again && !d->stopping && !d->draining)
		reload(d);
}

/* What the workers have let go of is closed. */
static void tidy(struct daemon *d)
{
	crew_heard(&d->crew);
	splits_heard(&d->force.splits);
	if (d->draining && crew_shut(&d->crew) &&
	    splits_shut(&d->force.splits)) { /* all addresses are free for a successor */
		force_settle(&d->force, NULL);
		inspect_shut(&d->inspect);
	} else if (d->unsettled && crew_settled(&d->crew) && splits_settled(&d->force.splits)) {
		force_settle(&d->force, d->rules);
	} else {
		return;
	}
	d->unsettled = false;
}

/* Times at which something is due, in a run. */
struct due {
	uint64_t second, end, stop, watchdog;
};

static void say_status(const struct daemon *d, const struct crew_totals *t)
{
	struct split_totals s;
	char subscribers[48] = "";

	splits_totals(&d->force.splits, &s);
	if (d->rules->conf->splits)
		snprintf(subscribers, sizeof(subscribers), "; %llu subscribers",
			 (unsigned long long)s.running);
	service_status("%llu connections, %llu ended%s", (unsigned long long)t->running,
		       (unsigned long long)t->ended, subscribers);
}

static void each_so_often(struct daemon *d, struct due *due, uint64_t now,
			  void (*each_second)(const struct crew_totals *, void *), void *arg)
{
	struct crew_totals t;

	if (now >= due->second) {
		crew_totals(&d->crew, &t);
		crew_nudge(&d->crew); /* for the next ones */
		if (each_second)
			each_second(&t, arg);
		say_status(d, &t);
		due->second = now + 1000;
	}
	if (now >= due->watchdog) {
		if (crew_lives(&d->crew))
			service_lives();
		due->watchdog = now + d->watchdog;
	}
	if (now >= due->end) {
		stop(d, "the time is over: stopping");
		due->end = UINT64_MAX;
	}
	if (d->stopping && due->stop == UINT64_MAX)
		due->stop = now + STOP_MS;
}

static int wait_ms(const struct due *due, uint64_t now)
{
	uint64_t until = now + POLL_MOST_MS;
	const uint64_t all[] = { due->second, due->end, due->stop, due->watchdog };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		until = all[i] < until ? all[i] : until;
	return until > now ? (int)(until - now) : 0;
}

int daemon_run(struct daemon *d, uint64_t after_ms,
	       void (*each_second)(const struct crew_totals *, void *), void *arg)
{
	uint64_t now = clock_ms();
	struct due due = {
		.second = each_second || getenv("NOTIFY_SOCKET") ? now + 1000 : UINT64_MAX,
		.end = after_ms == UINT64_MAX ? UINT64_MAX : now + after_ms,
		.stop = UINT64_MAX,
		.watchdog = d->watchdog ? now : UINT64_MAX,
	};

	while (!(crew_finished(&d->crew) && splits_finished(&d->force.splits))) {
		struct pollfd fds[] = { { .fd = d->signals, .events = POLLIN },
					{ .fd = crew_fd(&d->crew), .events = POLLIN },
					{ .fd = splits_fd(&d->force.splits), .events = POLLIN },
					{ .fd = grafts_fd(&d->grafts), .events = POLLIN } };

		poll(fds, 4, wait_ms(&due, now));
		now = clock_ms();
		take_signals(d);
		if (fds[3].revents)
			grafts_log_ended(&d->grafts);
		tidy(d);
		each_so_often(d, &due, now, each_second, arg);
		if (now >= due.stop)
			return -ETIME;
	}
	return 0;
}

void daemon_split_totals(const struct daemon *d, struct split_totals *out)
{
	splits_totals(&d->force.splits, out);
}

void daemon_free(struct daemon *d)
{
	if (!d)
		return;
	inspect_close(&d->inspect);
	if (d->has_crew)
		crew_close(&d->crew);
	grafts_close(&d->grafts);
	rules_unref(d->rules);
	force_close(&d->force);
	if (d->signals >= 0)
		close(d->signals);
	free(d);
}
