/* SPDX-License-Identifier: BSD-2-Clause */
/* seats.h — the servers of a backend in a row, with what each is worth
 *
 * A table is made whole and never grows: a change of addresses makes another one, with the servers of the one
 * before. What balancing writes in it is its owner's to guard; all else stays as it is made.
 */
#ifndef DAEMON_SEATS_H
#define DAEMON_SEATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/balance.h"
#include "daemon/conf.h"

/* One address of a name; of a number likewise. */
struct seats_address {
	struct addr addr;
	unsigned weight, priority; /* of SRV; else 0, 0 */
};

struct seats_note {
	size_t index;              /* which of conf_backend.server made it */
	unsigned weight, priority; /* as in seats_address */
	uint32_t rank;             /* the lowest that has one to offer is asked */
	bool second; /* of ":port" on this machine: asked when the seat before it may not be */
};

struct seats {
	size_t count;
	struct balance_seat *seat;
	struct seats_note *note; /* as many */
};

/* The seats of a backend. Its numbers have their addresses; its names those that they have in `old`, but
 * for the one at `index`, which has the `given` ones (SIZE_MAX: for none). A server of `old` (NULL: none)
 * that is here too, by its text and address, is the same. NULL: no memory. */
struct seats *seats_new(const struct conf_backend *conf, struct server_home *home,
			const struct seats *old, size_t index, const struct seats_address *given,
			size_t count);
void seats_free(struct seats *t);

/* Who was in `old` is owed what he was owed there. Nobody may be choosing from either. */
void seats_inherit(struct seats *t, const struct seats *old);

/* The same servers with the same worth, in the same order? */
bool seats_same(const struct seats *a, const struct seats *b);

#endif
