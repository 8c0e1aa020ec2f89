/* SPDX-License-Identifier: BSD-2-Clause */
/* listeners.h — the sockets that listen, over all configurations
 *
 * A configuration takes the listeners it names: those that listen already stay as they are, with whoever
 * waits in their backlog; the others are made. Once no worker uses it any more, what the configuration in
 * force does not name is closed. All of it in one thread.
 */
#ifndef DAEMON_LISTENERS_H
#define DAEMON_LISTENERS_H

#include "daemon/conf.h"
#include "daemon/listen.h"

struct listeners {
	struct listeners_item {
		struct listener *listener;
		struct conf_address wanted; /* as it was asked for */
		const char *key;            /* that asked for it */
		bool single;
		const struct conf *conf; /* which it belongs to; held */
	} * item;
	size_t count;
};

/* Zeroed to begin with. Those of c->bind, in its order, into out[0..c->binds), which has those that are had already,
 * and NULL for all others. 0; or -errno with a sentence in problem, and no socket has changed. */
int listeners_take(struct listeners *ls, const struct conf *c, unsigned workers,
		   struct listener **out, char *problem, size_t size);

/* Those that are held for c, as listeners_take had given them, are c's again. */
void listeners_claim(struct listeners *ls, const struct conf *c, struct listener *const *held);

/* Close all but those of c (NULL: all). */
void listeners_keep(struct listeners *ls, const struct conf *c);

#endif
