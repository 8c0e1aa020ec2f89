/* SPDX-License-Identifier: BSD-2-Clause */
/* srv.c — answers of name servers to a question for an SRV name: good ones, torn ones, and what leads nowhere */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "look/srv.h"

enum { MOST = 8, SRV = 33, CNAME = 5, A = 1 };

static uint8_t message[4096];
static size_t length;

static void put(const void *bytes, size_t n)
{
	memcpy(message + length, bytes, n);
	length += n;
}

static void number(unsigned n)
{
	put((uint8_t[]){ (uint8_t)(n >> 8), (uint8_t)n }, 2);
}

/* "a.b" as labels. */
static void name(const char *text)
{
	while (*text) {
		size_t n = strcspn(text, ".");

		put(&(uint8_t){ (uint8_t)n }, 1);
		put(text, n);
		text += n + (text[n] == '.');
	}
	put("", 1);
}

/* Header and question for _x._tcp.t, with that many answers to follow. */
static void begin(unsigned answers)
{
	length = 0;
	number(7);
	number(0x8180);
	number(1);
	number(answers);
	number(0);
	number(0);
	name("_x._tcp.t");
	number(SRV);
	number(1);
}

/* Up to the data, whose length is filled in by `end`. */
static size_t record(unsigned type, unsigned class, uint32_t ttl)
{
	number(0xc00c); /* the name in the question */
	number(type);
	number(class);
	number(ttl >> 16);
	number(ttl & 0xffff);
	number(0);
	return length;
}

static void end(size_t data)
{
	message[data - 2] = (uint8_t)((length - data) >> 8);
	message[data - 1] = (uint8_t)(length - data);
}

static void srv(unsigned priority, unsigned weight, unsigned port, const char *target, uint32_t ttl)
{
	size_t data = record(SRV, 1, ttl);

	number(priority);
	number(weight);
	number(port);
	name(target);
	end(data);
}

/* Against a page that must not be touched. */
static int read_it(size_t n, struct srv_record out[MOST], uint32_t *ttl)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *wall =
		mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int r;

	assert_true(wall != MAP_FAILED && n <= 2 * page);
	assert_int_equal(mprotect(wall + 2 * page, page, PROT_NONE), 0);
	memcpy(wall + 2 * page - n, message, n);
	r = srv_read(wall + 2 * page - n, n, out, MOST, ttl);
	munmap(wall, 3 * page);
	return r;
}

static void records_are_read(void **state)
{
	struct srv_record out[MOST];
	uint32_t ttl;

	(void)state;
	begin(3);
	srv(10, 60, 8080, "a.b.t", 300);
	srv(20, 0, 65535, "c", 30);
	end(record(A, 1, 90)); /* whatever else there is */
	assert_int_equal(read_it(length, out, &ttl), 2);
	assert_int_equal(ttl, 30);
	assert_int_equal(out[0].priority, 10);
	assert_int_equal(out[0].weight, 60);
	assert_int_equal(out[0].port, 8080);
	assert_string_equal(out[0].target, "a.b.t");
	assert_int_equal(out[1].port, 65535);
	assert_string_equal(out[1].target, "c");
}

static void what_leads_nowhere_is_left_out(void **state)
{
	struct srv_record out[MOST];
	uint32_t ttl;

	(void)state;
	begin(5);
	srv(0, 0, 80, "", 60);
	srv(0, 0, 0, "a.t", 60);
	srv(0, 0, 80, "a b.t", 60);
	srv(0, 0, 80, "a/b", 60);
	srv(0, 0, 80, "good.t", 60);
	assert_int_equal(read_it(length, out, &ttl), 1);
	assert_string_equal(out[0].target, "good.t");
	begin(0);
	assert_int_equal(read_it(length, out, &ttl), 0);
}

static void the_shortest_life_counts(void **state)
{
	struct srv_record out[MOST];
	uint32_t ttl;
	size_t data;

	(void)state;
	begin(3);
	data = record(CNAME, 1, 5);
	name("elsewhere.t");
	end(data);
	srv(0, 0, 80, "a.t", 60);
	data = record(SRV, 3, 1); /* of another class: none of ours */
	end(data);
	assert_int_equal(read_it(length, out, &ttl), 1);
	assert_int_equal(ttl, 5);
	begin(2);
	srv(0, 0, 80, "a.t", 60);
	srv(0, 0, 80, "b.t", 0x80000000);
	assert_int_equal(read_it(length, out, &ttl), 2);
	assert_int_equal(ttl, 0);
}

static void no_more_than_there_is_room_for(void **state)
{
	struct srv_record out[MOST];
	uint32_t ttl;

	(void)state;
	begin(20);
	for (unsigned i = 0; i < 20; i++)
		srv(0, 0, 80 + i, "a.t", 60);
	assert_int_equal(read_it(length, out, &ttl), MOST);
	assert_int_equal(out[MOST - 1].port, 80 + MOST - 1);
}

static void torn_ones_are_refused(void **state)
{
	struct srv_record out[MOST];
	uint32_t ttl;
	size_t data;

	(void)state;
	begin(2);
	srv(10, 60, 8080, "a.b.t", 300);
	srv(20, 0, 65535, "c", 30);
	for (size_t n = 0; n < length; n++)
		assert_int_equal(read_it(n, out, &ttl), -EBADMSG);
	begin(1);
	data = record(SRV, 1, 60); /* data that ends before a name */
	number(0);
	number(0);
	number(80);
	end(data);
	assert_int_equal(read_it(length, out, &ttl), -EBADMSG);
	begin(1);
	data = record(SRV, 1, 60); /* a name that goes beyond its data */
	number(0);
	number(0);
	number(80);
	name("a.t");
	end(data);
	message[data - 1]--;
	put("abc", 3);
	assert_int_equal(read_it(length, out, &ttl), -EBADMSG);
	begin(1);
	data = record(SRV, 1, 60); /* a name that points to itself */
	number(0);
	number(0);
	number(80);
	number(0xc000 | (unsigned)length);
	end(data);
	assert_int_equal(read_it(length, out, &ttl), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_read),
		cmocka_unit_test(what_leads_nowhere_is_left_out),
		cmocka_unit_test(the_shortest_life_counts),
		cmocka_unit_test(no_more_than_there_is_room_for),
		cmocka_unit_test(torn_ones_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
