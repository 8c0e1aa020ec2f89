/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics_rows.h — all that has a tally, in a row: listeners, routes, backends, servers, as they are now */
#ifndef DAEMON_METRICS_ROWS_H
#define DAEMON_METRICS_ROWS_H

#include "daemon/backend.h"
#include "daemon/exposition.h"
#include "daemon/rules.h"
#include "daemon/tallies.h"

enum rows_of { ROWS_LISTENER, ROWS_ROUTE, ROWS_BACKEND, ROWS_SERVER, ROWS_KINDS };

enum { ROWS_LABELS = 3 };

struct metrics_row {
	enum rows_of of;
	struct exposition_label
		label[ROWS_LABELS]; /* as many as it has; no two rows have the same */
	uint64_t now, all, failed;
	struct moved moved;
	enum server_state state; /* of a server */
};

struct metrics_rows {
	struct metrics_row *row;
	size_t count, room;
	struct backend_list *list; /* of each backend: they hold what the labels point at */
	size_t lists;
};

/* What is in the tallies, and in the backends of rules, which the caller holds until metrics_rows_free. 0, or
 * -ENOMEM, and nothing is to be freed. */
int metrics_rows_gather(struct metrics_rows *r, struct tallies *ts, const struct rules *rules);
void metrics_rows_free(struct metrics_rows *r);

#endif
