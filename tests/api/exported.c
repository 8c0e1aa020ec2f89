/* SPDX-License-Identifier: BSD-2-Clause */
/* A program as others write it: shunt.h, libshunt.so and nothing else of ours. Each public function is called, so
 * each must be there.
 */
#include <errno.h>
#include <shunt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #cond);         \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static struct shunt *s;
static struct shunt_event ev;

/* The next event, which must be this. */
static struct shunt_event *next(enum shunt_what what, struct shunt_end *end)
{
	CHECK(shunt_wait(s, &ev, 1, 10000) == 1);
	CHECK(ev.what == what);
	CHECK(ev.end == end);
	return &ev;
}

static void pair(int fd[2])
{
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0);
}

static void hears(int fd, const char *text)
{
	char got[64] = "";

	for (size_t n = 0; n < strlen(text);) {
		ssize_t r = read(fd, got + n, strlen(text) - n);

		CHECK(r > 0);
		n += (size_t)r;
	}
	CHECK(strcmp(got, text) == 0);
}

/* Wherever this runs: they are to be had, or a sentence says why not. */
static void grafts(void)
{
	struct shunt_graft_options options = SHUNT_GRAFT_OPTIONS;
	struct shunt_graft_end end;
	struct shunt_graft *g = NULL;
	char problem[512] = "";

	options.bpffs = "/nowhere/at/all";
	CHECK(shunt_graft_open(&g, &options, problem, sizeof(problem)) < 0 && problem[0]);
	if (geteuid() != 0 && shunt_graft_open(&g, NULL, problem, sizeof(problem)) == 0) {
		CHECK(shunt_graft_fd(g) >= 0);
		CHECK(shunt_graft_ended(g, &end) == 0);
	}
	shunt_graft_close(g);
}

int main(void)
{
	struct shunt_options options = SHUNT_OPTIONS;
	struct shunt_end *a, *b, *c;
	struct shunt_buf *buf;
	struct shunt_stat stat;
	struct sockaddr nowhere = { .sa_family = AF_UNIX };
	int one[2], two[2];
	size_t seen;

	alarm(30);
	CHECK(shunt_open(&s, &options) == 0);
	CHECK(shunt_fd(s) >= 0);
	pair(one);
	pair(two);
	CHECK(shunt_attach(s, one[0], SHUNT_HEAD(4), NULL, &a) == 0);
	CHECK(shunt_attach(s, two[0], SHUNT_NONE, NULL, &b) == 0);
	CHECK(shunt_connect(s, &nowhere, sizeof(nowhere.sa_family), NULL, SHUNT_NONE, NULL, &c) <
	      0);

	CHECK(write(one[1], "head and body", 13) == 13);
	buf = next(SHUNT_ARRIVED, a)->buf;
	CHECK(shunt_more(a, 8) == 0);
	buf = next(SHUNT_ARRIVED, a)->buf;
	CHECK(shunt_hold(buf) == 0);
	CHECK(memcmp(shunt_view(buf, &seen), "head and", 8) == 0 && seen == 8);
	CHECK(shunt_length(buf) == 13);
	CHECK(shunt_insert(b, "first ", 6) == 0);
	CHECK(shunt_queue(b, buf, 5, 8) == 0);
	CHECK(shunt_footprint(buf) >= 8);
	CHECK(shunt_pack(buf, buf, 1) == -EINVAL);
	CHECK(shunt_release(buf) == 0);
	CHECK(shunt_limit(a, 1 << 20) == 0);
	CHECK(shunt_insert(b, " and more", 9) == 0);
	CHECK(shunt_cut(b, 14) == 0);
	CHECK(shunt_wait(s, &ev, 1, 0) == 0);
	hears(two[1], "first and body");

	CHECK(shunt_tap(b, b, 0) == -EINVAL);
	CHECK(shunt_join(a, b) == 0);
	next(SHUNT_JOINED, a);
	CHECK(shunt_graft_name(a, 7) == 0);
	CHECK(shunt_leave(a) == -EBUSY); /* Unix sockets are no graft */
	CHECK(shunt_stat(s, b, &stat) == 0 && stat.out == 14);
	CHECK(shunt_stat(s, NULL, &stat) == 0 && stat.in == 13);
	CHECK(shunt_abort(a) == 0);
	next(SHUNT_GONE, a);
	next(SHUNT_GONE, b);

	close(one[1]);
	close(two[1]);
	pair(one);
	CHECK(shunt_attach(s, one[0], SHUNT_ALL, NULL, &a) == 0);
	CHECK(shunt_finish(a) == 0);
	CHECK(shunt_wait(s, &ev, 1, 0) == 0);
	CHECK(shunt_detach(a) == one[0]);
	CHECK(read(one[1], &seen, 1) == 0);
	CHECK(strcmp(shunt_engine_text(SHUNT_COPY), "copy") == 0);
	CHECK(strcmp(shunt_why_text(SHUNT_WHY_DONE), "done") == 0);
	CHECK(strlen(shunt_version()) >= 5);
	shunt_close(s);
	grafts();
	close(one[0]);
	close(one[1]);
	return 0;
}
