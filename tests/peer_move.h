/* SPDX-License-Identifier: BSD-2-Clause */
/* peer_move.h — the talk of one connection, and the loop that moves its bytes */
#ifndef SHUNT_TESTS_PEER_MOVE_H
#define SHUNT_TESTS_PEER_MOVE_H

#include <nettle/sha2.h>

#include "peer.h"

#define FOREVER   UINT64_MAX
#define PEER_UNIT ((size_t)256 * 1024)

enum end { OPEN, END_EOF, END_RESET };

struct way {
	uint64_t seed, bytes;
	uint64_t due; /* not before, by the rate */
	struct sha256_ctx sha;
};

struct talk {
	int listener, fd;
	int backlog, rcvbuf, sndbuf;
	struct way out, in;
	int checks;   /* what comes in must be stream in.seed */
	enum end end; /* how the other side's stream ended */
	int broken;   /* sending failed by a reset */
	int urgent;   /* the last urgent byte, -1: none */
	int64_t mark; /* where it stood, -1: not known yet */
	uint64_t rate, deadline;
	size_t chunk;
	const char *from; /* where to connect from; NULL: anywhere */
	const char *word; /* what we are at, for complaints */
};

/* What one call of move() is to do. */
struct task {
	uint64_t send, read;      /* FOREVER: until the other side ends it */
	int eof_fine, reset_fine; /* which end of the other side completes `read` */
	int quiet_ms;             /* done when nothing could be sent for so long; 0: never */
	int echo;                 /* send what was read */
};

/* Send and read until the task is done: the one loop under all words that move bytes. */
void peer_move(struct talk *t, struct task k);

/* Wait for events on fd until the deadline or for `most` ms (-1: no such limit). */
int peer_await(const struct talk *t, int fd, short events, int most);

/* Ends the program if the deadline is over; else how many ms are left. */
int peer_time_left(const struct talk *t);

void peer_give_up(const struct talk *t, const char *what) __attribute__((noreturn));

#endif
