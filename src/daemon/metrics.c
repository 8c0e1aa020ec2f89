/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics.c — metric by metric, each with all of its samples
 *
 * What may be counted is there from the start, as 0: who watches a number sees it grow, and not appear. Labels
 * say: `listener` its address, `route` what it asks for, `backend` its name, `server` an address, `name` how the
 * configuration writes that server.
 */
#include "daemon/metrics.h"

#include <string.h>

#include "base/clock.h"
#include "daemon/metrics_rows.h"
#include "daemon/self.h"
#include "engine/graft_state.h"

#define COUNTER "counter"
#define GAUGE   "gauge"

/* -- what has a tally -- */

/* What is open, what was in all, and the bytes of it. */
static const struct kind {
	const char *now, *now_help, *all, *all_help, *bytes, *bytes_help;
} kinds[ROWS_KINDS] = {
#define BYTES(by)                                                                                  \
	"Bytes given to servers (up, PROXY headers of ours included) and to clients (down), "      \
	"counted while connections run, by " by "."
	[ROWS_LISTENER] = { "shunt_connections", "Connections that are open, by listener.",
			    "shunt_connections_total",
			    "Connections that clients made, by listener.", "shunt_bytes_total",
			    BYTES("listener") },
	[ROWS_ROUTE] = { "shunt_route_connections",
			 "Connections that took the route and are open, by route.",
			 "shunt_route_connections_total",
			 "Connections that took the route, by route.", "shunt_route_bytes_total",
			 BYTES("route") },
	[ROWS_BACKEND] = { "shunt_backend_connections",
			   "Connections to a server that are open or being made, by backend.",
			   "shunt_backend_connections_total",
			   "Connections that a server took, by backend.",
			   "shunt_backend_bytes_total", BYTES("backend") },
	[ROWS_SERVER] = { "shunt_server_connections",
			  "Connections to a server that are open or being made, by server.",
			  "shunt_server_connections_total",
			  "Connections that a server took, by server.", "shunt_server_bytes_total",
			  BYTES("server") },
#undef BYTES
};

static const struct metrics_row *next_row(const struct metrics_rows *r, enum rows_of of,
					  const struct metrics_row *after)
{
	size_t i = after ? (size_t)(after - r->row) + 1 : 0;

	while (i < r->count && r->row[i].of != of)
		i++;
	return i < r->count ? &r->row[i] : NULL;
}

static void print_bytes(FILE *to, const char *name, const struct metrics_row *row)
{
	static const char *const ways[] = { [TALLY_UP] = "up", [TALLY_DOWN] = "down" };
	struct exposition_label label[ROWS_LABELS + 3];
	size_t n = 0;

	for (; n < ROWS_LABELS && row->label[n].name; n++)
		label[n] = row->label[n];
	label[n + 2] = (struct exposition_label){ .name = NULL };
	for (int way = 0; way < TALLY_WAYS; way++)
		for (int e = SHUNT_AUTO + 1; e < SHUNT_ENGINES; e++) {
			label[n] = (struct exposition_label){ "direction", ways[way] };
			label[n + 1] = (struct exposition_label){
				"engine", shunt_engine_text((enum shunt_engine)e)
			};
			exposition_sample(to, name, label, row->moved.by[way][e]);
		}
}

/* The labels of a row with an end behind them. */
static const struct exposition_label *ended(const struct metrics_row *row,
					    struct exposition_label label[ROWS_LABELS + 1])
{
	memcpy(label, row->label, sizeof(row->label));
	label[ROWS_LABELS] = (struct exposition_label){ .name = NULL };
	return label;
}

static void print_kind(FILE *to, const struct metrics_rows *r, enum rows_of of)
{
	struct exposition_label label[ROWS_LABELS + 1];
	const struct metrics_row *row = NULL;
	const struct kind *k = &kinds[of];

	exposition_head(to, k->now, GAUGE, k->now_help);
	while ((row = next_row(r, of, row)))
		exposition_sample(to, k->now, ended(row, label), row->now);
	exposition_head(to, k->all, COUNTER, k->all_help);
	while ((row = next_row(r, of, row)))
		exposition_sample(to, k->all, ended(row, label), row->all);
	exposition_head(to, k->bytes, COUNTER, k->bytes_help);
	while ((row = next_row(r, of, row)))
		print_bytes(to, k->bytes, row);
}

/* -- how servers are -- */

static void print_failed(FILE *to, const struct metrics_rows *r, enum rows_of of, const char *name,
			 const char *help)
{
	struct exposition_label label[ROWS_LABELS + 1];
	const struct metrics_row *row = NULL;

	exposition_head(to, name, COUNTER, help);
	while ((row = next_row(r, of, row)))
		exposition_sample(to, name, ended(row, label), row->failed);
}

static void print_states(FILE *to, const struct metrics_rows *r)
{
	struct exposition_label label[ROWS_LABELS + 2];
	const struct metrics_row *row = NULL;
	const char *name = "shunt_server_up";

	exposition_head(to, name, GAUGE, "1: the server is in state up; 0: it is not.");
	while ((row = next_row(r, ROWS_SERVER, row)))
		exposition_sample(to, name, ended(row, label), row->state == SERVER_UP);
	name = "shunt_server_state";
	exposition_head(to, name, GAUGE,
			"1: the server is in this state; passed_over: connections failed; trial: "
			"the next one may try it; down: checks say so.");
	while ((row = next_row(r, ROWS_SERVER, row))) {
		memcpy(label, row->label, sizeof(row->label));
		label[ROWS_LABELS + 1] = (struct exposition_label){ .name = NULL };
		for (unsigned s = SERVER_UP; s <= SERVER_DOWN; s++) {
			label[ROWS_LABELS] = (struct exposition_label){
				"state", server_state_text((enum server_state)s)
			};
			exposition_sample(to, name, label, row->state == s);
		}
	}
}

/* -- what has one label, or none -- */

static void print_by(FILE *to, const char *name, const char *label, const char *value, uint64_t n)
{
	const struct exposition_label labels[] = { { label, value }, { .name = NULL } };

	exposition_sample(to, name, labels, n);
}

static void print_ends(FILE *to, const struct tallies *ts)
{
	const char *name = "shunt_connection_ends_total";

	exposition_head(to, name, COUNTER,
			"Connections that ended, by the word that end= has in the log.");
	for (int why = WHY_NONE + 1; why < WHYS; why++)
		print_by(to, name, "why", why_text((enum why)why), tally_get(&ts->end[why]));
}

static void print_steps(FILE *to, const struct tallies *ts)
{
	const char *name = "shunt_steps_down_total";

	exposition_head(
		to, name, COUNTER,
		"Times that copying had to do, of connections that ended: no pipe was to be "
		"had, or splice was refused.");
	print_by(to, name, "kind", "pipe_refused", tally_get(&ts->pipe_refused));
	print_by(to, name, "kind", "splice_refused", tally_get(&ts->splice_refused));
	exposition_one(
		to, "shunt_urgent_total", COUNTER,
		"Urgent bytes that were passed on or stepped over, of connections that ended.",
		tally_get(&ts->urgent));
}

static void print_daemon(FILE *to, const struct metrics_of *m, bool whole)
{
	const char *reloads = "shunt_reloads_total";
	const struct tallies *ts = m->tallies;

	exposition_head(to, "shunt_build_info", GAUGE, "Always 1; which shunt this is.");
	print_by(to, "shunt_build_info", "version", SHUNT_VERSION, 1);
	exposition_head(to, "shunt_uptime_seconds", GAUGE, "Since it began to listen.");
	exposition_thousandths(to, "shunt_uptime_seconds", NULL, clock_ms() - m->began);
	exposition_one(to, "shunt_workers", GAUGE, "Threads that relay.", m->crew->workers);
	exposition_one(to, "shunt_connections_limit", GAUGE,
		       "Connections that there may be at once.",
		       tally_get(&m->crew->common.limit.most));
	exposition_one(to, "shunt_accept_paused_total", COUNTER,
		       "Times that nobody was let in for a while: no descriptors, or at the limit.",
		       tally_get(&ts->accept_paused));
	exposition_one(to, "shunt_mirrors_total", COUNTER, "Mirrors that connections were to have.",
		       tally_get(&ts->mirrors));
	exposition_one(to, "shunt_mirrors_cut_total", COUNTER,
		       "Mirrors that were not there, broke or fell behind.",
		       tally_get(&ts->mirrors_cut));
	exposition_head(to, reloads, COUNTER, "Times that the configuration was read again.");
	print_by(to, reloads, "result", "ok", tally_get(&ts->reloads));
	print_by(to, reloads, "result", "failed", tally_get(&ts->reloads_failed));
	exposition_one(to, "shunt_metrics_whole", GAUGE,
		       "1: all workers told what they have moved; 0: one did not answer in time.",
		       whole);
}

/* -- grafts -- */

static void print_declines(FILE *to, const struct shunt_graft *g)
{
	const char *name = "shunt_graft_declines_total";

	exposition_head(to, name, COUNTER,
			"Joined pairs that did not become grafts, by reason (doc/graft.md); it "
			"goes on from one shunt to the next.");
	for (int d = GD_NONE + 1; d < GD_COUNT; d++)
		print_by(to, name, "reason", graft_decline_text((enum graft_decline)d),
			 g ? __atomic_load_n(&g->kernel.declined[d], __ATOMIC_RELAXED) : 0);
}

static void print_graft_events(FILE *to, const struct shunt_graft *g)
{
	static const char *const texts[GC_COUNTS] = {
#define TEXT(name, text, meaning) [name] = text,
		GRAFT_COUNTS(TEXT)
#undef TEXT
	};
	const char *name = "shunt_graft_events_total";
	uint64_t n[GC_COUNTS] = { 0 };

	if (g && graft_kernel_counts(&g->kernel, n) < 0)
		return; /* the kernel does not tell us: no sample is better than a wrong one */
	exposition_head(to, name, COUNTER,
			"What the programs in the kernel count (doc/graft.md); it goes on from one "
			"shunt to the next.");
	for (int i = 0; i < GC_COUNTS; i++)
		print_by(to, name, "event", texts[i], n[i]);
}

/* -- all of it -- */

int metrics_print(const struct metrics_of *m, bool whole, FILE *to)
{
	struct rules *rules = crew_hold_rules(m->crew);
	struct metrics_rows rows;
	int r = metrics_rows_gather(&rows, m->tallies, rules);

	if (r == 0) {
		print_daemon(to, m, whole);
		for (int of = 0; of < ROWS_KINDS; of++)
			print_kind(to, &rows, (enum rows_of)of);
		splits_print(m->splits, to);
		print_failed(to, &rows, ROWS_BACKEND, "shunt_backend_failed_total",
			     "Tries to bring a client to a server that failed, checks not counted, "
			     "by backend.");
		print_failed(to, &rows, ROWS_SERVER, "shunt_server_failed_total",
			     "Tries to bring a client to a server that failed, checks not counted, "
			     "by server.");
		print_states(to, &rows);
		print_ends(to, m->tallies);
		print_steps(to, m->tallies);
		exposition_one(to, "shunt_grafts_possible", GAUGE,
			       "1: this process can make grafts; 0: it cannot.", m->graft != NULL);
		print_declines(to, m->graft);
		print_graft_events(to, m->graft);
		self_print(to);
		metrics_rows_free(&rows);
	}
	rules_unref(rules);
	return r;
}
