/* SPDX-License-Identifier: BSD-2-Clause */
/* split_link.h — the stream goes from the worker that has the source to another one
 *
 *   ring ──queue──▶ [ pipe ] ──arrived──▶ ring of the other worker
 *          notes ──▶ ( mail ) ──▶
 *
 * Bytes cross by page reference: the pipe's ends are ends of two contexts. A pipe carries one stretch
 * of the stream without a gap; for the next one, by another source or after a skip, there is a new
 * pipe, and a note says where in the stream it begins. Notes are taken in their order, the next one
 * only when the pipe before it has ended; so nothing must be told within the bytes.
 */
#ifndef DAEMON_SPLIT_LINK_H
#define DAEMON_SPLIT_LINK_H

#include <pthread.h>

#include "base/list.h"
#include "daemon/split_out.h"
#include "daemon/split_thing.h"

enum split_note_kind {
	NOTE_STRETCH, /* fd is a pipe whose first byte is the stream's `at` */
	NOTE_END,     /* the source has ended, and subscribers are to end with it */
	NOTE_CUT,     /* it was cut off, and so are they */
};

struct split_note {
	struct list in;
	enum split_note_kind kind;
	int fd;
	uint64_t at;
};

/* Of the other worker. */
struct split_mail {
	enum split_thing thing; /* SPLIT_MAIL */
	pthread_mutex_t lock;
	struct list notes;
	int wake; /* eventfd */
};

int split_mail_open(struct split_mail *m);
void split_mail_close(struct split_mail *m);
/* The next note, which is the caller's to free; NULL: none. */
struct split_note *split_mail_take(struct split_mail *m);
/* The eventfd is readable. */
void split_mail_woken(struct split_mail *m);

enum { SPLIT_LINK_ENDS = 16 }; /* of sources that came and went while it was behind */

/* Of the worker that has the source. It is fed from the ring as a subscriber is, and may be behind: where a stretch
 * ends, the chunks' origins tell. */
struct split_link {
	enum split_thing thing; /* SPLIT_LINK */
	struct shunt *s;
	struct split_mail *to;
	size_t unit;
	struct split_out out;
	uint64_t origin; /* of the stretch that is under way */
	uint64_t skips;  /* of its output that were told of */
	struct split_link_end {
		uint64_t at; /* to be told when all before it is queued */
		bool cut_off;
	} end[SPLIT_LINK_ENDS];
	unsigned ends;
};

void split_link_init(struct split_link *l, struct shunt *s, struct split_mail *to, size_t unit);
/* The stream has ended, or was cut off, and so shall the subscribers, when they have had all of it. */
void split_link_end(struct split_link *l, const struct split_ring *r, bool cut_off);
/* What it has not sent yet is about to be let go. */
void split_link_mind(struct split_link *l, const struct split_ring *r, uint64_t until);
void split_link_feed(struct split_link *l, const struct split_ring *r);
void split_link_event(struct split_link *l, const struct shunt_event *ev,
		      const struct split_ring *r);

#endif
