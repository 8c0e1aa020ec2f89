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
		const struct conf *conf;    /* which it belongs to; held */
	} * item;
	size_t count;
};

/* Zeroed to begin with. Those of c->listener, in its order, into out[0..c->listeners). 0; or -errno with a
 * sentence in problem, and nothing has changed. */
int listeners_take(struct listeners *ls, const struct conf *c, unsigned workers,
		   struct listener **out, char *problem, size_t size);

/* Those that c names and that listen are c's from now on. */
void listeners_claim(struct listeners *ls, const struct conf *c);

/* Close all but those of c (NULL: all). */
void listeners_keep(struct listeners *ls, const struct conf *c);

#endif
