/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/options.h"

#define WORDS_MOST 100

/* A command with an option of each kind, as it stands after reading. */
struct values {
	bool quick;
	unsigned verbose, engine;
	const char *name;
	struct options_list target, rest;
	uint64_t unit, timeout, workers;
};
static struct values got;

static const char *const engines[] = { "auto", "copy", "splice", NULL };

static const struct option_row rows[] = {
	{ "quick", 'q', NULL, OPTION_FLAG, .flag = &got.quick, .help = "hurry" },
	{ "verbose", 'v', NULL, OPTION_COUNT, .count = &got.verbose, .help = "say more" },
	{ "name", 'n', "TEXT", OPTION_TEXT, .text = &got.name, .def = "nobody", .help = "who" },
	{ "target", 't', "ADDR", OPTION_LIST, .list = &got.target,
	  .help = "where they are brought; more than one is tried in the order in which they stand" },
	{ "unit", 0, "SIZE", OPTION_SIZE, .size = &got.unit, .def = "64k", .min = 4096,
	  .max = 1048576, .help = "how much at a time" },
	{ "connect-timeout", 0, "TIME", OPTION_TIME, .time = &got.timeout, .def = "3s", .min = 1,
	  .max = 60000, .help = "for each target" },
	{ "workers", 'w', "N", OPTION_NUMBER, .number = &got.workers, .min = 1, .max = 64,
	  .help = "threads" },
	{ "engine", 'e', "auto|copy|splice", OPTION_CHOICE, .choice = &got.engine,
	  .choices = engines, .def = "splice", .help = "how bytes move" },
	{ 0 },
};

static const struct options all = {
	.command = "shunt try",
	.synopsis = "[WORD...]",
	.summary = "an option of each kind",
	.rows = rows,
	.rest = &got.rest,
	.more = "exit codes: 0 fine, 1 usage\n",
};

/* What was written to stdout or stderr meanwhile. */
static char said[8192];
static int kept = -1;
static FILE *caught;

static void catch_fd(int fd)
{
	fflush(NULL);
	kept = dup(fd);
	caught = tmpfile();
	assert_non_null(caught);
	dup2(fileno(caught), fd);
}

static void caught_fd(int fd)
{
	size_t n;

	fflush(NULL);
	dup2(kept, fd);
	close(kept);
	rewind(caught);
	n = fread(said, 1, sizeof(said) - 1, caught);
	said[n] = '\0';
	fclose(caught);
}

/* Reads a line of words that are parted by one blank each. */
static int parse_with(const struct options *o, const char *words, int fd)
{
	static char line[1024];
	char *argv[WORDS_MOST] = { NULL }, *rest = line;
	int argc = 0, rc;

	got = (struct values){ .workers = 2 };
	snprintf(line, sizeof(line), "%s", words);
	argv[argc++] = rest;
	for (char *p = line; *p; p++)
		if (*p == ' ') {
			*p = '\0';
			argv[argc++] = p + 1;
		}
	catch_fd(fd);
	rc = options_parse(o, argc, argv);
	caught_fd(fd);
	return rc;
}

static void takes(const char *words)
{
	if (parse_with(&all, words, STDERR_FILENO) != 0)
		fail_msg("%s: %s", words, said);
	assert_string_equal(said, "");
}

/* Refused in one line that says this. */
static void refuses(const char *words, const char *message)
{
	char want[512];

	if (parse_with(&all, words, STDERR_FILENO) != -EINVAL)
		fail_msg("%s: was taken", words);
	snprintf(want, sizeof(want), "shunt try: %s (see shunt try --help)\n", message);
	assert_string_equal(said, want);
}

static void defaults_are_what_help_says(void **state)
{
	(void)state;
	takes("try");
	assert_false(got.quick);
	assert_int_equal(got.verbose, 0);
	assert_string_equal(got.name, "nobody");
	assert_int_equal(got.unit, 65536);
	assert_int_equal(got.timeout, 3000);
	assert_int_equal(got.workers, 2); /* none: left alone */
	assert_int_equal(got.engine, 2);
	assert_int_equal(got.rest.count, 0);
}

static void values_come_in_either_way(void **state)
{
	static const char *const ways[] = {
		"try --quick --name=me --unit=1M --connect-timeout=500ms --workers=7 --engine=copy",
		"try --quick --name me --unit 1M --connect-timeout 500ms --workers 7 --engine copy",
		"try -q -n me --unit 1M --connect-timeout 500ms -w 7 -e copy",
		"try -qnme --unit 1M --connect-timeout 500ms -w7 -ecopy",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		takes(ways[i]);
		assert_true(got.quick);
		assert_string_equal(got.name, "me");
		assert_int_equal(got.unit, 1048576);
		assert_int_equal(got.timeout, 500);
		assert_int_equal(got.workers, 7);
		assert_int_equal(got.engine, 1);
	}
}

static void repeated_ones_add_up_or_the_last_counts(void **state)
{
	(void)state;
	takes("try -v --verbose -vvv");
	assert_int_equal(got.verbose, 5);
	takes("try --target :1 -t :2 --target=:3");
	assert_int_equal(got.target.count, 3);
	assert_string_equal(got.target.item[0], ":1");
	assert_string_equal(got.target.item[1], ":2");
	assert_string_equal(got.target.item[2], ":3");
	takes("try --workers 3 --workers 4");
	assert_int_equal(got.workers, 4);
}

static void positional_arguments_stand_anywhere(void **state)
{
	(void)state;
	takes("try :1 --quick :2 -v :3");
	assert_true(got.quick);
	assert_int_equal(got.rest.count, 3);
	assert_string_equal(got.rest.item[0], ":1");
	assert_string_equal(got.rest.item[2], ":3");
	takes("try a -- --quick -v --");
	assert_false(got.quick);
	assert_int_equal(got.rest.count, 4);
	assert_string_equal(got.rest.item[1], "--quick");
	assert_string_equal(got.rest.item[3], "--");
	takes("try -");
	assert_string_equal(got.rest.item[0], "-");
}

static void values_may_be_empty_or_look_like_options(void **state)
{
	(void)state;
	takes("try --name=");
	assert_string_equal(got.name, "");
	takes("try --name=--quick");
	assert_string_equal(got.name, "--quick");
	assert_false(got.quick);
	takes("try --name=a=b");
	assert_string_equal(got.name, "a=b");
	takes("try --name -");
	assert_string_equal(got.name, "-");
}

static void missing_values_are_told(void **state)
{
	(void)state;
	refuses("try --name", "--name needs its TEXT: write --name=nobody");
	refuses("try -n", "--name needs its TEXT: write --name=nobody");
	refuses("try --target", "--target needs its ADDR: write --target=ADDR");
	refuses("try --target --quick", "--target needs its ADDR: write --target=ADDR");
	refuses("try --connect-timeout -v",
		"--connect-timeout needs its TIME: write --connect-timeout=3s");
}

static void values_where_none_belong_are_told(void **state)
{
	(void)state;
	refuses("try --quick=yes", "--quick takes no value: write --quick alone");
	refuses("try --verbose=3", "--verbose takes no value: write --verbose alone");
}

static void unknown_options_are_guessed(void **state)
{
	(void)state;
	refuses("try --worker 3", "there is no option --worker; did you mean --workers?");
	refuses("try --wrokers=3", "there is no option --wrokers; did you mean --workers?");
	refuses("try --conect-timeout 3s",
		"there is no option --conect-timeout; did you mean --connect-timeout?");
	refuses("try --connect 3s",
		"there is no option --connect; did you mean --connect-timeout?");
	refuses("try --hepl", "there is no option --hepl; did you mean --help?");
	refuses("try --zzz", "there is no option --zzz");
	refuses("try --=x", "there is no option --");
	refuses("try -x", "there is no option -x");
	refuses("try -vx", "there is no option -x");
	refuses("try --WORKERS", "there is no option --WORKERS");
}

/* A name of any length is told without harm, its end cut off. */
static void endless_names_are_harmless(void **state)
{
	char words[600];

	(void)state;
	memset(words, 'a', sizeof(words));
	memcpy(words, "try --", 6);
	words[sizeof(words) - 1] = '\0';
	assert_int_equal(parse_with(&all, words, STDERR_FILENO), -EINVAL);
	assert_non_null(strstr(said, "there is no option --aaaa"));
	assert_true(strlen(said) < 200);
}

static void wrong_values_are_told_with_the_remedy(void **state)
{
	(void)state;
	refuses("try --unit 5x", "--unit 5x is not a size: write it like 4096, 64k, 1M or 1.5G");
	refuses("try --unit=", "--unit  is not a size: write it like 4096, 64k, 1M or 1.5G");
	refuses("try --unit 99999999999T",
		"--unit 99999999999T is too much or too little to be counted");
	refuses("try --unit 1k", "--unit 1k is too small: 4K is the least");
	refuses("try --unit 1G", "--unit 1G is too large: 1M is the most");
	refuses("try --connect-timeout 10",
		"--connect-timeout 10: a time needs its unit: write 10s or 10ms");
	refuses("try --connect-timeout soon",
		"--connect-timeout soon is not a time: write it like 500ms, 3s, 10m, 2h or 1d");
	refuses("try --connect-timeout 0", "--connect-timeout 0 is too small: 1ms is the least");
	refuses("try --connect-timeout 2m", "--connect-timeout 2m is too large: 1m is the most");
	refuses("try --workers two", "--workers two is not a whole number");
	refuses("try --workers 2.5", "--workers 2.5 is not a whole number");
	refuses("try --workers=-1", "--workers -1 is not a whole number");
	refuses("try --workers=+1", "--workers +1 is not a whole number");
	refuses("try --workers=", "--workers  is not a whole number");
	refuses("try --workers 0", "--workers 0 is too small: 1 is the least");
	refuses("try --workers 65", "--workers 65 is too large: 64 is the most");
	refuses("try --workers 18446744073709551616",
		"--workers 18446744073709551616 is too much or too little to be counted");
	refuses("try --engine splcie",
		"--engine splcie is not one of auto, copy, splice; did you mean splice?");
	refuses("try --engine warp", "--engine warp is not one of auto, copy, splice");
	refuses("try --engine=", "--engine  is not one of auto, copy, splice");
}

static void the_first_error_ends_it(void **state)
{
	(void)state;
	refuses("try --quick --zzz --yyy", "there is no option --zzz");
	assert_true(got.quick);
}

static void lists_have_an_end(void **state)
{
	char words[1024] = "try";

	(void)state;
	for (int i = 0; i < OPTIONS_LIST_MAX; i++)
		strcat(words, " x");
	takes(words);
	assert_int_equal(got.rest.count, OPTIONS_LIST_MAX);
	strcat(words, " x");
	refuses(words, "too many arguments: 64 are the most");
	strcpy(words, "try");
	for (int i = 0; i <= OPTIONS_LIST_MAX; i++)
		strcat(words, " -tx");
	refuses(words, "too many --target: 64 are the most");
}

static void arguments_are_refused_where_none_belong(void **state)
{
	struct options none = all;

	(void)state;
	none.rest = NULL;
	assert_int_equal(parse_with(&none, "try this", STDERR_FILENO), -EINVAL);
	assert_string_equal(said, "shunt try: \"this\" is not expected here: there are options only"
				  " (see shunt try --help)\n");
}

static void commands_complain_the_same_way(void **state)
{
	(void)state;
	catch_fd(STDERR_FILENO);
	assert_int_equal(options_wrong(&all, "no %s", "target"), -EINVAL);
	caught_fd(STDERR_FILENO);
	assert_string_equal(said, "shunt try: no target (see shunt try --help)\n");
}

static void help_says_all_and_fits(void **state)
{
	static const char want[] = //
		"shunt try: an option of each kind\n"
		"\n"
		"usage: shunt try [OPTION...] [WORD...]\n"
		"\n"
		"  -q, --quick             hurry\n"
		"  -v, --verbose           say more\n"
		"  -n, --name TEXT         who [nobody]\n"
		"  -t, --target ADDR       where they are brought; more than one is tried in the\n"
		"                          order in which they stand\n"
		"      --unit SIZE         how much at a time [64k]\n"
		"      --connect-timeout TIME  for each target [3s]\n"
		"  -w, --workers N         threads\n"
		"  -e, --engine auto|copy|splice  how bytes move [splice]\n"
		"  -h, --help              this\n"
		"\n"
		"exit codes: 0 fine, 1 usage\n";
	static const char *const ways[] = { "try --help", "try -h", "try -vh",
					    "try --quick --help :1" };

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		assert_int_equal(parse_with(&all, ways[i], STDOUT_FILENO), OPTIONS_HELPED);
		assert_string_equal(said, want);
	}
	/* What stands behind "--" is no question for help. */
	takes("try -- --help");
}

/* A default that is none is a slip of ours, and does not go unseen. */
static void a_wrong_default_is_an_error(void **state)
{
	uint64_t time;
	const struct option_row bad[] = {
		{ "wait", 0, "TIME", OPTION_TIME, .time = &time, .def = "10", .help = "x" },
		{ 0 },
	};
	const struct options o = { .command = "shunt try", .summary = "x", .rows = bad };

	(void)state;
	assert_int_equal(parse_with(&o, "try", STDERR_FILENO), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_what_help_says),
		cmocka_unit_test(values_come_in_either_way),
		cmocka_unit_test(repeated_ones_add_up_or_the_last_counts),
		cmocka_unit_test(positional_arguments_stand_anywhere),
		cmocka_unit_test(values_may_be_empty_or_look_like_options),
		cmocka_unit_test(missing_values_are_told),
		cmocka_unit_test(values_where_none_belong_are_told),
		cmocka_unit_test(unknown_options_are_guessed),
		cmocka_unit_test(endless_names_are_harmless),
		cmocka_unit_test(wrong_values_are_told_with_the_remedy),
		cmocka_unit_test(the_first_error_ends_it),
		cmocka_unit_test(lists_have_an_end),
		cmocka_unit_test(arguments_are_refused_where_none_belong),
		cmocka_unit_test(commands_complain_the_same_way),
		cmocka_unit_test(help_says_all_and_fits),
		cmocka_unit_test(a_wrong_default_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
