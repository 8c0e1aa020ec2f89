/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

#define LOGFMT_HEAD "time=0000-00-00T00:00:00.000Z level=info"
#define JSON_HEAD   "{\"time\":\"0000-00-00T00:00:00.000Z\",\"level\":\"info\""

static int out[2]; /* the log goes into out[1] */
static char got[LOG_LINE + 1];

static int open_pipe(void **state)
{
	(void)state;
	return pipe2(out, O_NONBLOCK | O_CLOEXEC);
}

static int close_pipe(void **state)
{
	(void)state;
	close(out[0]);
	close(out[1]);
	log_setup(STDERR_FILENO, LOG_INFO_LEVEL, LOG_LOGFMT);
	return 0;
}

/* What was logged since the last time, its digits of the time all 0; NULL: nothing. */
static const char *line(void)
{
	ssize_t n = read(out[0], got, sizeof(got) - 1);
	char *p;

	if (n <= 0)
		return NULL;
	got[n] = '\0';
	p = strstr(got, "20");
	assert_non_null(p);
	for (int i = 0; i < 23; i++)
		if (p[i] >= '0' && p[i] <= '9')
			p[i] = '0';
	return got;
}

static const char *line_with(enum log_format format, const char *value, size_t n)
{
	struct log_line l;

	log_setup(out[1], LOG_INFO_LEVEL, format);
	log_begin(&l, LOG_INFO_LEVEL);
	log_bytes(&l, "k", value, n);
	log_end(&l);
	return line();
}

/* How a value stands in both formats. */
static void stands(const char *value, size_t n, const char *logfmt, const char *json)
{
	char want[512];

	snprintf(want, sizeof(want), LOGFMT_HEAD " k=%s\n", logfmt);
	assert_string_equal(line_with(LOG_LOGFMT, value, n), want);
	snprintf(want, sizeof(want), JSON_HEAD ",\"k\":%s}\n", json);
	assert_string_equal(line_with(LOG_JSON, value, n), want);
}
#define STANDS(value, logfmt, json) stands(value, sizeof(value) - 1, logfmt, json)

static void a_line_has_its_fields_in_order(void **state)
{
	struct log_line l;

	(void)state;
	log_setup(out[1], LOG_INFO_LEVEL, LOG_LOGFMT);
	log_begin(&l, LOG_INFO_LEVEL);
	log_number(&l, "conn", 7);
	log_text(&l, "client", "[::1]:4242");
	log_text(&l, "nothing", NULL);
	log_number(&l, "up", UINT64_MAX);
	log_format(&l, "ratio", "%d of %d", 1, 2);
	log_end(&l);
	assert_string_equal(line(), LOGFMT_HEAD " conn=7 client=[::1]:4242 up=18446744073709551615"
						" ratio=\"1 of 2\"\n");
	log_setup(out[1], LOG_INFO_LEVEL, LOG_JSON);
	log_begin(&l, LOG_INFO_LEVEL);
	log_number(&l, "conn", 7);
	log_text(&l, "client", "[::1]:4242");
	log_text(&l, "nothing", NULL);
	log_number(&l, "up", 0);
	log_end(&l);
	assert_string_equal(line(), JSON_HEAD ",\"conn\":7,\"client\":\"[::1]:4242\",\"up\":0}\n");
}

static void plain_values_stand_plain(void **state)
{
	(void)state;
	STANDS("done", "done", "\"done\"");
	STANDS("10.0.0.1:80", "10.0.0.1:80", "\"10.0.0.1:80\"");
	STANDS("unix:/run/x.sock", "unix:/run/x.sock", "\"unix:/run/x.sock\"");
	STANDS("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\"");
	STANDS("\xf0\x9f\x90\x8c", "\xf0\x9f\x90\x8c", "\"\xf0\x9f\x90\x8c\"");
}

static void what_could_be_misread_is_quoted(void **state)
{
	(void)state;
	STANDS("", "\"\"", "\"\"");
	STANDS("a b", "\"a b\"", "\"a b\"");
	STANDS("a=b", "\"a=b\"", "\"a=b\"");
	STANDS("a\"b", "\"a\\\"b\"", "\"a\\\"b\"");
	STANDS("a\\b", "\"a\\\\b\"", "\"a\\\\b\"");
}

static void no_control_byte_comes_through(void **state)
{
	(void)state;
	STANDS("a\nend=done", "\"a\\nend=done\"", "\"a\\nend=done\"");
	STANDS("\r\t", "\"\\r\\t\"", "\"\\r\\t\"");
	STANDS("a\0b", "\"a\\u0000b\"", "\"a\\u0000b\"");
	STANDS("\x1b[31m", "\"\\u001b[31m\"", "\"\\u001b[31m\"");
	STANDS("\x7f", "\"\\u007f\"", "\"\\u007f\"");
	STANDS("\xc2\x9b", "\"\\u009b\"", "\"\\u009b\"");
	for (int c = 0; c < 256; c++) {
		char value[] = { 'a', (char)c, 'b' };
		const char *text = line_with(c % 2 ? LOG_JSON : LOG_LOGFMT, value, sizeof(value));

		for (const char *p = text; *p; p++)
			assert_true(((unsigned char)*p >= 0x20 && *p != 0x7f) || p[1] == '\0');
	}
}

/* The cases of RFC 3629: cut off, alone, overlong, surrogates, beyond the last character. */
static void what_is_not_utf8_is_replaced(void **state)
{
	(void)state;
	STANDS("a\xff"
	       "b",
	       "\"a\xef\xbf\xbd"
	       "b\"",
	       "\"a\xef\xbf\xbd"
	       "b\"");
	STANDS("\x80", "\"\xef\xbf\xbd\"", "\"\xef\xbf\xbd\"");
	STANDS("\xc3", "\"\xef\xbf\xbd\"", "\"\xef\xbf\xbd\"");
	STANDS("\xc0\x8a", "\"\xef\xbf\xbd\xef\xbf\xbd\"", "\"\xef\xbf\xbd\xef\xbf\xbd\"");
	STANDS("\xe0\x80\x8a", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
	       "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	STANDS("\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
	       "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	STANDS("\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
	       "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	STANDS("\xf5", "\"\xef\xbf\xbd\"", "\"\xef\xbf\xbd\"");
	STANDS("\xe2\x80\n", "\"\xef\xbf\xbd\xef\xbf\xbd\\n\"", "\"\xef\xbf\xbd\xef\xbf\xbd\\n\"");
}

/* One line, whole, in UTF-8, and closed; whatever was cut off from it. */
static void well_formed(const char *text, bool json)
{
	size_t n = strlen(text), quotes = 0;

	assert_true(n <= LOG_LINE);
	assert_ptr_equal(strchr(text, '\n'), text + n - 1);
	if (json)
		assert_int_equal(text[n - 2], '}');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		quotes += c == '"' && text[i - 1] != '\\';
		if (c == 0xe2)
			assert_memory_equal(text + i, "\xe2\x80\xa6", 3);
		if (c == 0xc3)
			assert_int_equal((unsigned char)text[i + 1], 0xbc);
		if ((c & 0xc0) == 0x80)
			assert_true((unsigned char)text[i - 1] >= 0x80);
	}
	assert_int_equal(quotes % 2, 0);
}

/* Every length around the limit, with characters of two bytes that lie both ways over it. */
static void long_values_are_cut_visibly(void **state)
{
	static char value[2 * LOG_LINE];

	(void)state;
	value[0] = 'a';
	for (size_t i = 1; i + 1 < sizeof(value); i += 2)
		memcpy(value + i, "\xc3\xbc", 2);
	for (size_t n = LOG_LINE - 160; n < LOG_LINE + 40; n++)
		for (int json = 0; json < 2; json++) {
			const char *text =
				line_with(json ? LOG_JSON : LOG_LOGFMT, value + (n % 2 == 0), n);

			well_formed(text, json);
			if (n > LOG_LINE)
				assert_non_null(strstr(text, "\xe2\x80\xa6"));
			if (n < LOG_LINE - 120)
				assert_null(strstr(text, "\xe2\x80\xa6"));
		}
}

static void escapes_are_not_cut_in_two(void **state)
{
	static char value[LOG_LINE];

	(void)state;
	memset(value, 1, sizeof(value));
	for (size_t n = 640; n < 720; n++)
		for (int json = 0; json < 2; json++) {
			const char *text = line_with(json ? LOG_JSON : LOG_LOGFMT, value, n),
				   *p = strchr(text, '\\');

			well_formed(text, json);
			for (; *p == '\\'; p += 6)
				assert_memory_equal(p, "\\u0001", 6);
			assert_true(*p == '"' || (unsigned char)*p == 0xe2);
		}
}

static void fields_that_do_not_fit_are_left_out_visibly(void **state)
{
	for (int json = 0; json < 2; json++)
		for (size_t first = 3800; first < 4096; first++) {
			static char value[LOG_LINE];
			const char *text, *mark;
			struct log_line l;

			memset(value, 'x', sizeof(value));
			log_setup(out[1], LOG_INFO_LEVEL, json ? LOG_JSON : LOG_LOGFMT);
			log_begin(&l, LOG_INFO_LEVEL);
			log_bytes(&l, "long", value, first);
			for (int i = 0; i < 20; i++)
				log_number(&l, "number", 1234567890);
			log_text(&l, "end", "done");
			log_end(&l);
			text = line();
			well_formed(text, json);
			mark = json ? ",\"\xe2\x80\xa6\":true}\n" : " \xe2\x80\xa6\n";
			assert_string_equal(text + strlen(text) - strlen(mark), mark);
			/* A number is there as a whole or not at all. */
			for (const char *p = text; (p = strstr(p, json ? "number\":" : "number="));
			     p++)
				assert_non_null(strstr(p, "1234567890"));
		}
	(void)state;
}

static void levels_below_are_silent(void **state)
{
	struct log_line l;

	(void)state;
	log_setup(out[1], LOG_WARN_LEVEL, LOG_LOGFMT);
	assert_true(log_wants(LOG_ERROR_LEVEL));
	assert_true(log_wants(LOG_WARN_LEVEL));
	assert_false(log_wants(LOG_INFO_LEVEL));
	log_begin(&l, LOG_INFO_LEVEL);
	log_text(&l, "k", "v");
	log_number(&l, "n", 1);
	log_format(&l, "f", "%d", 1);
	log_end(&l);
	log_say(LOG_DEBUG_LEVEL, "nothing");
	assert_null(line());
	log_say(LOG_ERROR_LEVEL, "cannot listen on %s", ":80");
	assert_string_equal(line(), "time=0000-00-00T00:00:00.000Z level=error "
				    "msg=\"cannot listen on :80\"\n");
	log_say(LOG_WARN_LEVEL, "careful");
	assert_string_equal(line(), "time=0000-00-00T00:00:00.000Z level=warn msg=careful\n");
	log_setup(out[1], LOG_DEBUG_LEVEL, LOG_LOGFMT);
	log_say(LOG_DEBUG_LEVEL, "seen");
	assert_string_equal(line(), "time=0000-00-00T00:00:00.000Z level=debug msg=seen\n");
}

static void a_long_message_is_cut_visibly(void **state)
{
	static char text[2 * LOG_LINE];
	const char *got_line;

	(void)state;
	memset(text, 'm', sizeof(text) - 1);
	log_setup(out[1], LOG_INFO_LEVEL, LOG_JSON);
	log_say(LOG_INFO_LEVEL, "%s", text);
	got_line = line();
	well_formed(got_line, true);
	assert_non_null(strstr(got_line, "mmm\xe2\x80\xa6\"}\n"));
}

/* A line that ends twice is not written twice. */
static void the_end_is_the_end(void **state)
{
	struct log_line l;

	(void)state;
	log_setup(out[1], LOG_INFO_LEVEL, LOG_LOGFMT);
	log_begin(&l, LOG_INFO_LEVEL);
	log_end(&l);
	log_text(&l, "k", "v");
	log_end(&l);
	assert_string_equal(line(), LOGFMT_HEAD "\n");
	assert_null(line());
}

/* A reader that does not read loses lines, but holds nobody up, and never gets half a line. */
static void a_full_pipe_loses_whole_lines(void **state)
{
	static char value[3000];
	int whole = 0;

	(void)state;
	memset(value, 'x', sizeof(value));
	log_setup(out[1], LOG_INFO_LEVEL, LOG_LOGFMT);
	for (int i = 0; i < 200; i++)
		log_say(LOG_INFO_LEVEL, "%.*s", (int)sizeof(value), value);
	for (;;) {
		char c;
		size_t n = 0;

		while (read(out[0], &c, 1) == 1 && c != '\n')
			n++;
		if (n == 0)
			break;
		assert_int_equal(n, sizeof(LOGFMT_HEAD " msg=") - 1 + sizeof(value));
		whole++;
	}
	assert_in_range(whole, 10, 100);
}

#define THREADS 4
#define LINES   500

static void *chatter(void *value)
{
	for (int i = 0; i < LINES; i++) {
		struct log_line l;

		log_begin(&l, LOG_INFO_LEVEL);
		log_text(&l, "a", value);
		log_text(&l, "b", value);
		log_end(&l);
	}
	return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
	static char values[THREADS][1500];
	int counts[THREADS] = { 0 }, total = 0;
	pthread_t threads[THREADS];
	char text[LOG_LINE], *a, *b;
	FILE *f;

	(void)state;
	assert_int_equal(fcntl(out[0], F_SETFL, 0), 0);
	assert_int_equal(fcntl(out[1], F_SETFL, 0), 0);
	f = fdopen(dup(out[0]), "r");
	assert_non_null(f);
	log_setup(out[1], LOG_INFO_LEVEL, LOG_LOGFMT);
	for (int i = 0; i < THREADS; i++) {
		memset(values[i], 'A' + i, sizeof(values[i]) - 1);
		assert_int_equal(pthread_create(&threads[i], NULL, chatter, values[i]), 0);
	}
	for (; total < THREADS * LINES && fgets(text, sizeof(text), f); total++) {
		int who;

		a = strstr(text, " a=");
		b = strstr(text, " b=");
		assert_true(a && b);
		who = a[3] - 'A';
		assert_in_range(who, 0, THREADS - 1);
		assert_memory_equal(a + 3, values[who], sizeof(values[who]) - 1);
		assert_memory_equal(b + 3, values[who], sizeof(values[who]) - 1);
		assert_int_equal(b[3 + sizeof(values[who]) - 1], '\n');
		counts[who]++;
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(counts[i], LINES);
	}
	fclose(f);
}

static void a_flood_is_held_back_and_counted(void **state)
{
	struct log_limit limit = LOG_LIMIT(3, 1000);
	uint64_t held = 99;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(log_may(&limit, 5000, &held));
		assert_int_equal(held, 0);
	}
	for (int i = 0; i < 42; i++)
		assert_false(log_may(&limit, 5999, &held));
	assert_true(log_may(&limit, 6000, &held));
	assert_int_equal(held, 42);
	assert_true(log_may(&limit, 6000, &held));
	assert_int_equal(held, 0);
	assert_true(log_may(&limit, 6001, &held));
	assert_false(log_may(&limit, 6002, &held));
	assert_true(log_may(&limit, 100000, &held));
	assert_int_equal(held, 1);
}

/* The first lines come through whenever the clock began, at 0 as well. */
static void a_limit_opens_at_any_time(void **state)
{
	struct log_limit limit = LOG_LIMIT(1, 1000), none = LOG_LIMIT(0, 1000);
	uint64_t held;

	(void)state;
	assert_true(log_may(&limit, 0, &held));
	assert_false(log_may(&limit, 999, &held));
	assert_true(log_may(&limit, 1000, &held));
	assert_false(log_may(&none, 0, &held));
	assert_false(log_may(&none, 5000, &held));
}

static void held_back_is_told_only_if_it_is_something(void **state)
{
	struct log_line l;

	(void)state;
	log_setup(out[1], LOG_INFO_LEVEL, LOG_LOGFMT);
	log_begin(&l, LOG_INFO_LEVEL);
	log_held(&l, 0);
	log_end(&l);
	assert_string_equal(line(), LOGFMT_HEAD "\n");
	log_begin(&l, LOG_INFO_LEVEL);
	log_held(&l, 42);
	log_end(&l);
	assert_string_equal(line(), LOGFMT_HEAD " held_back=42\n");
}

static void the_time_is_now(void **state)
{
	time_t before = time(NULL), then;
	struct tm t = { 0 };
	ssize_t n;

	(void)state;
	log_setup(out[1], LOG_INFO_LEVEL, LOG_LOGFMT);
	log_say(LOG_INFO_LEVEL, "x");
	n = read(out[0], got, sizeof(got) - 1);
	assert_true(n > 0);
	got[n] = '\0';
	assert_non_null(strptime(got, "time=%Y-%m-%dT%H:%M:%S.", &t));
	then = timegm(&t);
	/* time(2) may lag behind the clock by a tick, across a second's border too */
	assert_true(then >= before - 1 && then <= time(NULL) + 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_pipe, close_pipe)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_line_has_its_fields_in_order),
		T(plain_values_stand_plain),
		T(what_could_be_misread_is_quoted),
		T(no_control_byte_comes_through),
		T(what_is_not_utf8_is_replaced),
		T(long_values_are_cut_visibly),
		T(escapes_are_not_cut_in_two),
		T(fields_that_do_not_fit_are_left_out_visibly),
		T(levels_below_are_silent),
		T(a_long_message_is_cut_visibly),
		T(the_end_is_the_end),
		T(a_full_pipe_loses_whole_lines),
		T(lines_of_threads_do_not_mix),
		T(a_flood_is_held_back_and_counted),
		T(a_limit_opens_at_any_time),
		T(held_back_is_told_only_if_it_is_something),
		T(the_time_is_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
