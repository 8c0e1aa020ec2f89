/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/block.h"

#define BURST 64

static void has_room_and_is_counted(void **state)
{
	const size_t sizes[] = { 1,
				 100,
				 BLOCK_UNIT / 4,
				 BLOCK_UNIT / 4 + 1,
				 BLOCK_UNIT,
				 BLOCK_UNIT + 1,
				 5 * BLOCK_UNIT };
	struct block_pool pool;

	block_pool_init(&pool, 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct block *b = block_take(&pool, sizes[i]);

		assert_non_null(b);
		assert_true(b->size >= sizes[i]);
		assert_int_equal(b->refs, 1);
		memset(b->bytes, 0xa5, b->size);
		assert_ptr_equal(block_ref(b), b);
		assert_int_equal(b->refs, 2);
		block_put(&pool, b);
		assert_int_equal(b->bytes[sizes[i] - 1], 0xa5); /* it is still ours */
		block_put(&pool, b);
	}
	block_put(&pool, NULL);
	block_pool_free(&pool);
	(void)state;
}

/* The one that was given back last is the one that is warm. */
static void last_in_first_out(void **state)
{
	struct block_pool pool;

	block_pool_init(&pool, 0);
	struct block *a = block_take(&pool, BLOCK_UNIT), *b = block_take(&pool, BLOCK_UNIT);

	assert_ptr_not_equal(a, b);
	block_put(&pool, a);
	block_put(&pool, b);
	assert_ptr_equal(block_take(&pool, BLOCK_UNIT / 2), b);
	assert_ptr_equal(block_take(&pool, BLOCK_UNIT), a);
	block_put(&pool, a);
	block_put(&pool, b);
	block_pool_free(&pool);
	(void)state;
}

/* A burst is not kept: 4 MB are, and of larger units one. */
static void keeps_little(void **state)
{
	const size_t units[] = { 0, BLOCK_UNIT, 4 * BLOCK_UNIT, 64 * BLOCK_UNIT };

	for (size_t u = 0; u < 4; u++) {
		struct block *b[BURST];
		struct block_pool pool;

		block_pool_init(&pool, units[u]);
		for (unsigned i = 0; i < BURST; i++)
			b[i] = block_take(&pool, pool.unit);
		for (unsigned i = 0; i < BURST; i++)
			block_put(&pool, b[i]);
		assert_true(pool.kept == 1 || pool.kept * pool.unit <= 16 * BLOCK_UNIT);
		assert_true(pool.kept > 0);
		block_pool_free(&pool);
		assert_int_equal(pool.kept, 0);
		assert_null(pool.idle);
	}
	(void)state;
}

/* Sizes that cannot be, and would wrap round to small ones. */
static void too_large(void **state)
{
	struct block_pool pool;

	block_pool_init(&pool, 0);
	for (size_t less = 0; less < 64; less++)
		assert_null(block_take(&pool, SIZE_MAX - less));
	block_pool_free(&pool);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_room_and_is_counted),
		cmocka_unit_test(last_in_first_out),
		cmocka_unit_test(keeps_little),
		cmocka_unit_test(too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
