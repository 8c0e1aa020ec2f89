/* SPDX-License-Identifier: BSD-2-Clause */
/* launch.h — a daemon from its configuration to its exit, for the commands that are one */
#ifndef CMD_LAUNCH_H
#define CMD_LAUNCH_H

#include "daemon/conf_report.h"
#include "daemon/daemon.h"

/* What is shown on a terminal each second. */
struct launch_live {
	void (*line)(const struct daemon *d, void *arg);
	void *arg;
};

/* Runs until it is told to stop, and logs to stderr. live: NULL: nothing. Returns enum cmd_exit. */
int launch(const char *command, const struct daemon_options *options,
	   const struct launch_live *live);

/* What is wrong with a configuration, to stderr. Empties it. */
void launch_say_report(const char *command, struct conf_report *report);

#endif
