/* SPDX-License-Identifier: BSD-2-Clause */
/* block.h — counted memory for bytes that must have an address
 *
 * Blocks of one common size are kept in a pool, last in first out, so that the one taken next is
 * still warm in the cache; others are made to measure and freed. The common size is BLOCK_UNIT, or
 * the unit of a context that copies in larger ones. Bytes of a block that nobody
 * holds are poisoned under AddressSanitizer.
 */
#ifndef ENGINE_BLOCK_H
#define ENGINE_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#define BLOCK_UNIT ((size_t)256 * 1024)

struct block {
	uint32_t refs;
	size_t size;
	struct block *next;
	unsigned char bytes[];
};

struct block_pool {
	struct block *idle;
	unsigned kept;
	size_t unit; /* the common size, at least BLOCK_UNIT */
};

void block_pool_init(struct block_pool *pool, size_t unit);

/* A block of at least `size` bytes with one reference, or NULL. Its bytes may be used. */
struct block *block_take(struct block_pool *pool, size_t size);
struct block *block_ref(struct block *b);
/* Let go of one reference; the last one gives the block back. */
void block_put(struct block_pool *pool, struct block *b);
void block_pool_free(struct block_pool *pool);

#endif
