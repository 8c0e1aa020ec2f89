/* SPDX-License-Identifier: BSD-2-Clause */
/* fault.h — stories in which the n-th system call fails, n = 1, 2, 3 … until one passes untouched
 *
 * A story plays in one thread: shunt with its *actors* (ends) on one side, under fault, and on the
 * other side *peers*, plain sockets moved by raw calls that never fail on purpose.
 *
 *   peer ──socket──▶ actor    shunt    actor ──socket──▶ peer
 *
 * Peers send bytes that anybody can foretell, and have a *tape*: what the story ordered for them.
 * After each run it must be true, whatever failed:
 *   - nothing crashed and nothing hung; no descriptor, no pipe and no memory stayed behind
 *   - each end that was made was told GONE exactly once, was given back by detach, or died by close
 *   - each BROKEN and GONE had a reason, and DONE was said only of streams that were whole
 *   - what a peer got is a prefix of its tape; a peer that saw an orderly end (read 0) got all of
 *     it, and a story that may not end so (reset, aborted) did not. A cut-off stream never looks complete.
 * After the run that passed untouched all tapes must be whole and all ends as the story wants them.
 *
 * Calls that fail have changed nothing: so the helpers here try each a second time. A fault that
 * comes once must leave no trace then.
 *
 * Only TCP: a Unix socket has no reset to tell a cut-off stream by.
 */
#ifndef TESTS_FAULT_H
#define TESTS_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shunt.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { PEERS = 6, ACTORS = 8, TAPE = 8192 };

/* How a peer's own stream ends, and how a peer's tape does. */
enum end { END_OPEN, END_FIN, END_RESET };

struct peer {
	const char *name;
	int fd;                  /* the peer's own socket, or -1 */
	int other;               /* the socket that shunt gets, until it is attached */
	const struct door *door; /* where shunt connects to, or NULL */
	unsigned seed;
	/* what it sends */
	size_t to_send, sent;
	size_t pace;      /* bytes a turn at most; 0: as fast as it goes */
	size_t urgent_at; /* the byte that goes as urgent; SIZE_MAX: none */
	enum end then;    /* after the last byte */
	bool then_done;
	bool waits; /* sends nothing, and does not end, while this is set */
	/* what it gets */
	struct piece_of {
		unsigned seed;
		size_t at, len;
	} tape[TAPE];
	unsigned pieces, piece; /* `piece` is being read, `piece_got` of it have come */
	size_t piece_got;
	size_t total, got;
	size_t appetite;    /* bytes a turn at most; 0: it does not read */
	enum end want, end; /* wanted of an untouched run; seen */
	bool part_will_do;  /* of the tape, even in an untouched run */
	bool may_fin;       /* an orderly end is possible at all: shunt was told to finish */
	bool write_failed; /* the socket's error was taken by a write: a read says 0 from then on */
};

struct actor {
	const char *name;
	struct peer *peer;
	struct shunt_end *end; /* NULL: never made, gone, or detached */
	struct actor *partner; /* that it was joined with last */
	bool connecting;       /* made by a connect: it is up when CONNECTED says so */
	bool made, gone, detached, closed, aborted, watched;
	unsigned connected, joined, ended, broken;
	enum shunt_why why;
	int error;
	size_t arrived; /* bytes of ARRIVED that were taken for good */
};

struct story;

struct world {
	const struct story *story;
	struct shunt *s;
	struct peer peers[PEERS];
	unsigned peer_count;
	struct actor actors[ACTORS];
	unsigned actor_count;
	unsigned turn;
	bool failed; /* the story can't be told in full, as a call failed twice */
};

struct story {
	const char *name;
	void (*tell)(struct world *w);
	void (*turn)(struct world *w); /* after each, if there is one */
	/* What happened, told to the story after the bookkeeping. */
	void (*event)(struct world *w, const struct shunt_event *ev, struct actor *a);
	unsigned least;               /* fault points that it must pass, or it covers nothing */
	struct shunt_options options; /* but for the engine */
	int events;                   /* taken at a time; 0: 8 */
	bool connect_late;            /* connections are seen to be up by epoll only */
};

extern const struct story story_joined, story_reset_after_data, story_heads, story_head_then_join,
	story_fan_out, story_urgent_byte, story_open_and_close, story_small_and_bulk, story_echo,
	story_second_try, story_room, story_join_unseen, story_packed, story_tapped,
	story_tap_left_behind;

/* -- fault.c: saying what is wrong -- */

void wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The kernel refuses what the test itself needs. */
void must(bool cond, const char *what);
/* Is only one fault made, which comes once? Then a second try must do. */
bool fault_is_single(void);
/* Nothing has moved for `turns` of a millisecond since `count` calls were made: that must have been waiting, and
 * not spinning. A fault that stays ends now, and then all must go on. */
void fault_relents(unsigned turns, unsigned long count);

/* -- peer.c: those on the other side -- */

const unsigned char *noise(unsigned seed, size_t at,
			   size_t *len); /* *len is cut to what lies there in one piece */
void peers_begin(void);                  /* of a run */
/* A connected pair; small buffers on the way to the peer when `narrow`. */
struct peer *peer_pair(struct world *w, const char *name, bool narrow);
/* A peer that shunt connects to; *port is where. */
struct peer *peer_listens(struct world *w, const char *name, bool narrow, uint16_t *port);
uint16_t port_refused(void); /* a port at which nobody listens */
void peer_sends(struct peer *p, size_t bytes, enum end then);
/* Put on p's tape: bytes [at, at + len) of stream `seed`. */
void peer_expects(struct peer *p, unsigned seed, size_t at, size_t len);
void peer_expects_nothing(
	struct peer *p);        /* of what it expected so far, of which nothing has come */
bool peer_step(struct peer *p); /* true: something moved */
bool peer_over(const struct peer *p);
/* What came to its door so far was never meant. */
void peer_forgets(struct peer *p);
void peer_end(struct peer *p); /* close what is open */
void peer_judge(const struct peer *p, bool untouched);

/* -- actor.c: those on shunt's side; each call tried twice -- */

struct actor *actor_attach(struct world *w, struct peer *p, size_t depth);
struct actor *actor_connect(struct world *w, struct peer *p, uint16_t port, size_t depth);
struct actor *actor_watch(struct world *w,
			  struct peer *p); /* p->other is what rings; it stays ours */
int actor_join(struct world *w, struct actor *a, struct actor *b);
/* Order bytes for a; a's peer's tape is written. After a failure the end is aborted. */
void actor_queue(struct world *w, struct actor *a, struct shunt_buf *b, unsigned seed,
		 size_t stream_at, size_t off, size_t len);
void actor_insert(struct world *w, struct actor *a, unsigned seed, size_t at, size_t len);
void actor_finish(struct world *w, struct actor *a);
void actor_more(struct world *w, struct actor *a, size_t want);
void actor_abort(struct actor *a);
void abort_all(struct world *w);
void actor_judge(const struct actor *a);

/* Turns until all actors are gone and all peers have seen their end. */
void play(struct world *w);
/* That many turns. */
void play_turns(struct world *w, unsigned turns);
/* Close the context as it is, and let the peers see it. */
void play_close(struct world *w);

/* -- fan.c: one source that is never looked at, and who gets what it sends -- */

struct fan {
	struct actor *source, *output[3];
	unsigned outputs;
};

/* One who only hears: all that he sends is FIN. */
struct actor *fan_listener(struct world *w, const char *name, bool narrow);
/* The same, as the next output. */
struct actor *fan_output(struct world *w, struct fan *f, const char *name, bool narrow);
struct actor *fan_source(struct world *w, struct fan *f, size_t bytes);
/* The end of the source is the end of its outputs; one that is cut off cuts them off. */
void fan_event(struct world *w, const struct fan *f, const struct shunt_event *ev,
	       const struct actor *a);

/* One fault may cost a tap; the two who are joined, whom it was tapped from, are whole even then. */
void fan_judge_tap(const struct actor *copy, const struct actor *a, const struct actor *b);

#endif
