/* SPDX-License-Identifier: BSD-2-Clause */
/* pipe.h — pipes kept ready
 *
 * A pipe holds references to pages; its room is counted in slots, one for each fragment, whatever
 * its size. Pipes are borrowed for as long as they hold bytes and given back empty, so a relay
 * needs as many pipes as it has blocked directions, and not as many as it has connections.
 *
 * Ordinary users have a quota: above fs.pipe-user-pages-soft a new pipe has two slots and may not
 * grow. Such a pipe is as good as none: pipe_take refuses it, and the caller copies instead.
 */
#ifndef ENGINE_PIPE_H
#define ENGINE_PIPE_H

#include <stddef.h>
#include <stdint.h>

enum { PIPE_KEEP = 16 };

struct pipe {
	int rd, wr;
	size_t room; /* bytes, when every slot is a whole page */
};

struct pipe_pool {
	struct pipe idle[PIPE_KEEP];
	unsigned kept;
	unsigned out;        /* borrowed now */
	size_t want;         /* size asked for; falls to what the limits allow */
	uint64_t refused_at; /* a refusal is not asked again in the same millisecond */
};

#define PIPE_LEAST  ((size_t)64 * 1024) /* smaller ones are not worth their calls */
#define PIPE_MIDDLE ((size_t)256 * 1024)

void pipe_pool_init(struct pipe_pool *pool, size_t want);
/* An empty pipe. -EMFILE, -ENFILE, -ENOMEM; -EPERM: only shrunk ones are to be had. */
int pipe_take(struct pipe_pool *pool, struct pipe *p);
/* Give back, with `left` bytes still in it; one that is not empty is destroyed, never pooled. */
void pipe_give(struct pipe_pool *pool, struct pipe *p, size_t left);
void pipe_pool_free(struct pipe_pool *pool);

#endif
