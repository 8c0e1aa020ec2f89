/* SPDX-License-Identifier: BSD-2-Clause */
/* split_flow.h — the stream on its way through a worker: from the source, or from the first worker, by the ring
 * to subscribers and to the other workers */
#ifndef DAEMON_SPLIT_FLOW_H
#define DAEMON_SPLIT_FLOW_H

#include "daemon/split_link.h"
#include "daemon/split_source.h"
#include "daemon/split_sub.h"

struct split_flow {
	const struct split_shared *shared;
	const struct split_conf *conf; /* shared->conf */
	struct shunt *s;
	struct split_ring ring;
	struct split_subs subs;
	struct split_source source; /* the first worker's */
	struct split_link *link;    /* to the others: the first worker's */
	unsigned links;
	struct split_mail mail; /* the others' */
	enum split_thing feed;  /* SPLIT_FEED */
	struct shunt_end *in;   /* a pipe from the first one; NULL: none now */
	bool paused;            /* nothing is read: nobody is to lose anything */
	bool last;              /* no source follows the one that is here */
};

/* Its context, ring and subscribers. 0, or -errno; split_flow_close is due even then. */
int split_flow_open(struct split_flow *f, const struct split_shared *shared);
/* For all but the first worker: what the first one brings. 0 or -errno. */
int split_flow_mail(struct split_flow *f);
/* For the first one: the source, and where it comes (NULL: we go to it); room for as many links. 0 or -errno. */
int split_flow_first(struct split_flow *f, const struct listener *door, unsigned others);
void split_flow_link(struct split_flow *f, struct split_flow *other);
void split_flow_close(struct split_flow *f);

/* What the source has said; `ev` is that of SAID_BYTES. */
void split_flow_said(struct split_flow *f, enum split_said said, const struct shunt_event *ev);
/* An event of the pipe from the first worker; notes from it. */
void split_flow_fed(struct split_flow *f, const struct shunt_event *ev);
void split_flow_noted(struct split_flow *f);

/* Once in a while: those whom the source waits for may have caught up. */
void split_flow_again(struct split_flow *f);

/* Of the first worker: no source is wanted but the one that is here; subscribers end with it. */
void split_flow_last(struct split_flow *f);

#endif
