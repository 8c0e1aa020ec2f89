/* SPDX-License-Identifier: BSD-2-Clause */
/* uses.h — where a name is used: the servers of backends that it stands for */
#ifndef DAEMON_USES_H
#define DAEMON_USES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/backend.h"

struct uses_one;

/* Zeroed: nowhere. */
struct uses {
	struct uses_one *one;
	size_t count;
};

/* By the index-th server of b, with that port; 0: each address has its own. 0 or -ENOMEM. */
int uses_add(struct uses *u, struct backend *b, size_t index, uint16_t port);

bool uses_has(const struct uses *u, const struct backend *b, size_t index);

/* All of them have these addresses from now on. *changed: some had others before. 0, or
 * -ENOMEM: some still have what they had. */
int uses_feed(const struct uses *u, const struct seats_address *addr, size_t count, bool *changed);

void uses_free(struct uses *u);

#endif
