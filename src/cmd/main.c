/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/guess.h"
#include "cmd/cmd.h"
#include "shunt.h"

static const struct command commands[] = {
	{ "serve", cmd_serve, "take connections and bring them where a configuration file says" },
	{ "relay", cmd_relay, "take connections, connect on, move the bytes both ways" },
	{ "split", cmd_split, "one live stream in, the same stream out to many" },
	{ "check", cmd_check, "what this kernel and this user can do, and what to change" },
	{ "graft", cmd_graft, "what is handed over to the kernel, and how to remove it" },
	{ "demo", cmd_demo, "a small HTTP server with a relay in front of it, to try things on" },
	{ "bench", cmd_bench, "load for any relay, and what came of it" },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *to)
{
	fputs("shunt: moves bytes from one connection to another, and looks only where asked\n"
	      "\n"
	      "usage: shunt COMMAND [OPTION...] [ARGUMENT...]\n"
	      "\n",
	      to);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-14s%s\n", commands[i].name, commands[i].summary);
	fputs("  help COMMAND  what a command takes, the same as COMMAND --help\n"
	      "  --version     which shunt this is\n"
	      "\n"
	      "example: shunt relay :8080 10.0.0.7:80\n"
	      "\n"
	      "exit codes: 0 fine, 1 usage, 2 cannot bind or no permission, 3 fatal at run time\n",
	      to);
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	return NULL;
}

static int unknown(const char *name)
{
	struct guess g = { .word = name };

	for (size_t i = 0; i < COMMANDS; i++)
		guess_try(&g, commands[i].name);
	guess_try(&g, "help");
	if (g.best)
		fprintf(stderr,
			"shunt: there is no command %s; did you mean %s? (see shunt --help)\n",
			name, g.best);
	else
		fprintf(stderr, "shunt: there is no command %s (see shunt --help)\n", name);
	return CMD_USAGE;
}

static int help(char *name)
{
	const struct command *c = find(name);
	char word[] = "--help", *argv[] = { name, word, NULL };

	return c ? c->run(2, argv) : unknown(name);
}

static bool is(const char *word, const char *name, const char *letter)
{
	return strcmp(word, name) == 0 || strcmp(word, letter) == 0;
}

static int run(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		usage(stderr);
		return CMD_USAGE;
	}
	if (is(argv[1], "--version", "-V")) {
		printf("shunt %s\n", shunt_version());
		return CMD_FINE;
	}
	if (strcmp(argv[1], "help") == 0 && argc > 2)
		return help(argv[2]);
	if (is(argv[1], "--help", "-h") || strcmp(argv[1], "help") == 0) {
		usage(stdout);
		return CMD_FINE;
	}
	c = find(argv[1]);
	return c ? c->run(argc - 1, argv + 1) : unknown(argv[1]);
}

int main(int argc, char **argv)
{
	int rc = run(argc, argv);

	/* Half an answer, on a full disk or so, must not look like a whole one. */
	if (fflush(stdout) != 0 && rc == CMD_FINE) {
		perror("shunt: cannot write to stdout");
		return CMD_FATAL;
	}
	return rc;
}
