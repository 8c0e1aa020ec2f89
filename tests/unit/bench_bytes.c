/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/bench_bytes.h"

#define SIZE ((size_t)3 << 20) /* the buffer's region comes round three times */

static struct bench_bytes bytes;

static int make(void **state)
{
	(void)state;
	return bench_bytes_make(&bytes);
}

static int unmake(void **state)
{
	(void)state;
	bench_bytes_free(&bytes);
	bench_bytes_free(&bytes); /* the second time there is nothing to do */
	return 0;
}

/* The first `size` bytes that a connection sends. */
static uint8_t *stream(enum bench_region region, uint32_t number, size_t size)
{
	struct bench_place p = bench_bytes_begin(region, number);
	uint8_t *all = test_malloc(size);

	for (size_t done = 0, n, offset; done < size; done += n) {
		n = bench_bytes_next(&p, size - done, &offset);
		assert_true(n > 0);
		memcpy(all + done, bytes.map + offset, n);
		bench_bytes_pass(&p, n);
	}
	return all;
}

/* How many bytes are right, if they come in parts of `part`. */
static size_t right(const uint8_t *all, size_t size, size_t part)
{
	struct bench_place p = { 0 };
	size_t done = 0, n, good;

	for (; done < size; done += n) {
		n = size - done < part ? size - done : part;
		good = bench_bytes_check(&bytes, &p, all + done, n);
		if (good < n)
			return done + good;
	}
	return done;
}

static void a_stream_is_recognised(void **state)
{
	static const size_t parts[] = { 1, 3, 8, 4095, 65537, SIZE };

	(void)state;
	for (uint32_t number = 0; number < 9000; number += 1777)
		for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
			for (int r = BENCH_FILE; r <= BENCH_BUFFER; r++) {
				size_t size = parts[i] < 8 ? 5000 : SIZE;
				uint8_t *all = stream((enum bench_region)r, number, size);

				assert_int_equal(right(all, size, parts[i]), size);
				test_free(all);
			}
}

/* From wherever one begins, the whole file comes round. */
static void a_file_comes_round(void **state)
{
	size_t size = (size_t)70 << 20;
	uint8_t *all = stream(BENCH_FILE, 123, size);

	(void)state;
	assert_int_equal(right(all, size, (size_t)256 << 10), size);
	assert_memory_equal(all, all + ((size_t)32 << 20), 4096);
	test_free(all);
}

static void one_bit_is_noticed_where_it_is(void **state)
{
	static const size_t places[] = { 8, 9, 4096, (1 << 20) - 1, 1 << 20, SIZE - 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		uint8_t *all = stream(BENCH_BUFFER, 5, SIZE);

		all[places[i]] ^= 0x10;
		assert_int_equal(right(all, SIZE, 10000), places[i]);
		test_free(all);
	}
}

/* The first word says where everything belongs: if it is wrong, so is the stream. */
static void the_first_word_cannot_be_wrong(void **state)
{
	(void)state;
	for (size_t bit = 0; bit < 64; bit++) {
		uint8_t *all = stream(BENCH_FILE, 7, 100000);

		all[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_true(right(all, 100000, 100000) < 16);
		test_free(all);
	}
}

static void lost_and_doubled_bytes_are_noticed(void **state)
{
	uint8_t *all = stream(BENCH_FILE, 1, SIZE);

	(void)state;
	memmove(all + 50000, all + 50001, SIZE - 50001);
	assert_int_equal(right(all, SIZE - 1, 4096), 50000);
	test_free(all);
	all = stream(BENCH_FILE, 1, SIZE);
	memmove(all + 8192, all + 4096, SIZE - 8192);
	assert_in_range(right(all, SIZE, 4096), 8192, 8192 + 8);
	test_free(all);
}

static void all_streams_begin_alike(void **state)
{
	(void)state;
	for (uint32_t number = 0; number < 20000; number++)
		for (int region = BENCH_FILE; region <= BENCH_BUFFER; region++) {
			struct bench_place p = bench_bytes_begin((enum bench_region)region, number);
			size_t offset;

			bench_bytes_next(&p, 1, &offset);
			assert_true(bench_bytes_begins(bytes.map[offset]));
		}
	assert_false(bench_bytes_begins(0));
}

static void streams_differ(void **state)
{
	uint8_t *one = stream(BENCH_FILE, 1, 4096), *two = stream(BENCH_FILE, 2, 4096);
	uint8_t *buffer = stream(BENCH_BUFFER, 1, 4096);

	(void)state;
	assert_memory_not_equal(one, two, 8);
	assert_memory_not_equal(one, buffer, 8);
	test_free(one);
	test_free(two);
	test_free(buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_is_recognised),
		cmocka_unit_test(a_file_comes_round),
		cmocka_unit_test(one_bit_is_noticed_where_it_is),
		cmocka_unit_test(the_first_word_cannot_be_wrong),
		cmocka_unit_test(lost_and_doubled_bytes_are_noticed),
		cmocka_unit_test(all_streams_begin_alike),
		cmocka_unit_test(streams_differ),
	};

	return cmocka_run_group_tests(tests, make, unmake);
}
