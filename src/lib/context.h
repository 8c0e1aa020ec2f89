/* SPDX-License-Identifier: BSD-2-Clause */
/* context.h — the nouns behind shunt.h and how they hang together
 *
 *   context has many ends, by slot number            context has many buffers
 *   end has one output stream, a queue of pieces     piece has a buffer, or bytes of its own
 *   end has at most one buffer lying in its socket   buffer has one run, unless it lies in a socket
 *   join has two ends and two ways                   end has at most one join
 *
 * An end's happenings are bits: what has happened to it (facts), and what the program must still
 * be told (pending, one bit for each shunt_what). Nothing is told twice and no memory is needed to
 * tell it. An end that something was done to stands in `work` until the next wait looks at it once.
 */
#ifndef LIB_CONTEXT_H
#define LIB_CONTEXT_H

#include <stdbool.h>

#include "base/list.h"
#include "engine/graft_pair.h"
#include "engine/pump.h"
#include "engine/window.h"
#include "shunt.h"

enum fact {
	F_CONNECTING = 1 << 0,
	F_FIN_CAME = 1 << 1,
	F_FINISH = 1 << 2, /* the program asked for our FIN */
	F_FIN_WENT = 1 << 3,
	F_FULL = 1 << 4,   /* the socket takes no more: wait for EPOLLOUT */
	F_HURT = 1 << 5,   /* the socket has failed; what its queue holds can still be read */
	F_BROKEN = 1 << 6, /* the program has been told of it, nothing more will be read */
	F_GONE = 1 << 7,   /* closed, waits to be freed */
	F_MORE = 1 << 8,   /* the program wants more of a head than was there */
	F_OVER = 1 << 9,   /* more than half the queue's limit waits: tell when there is room */
	F_EDGE = 1 << 10,  /* no low-water mark on this kind of socket: edge-triggered meanwhile */
	F_LOWAT = 1 << 11, /* SO_RCVLOWAT is raised */
	F_HUNG_UP = 1 << 12, /* epoll said HUP */
	F_LOST = 1
		 << 13, /* bytes were lost on the way out of its socket: what follows is not read */
	F_GRAFT = 1 << 14 /* first end of a join that has been cut */
};

enum end_kind { END_TCP, END_UNIX, END_PIPE, END_WATCHED };

struct stream {
	struct list pieces;
	size_t queued;
};

struct shunt_end {
	struct shunt *s;
	struct list told; /* in s->told while something is pending */
	struct list work; /* in s->work while it must be looked at */
	void *user;
	size_t depth;
	size_t want; /* bytes of the next head to look at */
	uint32_t slot;
	uint32_t interest; /* what epoll watches for; EPOLL_NONE before it knows the end */
	uint16_t facts;
	uint16_t pending;
	enum end_kind kind;
	enum shunt_why why;
	int error;
	struct source src;
	struct stream out;
	struct shunt_end
		*tap; /* who gets a copy of all that goes out here, up to tap_most; or NULL */
	struct shunt_end *tapped; /* whose copies go out here */
	size_t tap_most;
	struct shunt_buf *buf; /* just arrived, or lying in the socket */
	struct join *join;
	int side;
	size_t limit;  /* what may be outstanding */
	uint64_t last; /* when a byte last moved */
	uint16_t port; /* of the grafts' range, ours to give back */
	struct shunt_stat stat;
};

struct shunt_buf {
	struct shunt *s;
	struct shunt_end *end; /* where it came from; NULL when that is gone */
	struct list all;       /* in s->bufs */
	struct list handed;    /* in s->handed from its event to the next wait */
	uint32_t refs;         /* the event, the program's holds, and pieces */
	uint32_t holds;        /* the program's */
	uint32_t waiting;      /* pieces of it that have not been started */
	bool lying; /* its bytes are still in the socket's queue; look holds those seen */
	bool lost;  /* they could not be saved from a socket that died */
	size_t length, seen;
	const unsigned char *view;
	struct block *look; /* memory behind view, when that isn't the run itself */
	struct run run;
};

struct piece {
	struct list in; /* in stream.pieces */
	struct shunt_buf *buf;
	size_t off, len;
	bool started; /* run holds what is left of it */
	bool copied;  /* the tap has it */
	struct run run;
};

/* See squeeze.c. Times in ms, of the context's clock. */
struct squeeze {
	bool narrow; /* both receive buffers are */
	bool on;
	bool asks, asked[2]; /* silent peers are asked now; which of them by us */
	unsigned times;      /* how often it was begun */
	unsigned turns;      /* in this one: how often all that was lent was taken */
	uint64_t rtt;        /* of the farther peer */
	uint64_t began;      /* this one */
	uint64_t lends;      /* from when bytes are lent */
	uint64_t lent_since; /* from when some are that were not taken yet; 0: none */
	uint64_t due;        /* when it begins, or is looked at, next */
	uint64_t many;       /* it does not begin before so many bytes went by */
	uint64_t ask_at;     /* when asking begins or ends; UINT64_MAX: it is over */
	uint64_t acked;      /* bytes that both peers had acknowledged when it was looked at last */
	struct window was[2];
};

struct join {
	struct shunt_end *end[2];
	struct way way[2]; /* way[i]: from end[i] to end[!i] */
	bool full[2];      /* way[i] waits for room on end[!i] */
	bool starved[2];   /* way[i] waits for memory: neither end is to tell of it before `due` */
	bool over[2];      /* way[i] has brought its last byte, and its FIN unless end[i] is hurt */
	bool unseen[2];    /* end[i]->buf came before the join, untold: it waits for way[i] */
	bool ended[2];     /* ENDED of end[i] was untold: told if the join comes undone */
	bool told;         /* JOINED */
	/* the hand-over, see handover.c */
	struct pair *pair; /* NULL: not begun, or never to be */
	bool never;
	enum graft_decline declined; /* why never */
	bool armed;
	struct squeeze squeeze;
	bool dry[2];         /* way[i] found nothing more to take when it ran last */
	struct list grafted; /* in s->grafts, once cut */
	uint64_t paired;     /* when the pair was made, ms */
	uint64_t conn;
	uint64_t born;
	struct list later; /* in s->later while it must be tried again at `due` */
	uint64_t due;
	unsigned tries;
};

struct slot {
	struct shunt_end *end;
	uint32_t generation;
	uint32_t next_free;
};

enum { TURN_EVENTS = 128 };
#define EPOLL_NONE UINT32_MAX

struct shunt {
	int epfd;
	int timer;
	const struct engine *engine;
	struct kit kit;
	size_t queue_limit, outstanding;
	struct slot *slots;
	uint32_t slot_count, slot_free;
	uint64_t *fds; /* a bit for each descriptor that is attached */
	uint32_t fd_words;
	uint32_t ends;
	struct list told, work, handed, bufs, graves, later;
	struct shunt_graft *graft; /* NULL: none are made */
	struct graft_post post;
	uint64_t ports_again;           /* when ports of the range are worth a try again, ms */
	struct list grafts;             /* joins that are cut */
	uint64_t grafted, grafted_live; /* bytes of those that are gone; of those that live, */
	uint64_t summed_at;             /* as they were then */
	uint64_t now;
	struct shunt_stat gone_stat[TURN_EVENTS]; /* what GONE events point at */
	unsigned gone_count;
};

static inline bool end_is(const struct shunt_end *e, unsigned facts)
{
	return (e->facts & facts) != 0;
}

/* Have the end looked at before the next wait. */
static inline void end_touch(struct shunt_end *e)
{
	if (list_empty(&e->work))
		list_add_tail(&e->s->work, &e->work);
}

/* A buffer's bytes could not be had from the socket (error > 0): what still lies there must not pass
 * for what comes after them. The next look at the end hurts it; whoever calls may be in its streams. */
static inline void end_lost(struct shunt_end *e, int error)
{
	if (!end_is(e, F_HURT | F_LOST))
		e->error = error;
	e->facts |= F_LOST;
	end_touch(e);
}

/* Have the program told. */
static inline void end_tell(struct shunt_end *e, enum shunt_what what)
{
	e->pending |= (uint16_t)(1u << what);
	if (list_empty(&e->told))
		list_add_tail(&e->s->told, &e->told);
}

static inline bool end_will_tell(const struct shunt_end *e, enum shunt_what what)
{
	return (e->pending & 1u << what) != 0;
}

static inline void end_untell(struct shunt_end *e, enum shunt_what what)
{
	e->pending &= (uint16_t) ~(1u << what);
}

#endif
