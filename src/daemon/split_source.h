/* SPDX-License-Identifier: BSD-2-Clause */
/* split_source.h — where the stream comes from: one connection at a time, and again when it is gone
 *
 *   (we go to it)     wait ──▶ connecting ──▶ here ──▶ gone, and wait again: longer from failure to failure
 *   (it comes to us)  wait ─────────────────▶ here ──▶ gone, and wait again
 *
 * A source that sends nothing for too long is given up. It hears nothing from us but our FIN.
 */
#ifndef DAEMON_SPLIT_SOURCE_H
#define DAEMON_SPLIT_SOURCE_H

#include "daemon/listen.h"
#include "daemon/split_shared.h"
#include "daemon/split_thing.h"

enum split_said {
	SAID_NOTHING,
	SAID_BEGAN,  /* a source is here */
	SAID_BYTES,  /* the event's buffer is its next */
	SAID_ENDED,  /* it has ended in order */
	SAID_BROKEN, /* it was cut off */
};

struct split_source_door {
	enum split_thing thing; /* SPLIT_SOURCE_DOOR */
	int fd;
	struct shunt_end *end; /* NULL: nobody is expected there */
};

struct split_source {
	enum split_thing thing; /* SPLIT_SOURCE */
	struct shunt *s;
	const struct split_shared *shared;
	const struct split_conf *conf; /* shared->conf */
	struct shunt_end *end;         /* NULL: none */
	bool here;
	bool closed; /* none is wanted any more */
	bool paused; /* not read for now: its silence is ours */
	struct split_source_door door;
	size_t target; /* that is tried now */
	uint64_t now, born, due, retry_ms, heard;
	uint64_t bytes, bytes_before; /* of this one, of those before it */
	uint64_t number;              /* of sources so far */
	char peer[ADDR_TEXT];
};

/* door: where it comes, if it does; else NULL. */
int split_source_open(struct split_source *x, struct shunt *s, const struct split_shared *shared,
		      const struct listener *door);
enum split_said split_source_event(struct split_source *x, const struct shunt_event *ev);
/* Somebody knocks at its door. The first one that came is told by SAID_BEGAN; by a takeover after SAID_BROKEN of
 * the one before, who is gone at once. */
enum split_said split_source_knock(struct split_source *x);
/* When something is to be done by time, and that. */
uint64_t split_source_due(const struct split_source *x);
enum split_said split_source_tick(struct split_source *x, uint64_t now);

/* Do not read it, or go on. */
void split_source_pause(struct split_source *x, bool paused);
/* Its door is let go of. */
void split_source_shut(struct split_source *x);
/* For good. */
void split_source_close(struct split_source *x);

#endif
