/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/metrics_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/sys.h"

/* One more, zeroed. NULL: no memory. */
static struct metrics_row *add(struct metrics_rows *r, enum rows_of of)
{
	if (r->count == r->room) {
		size_t room = r->room ? r->room * 2 : 64;
		struct metrics_row *more = realloc(r->row, room * sizeof(*more));

		if (!more)
			return NULL;
		r->row = more;
		r->room = room;
	}
	r->row[r->count] = (struct metrics_row){ .of = of };
	return &r->row[r->count++];
}

static void take(struct metrics_row *row, const struct tally *t)
{
	row->now += tally_get(&t->now);
	row->all += tally_get(&t->all);
	row->failed += tally_get(&t->failed);
	for (int way = 0; way < TALLY_WAYS; way++)
		for (int e = 0; e < SHUNT_ENGINES; e++)
			row->moved.by[way][e] += tally_get(&t->by[way][e]);
}

static int add_tallies(struct metrics_rows *r, struct tallies *ts)
{
	for (const struct tallies_item *i = tallies_first(ts); i;
	     i = __atomic_load_n(&i->next, __ATOMIC_ACQUIRE)) {
		struct metrics_row *row = add(r, i->route ? ROWS_ROUTE : ROWS_LISTENER);

		if (!row)
			return -ENOMEM;
		row->label[0] = (struct exposition_label){ "listener", i->listener };
		if (i->route)
			row->label[1] = (struct exposition_label){ "route", i->route };
		take(row, &i->tally);
	}
	return 0;
}

static bool same_server(const struct server *a, const struct server *b)
{
	return strcmp(a->text, b->text) == 0 && strcmp(a->name, b->name) == 0;
}

/* Of list->seat[i]: its first seat in the list, and the first one of all that read the same. */
static void find(const struct backend_list *list, size_t i, size_t *itself, size_t *alike)
{
	*itself = *alike = i;
	for (size_t k = i; k-- > 0;) {
		if (list->seat[k].server == list->seat[i].server)
			*itself = k;
		if (same_server(list->seat[k].server, list->seat[i].server))
			*alike = k;
	}
}

static int add_server(struct metrics_rows *r, const struct backend *b, const struct server *s,
		      uint64_t now)
{
	struct metrics_row *row = add(r, ROWS_SERVER);

	if (!row)
		return -ENOMEM;
	row->label[0] = (struct exposition_label){ "backend", backend_conf(b)->name };
	row->label[1] = (struct exposition_label){ "server", s->text };
	row->label[2] = (struct exposition_label){ "name", s->name };
	row->state = server_state(s, now);
	take(row, &s->counts);
	return 0;
}

/* A server that is written twice is two, or one with two seats. They read the same, so they are one row: as well
 * as the better of them. */
static int add_servers(struct metrics_rows *r, const struct backend *b,
		       const struct backend_list *list, uint64_t now)
{
	size_t *row_of = sys_alloc((list->count + 1) * sizeof(*row_of));
	int error = row_of ? 0 : -ENOMEM;

	for (size_t i = 0; error == 0 && i < list->count; i++) {
		const struct server *s = list->seat[i].server;
		size_t itself, alike;

		find(list, i, &itself, &alike);
		row_of[i] = alike == i ? r->count : row_of[alike];
		if (alike == i)
			error = add_server(r, b, s, now);
		else if (itself == i) {
			struct metrics_row *row = &r->row[row_of[i]];
			enum server_state state = server_state(s, now);

			take(row, &s->counts);
			row->state = state < row->state ? state : row->state;
		}
	}
	free(row_of);
	return error;
}

static int add_backend(struct metrics_rows *r, struct backend *b, uint64_t now)
{
	struct metrics_row *row = add(r, ROWS_BACKEND);
	struct backend_list *list = &r->list[r->lists];
	int error;

	if (!row)
		return -ENOMEM;
	row->label[0] = (struct exposition_label){ "backend", backend_conf(b)->name };
	take(row, backend_counts(b));
	error = backend_list(b, list);
	if (error < 0)
		return error;
	r->lists++;
	return add_servers(r, b, list, now);
}

int metrics_rows_gather(struct metrics_rows *r, struct tallies *ts, const struct rules *rules)
{
	uint64_t now = clock_ms();
	int error;

	*r = (struct metrics_rows){ .list = sys_alloc((rules->conf->backends + 1) *
						      sizeof(*r->list)) };
	error = r->list ? add_tallies(r, ts) : -ENOMEM;
	for (size_t i = 0; error == 0 && i < rules->conf->backends; i++)
		error = add_backend(r, backends_get(rules->backends, rules->conf->backend[i]), now);
	if (error < 0)
		metrics_rows_free(r);
	return error;
}

void metrics_rows_free(struct metrics_rows *r)
{
	for (size_t i = 0; i < r->lists; i++)
		backend_list_free(&r->list[i]);
	free(r->list);
	free(r->row);
	*r = (struct metrics_rows){ .row = NULL };
}
