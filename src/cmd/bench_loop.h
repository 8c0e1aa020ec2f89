/* SPDX-License-Identifier: BSD-2-Clause */
/* bench_loop.h — the course of a run: one thread, connections by the thousand, an orderly end
 *
 * The loop connects or accepts, waits, hands out what happened, and ends by itself:
 *
 *   done     everything asked for is done: so many connections came (or were made) and have ended
 *   time     --for is over
 *   signal   SIGINT or SIGTERM; a second one does not wait for anything
 *   wait     nothing at all happened for --wait
 *
 * --for begins when all connections are up, or, for who listens, when the first one is. When time or
 * a signal ends it, a tool with `over` may first bring to an end what it began; the others stop.
 */
#ifndef CMD_BENCH_LOOP_H
#define CMD_BENCH_LOOP_H

#include "cmd/bench_load.h"

/* Runs it to its end. 0, or an exit code after a line on stderr. */
int bench_loop_run(struct bench *b, const struct bench_tool *tool);

#endif
