/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/crew.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"

enum { SURVEY_MS = 800, SURVEY_LEAST_MS = 50 }; /* for all; for each, however late it is */

int crew_open(struct crew *c, struct rules *rules, const struct crew_options *options)
{
	int r = 0;

	*c = (struct crew){ .workers = options->workers, .rules = rules_ref(rules) };
	pthread_mutex_init(&c->lock, NULL);
	c->common.graft = options->graft;
	c->common.tallies = options->tallies;
	c->common.brief = options->brief;
	c->common.guests = guests_new();
	c->common.done = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (c->common.done < 0)
		return -errno;
	c->worker = sys_alloc(c->workers * sizeof(*c->worker));
	if (!c->worker || !c->common.guests)
		return -ENOMEM;
	atomic_store(&c->common.reset_grafts, rules->conf->graft.on_exit == CONF_RESET);
	while (r == 0 && c->opened < c->workers) {
		r = worker_open(&c->worker[c->opened], &c->common, rules, c->opened);
		c->opened++;
	}
	return r;
}

int crew_start(struct crew *c)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < c->opened; i++)
		r = worker_start(&c->worker[i]);
	return r;
}

int crew_fd(const struct crew *c)
{
	return c->common.done;
}

void crew_heard(struct crew *c)
{
	uint64_t n;

	if (read(c->common.done, &n, sizeof(n)) < 0 && errno != EAGAIN)
		log_say(LOG_ERROR_LEVEL, "workers can no longer be heard");
}

void crew_limit(struct crew *c, uint64_t connections)
{
	atomic_store(&c->common.limit.most, connections);
}

void crew_wish(struct crew *c, enum wish wish)
{
	for (unsigned i = 0; i < c->opened; i++)
		worker_wish(&c->worker[i], wish);
}

/* -- rules -- */

void crew_rules(struct crew *c, struct rules *rules)
{
	struct rules *old;

	pthread_mutex_lock(&c->lock);
	old = c->rules;
	c->rules = rules_ref(rules);
	pthread_mutex_unlock(&c->lock);
	rules_unref(old);
	atomic_store(&c->common.reset_grafts, rules->conf->graft.on_exit == CONF_RESET);
	c->generation++;
	for (unsigned i = 0; i < c->opened; i++)
		worker_rules(&c->worker[i], rules);
}

struct rules *crew_hold_rules(struct crew *c)
{
	struct rules *rules;

	pthread_mutex_lock(&c->lock);
	rules = rules_ref(c->rules);
	pthread_mutex_unlock(&c->lock);
	return rules;
}

/* -- how they are -- */

bool crew_settled(const struct crew *c)
{
	for (unsigned i = 0; i < c->opened; i++)
		if (atomic_load(&c->worker[i].generation) != c->generation &&
		    !atomic_load(&c->worker[i].finished))
			return false;
	return true;
}

bool crew_shut(const struct crew *c)
{
	for (unsigned i = 0; i < c->opened; i++)
		if (!atomic_load(&c->worker[i].shut))
			return false;
	return true;
}

bool crew_finished(const struct crew *c)
{
	for (unsigned i = 0; i < c->opened; i++)
		if (!atomic_load(&c->worker[i].finished))
			return false;
	return true;
}

void crew_totals(const struct crew *c, struct crew_totals *out)
{
	*out = (struct crew_totals){ .running = 0 };
	for (unsigned i = 0; i < c->opened; i++) {
		const struct worker_counts *n = &c->worker[i].counts;

		out->running += tally_get(&n->running);
		out->ended += tally_get(&n->ended);
		out->in += tally_get(&n->in);
		out->out += tally_get(&n->out);
		for (int e = 0; e < SHUNT_ENGINES; e++)
			out->moved[e] += tally_get(&n->moved[e]);
	}
}

void crew_nudge(struct crew *c)
{
	for (unsigned i = 0; i < c->opened; i++)
		worker_nudge(&c->worker[i]);
}

int crew_survey(struct crew *c, struct survey *s)
{
	uint64_t until = clock_ms() + SURVEY_MS, now;
	int r = 0;

	for (unsigned i = 0; i < c->opened; i++) {
		struct worker *w = &c->worker[i];

		now = clock_ms();
		if (!atomic_load(&w->finished) &&
		    worker_survey(w, s,
				  now + SURVEY_LEAST_MS < until ? until - now : SURVEY_LEAST_MS) <
			    0 &&
		    !atomic_load(&w->finished))
			r = -ETIME;
	}
	return r;
}

bool crew_lives(struct crew *c)
{
	bool all = true;

	for (unsigned i = 0; i < c->opened; i++) {
		struct worker *w = &c->worker[i];
		uint64_t turns = tally_get(&w->turns);

		all = all && (turns != w->turns_seen || atomic_load(&w->finished));
		w->turns_seen = turns;
		worker_nudge(w);
	}
	return all;
}

void crew_close(struct crew *c)
{
	crew_wish(c, WISH_STOP);
	for (unsigned i = 0; i < c->opened; i++) {
		if (c->worker[i].started)
			pthread_join(c->worker[i].thread, NULL);
		worker_close(&c->worker[i]);
	}
	free(c->worker);
	guests_free(c->common.guests);
	if (c->common.done > 0)
		close(c->common.done);
	rules_unref(c->rules);
	pthread_mutex_destroy(&c->lock);
}
