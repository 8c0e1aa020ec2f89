/* SPDX-License-Identifier: BSD-2-Clause */
/* force.h — a configuration comes into force: its sockets, its backends, its rules
 *
 *	force_make     may fail, and then nothing has changed
 *	force_begin    its splits begin, those of the old one that it does not have end
 *	force_settle   once all workers go by the new rules: what only the old ones needed is closed
 */
#ifndef DAEMON_FORCE_H
#define DAEMON_FORCE_H

#include "daemon/care.h"
#include "daemon/listeners.h"
#include "daemon/rules.h"
#include "daemon/splits.h"

struct force {
	struct listeners listeners;
	struct listener **held; /* of the last that was made, as its conf->bind */
	struct splits splits;
	struct tallies tallies;
	struct care *care; /* NULL: it does not look after anybody yet */
	unsigned workers;
};

/* What workers are made with is c's to say. `brief`: there is one split at the most. */
void force_init(struct force *f, const struct conf *c, bool brief);

/* Begin to look after the servers of these: names are resolved, checks made, by a thread that has the rights of
 * the one that calls. Waits a moment for what names stand for. With `all`, each name has to stand for
 * something: -EDESTADDRREQ. 0, or -errno with a sentence in problem. */
int force_care(struct force *f, const struct rules *rules, bool all, char *problem, size_t size);

/* The rules of c, held for the caller; what they share with `previous` (NULL: nothing) goes on. 0, or -errno
 * with a sentence in problem; *bound: it is not for want of an address. */
int force_make(struct force *f, const struct conf *c, struct rules *previous, struct rules **out,
	       char *problem, size_t size, bool *bound);

/* After force_make, when the workers have the rules. 0 or -errno: not all of its splits have begun. */
int force_begin(struct force *f);

/* Only these are in force (NULL: none any more). */
void force_settle(struct force *f, const struct rules *rules);

void force_close(struct force *f);

#endif
