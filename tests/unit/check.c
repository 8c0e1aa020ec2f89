/* SPDX-License-Identifier: BSD-2-Clause */
/* shunt check, run in children that have more or fewer rights, and read as a person and a program
 * would read it. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/cmd.h"

static char said[65536]; /* on stdout */

/* From now on the kernel refuses these calls with EPERM. */
static int refuse(const unsigned *calls, size_t n)
{
	struct sock_filter code[16] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog program = { .filter = code };
	size_t at = 1;

	for (size_t i = 0; i < n; i++) {
		code[at++] =
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1);
		code[at++] =
			(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	}
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = (unsigned short)at;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}

struct world {
	unsigned refused[4];
	size_t refusals;
	rlim_t descriptors; /* 0: as they are */
	bool nobody;        /* as an ordinary user, where we may become one */
};

static void enter(const struct world *w)
{
	struct rlimit limit = { w->descriptors, w->descriptors };

	if (w->descriptors && setrlimit(RLIMIT_NOFILE, &limit) < 0)
		_exit(100);
	if (w->nobody && geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		_exit(100);
	if (w->refusals && refuse(w->refused, w->refusals) < 0)
		_exit(100);
}

/* Its exit code; what it said is in `said`. */
static int check_in(const struct world *w, const char *option)
{
	char name[] = "check", word[32] = "", *argv[] = { name, option ? word : NULL, NULL };
	int fds[2], status;
	size_t n = 0;
	pid_t pid;

	snprintf(word, sizeof(word), "%s", option ? option : "");
	fflush(NULL);
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int rc;

		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		enter(w);
		rc = cmd_check(option ? 2 : 1, argv);
		fflush(NULL);
		_exit(rc);
	}
	close(fds[1]);
	for (ssize_t got; (got = read(fds[0], said + n, sizeof(said) - 1 - n)) > 0;)
		n += (size_t)got;
	said[n] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* The line of a name, from its answer on. */
static const char *answer(const char *name)
{
	static char line[256];
	char *p = strstr(said, name);

	if (!p)
		fail_msg("nothing is said of %s in:\n%s", name, said);
	p += strlen(name);
	p += strspn(p, " ");
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(p, "\n"), p);
	return line;
}

static void assert_begins(const char *text, const char *beginning)
{
	if (strncmp(text, beginning, strlen(beginning)) != 0)
		fail_msg("\"%s\" does not begin with \"%s\"", text, beginning);
}

/* No line is wider than a terminal, and none ends in blanks. */
static void fits_a_terminal(void)
{
	for (const char *p = said; *p;) {
		size_t n = strcspn(p, "\n");

		if (n > 80 || (n > 0 && p[n - 1] == ' '))
			fail_msg("\"%.*s\" is %zu wide", (int)n, p, n);
		p += n + (p[n] == '\n');
	}
}

static void this_machine_can_relay(void **state)
{
	const struct world here = { 0 };

	(void)state;
	assert_int_equal(check_in(&here, NULL), CMD_FINE);
	fits_a_terminal();
	assert_begins(answer("epoll"), "yes");
	assert_non_null(strstr(said, "--engine auto is "));
	assert_null(strstr(said, "\033"));
}

/* The whole is said to work if the parts do, and only then. */
static void grafts_are_tried(void **state)
{
	static const char *const parts[] = { "\n  bpf ", "\n  BTF", "\n  bpffs" };
	const struct world here = { 0 };
	bool all = true, works;

	(void)state;
	assert_int_equal(check_in(&here, NULL), CMD_FINE);
	works = strncmp(answer("\n  programs"), "yes", 3) == 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		all = strncmp(answer(parts[i]), "yes", 3) == 0 && all;
	assert_true(all || !works);
	assert_int_equal(works, strncmp(answer("--engine auto is "), "graft", 5) == 0);
}

static void without_bpf_there_are_no_grafts(void **state)
{
	const struct world boxed = { .refused = { SYS_bpf }, .refusals = 1 };

	(void)state;
	assert_int_equal(check_in(&boxed, NULL), CMD_FINE);
	fits_a_terminal();
	assert_begins(answer("\n  bpf "), "no   Operation not permitted");
	assert_begins(answer("\n  programs"), "no   ");
	assert_begins(answer("--engine auto is "), "splice: no graft: ");
}

static void an_ordinary_user_is_told_what_is_missing(void **state)
{
	const struct world ordinary = { .nobody = true };

	(void)state;
	assert_int_equal(check_in(&ordinary, NULL), CMD_FINE);
	fits_a_terminal();
	assert_begins(answer("\n  NET_ADMIN"), "no   to put programs on devices");
	assert_begins(answer("\n  programs"), "no   ");
	assert_begins(answer("--engine auto is "), "splice: no graft: ");
	assert_begins(answer("SYS_RESOURCE"), "no ");
	assert_non_null(strstr(said, "setcap cap_sys_resource+ep"));
}

static void few_descriptors_are_told(void **state)
{
	const struct world few = { .descriptors = 256 }, enough = { .descriptors = 4096 };

	(void)state;
	assert_int_equal(check_in(&few, NULL), CMD_FINE);
	fits_a_terminal();
	assert_begins(answer("file descriptors"), "no   for 105 connections");
	assert_non_null(strstr(said, "LimitNOFILE="));
	assert_int_equal(check_in(&enough, NULL), CMD_FINE);
	assert_begins(answer("file descriptors"), "yes  for 2025 connections");
}

static void without_splice_it_says_so_and_how_to_get_it(void **state)
{
	const struct world boxed = { .refused = { SYS_splice, SYS_tee }, .refusals = 2 };

	(void)state;
	assert_int_equal(check_in(&boxed, NULL), CMD_FINE);
	fits_a_terminal();
	assert_begins(answer("\n  splice"), "no   Operation not permitted");
	assert_begins(answer("\n  tee"), "no   Operation not permitted");
	assert_non_null(strstr(said, "allow splice(2)"));
}

static void without_epoll_it_cannot_relay(void **state)
{
	const struct world boxed = { .refused = { SYS_epoll_create1 }, .refusals = 1 };

	(void)state;
	assert_int_equal(check_in(&boxed, NULL), CMD_FATAL);
	fits_a_terminal();
	assert_begins(answer("epoll"), "no   Operation not permitted");
	assert_non_null(strstr(said, "shunt cannot relay here"));
	assert_int_equal(check_in(&boxed, "--json"), CMD_FATAL);
	assert_non_null(strstr(said, "\"engine\":null"));
}

static void without_sockets_it_cannot_relay(void **state)
{
	const struct world boxed = { .refused = { SYS_socket }, .refusals = 1 };

	(void)state;
	assert_int_equal(check_in(&boxed, NULL), CMD_FATAL);
	fits_a_terminal();
}

/* -- JSON: read by the letter of RFC 8259, as far as it is used here -- */

static const char *json_value(const char *p);

static const char *json_string(const char *p)
{
	assert_int_equal(*p++, '"');
	for (; *p != '"'; p++) {
		assert_true((unsigned char)*p >= 0x20);
		if (*p == '\\') {
			p++;
			assert_non_null(strchr("\"\\u", *p));
		}
	}
	return p + 1;
}

/* Objects and arrays alike: the first has keys. */
static const char *json_many(const char *p, char close, bool keys)
{
	for (p++; *p != close; p += *p == ',') {
		p += strspn(p, " \n");
		if (keys) {
			p = json_string(p);
			assert_int_equal(*p++, ':');
		}
		p = json_value(p);
		p += strspn(p, " \n");
		assert_true(*p == close || (*p == ',' && p[1] != close));
	}
	return p + 1;
}

static const char *json_value(const char *p)
{
	static const char *const words[] = { "true", "false", "null" };

	if (*p == '{')
		return json_many(p, '}', true);
	if (*p == '[')
		return json_many(p, ']', false);
	for (size_t i = 0; i < 3; i++)
		if (strncmp(p, words[i], strlen(words[i])) == 0)
			return p + strlen(words[i]);
	return json_string(p);
}

static void json_says_the_same(void **state)
{
	const struct world boxed = { .refused = { SYS_splice }, .refusals = 1 };
	int rows = 0;

	(void)state;
	assert_int_equal(check_in(&boxed, "--json"), CMD_FINE);
	assert_string_equal(json_value(said), "\n");
	assert_non_null(strstr(said,
			       "\"name\":\"splice\",\"ok\":false,"
			       "\"text\":\"Operation not permitted\",\"remedy\":\"a sandbox"));
	assert_non_null(strstr(said, "\"name\":\"epoll\",\"ok\":true,"));
	/* Each no has its remedy, and each yes none. */
	for (const char *p = said; (p = strstr(p, "\"ok\":")); p++, rows++) {
		const char *remedy = strstr(p, "\"remedy\":");

		assert_non_null(remedy);
		assert_int_equal(p[5] == 't', remedy[9] == 'n');
	}
	assert_true(rows >= 20);
}

static void help_and_slips_have_their_codes(void **state)
{
	const struct world here = { 0 };

	(void)state;
	assert_int_equal(check_in(&here, "--help"), CMD_FINE);
	fits_a_terminal();
	assert_non_null(strstr(said, "--json"));
	assert_int_equal(check_in(&here, "--jsn"), CMD_USAGE);
	assert_string_equal(said, "");
	assert_int_equal(check_in(&here, "more"), CMD_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(this_machine_can_relay),
		cmocka_unit_test(grafts_are_tried),
		cmocka_unit_test(without_bpf_there_are_no_grafts),
		cmocka_unit_test(an_ordinary_user_is_told_what_is_missing),
		cmocka_unit_test(few_descriptors_are_told),
		cmocka_unit_test(without_splice_it_says_so_and_how_to_get_it),
		cmocka_unit_test(without_epoll_it_cannot_relay),
		cmocka_unit_test(without_sockets_it_cannot_relay),
		cmocka_unit_test(json_says_the_same),
		cmocka_unit_test(help_and_slips_have_their_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
