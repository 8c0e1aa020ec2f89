/* SPDX-License-Identifier: BSD-2-Clause */
/* session_parts.h — what the rooms of a session share, and nobody else needs
 *
 *   session.c           its life as a whole: events, timers, its end
 *   session_look.c      LOOKING: from the first byte to a backend
 *   session_connect.c   CONNECTING: from a backend to a server that answers
 *   session_count.c     what has moved, and who is told
 *   session_line.c      its lines in the log
 */
#ifndef DAEMON_SESSION_PARTS_H
#define DAEMON_SESSION_PARTS_H

#include "daemon/sessions.h"
#include "look/head.h"

enum phase { LOOKING, CONNECTING, RUNNING, ENDING };

/* What was heard of a client that was looked at. */
struct heard {
	size_t looked; /* bytes of the last view that was not enough */
	size_t asked;  /* bytes that the next view was asked to have; 0: not asked */
	uint8_t *
		scrap; /* bytes taken out of the socket, since no view could hold them and what follows */
	size_t scraps;
	bool proxied; /* its PROXY header is done with */
	bool any;     /* it has said something (behind that) */
	unsigned protocol;
	const char *no; /* why it was refused */
	char sni[NAME_TEXT], alpn[NAME_TEXT], host[NAME_TEXT];
};

struct session {
	enum thing thing; /* THING_SESSION */
	enum phase phase;
	enum why why;
	int error;
	struct list all;
	struct timer timer;
	struct shunt_end *client, *server; /* NULL once gone */
	struct rules *rules;               /* held */
	const struct gate *gate;
	struct addr from;
	struct addr *to;        /* whom it had connected to, where a server is told; else NULL */
	struct heard *heard;    /* NULL: nothing is looked at */
	struct shunt_buf *head; /* held, for the server that takes it, behind heard->scrap */
	size_t head_at;         /* bytes of both, from the first one, that are not for the server */
	struct tally *route;    /* NULL: not routed yet */
	struct mirror *mirror;  /* NULL: none, or gone */
	struct backend *backend;
	struct backend_tries tries;
	struct server *at;                    /* chosen, to be given back */
	struct server *last;                  /* the last one that was tried; held */
	uint64_t id, began, tried, connected; /* connected 0: never */
	uint64_t decided;                     /* when the head had been understood; 0: not yet */
	struct moved moved;                   /* told to the tallies */
	uint32_t pipe_refused, splice_refused, urgent;
	const char *declined; /* why it was not made a graft; NULL: it was, or was not tried */
	bool counted;         /* among the guests */
	bool mirrored;        /* its mirror was begun */
};

/* -- session.c -- */

/* The first reason counts: what follows is its consequence. */
void session_because(struct session *x, enum why why, int error);
/* Both ends are reset; the session is over when they are gone. */
void session_cut(struct session *x, enum why why, int error);
/* Its client is not attached, or not any more: it is closed, and the session is over. */
void session_turn_away(struct sessions *ss, struct session *x, int fd, enum why why, int error);
void session_arm(struct sessions *ss, struct session *x, uint64_t after_ms);
void session_disarm(struct sessions *ss, struct session *x);

/* -- session_look.c -- */

/* Look at what comes, if the gate wants that; else connect at once. The client is attached. */
void session_look(struct sessions *ss, struct session *x);
/* How much of the client is wanted to be seen at first. */
size_t session_depth(const struct gate *gate);
void session_arrived(struct sessions *ss, struct session *x, const struct shunt_event *ev);
/* The client has finished before it was understood. */
void session_ended(struct sessions *ss, struct session *x);
/* timeouts.head is over. */
void session_head_late(struct sessions *ss, struct session *x);

/* -- session_connect.c -- */

/* Bring it to this backend (with none: close it), on account of that tally. */
void session_bring(struct sessions *ss, struct session *x, const struct conf_use *use,
		   struct tally *route);
/* There may be descriptors again. */
void session_connect(struct sessions *ss, struct session *x);
void session_connected(struct sessions *ss, struct session *x);
/* The server was not reached. */
void session_failed(struct sessions *ss, struct session *x, int error);

/* -- session_count.c -- */

/* The final counts of an end, or of both as they are now. */
void session_count(struct session *x, const struct shunt_stat *client,
		   const struct shunt_stat *server);
void session_count_now(struct sessions *ss, struct session *x);

/* -- session_line.c -- */

/* Its one line. */
void session_say_end(const struct sessions *ss, const struct session *x);
/* For those who ask to be told more. */
void session_say_step(const struct session *x, const char *msg, int error);
/* A head that is none, in words; so many of them and no more. */
void session_say_refused(const struct sessions *ss, const struct session *x);
/* By what most bytes went; what is configured, if none did. */
enum shunt_engine session_engine(const struct sessions *ss, const struct session *x);

#endif
