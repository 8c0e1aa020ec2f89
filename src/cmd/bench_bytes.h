/* SPDX-License-Identifier: BSD-2-Clause */
/* bench_bytes.h — what a source sends: bytes that tell where they belong
 *
 *     ┌─ BUFFER 1M ─┬──────────── FILE 32M ───────────┐   one memfd; its n-th word is (n + 1) * ODD
 *     └─────────────┴─────────────────────────────────┘
 *       write(2)      sendfile(2)
 *
 * A stream begins somewhere in one of the two regions, goes on to that region's end and then from its
 * beginning again. Multiplying by an odd number can be undone: the first word of a stream tells where
 * it began and so what every later byte must be. Nothing has to be agreed upon beforehand, streams
 * differ from one another, and checking them is one memcmp.
 *
 * The file is larger than a processor's own cache, as files are: who copies its pages shall pay what
 * that costs. The buffer of who writes is warm, as buffers are.
 */
#ifndef CMD_BENCH_BYTES_H
#define CMD_BENCH_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bench_region { BENCH_FILE, BENCH_BUFFER };

struct bench_bytes {
	int memfd;
	const uint8_t *map;
};

/* Where in the bytes a stream is. */
struct bench_place {
	size_t from, size, at; /* the region; what comes next, told from its beginning */
	uint8_t head[8];       /* of a stream that is checked: its first word */
	unsigned heads;        /* how much of it has come */
};

/* 0, or -errno. */
int bench_bytes_make(struct bench_bytes *b);
void bench_bytes_free(struct bench_bytes *b);

/* Where the stream of connection `number` begins. */
struct bench_place bench_bytes_begin(enum bench_region region, uint32_t number);

/* Is this how a stream begins, wherever that is? What the other tools send begins with a zero. */
bool bench_bytes_begins(uint8_t first);

/* How many of the next `want` bytes lie in one piece, from b->map + *offset. */
size_t bench_bytes_next(const struct bench_place *p, size_t want, size_t *offset);
void bench_bytes_pass(struct bench_place *p, size_t n);

/* Are these the next n bytes of the stream, whose place began as { 0 }? How many are, before the
 * first that is not: n if all are. A stream shorter than 8 bytes is taken for right. */
size_t bench_bytes_check(const struct bench_bytes *b, struct bench_place *p, const uint8_t *bytes,
			 size_t n);

#endif
