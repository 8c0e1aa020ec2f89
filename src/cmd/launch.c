/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/launch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/cmd.h"
#include "daemon/signals.h"

struct watched {
	const struct daemon *d;
	const struct launch_live *live;
};

static void show(const struct crew_totals *t, void *arg)
{
	const struct watched *w = arg;

	(void)t;
	w->live->line(w->d, w->live->arg);
}

int launch(const char *command, const struct daemon_options *options,
	   const struct launch_live *live)
{
	const struct conf *c = options->conf;
	struct daemon *d;
	char problem[512];
	bool bound;
	int r;

	log_setup(STDERR_FILENO, c->log.level, c->log.format);
	signals_block();
	r = daemon_start(&d, options, problem, sizeof(problem), &bound);
	if (r < 0) {
		fprintf(stderr, "%s: %s\n", command, problem);
		if (r == -EDESTADDRREQ) /* a name on the command line that stands for nothing */
			return CMD_USAGE;
		return bound ? CMD_FATAL : CMD_BIND;
	}
	r = daemon_run(d, UINT64_MAX, live ? show : NULL, &(struct watched){ d, live });
	if (live)
		putchar('\n');
	if (r < 0) { /* a thread that hangs can't be joined: leave without it */
		log_say(LOG_ERROR_LEVEL, "a worker does not stop: %s", strerror(-r));
		_exit(CMD_FATAL);
	}
	daemon_free(d);
	return CMD_FINE;
}

void launch_say_report(const char *command, struct conf_report *report)
{
	for (size_t i = 0; i < report->messages; i++)
		fprintf(stderr, "%s: %s\n", command, report->message[i].text);
	if (report->lost)
		fprintf(stderr, "%s: and %zu more\n", command, report->lost);
	conf_report_clear(report);
}
