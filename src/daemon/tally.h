/* SPDX-License-Identifier: BSD-2-Clause */
/* tally.h — connections and bytes, counted while they run; any thread may read them at any time
 *
 * Bytes are told as they go: at a connection's end, and whenever somebody asks (daemon/survey.h). By whom
 * they were moved stays known.
 */
#ifndef DAEMON_TALLY_H
#define DAEMON_TALLY_H

#include <stdatomic.h>
#include <stdint.h>

#include "shunt.h"

enum tally_way { TALLY_UP, TALLY_DOWN, TALLY_WAYS }; /* client to server, server to client */

/* Bytes, by direction and engine. */
struct moved {
	uint64_t by[TALLY_WAYS][SHUNT_ENGINES];
};

/* Zeroed to begin with. */
struct tally {
	_Atomic uint64_t now, all; /* connections */
	_Atomic uint64_t failed;   /* tries to connect, where that is asked of it */
	_Atomic uint64_t by[TALLY_WAYS][SHUNT_ENGINES];
};

static inline void tally_add(_Atomic uint64_t *n, uint64_t more)
{
	if (more)
		atomic_fetch_add_explicit(n, more, memory_order_relaxed);
}

static inline void tally_begin(struct tally *t)
{
	tally_add(&t->now, 1);
	tally_add(&t->all, 1);
}

static inline void tally_end(struct tally *t)
{
	atomic_fetch_sub_explicit(&t->now, 1, memory_order_relaxed);
}

static inline void tally_moved(struct tally *t, const struct moved *more)
{
	for (int way = 0; way < TALLY_WAYS; way++)
		for (int e = 0; e < SHUNT_ENGINES; e++)
			tally_add(&t->by[way][e], more->by[way][e]);
}

static inline uint64_t tally_get(const _Atomic uint64_t *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

/* Of all engines. */
static inline uint64_t tally_bytes(const struct tally *t, enum tally_way way)
{
	uint64_t sum = 0;

	for (int e = 0; e < SHUNT_ENGINES; e++)
		sum += tally_get(&t->by[way][e]);
	return sum;
}

static inline uint64_t moved_bytes(const struct moved *m, enum tally_way way)
{
	uint64_t sum = 0;

	for (int e = 0; e < SHUNT_ENGINES; e++)
		sum += m->by[way][e];
	return sum;
}

#endif
