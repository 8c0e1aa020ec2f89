/* SPDX-License-Identifier: BSD-2-Clause */
/* bench.c — `shunt bench`: load for any relay, and what came of it
 *
 *     source ──▶ relay ──▶ sink          how many bytes
 *       ping ◀─▶ relay ◀─▶ echo          how fast an answer comes
 *    connect ◀─▶ relay ◀─▶ echo --close  how many connections
 *       idle ◀─▶ relay ◀─▶ echo          what a connection costs that does nothing
 */
#include <stdio.h>
#include <string.h>

#include "base/guess.h"
#include "cmd/bench_tools.h"
#include "cmd/cmd.h"

static const struct command tools[] = {
	{ "source", bench_source, "pushes bytes into connections, as fast as they go or thin" },
	{ "sink", bench_sink, "takes them and throws them away, or checks each" },
	{ "echo", bench_echo, "answers: what came, or what is asked for" },
	{ "ping", bench_ping, "small messages there and back: how long each takes" },
	{ "connect", bench_connect, "short connections: how many a second, how long each takes" },
	{ "idle", bench_idle, "holds connections that do nothing" },
};
#define TOOLS (sizeof(tools) / sizeof(tools[0]))

static int usage(FILE *to, int code)
{
	fputs("shunt bench: load for any relay, and what came of it\n"
	      "\n"
	      "usage: shunt bench TOOL [OPTION...] ADDR\n"
	      "\n",
	      to);
	for (size_t i = 0; i < TOOLS; i++)
		fprintf(to, "  %-14s%s\n", tools[i].name, tools[i].summary);
	fputs("\n"
	      "  -h, --help              this; shunt bench TOOL --help: what a tool takes\n"
	      "\n"
	      "example: shunt bench sink 127.0.0.1:9001 &\n"
	      "         shunt relay 127.0.0.1:9000 127.0.0.1:9001 &\n"
	      "         shunt bench source 127.0.0.1:9000 -n 8 --for 3s\n",
	      to);
	return code;
}

static int unknown(const char *name)
{
	struct guess g = { .word = name };

	for (size_t i = 0; i < TOOLS; i++)
		guess_try(&g, tools[i].name);
	fprintf(stderr, "shunt bench: there is no tool %s", name);
	if (g.best)
		fprintf(stderr, "; did you mean %s?", g.best);
	fputs(" (see shunt bench --help)\n", stderr);
	return CMD_USAGE;
}

int cmd_bench(int argc, char **argv)
{
	if (argc < 2)
		return usage(stderr, CMD_USAGE);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return usage(stdout, CMD_FINE);
	for (size_t i = 0; i < TOOLS; i++)
		if (strcmp(argv[1], tools[i].name) == 0)
			return tools[i].run(argc - 1, argv + 1);
	return unknown(argv[1]);
}
