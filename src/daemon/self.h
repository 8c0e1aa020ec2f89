/* SPDX-License-Identifier: BSD-2-Clause */
/* self.h — what the kernel says of this process, and how Prometheus calls it */
#ifndef DAEMON_SELF_H
#define DAEMON_SELF_H

#include <stdint.h>
#include <stdio.h>

struct self {
	uint64_t open_fds, max_fds;
	uint64_t resident, virtual; /* bytes */
	uint64_t cpu_ms;            /* user and system, all threads */
	uint64_t started_ms;        /* since 1970 */
};

/* 0, or -errno: /proc is not there, or not as it should be. */
int self_read(struct self *out);

/* The metrics whose names begin with "process_"; none where self_read fails. */
void self_print(FILE *to);

#endif
