/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/holder.h"

static struct addr made(const char *text)
{
	struct addr_name name;
	const char *problem;
	struct addr a;

	assert_int_equal(addr_parse(text, ADDR_LISTEN, &name, &problem), 0);
	assert_int_equal(addr_resolve(&name, &a, 1, &problem), 1);
	return a;
}

/* Bound to a free port of host, *port says which; -1: this machine has no such address. */
static int bound(const char *host, unsigned *port)
{
	char text[ADDR_TEXT];
	struct addr a;
	int fd;

	snprintf(text, sizeof(text), "%s:0", host);
	a = made(text);
	fd = socket(a.ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a.ss, a.len) < 0) {
		close(fd);
		return -1;
	}
	assert_int_equal(addr_of_self(fd, &a), 0);
	*port = addr_port(&a);
	return fd;
}

static int ask(const char *host, unsigned port, char text[HOLDER_TEXT])
{
	char whole[ADDR_TEXT];
	struct addr a;

	snprintf(whole, sizeof(whole), "%s:%u", host, port);
	a = made(whole);
	return holder_of(&a, text, HOLDER_TEXT);
}

static void ourselves(char want[HOLDER_TEXT])
{
	snprintf(want, HOLDER_TEXT, "this very process (pid %ld)", (long)getpid());
}

static void a_free_port_has_no_holder(void **state)
{
	char text[HOLDER_TEXT] = "x";
	unsigned port;
	int fd = bound("127.0.0.1", &port);

	(void)state;
	assert_true(fd >= 0);
	/* Bound, but not listening: nobody can be told of. */
	assert_int_equal(ask("127.0.0.1", port, text), -ENOENT);
	assert_string_equal(text, "");
	close(fd);
	assert_int_equal(ask("127.0.0.1", port, text), -ENOENT);
}

/* Which of the askers meets a listener on `host`. */
static void meets(const char *host, const char *const askers[], const bool wanted[], size_t n)
{
	char text[HOLDER_TEXT], self[HOLDER_TEXT];
	unsigned port;
	int fd = bound(host, &port);

	if (fd < 0) {
		print_message("%s cannot be bound here: skipped\n", host);
		return;
	}
	assert_int_equal(listen(fd, 1), 0);
	ourselves(self);
	for (size_t i = 0; i < n; i++) {
		int rc = ask(askers[i], port, text);

		if (rc != (wanted[i] ? 0 : -ENOENT))
			fail_msg("%s held, %s asked: %d", host, askers[i], rc);
		assert_string_equal(text, wanted[i] ? self : "");
	}
	assert_int_equal(ask(host, port == 65535 ? 1 : port + 1, text), -ENOENT);
	close(fd);
}

static void addresses_overlap_as_the_kernel_has_it(void **state)
{
	static const char *const askers[] = { "127.0.0.1", "127.0.0.2", "0.0.0.0",
					      "[::1]",     "[::]",      "[::ffff:127.0.0.1]" };

	(void)state;
	meets("127.0.0.1", askers, (const bool[]){ 1, 0, 1, 0, 1, 1 }, 6);
	meets("0.0.0.0", askers, (const bool[]){ 1, 1, 1, 0, 1, 1 }, 6);
	meets("[::1]", askers, (const bool[]){ 0, 0, 0, 1, 1, 0 }, 6);
	meets("[::]", askers, (const bool[]){ 1, 1, 1, 1, 1, 1 }, 6);
	meets("[::ffff:127.0.0.1]", askers, (const bool[]){ 1, 0, 1, 0, 1, 1 }, 6);
}

/* A child that listens and does nothing until it is ended. */
static pid_t listening_child(unsigned *port, const char *call_it)
{
	int fd = bound("127.0.0.1", port), ready[2];
	pid_t pid;
	char c;

	assert_true(fd >= 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, call_it);
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(ready[1]);
	close(fd);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void another_process_is_named(void **state)
{
	char text[HOLDER_TEXT], want[HOLDER_TEXT], small[8];
	unsigned port;
	pid_t pid = listening_child(&port, "some server");
	struct addr a;

	(void)state;
	assert_int_equal(ask("127.0.0.1", port, text), 0);
	snprintf(want, sizeof(want), "some server (pid %ld)", (long)pid);
	assert_string_equal(text, want);
	snprintf(want, sizeof(want), "127.0.0.1:%u", port);
	a = made(want);
	assert_int_equal(holder_of(&a, small, sizeof(small)), 0);
	assert_string_equal(small, "some se");
	assert_int_equal(holder_of(&a, NULL, 0), 0);
	end_child(pid);
	assert_int_equal(ask("127.0.0.1", port, text), -ENOENT);
}

static void what_a_process_calls_itself_is_harmless(void **state)
{
	char text[HOLDER_TEXT], want[HOLDER_TEXT];
	unsigned port;
	pid_t pid = listening_child(&port, "\x1b[2J\x7f\xc2\x9b(x)");

	(void)state;
	assert_int_equal(ask("127.0.0.1", port, text), 0);
	snprintf(want, sizeof(want), "?[2J?\?\?(x) (pid %ld)", (long)pid);
	assert_string_equal(text, want);
	end_child(pid);
}

/* Shared with another, the other one is named: we know of ourselves. */
static void another_is_named_before_ourselves(void **state)
{
	char text[HOLDER_TEXT], want[HOLDER_TEXT];
	unsigned port;
	int fd = bound("127.0.0.1", &port);
	pid_t pid;

	(void)state;
	assert_int_equal(listen(fd, 1), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	assert_int_equal(ask("127.0.0.1", port, text), 0);
	snprintf(want, sizeof(want), "(pid %ld)", (long)pid);
	assert_non_null(strstr(text, want));
	end_child(pid);
	close(fd);
}

static void who_cannot_be_seen_is_another_process(void **state)
{
	unsigned port;
	pid_t holder, asker;
	int status;

	(void)state;
	if (geteuid() != 0) {
		print_message("only root can become another user\n");
		skip();
	}
	holder = listening_child(&port, "hidden");
	asker = fork();
	assert_true(asker >= 0);
	if (asker == 0) {
		char text[HOLDER_TEXT];
		int rc = setgid(65534) || setuid(65534) || ask("127.0.0.1", port, text);

		_exit(rc || strcmp(text, "another process (not visible to this user)") != 0);
	}
	assert_int_equal(waitpid(asker, &status, 0), asker);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	end_child(holder);
}

static void unix_sockets_have_holders(void **state)
{
	char dir[] = "/tmp/shunt-holder-XXXXXX", where[64], text[HOLDER_TEXT], self[HOLDER_TEXT];

	(void)state;
	ourselves(self);
	assert_non_null(mkdtemp(dir));
	for (int abstract = 0; abstract < 2; abstract++) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		struct addr a, longer;

		snprintf(where, sizeof(where), "unix:%s%s/s", abstract ? "@" : "", dir);
		a = made(where);
		strcat(where, "s");
		longer = made(where);
		assert_int_equal(bind(fd, (struct sockaddr *)&a.ss, a.len), 0);
		assert_int_equal(holder_of(&a, text, sizeof(text)), -ENOENT);
		assert_int_equal(listen(fd, 1), 0);
		assert_int_equal(holder_of(&a, text, sizeof(text)), 0);
		assert_string_equal(text, self);
		assert_int_equal(holder_of(&longer, text, sizeof(text)), -ENOENT);
		close(fd);
		assert_int_equal(holder_of(&a, text, sizeof(text)), -ENOENT);
	}
	snprintf(where, sizeof(where), "%s/s", dir);
	assert_int_equal(unlink(where), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_free_port_has_no_holder),
		cmocka_unit_test(addresses_overlap_as_the_kernel_has_it),
		cmocka_unit_test(another_process_is_named),
		cmocka_unit_test(what_a_process_calls_itself_is_harmless),
		cmocka_unit_test(another_is_named_before_ourselves),
		cmocka_unit_test(who_cannot_be_seen_is_another_process),
		cmocka_unit_test(unix_sockets_have_holders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
