/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_view.h — folders and slots of grafts as a person sees them, whoever made them */
#ifndef CMD_GRAFT_VIEW_H
#define CMD_GRAFT_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "engine/graft_kernel.h"

enum view_state {
	VIEW_MAKING,   /* not cut yet: a join that has taken a slot */
	VIEW_DRAINING, /* cut; our sockets are still there */
	VIEW_LIVE,     /* cut, and nothing of it is left but the slot */
	VIEW_OVER,     /* closed or reset: the slot lingers */
	VIEW_STATES
};
const char *view_state_text(enum view_state s);

/* One graft, as it was at one moment. Side 0 is the client's, 1 the server's. */
struct view {
	enum view_state state;
	uint64_t conn;                               /* 0: it was given no number */
	char peer[2][ADDR_TEXT], self[2][ADDR_TEXT]; /* he, and we as he knows us */
	uint64_t bytes[2], packets[2];               /* from peer i, below TCP */
	uint64_t before[2];                          /* bytes from peer i before that */
	uint64_t age_ms, idle_ms;
};

/* The graft in this slot. False: there is none, or it changed while we looked. */
bool view_graft(struct view *v, const struct graft_slot *slot);

/* How many there are of each; false: the folder is not whole, or another version's. */
bool view_count(const struct graft_kernel *k, unsigned count[VIEW_STATES]);

/* Where it is kept, and which ports: the folders that a command speaks of. */
struct view_where {
	const char *bpffs;
	uint16_t first, last; /* 0: all there are */
};

/* The folders of this namespace, to be freed: how many, or -errno with the problem in words. */
int view_folders(const struct view_where *w, struct graft_folder **f, char *problem, size_t size);

/* "process 1234", or what else is known of who uses the folder. */
const char *view_user(const struct graft_folder *f, char text[32]);

#endif
