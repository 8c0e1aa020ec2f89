/* SPDX-License-Identifier: BSD-2-Clause */
/* stage.h — where a promise is put to the test: one process, real sockets, one engine
 *
 *   actor ◀──socket──▶ part ┐
 *                           ├ one context of shunt
 *   actor ◀──socket──▶ part ┘
 *
 * A part is an end of ours; it writes down what it is told, and insists that GONE comes once and last.
 * An actor is the peer: it says bytes that anybody can foretell and hears such bytes, in pieces as
 * small, as slow and as late as a test wants, and never blocks. stage_turn() lets each do a little and
 * waits once. After each test no descriptor may be left that was not there before it.
 *
 * Calls of the library to the kernel are counted (the linker's --wrap), and splice can be refused.
 */
#ifndef PROMISE_STAGE_H
#define PROMISE_STAGE_H

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "shunt.h"

#define KB ((size_t)1024)
#define MB ((size_t)1024 * 1024)

enum wire { TCP4, TCP6, UNIX, WIRES };

struct actor {
	int fd;             /* -1: closed */
	uint64_t say_seed;  /* which stream it says, */
	uint64_t say, said; /* how much of it, and how much of that is said */
	size_t piece;       /* at most so many bytes at a time; 0: 64K */
	bool finishes;      /* FIN once all is said */
	bool resets;        /* RST once all is said and has been acknowledged */
	bool finished;      /* it has */
	uint64_t hear_seed; /* which stream it expects, */
	uint64_t heard;     /* and how much of it came */
	size_t sip;         /* at most so many bytes at a time; 0: 64K */
	unsigned rests;     /* turns it does not read after each in which it did */
	unsigned resting;
	bool deaf;           /* does not read at all */
	unsigned char *kept; /* what it heard, where no stream is expected; room for `room` */
	size_t room;
	bool ended;  /* heard the FIN */
	bool struck; /* send has failed */
	int error;   /* what recv said at last */
};

struct part {
	struct stage *stage;
	struct shunt_end *end; /* NULL: gone */
	struct actor peer;
	struct part *other;
	unsigned told[SHUNT_GONE + 1]; /* how often, by event */
	enum shunt_why why;            /* BROKEN's, then GONE's */
	enum shunt_why broken;         /* BROKEN's */
	int error;
	enum shunt_engine engine; /* of JOINED or GONE */
	struct shunt_stat stat;   /* of GONE */
};

struct calls {
	unsigned waits, splices, tees, recvs, sends, pipes, peeks;
	uint64_t spliced; /* bytes by splice */
	uint64_t copied;  /* bytes by recv, not peeked and not thrown away */
};

struct stage {
	struct shunt *s;
	struct part *parts[1024];
	unsigned count;
	int max; /* events at a time */
	void (*on)(struct stage *st, struct part *p, const struct shunt_event *ev);
	unsigned small; /* SO_RCVBUF and SO_SNDBUF of sockets made from now on; 0: as they come */
	int fds;        /* descriptors before the test */
	uint64_t random;
};

extern enum shunt_engine engine; /* the one to be tried, from the command line */
extern struct calls calls;
extern int refuse_splice_in;  /* splices from a socket that fail, from now on: -1: all */
extern int refuse_splice_out; /* splices from a pipe to a socket */

int stage_up(void **state);
int stage_down(void **state);
#define stage_test(story) cmocka_unit_test_setup_teardown(story, stage_up, stage_down)
int stage_main(int argc, char **argv, const char *name, const struct CMUnitTest *tests,
	       size_t count);
#define stage_run(argc, argv, tests)                                                               \
	stage_main(argc, argv, __FILE__, tests, sizeof(tests) / sizeof((tests)[0]))

/* Open the context anew, with these options and the engine to be tried. */
void stage_reopen(struct stage *st, struct shunt_options o);

/* A pair of connected sockets, non-blocking. */
void wire_pair(struct stage *st, enum wire w, int fd[2]);
const char *wire_text(enum wire w);
bool wire_works(enum wire w);

/* A new part, on one end of a new wire with an actor at the other. */
struct part *part_new(struct stage *st, enum wire w, size_t depth);
/* One without an end yet, for shunt_connect; the actor comes by part_meet. */
struct part *part_empty(struct stage *st);
/* Two parts, joined; each peer expects what the other says. */
struct part *joined_pair(struct stage *st, enum wire a, enum wire b);
void expect_each_other(struct part *a, struct part *b);
/* a's peer says n bytes and finishes. */
void says(struct part *p, uint64_t n);

/* The actors do a little, one wait, its events are written down and given to st->on. */
void stage_turn(struct stage *st);
/* The same, but the actors stand still. */
void stage_wait(struct stage *st, int timeout_ms);
#define stage_until(st, cond)                                                                      \
	do {                                                                                       \
		uint64_t until_late = now_ms() + 20000;                                            \
		while (!(cond)) {                                                                  \
			if (now_ms() > until_late)                                                 \
				stage_late(st, #cond, __FILE__, __LINE__);                         \
			stage_turn(st);                                                            \
		}                                                                                  \
	} while (0)
_Noreturn void stage_late(struct stage *st, const char *what, const char *file, int line);
/* Turns for so long, in which nothing more should happen. */
void stage_idle(struct stage *st, unsigned ms);

bool actor_step(struct actor *a);
void actor_reset(struct actor *a);
void actor_close(struct actor *a);
/* Keep what is heard, up to `room` bytes, instead of comparing it. */
void actor_keeps(struct actor *a, size_t room);
/* Say these bytes at once; they must fit. */
void actor_tell(struct actor *a, const void *bytes, size_t n, int flags);
#define actor_tells(a, text) actor_tell(a, text, sizeof(text) - 1, 0)
/* So many bytes of its stream, at once. */
void actor_tell_stream(struct actor *a, size_t n);

/* Bytes [at, at + n) of stream `seed`. */
void stream_bytes(uint64_t seed, uint64_t at, unsigned char *to, size_t n);
bool stream_is(uint64_t seed, uint64_t at, const unsigned char *bytes, size_t n);

struct shunt_stat stat_of(struct part *p);
int count_fds(void);
/* The same, once the keeper of grafts, who closes in its own time, had time to come down to `expected`. */
int count_fds_settled(int expected);
/* When all sockets of the machine together hold too much, the kernel shuts windows and takes no low-water mark
 * for serious. What a test sees then says nothing about us: it is skipped. To be asked where it deviates. */
void skip_if_kernel_is_short(void);
uint64_t now_ms(void);
uint64_t random_below(struct stage *st, uint64_t n);

/* A port where a connection is neither made nor refused yet, for its backlog is full. open_up() lets it be made
 * when the SYN comes again, shut_down() lets it be refused then. Both take a second: the kernel's first timeout. */
struct narrow {
	int listener, fillers[2];
	struct sockaddr_in at;
};
void narrow_door(struct narrow *n);
int narrow_open_up(struct narrow *n, struct stage *st); /* the accepted socket of the late one */
void narrow_shut(struct narrow *n);
void narrow_free(struct narrow *n);

#endif
