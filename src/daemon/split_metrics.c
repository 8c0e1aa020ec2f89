/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/split_metrics.h"

#include <inttypes.h>

#include "daemon/exposition.h"
#include "daemon/split_worker.h"

enum { ENGINE_FIRST = SHUNT_COPY, ENGINE_LAST = SHUNT_SPLICE, LABELS = 4 };

struct view {
	const struct split *const *split;
	size_t count;
	FILE *to;
};

/* The label of a split, where it has one, and a place for more. */
static size_t put_label(const struct split *x, struct exposition_label label[LABELS])
{
	size_t n = 0;

	if (split_label(x))
		label[n++] = (struct exposition_label){ "split", split_label(x) };
	label[n] = (struct exposition_label){ .name = NULL };
	return n;
}

/* -- of each split -- */

static const struct row {
	const char *name, *type, *help;
	size_t at; /* in struct split_totals */
} rows[] = {
#define AT(member) offsetof(struct split_totals, member)
	{ "shunt_split_sources_total", "counter", "Sources that came, so far.", AT(sources) },
	{ "shunt_split_source_bytes_total", "counter", "Bytes of all sources.", AT(in) },
	{ "shunt_split_held_bytes", "gauge",
	  "Memory in which the stream is held, a place in a pipe counted as a page.", AT(held) },
	{ "shunt_split_memory_bytes", "gauge", "What that may be at most.", AT(memory) },
	{ "shunt_split_subscribers", "gauge", "Subscribers now.", AT(running) },
	{ "shunt_split_subscribers_ended_total", "counter", "Subscribers that are gone.",
	  AT(ended) },
	{ "shunt_split_skips_total", "counter", "How often one was taken on to the live point.",
	  AT(skips) },
	{ "shunt_split_skipped_bytes_total", "counter", "Over how many bytes.", AT(skipped) },
	{ "shunt_split_lag_bytes", "gauge", "How far the last one is behind.", AT(lag) },
#undef AT
};

static void write_row(const struct view *v, const struct row *r)
{
	struct exposition_label label[LABELS];
	struct split_totals t;

	exposition_head(v->to, r->name, r->type, r->help);
	for (size_t i = 0; i < v->count; i++) {
		split_totals(v->split[i], &t);
		put_label(v->split[i], label);
		exposition_sample(v->to, r->name, label,
				  *(const uint64_t *)(const void *)((const char *)&t + r->at));
	}
}

static void write_sources(const struct view *v)
{
	const char *name = "shunt_split_source_up";
	struct exposition_label label[LABELS];
	struct split_totals t;

	exposition_head(v->to, name, "gauge", "Is a source here?");
	for (size_t i = 0; i < v->count; i++) {
		split_totals(v->split[i], &t);
		put_label(v->split[i], label);
		exposition_sample(v->to, name, label, t.source_here);
	}
}

static void write_bytes(const struct view *v)
{
	const char *name = "shunt_split_bytes_total";
	struct exposition_label label[LABELS];
	struct split_totals t;

	exposition_head(v->to, name, "counter", "Bytes to subscribers.");
	for (size_t i = 0; i < v->count; i++) {
		size_t n = put_label(v->split[i], label);

		split_totals(v->split[i], &t);
		label[n + 1] = (struct exposition_label){ .name = NULL };
		for (int e = ENGINE_FIRST; e <= ENGINE_LAST; e++) {
			label[n] = (struct exposition_label){
				"engine", shunt_engine_text((enum shunt_engine)e)
			};
			exposition_sample(v->to, name, label, t.moved[e]);
		}
	}
}

/* -- of each subscriber, as he was when his worker looked after him last -- */

static const struct row each[] = {
	{ "shunt_split_subscriber_lag_bytes", "gauge", "How far a subscriber is behind.",
	  offsetof(struct split_seen_sub, lag) },
	{ "shunt_split_subscriber_skips_total", "counter",
	  "How often a subscriber was taken on to the live point.",
	  offsetof(struct split_seen_sub, skips) },
};

static void write_sub(const struct view *v, const struct row *r, const struct split *x,
		      const struct split_seen_sub *sub)
{
	struct exposition_label label[LABELS];
	size_t n = put_label(x, label);
	char number[24];

	snprintf(number, sizeof(number), "%" PRIu64, sub->number);
	label[n] = (struct exposition_label){ "sub", number };
	label[n + 1] = (struct exposition_label){ "client", sub->client };
	label[n + 2] = (struct exposition_label){ .name = NULL };
	exposition_sample(v->to, r->name, label,
			  *(const uint64_t *)(const void *)((const char *)sub + r->at));
}

static void write_subs(const struct view *v, const struct row *r, const struct split *x)
{
	unsigned workers;
	struct split_worker *w = split_workers(x, &workers);

	for (unsigned i = 0; i < workers; i++) {
		struct split_seen *s = &w[i].seen;

		pthread_mutex_lock(&s->lock);
		for (size_t k = 0; k < s->count; k++)
			write_sub(v, r, x, &s->sub[k]);
		pthread_mutex_unlock(&s->lock);
	}
}

/* -- all of it -- */

void split_metrics_print(const struct split *const *split, size_t count, FILE *to)
{
	const struct view v = { split, count, to };

	if (count == 0)
		return;
	write_sources(&v);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		write_row(&v, &rows[i]);
	write_bytes(&v);
	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
		exposition_head(to, each[i].name, each[i].type, each[i].help);
		for (size_t k = 0; k < count; k++)
			write_subs(&v, &each[i], split[k]);
	}
}
