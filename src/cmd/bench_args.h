/* SPDX-License-Identifier: BSD-2-Clause */
/* bench_args.h — the options that all load tools have
 *
 * A tool reads a struct bench_words by its own table, which ends with BENCH_ROWS, and then has it
 * made into what the loop needs. An address alone is meant in the tool's usual way.
 */
#ifndef CMD_BENCH_ARGS_H
#define CMD_BENCH_ARGS_H

#include "cmd/bench_load.h"
#include "cmd/options.h"

enum bench_way { BENCH_CONNECTS, BENCH_LISTENS };

struct bench_words {
	const char *listen, *connect;
	struct options_list from, rest;
	struct bench_asked *asked;
};

/* clang-format off */
#define BENCH_ROWS(w, for_help, for_def)                                                           \
	{ "for", 0, "TIME", OPTION_TIME, .time = &(w)->asked->for_ms, .help = (for_help),          \
	  .def = (for_def) },                                                                      \
	{ "wait", 0, "TIME", OPTION_TIME, .time = &(w)->asked->wait_ms, .def = "30s",              \
	  .help = "stop when nothing at all happened for so long; 0: never" },                     \
	{ "json", 0, NULL, OPTION_FLAG, .flag = &(w)->asked->json,                                 \
	  .help = "the result as one JSON object" },                                               \
	{ "progress", 0, NULL, OPTION_FLAG, .flag = &(w)->asked->progress,                         \
	  .help = "a line each second on stderr, even if that is no terminal" }
#define BENCH_ROW_CONNS(w, conns_help, conns_def)                                                  \
	{ "connections", 'n', "N", OPTION_NUMBER, .number = &(w)->asked->conns, .min = 0,          \
	  .max = 1000000, .help = (conns_help), .def = (conns_def) }
#define BENCH_ROW_FROM(w)                                                                          \
	{ "from", 0, "IP", OPTION_LIST, .list = &(w)->from,                                        \
	  .help = "local address to connect from; several are taken in turn" }
#define BENCH_ROW_LISTEN(w)                                                                        \
	{ "listen", 0, "ADDR", OPTION_TEXT, .text = &(w)->listen,                                  \
	  .help = "take the connections there instead of making them" }
#define BENCH_ROW_CONNECT(w)                                                                       \
	{ "connect", 0, "ADDR", OPTION_TEXT, .text = &(w)->connect,                                \
	  .help = "make the connections, to there, instead of taking them" }
/* clang-format on */

extern const char bench_more[]; /* for struct options */

/* Addresses and numbers, as far as they are everybody's. 0 or -EINVAL after a line on stderr. */
int bench_args(const struct options *o, struct bench_words *w, enum bench_way usual);

#endif
