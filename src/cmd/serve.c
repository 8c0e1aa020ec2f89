/* SPDX-License-Identifier: BSD-2-Clause */
/* serve.c — `shunt serve`: what a configuration file says */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/launch.h"
#include "cmd/options.h"
#include "daemon/conf_draft.h"
#include "daemon/conf_dump.h"
#include "daemon/conf_load.h"

struct serve_args {
	const char *file;
	bool check, dump;
};

static int read_args(struct serve_args *a, int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "config", 'c', "FILE", OPTION_TEXT, .text = &a->file,
		  .help = "what to do, see shunt.conf(5)" },
		{ "check", 0, NULL, OPTION_FLAG, .flag = &a->check,
		  .help = "only say what is wrong with FILE: exit code 0: nothing, 1: something" },
		{ "dump-config", 0, NULL, OPTION_FLAG, .flag = &a->dump,
		  .help = "only print all values in force, as a file that can be read" },
		{ 0 },
	};
	const struct options o = {
		"shunt serve",
		"-c FILE",
		"Take connections, look at how they begin, bring each where the file says; "
		"give live streams to many.",
		rows,
		NULL,
		"signals: SIGHUP reads FILE again; SIGTERM, SIGINT stop; SIGUSR1 drains: no new\n"
		"connections, then exit\n"
		"exit codes: 0 fine, 1 usage or a mistake in FILE, 2 cannot bind or no right to,\n"
		"3 fatal at run time\n"
	};
	int r = options_parse(&o, argc, argv);

	if (r == 0 && !a->file && !a->dump)
		r = options_wrong(&o, "the file is missing: shunt serve -c shunt.conf");
	return r;
}

/* Without a file: the defaults. */
static int load(const char *file, const struct conf **c)
{
	struct conf_report report = { .message = NULL };
	int r = 0;

	if (file)
		r = conf_load(file, c, &report);
	else
		*c = conf_defaults();
	conf_report_print(&report, stderr);
	conf_report_clear(&report);
	return r < 0 ? r : *c ? 0 : -ENOMEM;
}

static int dump(const struct conf *c)
{
	conf_dump(c, stdout);
	if (fflush(stdout) == 0)
		return CMD_FINE;
	fprintf(stderr, "shunt serve: cannot write: %s\n", strerror(errno));
	return CMD_FATAL;
}

int cmd_serve(int argc, char **argv)
{
	struct serve_args a = { .file = NULL };
	const struct conf *c = NULL;
	int r = read_args(&a, argc, argv);

	if (r != 0)
		return r == OPTIONS_HELPED ? CMD_FINE : CMD_USAGE;
	r = load(a.file, &c);
	if (r < 0)
		return r == -ENOMEM ? CMD_FATAL : CMD_USAGE;
	if (a.dump)
		r = dump(c);
	else if (a.check)
		r = CMD_FINE;
	else
		r = launch("shunt serve", &(struct daemon_options){ .conf = c, .file = a.file },
			   NULL);
	conf_unref(c);
	return r;
}
