/* SPDX-License-Identifier: BSD-2-Clause */
/* The demo's origin, asked by a plain socket: the right bytes, the right sum of them, and a clear
 * word for whatever else is asked. What the bytes should be is computed here once more, from their
 * definition in origin.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <nettle/sha2.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/origin.h"

#define MIB        ((uint64_t)1 << 20)
#define PATIENCE_S 20 /* less than the origin grants to who says nothing */
#define PARALLEL   48

struct reply {
	unsigned status;
	char head[2048];
	char text[8192]; /* how the body begins */
	uint64_t length; /* of the body that came */
	char sum[65];
};

static void hex(struct sha256_ctx *sha, char out[65])
{
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_digest(sha, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* Byte i of the endless stream. */
static uint8_t byte_at(uint64_t i)
{
	uint64_t in_period = i % ORIGIN_PERIOD, z = (in_period / 8 + 1) * 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	z = z ^ (z >> 31);
	return (uint8_t)(z >> (8 * (in_period % 8)));
}

static void expected_sum(uint64_t size, char out[65])
{
	static uint8_t block[65536];
	struct sha256_ctx sha;
	size_t n = 0;

	sha256_init(&sha);
	for (uint64_t i = 0; i < size; i++) {
		block[n++] = byte_at(i);
		if (n == sizeof(block) || i + 1 == size) {
			sha256_update(&sha, n, block);
			n = 0;
		}
	}
	hex(&sha, out);
}

static struct origin *start(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct origin *o = NULL;

	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(origin_start(&o, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_non_null(o);
	assert_int_not_equal(origin_port(o), 0);
	return o;
}

static int dial_to(const struct sockaddr *addr, socklen_t len)
{
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(connect(fd, addr, len), 0);
	return fd;
}

static int dial(const struct origin *o)
{
	struct sockaddr_in to = { .sin_family = AF_INET };

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)origin_port(o));
	return dial_to((struct sockaddr *)&to, sizeof(to));
}

static void ask(int fd, const char *method, const char *path, const char *more)
{
	char request[1024];
	int n = snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\n%s\r\n", method, path, more);

	assert_true(n > 0 && (size_t)n < sizeof(request));
	assert_int_equal(send(fd, request, (size_t)n, MSG_NOSIGNAL), n);
}

/* Byte by byte, so that nothing of the body is taken. */
static void read_head(int fd, struct reply *r)
{
	size_t n = 0;

	do {
		assert_true(n + 1 < sizeof(r->head));
		assert_int_equal(recv(fd, r->head + n, 1, 0), 1);
		r->head[++n] = '\0';
	} while (n < 4 || strcmp(r->head + n - 4, "\r\n\r\n") != 0);
	assert_int_equal(sscanf(r->head, "HTTP/1.1 %u ", &r->status), 1);
}

/* What stands behind "Name: ", up to the end of the head; NULL: there is no such header. */
static const char *header(const struct reply *r, const char *name)
{
	const char *line = strstr(r->head, "\r\n");
	size_t n = strlen(name);

	for (; line; line = strstr(line + 2, "\r\n"))
		if (strncasecmp(line + 2, name, n) == 0 && line[2 + n] == ':')
			return line + 2 + n + 2;
	return NULL;
}

static void assert_header(const struct reply *r, const char *name, const char *value)
{
	const char *is = header(r, name);

	assert_non_null(is);
	assert_int_equal(strcspn(is, "\r"), strlen(value));
	assert_memory_equal(is, value, strlen(value));
}

static uint64_t content_length(const struct reply *r)
{
	const char *is = header(r, "Content-Length");

	assert_non_null(is);
	return strtoull(is, NULL, 10);
}

/* Until limit bytes have come, or the end. */
static void read_body(int fd, struct reply *r, uint64_t limit)
{
	static _Thread_local uint8_t block[262144];
	struct sha256_ctx sha;
	size_t want, text = 0;
	ssize_t n;

	sha256_init(&sha);
	for (r->length = 0; r->length < limit; r->length += (uint64_t)n) {
		want = limit - r->length < sizeof(block) ? (size_t)(limit - r->length)
							 : sizeof(block);
		n = recv(fd, block, want, 0);
		assert_true(n >= 0);
		if (n == 0)
			break;
		for (ssize_t i = 0; i < n && text + 1 < sizeof(r->text); i++)
			r->text[text++] = (char)block[i];
		sha256_update(&sha, (size_t)n, block);
	}
	r->text[text] = '\0';
	hex(&sha, r->sum);
}

static void fetch_more(const struct origin *o, const char *method, const char *path,
		       const char *more, struct reply *r)
{
	int fd = dial(o);

	ask(fd, method, path, more);
	read_head(fd, r);
	read_body(fd, r, UINT64_MAX);
	close(fd);
	assert_header(r, "X-Shunt-Origin", "1");
}

static void fetch(const struct origin *o, const char *method, const char *path, struct reply *r)
{
	fetch_more(o, method, path, "Host: here:80\r\nConnection: close\r\n", r);
}

static void page_tells_what_to_try(void **state)
{
	struct reply r;

	fetch(*state, "GET", "/", &r);
	assert_int_equal(r.status, 200);
	assert_header(&r, "Content-Type", "text/html; charset=utf-8");
	assert_int_equal(content_length(&r), r.length);
	assert_non_null(strstr(r.text, "curl -o /dev/null http://here:80/bytes/4G"));
	assert_non_null(strstr(r.text, "curl -s http://here:80/sha256/1G"));
	assert_non_null(strstr(r.text, "</html>\n"));
	assert_null(strstr(r.text, "src=")); /* self-contained */
}

static void page_does_not_repeat_a_hostile_host(void **state)
{
	char own[64];
	struct reply r;

	fetch_more(*state, "GET", "/", "Host: a\"><script>\r\nConnection: close\r\n", &r);
	assert_int_equal(r.status, 200);
	assert_null(strstr(r.text, "script"));
	snprintf(own, sizeof(own), "http://127.0.0.1:%u/bytes/4G", origin_port(*state));
	assert_non_null(strstr(r.text, own));
	fetch_more(*state, "GET", "/", "Host: $(reboot)\r\nConnection: close\r\n", &r);
	assert_null(strstr(r.text, "reboot"));
}

static void bytes_and_sums_are_right(void **state)
{
	static const uint64_t sizes[] = { 0,
					  1,
					  4096,
					  ORIGIN_PERIOD - 1,
					  ORIGIN_PERIOD,
					  ORIGIN_PERIOD + 1,
					  3 * (uint64_t)ORIGIN_PERIOD + 12345,
					  64 * MIB };
	char path[64], want[65], line[80];
	struct reply r;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		expected_sum(sizes[i], want);
		snprintf(path, sizeof(path), "/bytes/%llu", (unsigned long long)sizes[i]);
		fetch(*state, "GET", path, &r);
		assert_int_equal(r.status, 200);
		assert_header(&r, "Content-Type", "application/octet-stream");
		assert_int_equal(content_length(&r), sizes[i]);
		assert_int_equal(r.length, sizes[i]);
		assert_string_equal(r.sum, want);

		snprintf(path, sizeof(path), "/sha256/%llu", (unsigned long long)sizes[i]);
		fetch(*state, "GET", path, &r);
		assert_int_equal(r.status, 200);
		assert_header(&r, "Content-Type", "text/plain; charset=utf-8");
		snprintf(line, sizeof(line), "%s  -\n", want);
		assert_string_equal(r.text, line);
	}
}

/* splitmix64's well-known first output from the state 0, so that not only our two programs agree.
 */
static void bytes_begin_as_defined(void **state)
{
	static const uint8_t first[8] = { 0xaf, 0xcd, 0x1d, 0x7b, 0x39, 0xa8, 0x20, 0xe2 };
	struct reply r;

	for (size_t i = 0; i < 8; i++)
		assert_int_equal(byte_at(i), first[i]);
	fetch(*state, "GET", "/bytes/16", &r);
	assert_int_equal(r.length, 16);
	assert_memory_equal(r.text, first, 8);
}

static void sizes_have_units(void **state)
{
	static const struct {
		const char *path;
		uint64_t size;
	} rows[] = { { "/bytes/3k", 3072 },
		     { "/bytes/2M", 2 * MIB },
		     { "/bytes/1.5m", 3 * MIB / 2 },
		     { "/bytes/7?and=more", 7 } };
	struct reply r;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fetch(*state, "GET", rows[i].path, &r);
		assert_int_equal(r.status, 200);
		assert_int_equal(r.length, rows[i].size);
	}
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* So that swapping two blocks, or taking one twice, cannot pass for the right bytes. */
static void no_two_aligned_blocks_are_alike(void **state)
{
	enum { BLOCKS = 65536 };
	uint64_t *begins = calloc(BLOCKS, sizeof(*begins));

	(void)state;
	assert_non_null(begins);
	for (uint64_t size = 512; size <= MIB; size *= 2) {
		for (uint64_t i = 0; i < BLOCKS; i++)
			for (uint64_t k = begins[i] = 0; k < 8; k++)
				begins[i] = begins[i] << 8 | byte_at(i * size + k);
		qsort(begins, BLOCKS, sizeof(*begins), compare_u64);
		for (size_t i = 1; i < BLOCKS; i++)
			assert_true(begins[i] != begins[i - 1]);
	}
	free(begins);
}

static void head_has_the_length_and_no_body(void **state)
{
	uint64_t before = origin_bytes(*state);
	struct reply r;

	fetch(*state, "HEAD", "/bytes/1T", &r);
	assert_int_equal(r.status, 200);
	assert_header(&r, "Content-Length", "1099511627776");
	assert_int_equal(r.length, 0);
	fetch(*state, "HEAD", "/sha256/64G", &r);
	assert_int_equal(r.status, 200);
	assert_header(&r, "Content-Length", "68");
	assert_int_equal(r.length, 0);
	fetch(*state, "HEAD", "/", &r);
	assert_int_equal(r.status, 200);
	assert_true(content_length(&r) > 1000);
	assert_int_equal(r.length, 0);
	assert_int_equal(origin_bytes(*state), before);
}

static void what_is_not_there_says_what_is(void **state)
{
	static const char *const paths[] = { "/nothing", "/bytes", "/index.html", "//", "/sha256" };
	struct reply r;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		fetch(*state, "GET", paths[i], &r);
		assert_int_equal(r.status, 404);
		assert_non_null(strstr(r.text, "/bytes/N"));
	}
}

static void other_methods_are_refused(void **state)
{
	static const char *const methods[] = { "POST", "PUT", "DELETE", "OPTIONS" };
	struct reply r;

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		fetch(*state, methods[i], "/bytes/10", &r);
		assert_int_equal(r.status, 405);
		assert_header(&r, "Allow", "GET, HEAD");
		assert_non_null(strstr(r.text, "GET"));
	}
}

static void wrong_sizes_say_what_is_allowed(void **state)
{
	static const char *const paths[] = {
		"/bytes/",   "/bytes/x",   "/bytes/-1",   "/bytes/1q",
		"/bytes/2T", "/bytes/1/2", "/bytes/%201", "/bytes/1025G",
		"/sha256/",  "/sha256/1x", "/sha256/65G", "/sha256/99999999T",
	};
	struct reply r;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		fetch(*state, "GET", paths[i], &r);
		assert_int_equal(r.status, 400);
		assert_non_null(strstr(r.text, "/bytes/1T"));
		assert_non_null(strstr(r.text, "/sha256/64G"));
	}
}

/* Requests one after the other on one connection, an upload that is refused and a sum among them.
 */
static void a_connection_is_used_again(void **state)
{
	static const char body[] = "0123456789";
	char want[65];
	struct reply r;
	int fd = dial(*state);

	ask(fd, "POST", "/", "Host: a\r\nContent-Length: 10\r\n");
	assert_int_equal(send(fd, body, 10, MSG_NOSIGNAL), 10);
	read_head(fd, &r);
	assert_int_equal(r.status, 405);
	read_body(fd, &r, content_length(&r));
	ask(fd, "GET", "/sha256/1M", "Host: a\r\n");
	read_head(fd, &r);
	assert_int_equal(r.status, 200);
	read_body(fd, &r, content_length(&r));
	expected_sum(MIB, want);
	assert_memory_equal(r.text, want, 64);
	ask(fd, "HEAD", "/bytes/1G", "Host: a\r\n");
	read_head(fd, &r);
	ask(fd, "GET", "/bytes/1M", "Host: a\r\n");
	read_head(fd, &r);
	read_body(fd, &r, content_length(&r));
	assert_string_equal(r.sum, want);
	close(fd);
}

/* The answer, and then the end, wherever the FIN came in between. */
static void a_half_closed_client_gets_its_answer(void **state)
{
	static const char *const paths[] = { "/bytes/10", "/bytes/5M", "/sha256/10", "/sha256/200M",
					     "/nothing" };
	struct reply r;
	int fd;

	for (size_t i = 0; i < 40; i++) {
		fd = dial(*state);
		ask(fd, "GET", paths[i % 5], "Host: a\r\n");
		if (i % 2)
			usleep(1000);
		assert_int_equal(shutdown(fd, SHUT_WR), 0);
		read_head(fd, &r);
		read_body(fd, &r, UINT64_MAX);
		assert_int_equal(r.length, content_length(&r));
		close(fd);
	}
}

/* Requests sent at once, and the FIN with them: none is forgotten. */
static void pipelined_requests_are_all_answered(void **state)
{
	static const char *const paths[] = { "/bytes/3M", "/sha256/1k", "/bytes/10", "/" };
	struct reply r;
	int fd;

	for (size_t round = 0; round < 10; round++) {
		fd = dial(*state);
		for (size_t i = 0; i < 4; i++)
			ask(fd, "GET", paths[i], "Host: a\r\n");
		assert_int_equal(shutdown(fd, SHUT_WR), 0);
		for (size_t i = 0; i < 4; i++) {
			read_head(fd, &r);
			assert_int_equal(r.status, 200);
			read_body(fd, &r, content_length(&r));
			assert_int_equal(r.length, content_length(&r));
		}
		assert_int_equal(recv(fd, r.text, 1, 0), 0);
		close(fd);
	}
}

static void counts_are_true(void **state)
{
	uint64_t bytes = origin_bytes(*state), requests = origin_requests(*state);
	struct reply r;

	fetch(*state, "GET", "/bytes/0", &r);
	fetch(*state, "GET", "/bytes/5M", &r);
	fetch(*state, "GET", "/bytes/1", &r);
	fetch(*state, "GET", "/nothing", &r);
	fetch(*state, "GET", "/", &r);
	assert_int_equal(origin_bytes(*state) - bytes, 5 * MIB + 1);
	assert_int_equal(origin_requests(*state) - requests, 5);
}

struct asker {
	struct origin *o;
	unsigned number;
	struct reply r;
	pthread_t thread;
};

static void *ask_one(void *arg)
{
	struct asker *a = arg;
	char path[64];

	snprintf(path, sizeof(path), a->number % 4 == 3 ? "/sha256/%u" : "/bytes/%u",
		 a->number * 70001);
	fetch(a->o, "GET", path, &a->r);
	return NULL;
}

static void many_at_once_get_each_their_own(void **state)
{
	struct asker *all = calloc(PARALLEL, sizeof(*all));
	char want[65];

	assert_non_null(all);
	for (unsigned i = 0; i < PARALLEL; i++) {
		all[i].o = *state;
		all[i].number = i;
		assert_int_equal(pthread_create(&all[i].thread, NULL, ask_one, &all[i]), 0);
	}
	for (unsigned i = 0; i < PARALLEL; i++) {
		pthread_join(all[i].thread, NULL);
		expected_sum((uint64_t)i * 70001, want);
		assert_int_equal(all[i].r.status, 200);
		assert_memory_equal(i % 4 == 3 ? all[i].r.text : all[i].r.sum, want, 64);
	}
	free(all);
}

/* More long sums than there are threads, and readers that do not read: others are served all the
 * same. Then the origin stops under all of them. */
static void long_ones_hold_nobody_up(void **state)
{
	struct origin *o = start();
	char want[65];
	struct reply r;
	int sums[12], readers[12];

	(void)state;
	for (size_t i = 0; i < 12; i++) {
		sums[i] = dial(o);
		ask(sums[i], "GET", "/sha256/64G", "Host: a\r\n");
		read_head(sums[i], &r);
		assert_int_equal(r.status, 200);
		readers[i] = dial(o);
		ask(readers[i], "GET", "/bytes/1T", "Host: a\r\n");
		read_head(readers[i], &r);
		assert_int_equal(r.status, 200);
	}
	expected_sum(MIB, want);
	fetch(o, "GET", "/bytes/1M", &r);
	assert_string_equal(r.sum, want);
	fetch(o, "GET", "/sha256/1M", &r);
	assert_memory_equal(r.text, want, 64);
	for (size_t i = 0; i < 12; i++) /* none was ready before */
		assert_int_equal(recv(sums[i], r.text, 1, MSG_DONTWAIT | MSG_PEEK), -1);
	origin_stop(o);
	for (size_t i = 0; i < 12; i++) {
		ssize_t n = recv(sums[i], r.text, sizeof(r.text), 0);

		assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
		close(sums[i]);
		while ((n = recv(readers[i], r.text, sizeof(r.text), 0)) > 0)
			;
		assert_true(n == 0 || errno == ECONNRESET);
		close(readers[i]);
	}
}

static void a_client_may_go_away(void **state)
{
	struct linger reset = { .l_onoff = 1 };
	uint64_t before = origin_bytes(*state);
	struct reply r;
	int fd;

	for (size_t i = 0; i < 20; i++) {
		fd = dial(*state);
		ask(fd, "GET", i % 2 ? "/bytes/1T" : "/sha256/100M", "Host: a\r\n");
		if (i % 2) {
			read_head(fd, &r);
			read_body(fd, &r, MIB);
		}
		if (i % 4 < 2)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fd);
	}
	assert_true(origin_bytes(*state) - before >= 10 * MIB);
	fetch(*state, "GET", "/bytes/100", &r);
	assert_int_equal(r.length, 100);
}

static void a_taken_port_is_told_apart(void **state)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	struct origin *o = NULL;

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	addr.sin_port = htons((uint16_t)origin_port(*state));
	assert_int_equal(origin_start(&o, (struct sockaddr *)&addr, sizeof(addr)), -EADDRINUSE);
	addr.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1, nobody's (RFC 5737) */
	addr.sin_port = 0;
	assert_int_equal(origin_start(&o, (struct sockaddr *)&addr, sizeof(addr)), -EADDRNOTAVAIL);
	assert_null(o);
}

static void unix_sockets_serve_too(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + 1;
	struct origin *o = NULL;
	struct reply r;
	int fd;

	(void)state;
	/* An abstract name: nothing is left in the file system. */
	len += (socklen_t)snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1, "origin-test-%d",
				   (int)getpid());
	assert_int_equal(origin_start(&o, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(origin_port(o), 0);
	fd = dial_to((struct sockaddr *)&addr, len);
	ask(fd, "GET", "/bytes/5M", "Host: a\r\nConnection: close\r\n");
	read_head(fd, &r);
	read_body(fd, &r, UINT64_MAX);
	assert_int_equal(r.length, 5 * MIB);
	close(fd);
	origin_stop(o);
}

static size_t entries(const char *path)
{
	DIR *d = opendir(path);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void nothing_is_left_behind(void **state)
{
	size_t fds = entries("/proc/self/fd"), threads = entries("/proc/self/task");
	struct sockaddr_in addr = { .sin_family = AF_INET };
	struct origin *o, *second;
	struct reply r;

	(void)state;
	o = start();
	assert_true(entries("/proc/self/task") > threads);
	fetch(o, "GET", "/bytes/1M", &r);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	addr.sin_port = htons((uint16_t)origin_port(o));
	assert_int_equal(origin_start(&second, (struct sockaddr *)&addr, sizeof(addr)),
			 -EADDRINUSE);
	origin_stop(o);
	assert_int_equal(entries("/proc/self/fd"), fds);
	assert_int_equal(entries("/proc/self/task"), threads);
}

/* The signals blocked in the thread, as /proc tells. */
static uint64_t blocked(const char *tid)
{
	char path[300], line[256];
	unsigned long long mask = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%s/status", tid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		sscanf(line, "SigBlk: %llx", &mask);
	fclose(f);
	return mask;
}

static void signals_are_left_to_the_program(void **state)
{
	uint64_t stop = (uint64_t)1 << (SIGTERM - 1) | (uint64_t)1 << (SIGINT - 1);
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	unsigned others = 0;

	(void)state;
	assert_non_null(d);
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		if (atoi(e->d_name) == getpid()) {
			assert_int_equal(blocked(e->d_name) & stop, 0);
			continue;
		}
		assert_int_equal(blocked(e->d_name) & stop, stop);
		others++;
	}
	closedir(d);
	assert_true(others >= 2);
}

static int begin(void **state)
{
	*state = start();
	return 0;
}

static int end(void **state)
{
	origin_stop(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_tells_what_to_try),
		cmocka_unit_test(page_does_not_repeat_a_hostile_host),
		cmocka_unit_test(bytes_and_sums_are_right),
		cmocka_unit_test(bytes_begin_as_defined),
		cmocka_unit_test(sizes_have_units),
		cmocka_unit_test(no_two_aligned_blocks_are_alike),
		cmocka_unit_test(head_has_the_length_and_no_body),
		cmocka_unit_test(what_is_not_there_says_what_is),
		cmocka_unit_test(other_methods_are_refused),
		cmocka_unit_test(wrong_sizes_say_what_is_allowed),
		cmocka_unit_test(a_connection_is_used_again),
		cmocka_unit_test(a_half_closed_client_gets_its_answer),
		cmocka_unit_test(pipelined_requests_are_all_answered),
		cmocka_unit_test(counts_are_true),
		cmocka_unit_test(many_at_once_get_each_their_own),
		cmocka_unit_test(long_ones_hold_nobody_up),
		cmocka_unit_test(a_client_may_go_away),
		cmocka_unit_test(a_taken_port_is_told_apart),
		cmocka_unit_test(unix_sockets_serve_too),
		cmocka_unit_test(nothing_is_left_behind),
		cmocka_unit_test(signals_are_left_to_the_program),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
