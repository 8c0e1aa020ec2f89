/* SPDX-License-Identifier: BSD-2-Clause */
/* server.h — one place that connections are brought to: an address, how it is and what went there
 *
 * A server of the configuration that is a number is one of these; a host name or an SRV name is as
 * many as it has addresses. They outlive a reload: as long as backend, text and address are the same it is the
 * same server, with its health and its counts, whoever holds it.
 *
 *	UP ──── fails `fall` times in a row ────▶ PASSED ──── its pause is over ────▶ TRIAL
 *	 ▲ │                                        ▲                                   │
 *	 │ └─ checks fail ─▶ DOWN                   └── one connection is tried ────────┤
 *	 └─────────────────── checks succeed, a connection succeeds ────────────────────┘
 *
 * All that changes is atomic: any thread may ask and tell, no one waits for another. Two who tell at
 * once may count a failure in a row too many or too few; nothing hangs on that.
 * Times are milliseconds of base/clock.h.
 */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "daemon/tally.h"

/* What the servers of one backend have in common, over all configurations that have it. */
struct server_home {
	atomic_uint refs;
	struct tally counts; /* `now` from the choice on, `all` once a connection is there */
	char name[];
};

/* NULL: no memory. Held once. */
struct server_home *server_home_new(const char *name);
struct server_home *server_home_ref(struct server_home *h);
void server_home_unref(struct server_home *h);

/* One connection more, if there are fewer than `most` (0: no limit). Left again at server_end. */
bool server_home_enter(struct server_home *h, unsigned most);
void server_home_leave(struct server_home *h);

enum server_state {
	SERVER_UP,
	SERVER_TRIAL,  /* it was passed over, and may be tried again now */
	SERVER_PASSED, /* connections failed: it is passed over for a while */
	SERVER_DOWN,   /* checks say so */
};

/* In a word: "up", "trial", "passed_over", "down". */
const char *server_state_text(enum server_state state);

struct server {
	atomic_uint refs;
	struct server_home *home;
	const char *name; /* as it is written in the configuration */
	struct addr addr;
	char text[ADDR_TEXT]; /* addr */
	uint64_t id;          /* no other has or had it */
	uint64_t hash;        /* of addr: the same in each process */
	struct tally counts;

	/* from connections */
	atomic_uint failed_in_row;
	_Atomic uint64_t again;      /* when it may be tried again; 0: it is not passed over */
	_Atomic uint64_t next_pause; /* how long it will be passed over after that, ms */

	/* from checks */
	atomic_bool down;
	struct server_checked {     /* the thread's that checks */
		unsigned good, bad; /* in a row */
		bool ever;          /* asked before */
		bool passed;        /* seen as PASSED: good answers count from there */
		uint64_t since;     /* when it was found down */
	} checked;
};

/* Held once. `name` is copied. NULL: no memory. */
struct server *server_new(struct server_home *home, const char *name, const struct addr *addr);
struct server *server_ref(struct server *s);
void server_unref(struct server *s); /* NULL is fine */

enum server_state server_state(const struct server *s, uint64_t now);

/* -- a connection's story: daemon/backend.h begins it, and tells of failures -- */

/* It is up: whatever was held against the server is over. At most once. */
void server_connected(struct server *s);

/* Bytes that went, while it runs or at its end: the difference to what was told before. */
void server_moved(struct server *s, const struct moved *more);

/* It is over, whether it was connected or not, and lets go of the server. */
void server_end(struct server *s);

/* -- for those who choose and check -- */

/* One that is chosen counts, and is held. Its home was entered. */
void server_begin(struct server *s);

/* A connection failed. At `fall` in a row it is passed over, until a trial succeeds, or with
 * `checks` until they do. True: from now on. */
bool server_blame(struct server *s, unsigned fall, bool checks, uint64_t now);

/* In state TRIAL it was chosen: the next one waits for a pause that is twice as long. */
void server_try(struct server *s, uint64_t now);

/* What checks found: true: it was otherwise before. Up forgets failed connections as well. */
bool server_mark(struct server *s, bool up);

/* No checks any more: what they said is forgotten. */
void server_unmark(struct server *s);

#endif
