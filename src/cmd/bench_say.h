/* SPDX-License-Identifier: BSD-2-Clause */
/* bench_say.h — what a load tool says first on each connection: a request, for servers that want one; and stamps in
 * a stream, from which who reads it learns how long it was under way */
#ifndef CMD_BENCH_SAY_H
#define CMD_BENCH_SAY_H

#include <stdint.h>
#include <sys/types.h>

#include "cmd/bench_hist.h"

#define BENCH_SAY_MOST  4096
#define BENCH_SAY_STAMP 16 /* bytes of one */

struct bench_say {
	size_t length;
	char bytes[BENCH_SAY_MOST];
};

/* What the file holds. 0, -EFBIG, or -errno. */
int bench_say_read(struct bench_say *s, const char *path);

/* All at once on a new connection, whose buffer is empty. 0, or -errno. */
int bench_say(const struct bench_say *s, int fd);

/* A stamp of now, and more follows. BENCH_SAY_STAMP, or -errno. */
ssize_t bench_say_stamp(int fd, uint64_t now_ns);

/* Add how old the stamps in these bytes are. One that lies across two readings is not counted. */
void bench_say_find(const uint8_t *bytes, size_t n, uint64_t now_ns, struct bench_hist *ages);

#endif
