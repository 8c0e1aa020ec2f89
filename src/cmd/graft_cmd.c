/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_cmd.c — `shunt graft`: what is grafted in this network namespace, by whomever, and its removal */
#include "cmd/graft_cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/guess.h"
#include "cmd/cmd.h"
#include "cmd/graft_view.h"
#include "cmd/options.h"

enum what { STATUS, LIST, DETACH, WHATS };

static const char *const words[WHATS] = { "status", "list", "detach" };

struct args {
	enum what what;
	bool json, force;
	const char *ports;
	struct view_where where;
	struct options_list rest;
};

static int read_what(const struct options *o, struct args *a)
{
	const char *word = a->rest.count ? a->rest.item[0] : NULL;
	struct guess g = { .word = word };

	if (!word)
		return options_wrong(o, "what is missing: status, list or detach");
	if (a->rest.count > 1)
		return options_wrong(o, "one word is enough: %s", word);
	for (a->what = STATUS; a->what < WHATS; a->what++) {
		if (strcmp(word, words[a->what]) == 0)
			return 0;
		guess_try(&g, words[a->what]);
	}
	if (g.best)
		return options_wrong(o, "there is no %s; did you mean %s?", word, g.best);
	return options_wrong(o, "there is no %s: status, list or detach", word);
}

static int read_ports(const struct options *o, struct args *a)
{
	unsigned first, last;
	char rest;

	if (!a->ports)
		return 0;
	if (sscanf(a->ports, "%u-%u%c", &first, &last, &rest) != 2 || !first || first > last ||
	    last > UINT16_MAX)
		return options_wrong(o, "--ports %s: must be like 40000-49999", a->ports);
	a->where.first = (uint16_t)first;
	a->where.last = (uint16_t)last;
	return 0;
}

static int read_args(struct args *a, int argc, char **argv)
{
	const struct option_row rows[] = {
		{ .name = "json",
		  .kind = OPTION_FLAG,
		  .flag = &a->json,
		  .help = "status, list: for programs, one JSON object" },
		{ .name = "ports",
		  .argument = "RANGE",
		  .kind = OPTION_TEXT,
		  .text = &a->ports,
		  .help = "only the grafts of these ports, as in --graft-ports of a relay" },
		{ .name = "force",
		  .kind = OPTION_FLAG,
		  .flag = &a->force,
		  .help = "detach: also where grafts live, which are reset" },
		{ .name = "bpffs",
		  .argument = "DIR",
		  .kind = OPTION_TEXT,
		  .text = &a->where.bpffs,
		  .def = GRAFT_BPFFS,
		  .help = "the BPF file system that they are kept in" },
		{ 0 },
	};
	const struct options o = {
		.command = "shunt graft",
		.synopsis = "status|list|detach",
		.summary = "what is grafted in this network namespace, and how to remove it",
		.rows = rows,
		.rest = &a->rest,
		.more = "status: who has which ports, slots, devices with programs, counts\n"
			"list: a line for each graft\n"
			"detach: take away programs, tables and the reservation of ports, where no\n"
			"process uses them\n"
			"exit codes: 0 fine, 1 usage, 2 in use, or a permission or --force is missing,\n"
			"3 fatal at run time\n",
	};
	int rc = options_parse(&o, argc, argv);

	if (rc == 0)
		rc = read_what(&o, a);
	if (rc == 0)
		rc = read_ports(&o, a);
	if (rc == 0 && a->force && a->what != DETACH)
		return options_wrong(&o, "--force is for detach");
	if (rc == 0 && a->json && a->what == DETACH)
		return options_wrong(&o, "--json is for status and list");
	return rc;
}

static int run(const struct args *a, const struct graft_folder *f, int n)
{
	if (n == 0 && a->ports && (a->what == DETACH || !a->json))
		fprintf(stderr, "shunt graft: nothing is kept for ports %s\n", a->ports);
	else if (n == 0 && (a->what == DETACH || !a->json))
		fprintf(stderr, "shunt graft: nothing is kept in this network namespace\n");
	if (a->what == STATUS)
		return graft_status(f, n, a->json);
	return a->what == LIST ? graft_list(f, n, a->json) : graft_detach(f, n, a->force);
}

int cmd_graft(int argc, char **argv)
{
	struct args a = { .json = false };
	struct graft_folder *f;
	char problem[512];
	int rc = read_args(&a, argc, argv);

	if (rc != 0)
		return rc == OPTIONS_HELPED ? CMD_FINE : CMD_USAGE;
	int n = view_folders(&a.where, &f, problem, sizeof(problem));

	if (n < 0) {
		fprintf(stderr, "shunt graft: %s\n", problem);
		return n == -ENOMEM ? CMD_FATAL : CMD_BIND;
	}
	rc = run(&a, f, n);
	free(f);
	return rc;
}
