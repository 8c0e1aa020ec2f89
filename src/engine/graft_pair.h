/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_pair.h — a graft as its join sees it: made, armed, taken back, drained, retired, ended
 *
 *   pair_make ─▶ OURS ◀─pair_take_back / pair_arm─▶ (armed) ─▶ CUT ─pair_retire─▶ KEEPER ─▶ ALONE
 *                                                               ▲──────── back ──────┘
 *
 *   OURS    the sockets are the join's, as without a graft
 *   armed   nobody may touch them (the slot's state says so, not the pair)
 *   CUT     the kernel passes packets; what the sockets still hold must be drained, and everything that is
 *           taken or sent is noted in the slot before it is sent (pair_note)
 *   KEEPER  the keeper has the descriptors
 *   ALONE   there are no descriptors any more; the graft tells by its slot, and by news
 */
#ifndef ENGINE_GRAFT_PAIR_H
#define ENGINE_GRAFT_PAIR_H

#include "engine/graft_state.h"

enum pair_state { PAIR_OURS, PAIR_CUT, PAIR_KEEPER, PAIR_ALONE };

enum pair_news {
	NEWS_CUT = 1 << 0,    /* the program has cut it */
	NEWS_ALONE = 1 << 1,  /* the sockets are closed */
	NEWS_BACK = 1 << 2,   /* they could not be: here they are again */
	NEWS_CLOSED = 1 << 3, /* both FINs were acknowledged */
	NEWS_RESET = 1 << 4,  /* a peer reset it, and nothing came from him since */
	NEWS_STUCK = 1 << 5   /* with BACK: they never can be */
};

struct pair {
	struct shunt_graft *g;
	struct graft_slot *slot;
	struct graft_post *post;
	uint32_t index;
	enum pair_state state;
	int fd[2]; /* while it is with the keeper */
	void *user;
	/* under g->lock: */
	struct list in_post, in_keeper;
	unsigned news;
	enum {
		WISH_NOTHING,
		WISH_END,
		WISH_KILL
	} wish; /* given while the keeper had it: it is his */
};

/* The two connections are joined: fd[i] our socket to peer i. Takes a slot for them, state PAUSED, unless
 * a reason speaks against it (enum graft_decline, not counted here). *out is the caller's until pair_end
 * or pair_kill. */
enum graft_decline pair_make(struct shunt_graft *g, const int fd[2], struct graft_post *post,
			     void *user, struct pair **out);

/* Nothing is held and neither socket is touched from here on. */
void pair_arm(struct pair *p);
/* Back from armed: true, the sockets are ours; false, the pair was cut meanwhile (state CUT). */
bool pair_take_back(struct pair *p);

/* State CUT: n bytes (or 1 for a FIN) were taken from peer i's socket and are about to be sent. */
void pair_note(struct pair *p, int i, uint32_t n, bool fin);
/* State CUT, with nothing held: has every byte that our sockets own been acknowledged? */
bool pair_is_clean(const struct pair *p);
/* Give both descriptors to the keeper. News: ALONE or BACK. */
void pair_retire(struct pair *p, const int fd[2]);

/* Forget it. Un-cut, its tuples are taken out; otherwise the graft goes on until it ends by itself. */
void pair_end(struct pair *p);
/* End the graft by resetting both connections, with whatever descriptors are still there (-1: none);
 * they are the keeper's then. */
void pair_kill(struct pair *p, const int fd[2]);

/* Bytes that came from peer i and were passed on below TCP. */
uint64_t pair_bytes(const struct pair *p, int i);
/* When a packet came last, in ms of CLOCK_MONOTONIC. */
uint64_t pair_last(const struct pair *p);
bool pair_fin_came(const struct pair *p, int i);
int pair_reset_by(const struct pair *p); /* which peer; if both did, who came first */

/* The next pair of a post that has news: takes them. NULL: none. */
struct pair *graft_post_next(struct shunt_graft *g, struct graft_post *post, unsigned *news);
int graft_post_open(struct graft_post *post);
void graft_post_close(struct graft_post *post);
/* For the keeper, with g->lock held. */
void pair_tell(struct pair *p, unsigned news);

#endif
