/* SPDX-License-Identifier: BSD-2-Clause */
/* The door by itself, with pages of the test's own. What daemons show there is told by tests/e2e. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/admin.h"

enum { LARGE = 6 << 20, MANY = 12 };

static atomic_int asked;

static unsigned write_echo(void *arg, const struct admin_request *r, FILE *to)
{
	const char *value = admin_argument(r, "say");

	fprintf(to, "%s:%s", (const char *)arg, value ? value : "(nothing)");
	return 200;
}

static unsigned write_teapot(void *arg, const struct admin_request *r, FILE *to)
{
	(void)arg;
	(void)r;
	fputs("short and stout", to);
	return 418;
}

static unsigned write_nothing(void *arg, const struct admin_request *r, FILE *to)
{
	(void)arg;
	(void)r;
	(void)to;
	return 200;
}

static unsigned write_large(void *arg, const struct admin_request *r, FILE *to)
{
	static char piece[1 << 16];

	(void)arg;
	(void)r;
	memset(piece, 'x', sizeof(piece));
	for (size_t n = 0; n < LARGE; n += sizeof(piece))
		fwrite(piece, 1, sizeof(piece), to);
	atomic_fetch_add(&asked, 1);
	return 200;
}

static const struct admin_page pages[] = {
	{ "/echo", "application/x-echo", write_echo },
	{ "/teapot", "application/x-tea", write_teapot },
	{ "/nothing", ADMIN_TEXT, write_nothing },
	{ "/large", ADMIN_TEXT, write_large },
	{ .path = NULL },
};

static struct admin *open_door(void)
{
	static char mine[] = "mine";
	struct addr_name name;
	struct admin *a = NULL;
	const char *wrong;
	char problem[256] = "";

	assert_int_equal(addr_parse("127.0.0.1:0", ADDR_LISTEN, &name, &wrong), 0);
	assert_int_equal(admin_open(&a, &name, pages, mine, problem, sizeof(problem)), 0);
	assert_int_equal(admin_start(a, 64, problem, sizeof(problem)), 0);
	return a;
}

static int knock(const struct admin *a, const char *path)
{
	const struct addr *to = admin_addr(a);
	int fd = socket(to->ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), small = 4096;
	struct timeval most = { .tv_sec = 10 };
	char text[256];
	int n;

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
	assert_int_equal(connect(fd, (const struct sockaddr *)&to->ss, to->len), 0);
	n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
	assert_int_equal(send(fd, text, (size_t)n, 0), n);
	return fd;
}

/* All that comes, as a text to be freed; fd is closed. */
static char *hear(int fd)
{
	char *text = NULL, part[1 << 16];
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	ssize_t n;

	assert_non_null(to);
	while ((n = recv(fd, part, sizeof(part), 0)) > 0)
		fwrite(part, 1, (size_t)n, to);
	assert_int_equal(n, 0);
	fclose(to);
	close(fd);
	return text;
}

/* The answer begins with this line, and its body is that. */
static void answers(const struct admin *a, const char *path, const char *status, const char *type,
		    const char *body)
{
	char *text = hear(knock(a, path)), line[64], header[128];
	const char *end = strstr(text, "\r\n\r\n");

	snprintf(line, sizeof(line), "HTTP/1.1 %s", status);
	snprintf(header, sizeof(header), "\r\nContent-Type: %s\r\n", type);
	assert_memory_equal(text, line, strlen(line));
	assert_non_null(strstr(text, header));
	assert_non_null(end);
	assert_string_equal(end + 4, body);
	free(text);
}

static void each_page_has_its_answer(void **state)
{
	struct admin *a = open_door();

	(void)state;
	answers(a, "/echo", "200", "application/x-echo", "mine:(nothing)");
	answers(a, "/echo?say=a%20b%26c&more", "200", "application/x-echo", "mine:a b&c");
	answers(a, "/echo?say", "200", "application/x-echo", "mine:(nothing)");
	answers(a, "/teapot", "418", ADMIN_TEXT, "short and stout");
	answers(a, "/nothing", "200", ADMIN_TEXT, "");
	answers(a, "/else", "404", ADMIN_TEXT,
		"Nothing is here. There are:\n  /echo\n  /teapot\n  /nothing\n  /large\n");
	admin_close(a);
}

/* Each of them holds what the kernel does not take. Beyond the limit nothing more is written for anybody; when
 * they have read, or have gone, all is as before. */
static void readers_that_do_not_read_hold_no_more_than_so_much(void **state)
{
	struct admin *a = open_door();
	int fd[MANY];
	unsigned refused = 0;

	(void)state;
	atomic_store(&asked, 0);
	for (int i = 0; i < MANY; i++)
		fd[i] = knock(a, "/large");
	for (int i = 0; i < MANY; i++) {
		char first[16] = "";

		assert_int_equal(recv(fd[i], first, 12, MSG_PEEK | MSG_WAITALL), 12);
		refused += strcmp(first, "HTTP/1.1 503") == 0;
	}
	assert_int_equal(atomic_load(&asked), MANY - refused);
	assert_true(MANY - refused >= 6 && refused > 0); /* the sixth goes over 32 MiB */
	for (int i = 0; i < MANY; i++)
		close(fd[i]);
	for (int i = 0; i < 3; i++) {
		char *text = hear(knock(a, "/large"));

		assert_true(strlen(text) > LARGE);
		free(text);
	}
	admin_close(a);
}

static void closing_waits_for_nobody(void **state)
{
	struct admin *a = open_door();
	int idle = knock(a, "/echo?say="), slow = knock(a, "/large");
	struct addr at = *admin_addr(a);
	char byte;

	(void)state;
	assert_int_equal(recv(slow, &byte, 1, 0), 1);
	admin_close(a);
	int again = socket(at.ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(connect(again, (const struct sockaddr *)&at.ss, at.len) < 0);
	close(again);
	close(idle);
	close(slow);
	admin_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_page_has_its_answer),
		cmocka_unit_test(readers_that_do_not_read_hold_no_more_than_so_much),
		cmocka_unit_test(closing_waits_for_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
