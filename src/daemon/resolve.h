/* SPDX-License-Identifier: BSD-2-Clause */
/* resolve.h — what one name stands for: all its addresses, asked for once
 *
 * A host name is looked up in /etc/hosts, and if it is not there, A and AAAA are asked for apart: one may
 * be answered and the other lost. Of an SRV name all targets are looked up so.
 */
#ifndef DAEMON_RESOLVE_H
#define DAEMON_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/dns.h"
#include "daemon/seats.h"

struct resolve;

/* What came out of it. */
struct resolved {
	const struct seats_address
		*addr; /* each once, in an order of their own; port 0 for a host name */
	size_t count;
	uint64_t ttl_ms; /* how long that may be believed */
	bool lost[2];    /* IPv4, IPv6: what could not be asked for; there may be more of them */
	const char *
		problem; /* why something was lost, or there is nothing; else NULL. A text that stays */
};

/* NULL: no memory. The answer may be there at once. `name` must stay. */
struct resolve *resolve_begin(struct dns *d, const char *name, bool srv);

/* NULL: not yet. It goes with r. */
const struct resolved *resolve_answer(const struct resolve *r);

/* When it was answered, or after dns_close. NULL is fine. */
void resolve_end(struct resolve *r);

/* The order of addresses in an answer: their places and, in an SRV name's, their priorities. */
int resolve_order(const struct seats_address *a, const struct seats_address *b);

#endif
