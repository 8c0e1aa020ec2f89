/* SPDX-License-Identifier: BSD-2-Clause */
/* bench_conn.h — the connections of a load tool: made, accepted, ended */
#ifndef CMD_BENCH_CONN_H
#define CMD_BENCH_CONN_H

#include "cmd/bench_load.h"

/* -- for the loop -- */

/* As many descriptors as this process may have, and a place for each. 0, or -ENOMEM. */
int bench_conn_room(struct bench *b);

/* Connect as many as are still to be made; not too many at a time, so that the backlog of who is
 * measured does not overflow: a SYN dropped there comes again after a second. */
void bench_conn_open_some(struct bench *b);
void bench_conn_connected(struct bench *b, struct bench_conn *c);
void bench_conn_accept(struct bench *b);

/* Those that do not come up count as timed out. */
void bench_conn_give_up(struct bench *b);
void bench_conn_close_all(struct bench *b);

/* -- for the tools -- */

/* Error 0: it ended as it should; else -errno, counted as failed. */
void bench_conn_end(struct bench *b, struct bench_conn *c, int error);
void bench_conn_wait_for(struct bench *b, struct bench_conn *c, uint32_t events);
/* Calls `due` then. -ENOMEM. */
int bench_conn_wake(struct bench *b, struct bench_conn *c, uint64_t at_ns);

/* It is not up before it has proved it: the tool waits for a first answer of the far end. */
void bench_conn_prove(struct bench *b, struct bench_conn *c);
void bench_conn_proved(struct bench *b, struct bench_conn *c);

/* Walks through the open connections: NULL at first, NULL at the end. The one visited may end. */
struct bench_conn *bench_conn_each(struct bench *b, struct bench_conn *last);

#endif
