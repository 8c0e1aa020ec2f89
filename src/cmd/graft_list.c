/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_list.c — `shunt graft list`: a line for each graft, in the words of the relay's log */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/graft_cmd.h"
#include "cmd/graft_view.h"
#include "cmd/json.h"

typedef unsigned long long ull; /* for printf */

static void print_text(const struct view *v)
{
	printf("conn=%llu client=%s listen=%s from=%s server=%s state=%s age_ms=%llu idle_ms=%llu "
	       "up=%llu down=%llu up_packets=%llu down_packets=%llu before_up=%llu "
	       "before_down=%llu\n",
	       (ull)v->conn, v->peer[0], v->self[0], v->self[1], v->peer[1],
	       view_state_text(v->state), (ull)v->age_ms, (ull)v->idle_ms, (ull)v->bytes[0],
	       (ull)v->bytes[1], (ull)v->packets[0], (ull)v->packets[1], (ull)v->before[0],
	       (ull)v->before[1]);
}

static void print_json(const struct view *v)
{
	printf("{\"conn\":%llu", (ull)v->conn);
	json_field(",\"client\":", v->peer[0]);
	json_field(",\"listen\":", v->self[0]);
	json_field(",\"from\":", v->self[1]);
	json_field(",\"server\":", v->peer[1]);
	json_field(",\"state\":", view_state_text(v->state));
	printf(",\"age_ms\":%llu,\"idle_ms\":%llu,\"up\":%llu,\"down\":%llu,\"up_packets\":%llu,"
	       "\"down_packets\":%llu,\"before_up\":%llu,\"before_down\":%llu}",
	       (ull)v->age_ms, (ull)v->idle_ms, (ull)v->bytes[0], (ull)v->bytes[1],
	       (ull)v->packets[0], (ull)v->packets[1], (ull)v->before[0], (ull)v->before[1]);
}

static unsigned list_folder(const struct graft_kernel *k, bool json, unsigned n)
{
	struct view v;

	for (uint32_t i = 0; i < k->slots; i++) {
		if (!view_graft(&v, &k->slot[i]))
			continue;
		if (json && n)
			fputs(",\n", stdout);
		if (json)
			print_json(&v);
		else
			print_text(&v);
		n++;
	}
	return n;
}

int graft_list(const struct graft_folder *f, int n, bool json)
{
	unsigned shown = 0;
	int rc = CMD_FINE;

	if (json)
		printf("{\"grafts\":[");
	for (int i = 0; i < n; i++) {
		struct graft_kernel k;
		char problem[512];

		if (graft_kernel_look(&k, f[i].dir, problem, sizeof(problem)) < 0) {
			fprintf(stderr, "shunt graft: %s\n", problem);
			rc = CMD_FATAL;
			continue;
		}
		shown = list_folder(&k, json, shown);
		graft_kernel_close(&k);
	}
	if (json)
		printf("]}\n");
	return rc;
}
