/* SPDX-License-Identifier: BSD-2-Clause */
/* balance.h — one of several, by share; see doc/balance.md
 *
 * Pure arithmetic over the seats of a table: whoever owns it says which may be chosen, and lets no two in
 * at once.
 */
#ifndef DAEMON_BALANCE_H
#define DAEMON_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/conf.h"
#include "daemon/server.h"

struct balance_seat {
	struct server *server;
	uint32_t weight;  /* at least 1 */
	bool may;         /* it may be chosen this time */
	int64_t standing; /* how much it is owed, of round robin */
};

/* Which of the seats that may be chosen; `count`: there is none. `client` matters to CONF_SOURCE_HASH only;
 * one without an address (a Unix socket) gets its turn instead. *random is a state that
 * any seed begins. */
size_t balance_choose(enum conf_balance how, struct balance_seat *seat, size_t count,
		      const struct addr *client, uint64_t *random);

#endif
