/* SPDX-License-Identifier: BSD-2-Clause */
/* bench_tools.h — the load tools' doors; each as a command's in cmd/cmd.h */
#ifndef CMD_BENCH_TOOLS_H
#define CMD_BENCH_TOOLS_H

int bench_source(int argc, char **argv);
int bench_sink(int argc, char **argv);
int bench_echo(int argc, char **argv);
int bench_ping(int argc, char **argv);
int bench_connect(int argc, char **argv);
int bench_idle(int argc, char **argv);

#endif
