/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd.h — the commands' doors, and what their exit codes mean */
#ifndef CMD_CMD_H
#define CMD_CMD_H

enum cmd_exit {
	CMD_FINE = 0,
	CMD_USAGE = 1, /* the command line is wrong */
	CMD_BIND = 2,  /* an address cannot be had, or a permission is missing */
	CMD_FATAL = 3, /* it could not go on */
};

struct command {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is its name; returns enum cmd_exit */
	const char *summary;
};

int cmd_relay(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_graft(int argc, char **argv);
int cmd_split(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_bench(int argc, char **argv);

#endif
