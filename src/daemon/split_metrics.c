/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/split_metrics.h"

#include <inttypes.h>

#include "daemon/exposition.h"

enum { ENGINE_FIRST = SHUNT_COPY, ENGINE_LAST = SHUNT_SPLICE };

static uint64_t load(const _Atomic uint64_t *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

/* Of all workers, what lies at this place in each one's counts. */
static uint64_t sum(const struct split_metrics *m, size_t at)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < m->workers; i++)
		all += load((
			const _Atomic uint64_t *)(const void *)((const char *)&m->worker[i].counts +
								at));
	return all;
}
#define SUM(m, member) sum(m, offsetof(struct split_counts, member))

static bool is_here(const struct split_metrics *m)
{
	return atomic_load_explicit(&m->worker[0].counts.source_here, memory_order_relaxed);
}

static void write_source(const struct split_metrics *m, FILE *to)
{
	exposition_one(to, "shunt_split_source_up", "gauge", "Is a source here?", is_here(m));
	exposition_one(to, "shunt_split_sources_total", "counter", "Sources that came, so far.",
		       SUM(m, sources));
	exposition_one(to, "shunt_split_source_bytes_total", "counter", "Bytes of all sources.",
		       SUM(m, in));
	exposition_one(to, "shunt_split_held_bytes", "gauge",
		       "Memory in which the stream is held, a place in a pipe counted as a page.",
		       SUM(m, held));
	exposition_one(to, "shunt_split_memory_bytes", "gauge", "What that may be at most.",
		       m->memory);
}

static void write_subscribers(const struct split_metrics *m, FILE *to)
{
	uint64_t lag = 0;

	for (unsigned i = 0; i < m->workers; i++)
		if (load(&m->worker[i].counts.lag) > lag)
			lag = load(&m->worker[i].counts.lag);
	exposition_one(to, "shunt_split_subscribers", "gauge", "Subscribers now.", SUM(m, running));
	exposition_one(to, "shunt_split_subscribers_ended_total", "counter",
		       "Subscribers that are gone.", SUM(m, ended));
	exposition_one(to, "shunt_split_skips_total", "counter",
		       "How often one was taken on to the live point.", SUM(m, skips));
	exposition_one(to, "shunt_split_skipped_bytes_total", "counter", "Over how many bytes.",
		       SUM(m, skipped));
	exposition_one(to, "shunt_split_lag_bytes", "gauge", "How far the last one is behind.",
		       lag);
	exposition_head(to, "shunt_split_bytes_total", "counter", "Bytes to subscribers.");
	for (int e = ENGINE_FIRST; e <= ENGINE_LAST; e++) {
		const struct exposition_label labels[] = {
			{ "engine", shunt_engine_text((enum shunt_engine)e) }, { NULL, NULL }
		};

		exposition_sample(to, "shunt_split_bytes_total", labels,
				  sum(m, offsetof(struct split_counts, moved) +
						 (size_t)e * sizeof(_Atomic uint64_t)));
	}
}

/* One metric of each subscriber, as he was when his worker looked after him last. */
static void write_each(const struct split_metrics *m, FILE *to, const char *name, size_t at)
{
	for (unsigned i = 0; i < m->workers; i++) {
		struct split_seen *s = &m->worker[i].seen;

		pthread_mutex_lock(&s->lock);
		for (size_t k = 0; k < s->count; k++) {
			const struct split_seen_sub *sub = &s->sub[k];
			char number[24];
			const struct exposition_label labels[] = { { "sub", number },
								   { "client", sub->client },
								   { NULL, NULL } };

			snprintf(number, sizeof(number), "%" PRIu64, sub->number);
			exposition_sample(
				to, name, labels,
				*(const uint64_t *)(const void *)((const char *)sub + at));
		}
		pthread_mutex_unlock(&s->lock);
	}
}

static unsigned write_metrics(void *arg, const struct admin_request *r, FILE *to)
{
	const struct split_metrics *m = arg;

	(void)r;
	write_source(m, to);
	write_subscribers(m, to);
	exposition_head(to, "shunt_split_subscriber_lag_bytes", "gauge",
			"How far a subscriber is behind.");
	write_each(m, to, "shunt_split_subscriber_lag_bytes", offsetof(struct split_seen_sub, lag));
	exposition_head(to, "shunt_split_subscriber_skips_total", "counter",
			"How often a subscriber was taken on to the live point.");
	write_each(m, to, "shunt_split_subscriber_skips_total",
		   offsetof(struct split_seen_sub, skips));
	return 200;
}

static unsigned write_health(void *arg, const struct admin_request *r, FILE *to)
{
	const struct split_metrics *m = arg;

	(void)r;
	fputs(is_here(m) ? "ok\n" : "no source\n", to);
	return is_here(m) ? 200 : 503;
}

const struct admin_page split_metrics_pages[] = {
	{ "/metrics", EXPOSITION_TYPE, write_metrics },
	{ "/healthz", ADMIN_TEXT, write_health },
	{ NULL, NULL, NULL },
};
