/* SPDX-License-Identifier: BSD-2-Clause */
/* limits.h — how many connections there is room for */
#ifndef DAEMON_LIMITS_H
#define DAEMON_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many connections `descriptors` carry: two each, beside what workers and pipes need. */
uint64_t limits_connections(uint64_t descriptors, unsigned workers, size_t listens);

/* The same for this process, whose soft limit of descriptors is raised to the hard one. `wanted` is what
 * was asked for (0: as many as there can be); if that is too much, it is said in the log. With `admin` there are
 * some kept for the admin endpoint. */
uint64_t limits_allowed(uint64_t wanted, unsigned workers, size_t listens, bool admin);

/* How many clients the admin endpoint may have at once. */
unsigned limits_admin(void);

#endif
