/* SPDX-License-Identifier: BSD-2-Clause */
/* limits.h — how many connections there is room for */
#ifndef DAEMON_LIMITS_H
#define DAEMON_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many connections `descriptors` carry: two each, beside what workers and pipes need. */
uint64_t limits_connections(uint64_t descriptors, unsigned workers, size_t listens);

/* How many descriptors this process may have, whose soft limit is raised to the hard one; with `admin` without
 * those that are kept for the admin endpoint. */
uint64_t limits_descriptors(bool admin);

/* How many connections there may be at once. `wanted` is what was asked for (0: as many as there can be); if that is
 * too much for these descriptors, it is said in the log. */
uint64_t limits_allowed(uint64_t wanted, unsigned workers, size_t listens,
			uint64_t descriptors_left);

/* How many clients the admin endpoint may have at once. */
unsigned limits_admin(void);

#endif
