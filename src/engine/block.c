/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/block.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/poison.h"
#include "base/sys.h"

#define KEEP ((size_t)4 << 20) /* what a burst of arrivals takes; an idle context keeps no more */

void block_pool_init(struct block_pool *pool, size_t unit)
{
	*pool = (struct block_pool){ .unit = unit < BLOCK_UNIT ? BLOCK_UNIT : unit };
}

/* Of units too large for that, one. */
static bool has_room(const struct block_pool *pool)
{
	return pool->kept == 0 || (pool->kept + 1) * pool->unit <= KEEP;
}

static bool is_common(const struct block_pool *pool, size_t size)
{
	return size <= pool->unit && size > BLOCK_UNIT / 4;
}

struct block *block_take(struct block_pool *pool, size_t size)
{
	struct block *b = pool->idle;

	if (is_common(pool, size) && b) {
		pool->idle = b->next;
		pool->kept--;
		unpoison(b->bytes, b->size);
	} else {
		if (is_common(pool, size))
			size = pool->unit;
		if (size >
		    PTRDIFF_MAX - sizeof(*b)) /* no memory is so large, and the sum might wrap */
			return NULL;
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
	if (b->size == pool->unit && has_room(pool)) {
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
