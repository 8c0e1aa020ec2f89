/* SPDX-License-Identifier: BSD-2-Clause */
/* bench_report.h — what was measured, for people in one line, for programs in one JSON object
 *
 * stdout has the result and nothing else; stderr has "listening ADDR", "ready N", the progress, and
 * what went wrong.
 */
#ifndef CMD_BENCH_REPORT_H
#define CMD_BENCH_REPORT_H

#include "cmd/bench_hist.h"
#include "cmd/bench_load.h"

#define BENCH_TEXT 32

/* A line each second once it has taken two, on a terminal or where it is asked for. */
void bench_report_progress(struct bench *b);
void bench_report_progress_end(struct bench *b);

/* JSON: open, the tool's own fields by printf(",\"name\":…"), close. */
void bench_report_open(const struct bench *b);
void bench_report_close(const struct bench *b);
void bench_report_hist(const char *name, const struct bench_hist *h);
void bench_report_text(const char *name, const char *text);

/* For people: the line's end, which tells what failed. */
void bench_report_failures(const struct bench *b);

/* From the first to the last of what was counted. */
double bench_report_seconds(const struct bench *b);

/* CMD_FINE, or CMD_FATAL if anything failed, nothing came, or an end that was waited for did not. */
int bench_report_code(const struct bench *b);

/* "12.5 GB", in powers of 1000; "12.3 us". Both return buf. */
const char *bench_report_bytes(uint64_t bytes, char buf[BENCH_TEXT]);
const char *bench_report_ns(uint64_t ns, char buf[BENCH_TEXT]);

/* To stdout: "p50 …, p99 …, p99.9 …, max …". */
void bench_report_latency(const struct bench_hist *h);

#endif
