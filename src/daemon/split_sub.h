/* SPDX-License-Identifier: BSD-2-Clause */
/* split_sub.h — those who get the stream
 *
 *   begin ──▶ asked (HTTP alone) ──▶ live ──▶ leaving ──▶ gone, one line in the log
 *
 * A subscriber is an output that follows the ring. What he sends is thrown away. He leaves when his
 * connection ends, when he does not take a byte for too long, when he is too far behind, or when the
 * stream ends and he is to end with it.
 */
#ifndef DAEMON_SPLIT_SUB_H
#define DAEMON_SPLIT_SUB_H

#include "base/addr.h"
#include "base/list.h"
#include "base/why.h"
#include "daemon/split_conf.h"
#include "daemon/split_out.h"
#include "daemon/split_thing.h"

enum split_state { SUB_ASKED, SUB_LIVE, SUB_LEAVING };

struct split_sub {
	enum split_thing thing; /* SPLIT_SUB */
	enum split_state state;
	struct list in;
	struct split_out out;
	uint64_t number, born, due;
	size_t seen;     /* of its request, when it was looked at last */
	unsigned status; /* of its answer */
	uint64_t most_lag;
	enum why why; /* that we ended it for */
	bool cut_off; /* at its last byte it is reset, for so was its source */
	const char *listen;
	char client[ADDR_TEXT];
};

struct split_sum {
	uint64_t skips, skipped;
};

struct split_subs {
	struct shunt *s;
	const struct split_conf *conf;
	struct split_ring *ring;
	struct list all;
	uint64_t now;
	size_t count;
	uint64_t ended;
	uint64_t lag; /* the furthest that one was behind, when it was looked at last */
	struct split_sum gone;
};

void split_subs_init(struct split_subs *ss, struct shunt *s, const struct split_conf *conf,
		     struct split_ring *ring);
void split_subs_free(struct split_subs *ss);

/* A connection that was accepted; fd is ours, whatever comes of it. */
void split_sub_begin(struct split_subs *ss, int fd, const struct addr *from, const char *listen);
/* One too many: he is told so, if he speaks HTTP, and leaves. */
void split_sub_refuse(struct split_subs *ss, int fd);
void split_sub_event(struct split_subs *ss, const struct shunt_event *ev);

/* Something has arrived. */
void split_subs_feed(struct split_subs *ss);
/* What lies before `until` is about to be let go. */
void split_subs_mind(struct split_subs *ss, uint64_t until);
/* Before this nobody needs anything. */
uint64_t split_subs_needed(struct split_subs *ss);

/* The stream has ended: they end behind its last byte; or it was cut off, and so are they. */
void split_subs_finish(struct split_subs *ss, bool cut_off);
/* Reset all. */
void split_subs_cut(struct split_subs *ss, enum why why);
/* Once a second: who has been silent or blocked for too long. */
void split_subs_sweep(struct split_subs *ss);

/* Of all there are and were. */
void split_subs_sum(const struct split_subs *ss, struct split_sum *sum);

#endif
