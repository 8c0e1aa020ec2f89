/* SPDX-License-Identifier: BSD-2-Clause */
/* run.h — a run of bytes on its way, wherever it lies: in a block of memory, or in a pipe
 *
 * What a run gives goes out from its front, so a run is also the residue that stays when a socket
 * takes only a part. A run in a pipe has no address; it can be looked at only by folding it into
 * memory, which is a copy and is counted as one.
 *
 *        socket ──take──▶ [ run ] ──run_give──▶ socket
 *                            └────run_share───▶ [ another run with the same bytes ]
 */
#ifndef ENGINE_RUN_H
#define ENGINE_RUN_H

#include <stdbool.h>
#include <sys/types.h>

#include "engine/block.h"
#include "engine/pipe.h"
#include "shunt.h"

enum where { RUN_NOWHERE, RUN_BLOCK, RUN_PIPE };

struct run {
	enum where where;
	size_t length;
	union {
		struct {
			struct block *block;
			size_t at; /* where in the block the run begins */
		};
		struct pipe pipe;
	};
};

/* Bytes up to which copying costs less than a pipe. */
#define COPY_BELOW ((size_t)8 * 1024)

/* What one context lends to everything that moves bytes for it. */
struct kit {
	struct pipe_pool pipes;
	struct block_pool blocks;
	size_t receive_limit; /* bytes of a socket's receive buffer; 0: left to the kernel */
	size_t unit;          /* bytes to move at a time */
	size_t copy_below;    /* splice: less is copied */
	int null;             /* /dev/null, where a pipe's prefix goes; -1 until it is needed */
	uint64_t moved[SHUNT_ENGINES];
	uint64_t taken;
	uint64_t viewed;
	uint32_t pipe_refused, splice_refused, urgent;
};

void kit_init(struct kit *k, size_t unit, size_t block_size);
void kit_free(struct kit *k);

/* Does this error of splice(2) say that it will never do for these two, or not here? Then copy. */
bool run_splice_refused(ssize_t error);

/* Send from the front of `r` to fd as much as it takes. Returns bytes sent (> 0), 0 when r is empty,
 * -EAGAIN when the socket is full, or the socket's error. moved[] is counted by the way they went.
 * `more`: other bytes follow at once. */
ssize_t run_give(struct kit *k, struct run *r, int fd, uint64_t moved[SHUNT_ENGINES], bool more);

/* Let `to`, which is empty, have the bytes [off, off + len) of `from` as well. Nothing is copied, but
 * where a pipe is not to be had `from` is folded into memory first. 0, -ENOMEM, or the error that
 * reading a pipe gave; then `from` is as it was, or empty if it could not be saved. */
int run_share(struct kit *k, struct run *from, size_t off, size_t len, struct run *to);

/* The first n bytes of a run, copied to memory, leave it. 0, or the error that reading a pipe gave; then
 * the run is empty. */
int run_read(struct kit *k, struct run *r, unsigned char *to, size_t n);

/* Throw away the first n bytes. 0, or -errno: then nothing has changed, or the run is empty. */
int run_discard(struct kit *k, struct run *r, size_t n);

/* Only the first `keep` bytes stay, in memory of their own, so that no page is held for them. 0, -ENOMEM
 * (nothing has changed), or the error that reading a pipe gave. */
int run_cut(struct kit *k, struct run *r, size_t keep);

/* n bytes have left from the front; an empty run owns nothing. */
void run_advance(struct kit *k, struct run *r, size_t n);

/* Bring a pipe's bytes into memory. 0, -ENOMEM (nothing has changed). */
int run_fold(struct kit *k, struct run *r);

/* A short run in a large block moves to a block of its own size, so that what waits long does not
 * pin what it does not use. Without memory for it, it stays where it is. */
void run_trim(struct kit *k, struct run *r);

/* Let go of what is in it. */
void run_drop(struct kit *k, struct run *r);

#endif
