/* SPDX-License-Identifier: BSD-2-Clause */
/* bench_load.h — what a load tool is made of: the tool, what it was asked for, its connections, its run
 *
 * A tool is a struct bench_tool of a few functions and a struct that begins with a struct bench.
 * bench_conn.h has the connections, bench_loop.h the course of a run, bench_report.h its result.
 *
 * Nothing here comes from libshunt: what measures must not be made of what is measured.
 */
#ifndef CMD_BENCH_LOAD_H
#define CMD_BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/timer.h"
#include "cmd/bench_bytes.h"
#include "cmd/bench_pace.h"
#include "daemon/listen.h"

#define BENCH_TARGETS 8
#define BENCH_FROMS   64
#define BENCH_ERRORS  8

enum bench_stop { BENCH_RUNS, BENCH_DONE, BENCH_TIME, BENCH_SIGNAL, BENCH_WAIT };

struct bench_conn {
	int fd;
	uint32_t number;     /* 0, 1, 2… in the order they were made or came */
	uint32_t generation; /* events for a former connection with this descriptor fall away */
	uint32_t events;     /* what epoll waits for */
	bool open, connecting;
	bool proving;   /* the tool waits for a first answer, which shows that all the way is up */
	uint64_t began; /* ns: when connect was called, or accept returned */
	struct timer timer; /* µs; for the tool */
	/* What follows belongs to the tool, and is zero at first. */
	unsigned step;
	uint64_t in, out; /* bytes */
	uint64_t left;    /* bytes to go */
	uint64_t owed;    /* bytes that are due by now */
	uint64_t due;     /* ns */
	uint8_t *rest;    /* freed at the end */
	size_t rest_at, rest_size;
	struct bench_place place;
};

struct bench;

struct bench_tool {
	const char *name;
	void (*up)(struct bench *b, struct bench_conn *c); /* connected, or accepted */
	void (*all_up)(struct bench *b);                   /* those that could be; or NULL */
	void (*event)(struct bench *b, struct bench_conn *c, uint32_t events);
	void (*due)(struct bench *b, struct bench_conn *c);     /* its timer; or NULL */
	void (*over)(struct bench *b);                          /* or NULL */
	void (*closing)(struct bench *b, struct bench_conn *c); /* last look; or NULL */
	const char *unit; /* of bench_load_count, for progress and the timeline */
	bool renew;  /* each connection that ended is followed by another; --for begins at once */
	bool server; /* silence is no reason to stop while connections are open */
};

/* What the command line says; times in ms. */
struct bench_asked {
	uint64_t conns, for_ms, wait_ms;
	bool json, progress, spin;
	bool listens;
	struct addr_name listen;
	struct addr to[BENCH_TARGETS], from[BENCH_FROMS];
	size_t tos, froms;
};

struct bench_error {
	int error; /* -errno */
	uint64_t count;
};

struct bench {
	struct bench_asked asked;
	const struct bench_tool *tool;
	struct listener listener;
	int epoll, signals;
	struct bench_conn *conn; /* by descriptor */
	size_t room, top;        /* places; one behind the highest that was ever taken */
	struct timers timers;
	uint64_t now; /* ns; of this turn */
	/* How the connections are. */
	uint64_t to_open, again; /* still to be made: now, and at the next tick */
	uint64_t connecting, proving, open, up, ended, failed;
	uint64_t cut; /* those that were open when it stopped */
	uint32_t next_number;
	size_t target;
	struct bench_error errors[BENCH_ERRORS];
	/* How the run is. */
	uint64_t started, all_up_at, end_at, active_at; /* ns; 0: not yet, or never */
	uint64_t first_at, last_at; /* the first and the last time something was counted */
	uint64_t count;             /* of `unit` */
	uint64_t tick_at;
	struct bench_pace pace;
	struct bench_said {
		uint64_t at, count;
		bool any;
	} said;               /* the last line of progress */
	bool deaf;            /* no descriptor was left to accept with */
	enum bench_stop stop; /* why it is ending, once it is */
	bool stopped;
};

static inline void bench_load_count(struct bench *b, uint64_t units)
{
	if (b->count == 0)
		b->first_at = b->now;
	b->count += units;
	b->last_at = b->active_at = b->now;
	bench_pace_add(&b->pace, b->now, units);
}

#endif
