/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/block.h"

#include <stdlib.h>

#include "base/poison.h"
#include "base/sys.h"

enum { KEEP = 16 }; /* 4 MB: what a burst of arrivals takes; an idle context keeps no more */

struct block *block_take(struct block_pool *pool, size_t size)
{
	struct block *b = pool->idle;

	if (size <= BLOCK_UNIT && size > BLOCK_UNIT / 4 && b) {
		pool->idle = b->next;
		pool->kept--;
		unpoison(b->bytes, b->size);
	} else {
		if (size <= BLOCK_UNIT && size > BLOCK_UNIT / 4)
			size = BLOCK_UNIT;
		b = sys_alloc(sizeof(*b) + size);
		if (!b)
			return NULL;
		b->size = size;
	}
	b->refs = 1;
	b->next = NULL;
	return b;
}

struct block *block_ref(struct block *b)
{
	b->refs++;
	return b;
}

void block_put(struct block_pool *pool, struct block *b)
{
	if (!b || --b->refs > 0)
		return;
	if (b->size == BLOCK_UNIT && pool->kept < KEEP) {
		poison(b->bytes, b->size);
		b->next = pool->idle;
		pool->idle = b;
		pool->kept++;
		return;
	}
	free(b);
}

void block_pool_free(struct block_pool *pool)
{
	struct block *b;

	while ((b = pool->idle)) {
		pool->idle = b->next;
		unpoison(b->bytes, b->size);
		free(b);
	}
	pool->kept = 0;
}
