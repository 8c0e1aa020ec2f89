/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/force.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"

static unsigned cpus(void)
{
	cpu_set_t ours;
	int n = sched_getaffinity(0, sizeof(ours), &ours) < 0 ? 1 : CPU_COUNT(&ours);

	return n < 1 ? 1 : n > CONF_WORKERS ? CONF_WORKERS : (unsigned)n;
}

void force_init(struct force *f, const struct conf *c, bool brief)
{
	*f = (struct force){ .workers = c->workers ? c->workers : cpus() };
	splits_init(&f->splits, c->engine, f->workers, brief);
	tallies_init(&f->tallies);
}

static int cannot(int error, char *problem, size_t size)
{
	snprintf(problem, size, "the configuration cannot come into force: %s", strerror(-error));
	return error;
}

enum { ANSWER_MS = 3000 };

/* -- names and checks -- */

/* The first name that stands for nothing, in words. */
static int unresolved(struct force *f, const struct rules *rules, char *problem, size_t size)
{
	for (size_t i = 0; i < rules->conf->backends; i++) {
		const struct conf_backend *c = rules->conf->backend[i];
		const struct backend *b = backends_get(rules->backends, c);

		for (size_t k = 0; k < c->servers; k++) {
			const char *why = care_problem(f->care, b, k);

			if (!why)
				continue;
			snprintf(problem, size, "%s: %s", c->server[k]->address.text, why);
			return -EDESTADDRREQ;
		}
	}
	return 0;
}

int force_care(struct force *f, const struct rules *rules, bool all, char *problem, size_t size)
{
	int r = care_open(&f->care);

	if (r == 0)
		r = care_follow(f->care, rules->backends);
	if (r < 0) {
		snprintf(problem, size, "cannot look after servers: %s", strerror(-r));
		return r;
	}
	care_answered(f->care, ANSWER_MS);
	return all ? unresolved(f, rules, problem, size) : 0;
}

/* -- coming into force -- */

/* The sockets are had; what is left needs no more of them. */
static int make(struct force *f, const struct conf *c, struct rules *previous,
		struct listener *const *listener, struct rules **out)
{
	struct backends *bs = NULL;
	int r = backends_open(&bs, c, previous ? previous->backends : NULL);

	if (r < 0)
		return r;
	*out = rules_new(bs, listener, &f->tallies);
	r = *out ? 0 : -ENOMEM;
	if (r == 0 && f->care) {
		r = care_follow(f->care, bs);
		care_answered(f->care, ANSWER_MS);
	}
	if (r < 0)
		rules_unref(*out);
	backends_unref(bs);
	return r;
}

/* All is as it was. */
static void take_back(struct force *f, const struct rules *previous)
{
	splits_settle(&f->splits, false);
	if (previous) {
		listeners_claim(&f->listeners, previous->conf, f->held);
		care_follow(f->care, previous->backends);
	}
	listeners_keep(&f->listeners, previous ? previous->conf : NULL);
}

int force_make(struct force *f, const struct conf *c, struct rules *previous, struct rules **out,
	       char *problem, size_t size, bool *bound)
{
	struct listener **listener = sys_alloc((c->binds + 1) * sizeof(*listener));
	int r;

	*bound = true;
	if (!listener)
		return cannot(-ENOMEM, problem, size);
	splits_plan(&f->splits, c, listener);
	r = listeners_take(&f->listeners, c, f->workers, listener, problem, size);
	*bound = r == 0;
	if (r < 0) {
		splits_settle(&f->splits, false);
		free(listener);
		return r;
	}
	r = splits_open(&f->splits, c, listener, problem, size);
	if (r == 0) {
		r = make(f, c, previous, listener, out);
		if (r < 0)
			cannot(r, problem, size);
	}
	if (r < 0) {
		take_back(f, previous);
		free(listener);
		return r;
	}
	free(f->held);
	f->held = listener;
	return 0;
}

int force_begin(struct force *f)
{
	return splits_settle(&f->splits, true);
}

void force_settle(struct force *f, const struct rules *rules)
{
	listeners_keep(&f->listeners, rules ? rules->conf : NULL);
}

void force_close(struct force *f)
{
	care_close(f->care);
	splits_close(&f->splits);
	force_settle(f, NULL);
	free(f->held);
	tallies_free(&f->tallies);
}
