/* SPDX-License-Identifier: BSD-2-Clause */
/* crowd.c — a stream of numbered blocks, and a crowd that counts what comes of it
 *
 *   crowd feed ADDR|listen:ADDR -s BLOCK -c BLOCKS -r BYTES-A-SECOND [-e fin|reset|hold]
 *   crowd hear ADDR -s BLOCK -n SUBSCRIBERS [-g] [-d DEAF] [-j JOIN-MS] [-t SECONDS] [-b BLOCKS]
 *
 * A block begins with its number, and every eight bytes of it are a word that number and place decide.
 * `feed` sends blocks at a steady pace from a timer. `hear` joins SUBSCRIBERS times, within JOIN-MS, as HTTP
 * clients with -g; the first DEAF of them never read. It takes a line "part N fin|reset" on stdin: then
 * N new ones join, hear ten blocks and leave in that way. At the end of all streams, when each has heard BLOCKS, after
 * a line "enough" or after SECONDS it tells what came, as one line of JSON on stdout. Both say "ready" when they are.
 *
 * ADDR is 127.0.0.1:80, [::1]:80 or unix:/path.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 4096, BLOCK_MOST = 65536, PART_BLOCKS = 10 };

static size_t block_size = 1024;

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "crowd: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* -- blocks -- */

static uint64_t word(uint64_t number, size_t at)
{
	return at == 0 ? htobe64(number) : (number + at) * UINT64_C(0x9E3779B97F4A7C15);
}

static void fill(unsigned char *to, uint64_t number)
{
	for (size_t at = 0; at < block_size; at += 8) {
		uint64_t w = word(number, at);
		size_t n = block_size - at < 8 ? block_size - at : 8;

		memcpy(to + at, &w, n);
	}
}

static bool is_block(const unsigned char *bytes, uint64_t number)
{
	unsigned char want[BLOCK_MOST];

	fill(want, number);
	return memcmp(bytes, want, block_size) == 0;
}

/* -- addresses -- */

struct place {
	struct sockaddr_storage ss;
	socklen_t len;
};

static struct place place_of(const char *text)
{
	struct place p = { .len = 0 };
	char host[108];
	unsigned port;

	if (strncmp(text, "unix:", 5) == 0) {
		struct sockaddr_un *un = (struct sockaddr_un *)&p.ss;

		un->sun_family = AF_UNIX;
		snprintf(un->sun_path, sizeof(un->sun_path), "%s", text + 5);
		p.len = sizeof(*un);
	} else if (sscanf(text, "[%100[^]]]:%u", host, &port) == 2) {
		struct sockaddr_in6 *in = (struct sockaddr_in6 *)&p.ss;

		*in = (struct sockaddr_in6){ .sin6_family = AF_INET6,
					     .sin6_port = htons((uint16_t)port) };
		inet_pton(AF_INET6, host, &in->sin6_addr);
		p.len = sizeof(*in);
	} else if (sscanf(text, "%100[^:]:%u", host, &port) == 2) {
		struct sockaddr_in *in = (struct sockaddr_in *)&p.ss;

		*in = (struct sockaddr_in){ .sin_family = AF_INET,
					    .sin_port = htons((uint16_t)port) };
		inet_pton(AF_INET, host, &in->sin_addr);
		p.len = sizeof(*in);
	} else {
		errno = EINVAL;
		die(text);
	}
	return p;
}

static int connect_to(const struct place *p)
{
	int fd = socket(p->ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&p->ss, p->len) < 0)
		die("connect");
	return fd;
}

static void linger_none(int fd)
{
	struct linger l = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

/* -- feed -- */

static int accept_one(const char *text)
{
	struct place p = place_of(text);
	struct sockaddr_in *in = (struct sockaddr_in *)&p.ss;
	int one = 1, door = socket(p.ss.ss_family, SOCK_STREAM, 0);

	setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (door < 0 || bind(door, (struct sockaddr *)&p.ss, p.len) < 0 || listen(door, 1) < 0)
		die("listen");
	if (getsockname(door, (struct sockaddr *)&p.ss, &p.len) == 0 && p.ss.ss_family == AF_INET)
		printf("listening 127.0.0.1:%u\n", ntohs(in->sin_port));
	fflush(stdout);
	int fd = accept(door, NULL, NULL);

	close(door);
	return fd;
}

static void send_all(int fd, const unsigned char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t some = send(fd, bytes, n, MSG_NOSIGNAL);

		if (some < 0)
			die("send");
		bytes += some;
		n -= (size_t)some;
	}
}

static void feed(const char *to, uint64_t blocks, double rate, const char *end)
{
	enum { TICK_MS = 10 };
	static unsigned char bytes[1 << 22];
	int fd = strncmp(to, "listen:", 7) == 0 ? accept_one(to + 7) : -1;
	uint64_t begun = now_ms(), sent = 0, longest = 0;

	if (fd < 0) {
		struct place p = place_of(to);

		fd = connect_to(&p);
	}
	while (sent < blocks) {
		uint64_t elapsed = now_ms() - begun + TICK_MS;
		uint64_t due = (uint64_t)(rate * (double)elapsed / 1000 / (double)block_size),
			 n = 0;

		for (; sent + n < blocks && sent + n < due && (n + 1) * block_size <= sizeof(bytes);
		     n++)
			fill(bytes + n * block_size, sent + n);
		uint64_t before = now_ms();

		send_all(fd, bytes, n * block_size);
		uint64_t took = now_ms() - before;

		longest = took > longest ? took : longest;
		sent += n;
		usleep(TICK_MS * 1000);
	}
	if (strcmp(end, "hold") == 0)
		pause();
	uint64_t ended = now_ms();

	printf("{\"blocks\": %llu, \"ended_ms\": %llu, \"took_ms\": %llu, \"longest_send_ms\": %llu}\n",
	       (unsigned long long)sent, (unsigned long long)ended,
	       (unsigned long long)(ended - begun), (unsigned long long)longest);
	fflush(stdout);
	if (strcmp(end, "reset") == 0)
		linger_none(fd);
	else
		shutdown(fd, SHUT_WR);
	while (strcmp(end, "reset") != 0 && recv(fd, bytes, sizeof(bytes), 0) > 0)
		;
	close(fd);
}

/* -- hear -- */

struct sub {
	int fd; /* -1: gone */
	bool deaf, passing, reset, in_head;
	uint64_t first, next, blocks, gaps, bad;
	uint64_t ended_ms;
	enum { RUNS, FIN, RST } end;
	size_t have, head;
	unsigned char part[BLOCK_MOST]; /* of a block */
	char line[2048];                /* of an HTTP head */
};

static struct sub *subs[MOST];
static unsigned count;
static int epfd;
static bool http;

static void join(const struct place *p, bool deaf, bool passing, bool reset)
{
	static const char get[] = "GET / HTTP/1.1\r\nHost: crowd\r\n\r\n";
	struct sub *s = calloc(1, sizeof(*s));

	if (!s || count == MOST)
		die("too many");
	s->fd = connect_to(p);
	s->deaf = deaf;
	s->passing = passing;
	s->reset = reset;
	s->in_head = http;
	s->first = s->next = UINT64_MAX;
	if (http)
		send_all(s->fd, (const unsigned char *)get, sizeof(get) - 1);
	fcntl(s->fd, F_SETFL, O_NONBLOCK);
	subs[count++] = s;
	struct epoll_event ev = { .events = deaf ? 0 : EPOLLIN, .data.ptr = s };

	epoll_ctl(epfd, EPOLL_CTL_ADD, s->fd, &ev);
}

static void leave(struct sub *s)
{
	if (s->reset)
		linger_none(s->fd);
	close(s->fd);
	s->fd = -1;
	s->ended_ms = now_ms();
}

static void one_block(struct sub *s, const unsigned char *bytes)
{
	uint64_t number;

	memcpy(&number, bytes, 8);
	number = be64toh(number);
	if (!is_block(bytes, number)) {
		s->bad++;
		return;
	}
	if (s->first == UINT64_MAX)
		s->first = number;
	else if (number != s->next)
		s->gaps++;
	s->next = number + 1;
	s->blocks++;
}

/* How many bytes of these belong to the head. */
static size_t skip_head(struct sub *s, const unsigned char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s->head + 1 == sizeof(s->line))
			die("a head without end");
		s->line[s->head++] = (char)bytes[i];
		if (s->head >= 4 && memcmp(s->line + s->head - 4, "\r\n\r\n", 4) == 0) {
			s->in_head = false;
			if (strncmp(s->line, "HTTP/1.1 200 ", 13) != 0)
				s->bad++;
			return i + 1;
		}
	}
	return n;
}

static void take(struct sub *s, const unsigned char *bytes, size_t n)
{
	if (s->in_head) {
		size_t head = skip_head(s, bytes, n);

		bytes += head;
		n -= head;
	}
	while (n > 0) {
		if (s->have == 0 && n >= block_size) {
			one_block(s, bytes);
			bytes += block_size;
			n -= block_size;
			continue;
		}
		size_t some = block_size - s->have < n ? block_size - s->have : n;

		memcpy(s->part + s->have, bytes, some);
		s->have += some;
		bytes += some;
		n -= some;
		if (s->have == block_size) {
			one_block(s, s->part);
			s->have = 0;
		}
	}
}

static void hear(struct sub *s)
{
	static unsigned char bytes[1 << 18];
	ssize_t n = recv(s->fd, bytes, sizeof(bytes), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0)
		take(s, bytes, (size_t)n);
	if (n <= 0) {
		s->end = n == 0 ? FIN : RST;
		leave(s);
	} else if (s->passing && s->blocks >= PART_BLOCKS) {
		leave(s);
	}
}

static bool all_ended(uint64_t blocks)
{
	unsigned ended = 0;

	for (unsigned i = 0; i < count; i++) {
		if (subs[i]->fd >= 0 && !subs[i]->deaf && !subs[i]->passing &&
		    subs[i]->blocks < blocks)
			return false;
		ended += !subs[i]->deaf && !subs[i]->passing;
	}
	return ended > 0; /* else it was asked for deaf ones alone, for a time */
}

/* What stdin wants. Is it enough? */
static bool told(const struct place *p)
{
	char line[64], how[16];
	unsigned n;

	if (!fgets(line, sizeof(line), stdin))
		die("end of input");
	if (strcmp(line, "enough\n") == 0)
		return true;
	if (sscanf(line, "part %u %15s", &n, how) != 2)
		die("part N fin|reset");
	for (unsigned i = 0; i < n; i++)
		join(p, false, true, strcmp(how, "reset") == 0);
	printf("joined\n");
	fflush(stdout);
	return false;
}

static void tell(void)
{
	uint64_t least = UINT64_MAX, most = 0, first = 0, last_end = 0, gaps = 0, bad = 0,
		 next = UINT64_MAX;
	unsigned fin = 0, rst = 0, heard = 0, torn = 0, passed = 0, passing = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct sub *s = subs[i];

		if (s->deaf)
			continue;
		gaps += s->gaps;
		bad += s->bad;
		if (s->passing) {
			passing++;
			passed += s->blocks >= PART_BLOCKS;
			continue;
		}
		heard++;
		torn += s->have != 0;
		fin += s->end == FIN;
		rst += s->end == RST;
		least = s->blocks < least ? s->blocks : least;
		most = s->blocks > most ? s->blocks : most;
		if (s->first != UINT64_MAX && s->first > first)
			first = s->first;
		next = s->next < next ? s->next : next;
		last_end = s->ended_ms > last_end ? s->ended_ms : last_end;
	}
	printf("{\"heard\": %u, \"blocks_least\": %llu, \"blocks_most\": %llu, \"first_latest\": %llu, "
	       "\"next_least\": %llu, \"gaps\": %llu, \"bad\": %llu, \"torn\": %u, \"fin\": %u, "
	       "\"reset\": %u, \"passing\": %u, \"passed\": %u, \"ended_ms\": %llu}\n",
	       heard, (unsigned long long)least, (unsigned long long)most,
	       (unsigned long long)first, (unsigned long long)next, (unsigned long long)gaps,
	       (unsigned long long)bad, torn, fin, rst, passing, passed,
	       (unsigned long long)last_end);
	fflush(stdout);
}

static void hear_all(const char *at, unsigned n, unsigned deaf, unsigned join_ms, unsigned seconds,
		     uint64_t blocks)
{
	struct place p = place_of(at);
	struct epoll_event in = { .events = EPOLLIN, .data.ptr = NULL }, ev[256];
	uint64_t begun = now_ms(), until = begun + (uint64_t)seconds * 1000;

	epfd = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(epfd, EPOLL_CTL_ADD, STDIN_FILENO, &in);
	bool all_there = false; /* later ones only pass */
	bool enough = false;

	while (now_ms() < until && !enough && !(all_there && all_ended(blocks))) {
		uint64_t due = join_ms ? (uint64_t)n * (now_ms() - begun) / join_ms : n;

		while (!all_there && count < n && count <= due)
			join(&p, count < deaf, false, false);
		if (!all_there && count == n) {
			all_there = true;
			printf("ready\n");
			fflush(stdout);
		}
		int got = epoll_wait(epfd, ev, 256, 10);

		for (int i = 0; i < got; i++) {
			if (ev[i].data.ptr)
				hear(ev[i].data.ptr);
			else
				enough = told(&p);
		}
	}
	tell();
}

int main(int argc, char **argv)
{
	uint64_t blocks = 1000, wanted = UINT64_MAX;
	double rate = 1e6;
	unsigned n = 1, deaf = 0, join_ms = 0, seconds = 60;
	const char *end = "fin";
	int o;

	if (argc < 3)
		return fprintf(stderr, "usage: crowd feed|hear ADDR [OPTION...]\n"), 2;
	optind = 3;
	while ((o = getopt(argc, argv, "s:c:r:e:n:gd:j:t:b:")) > 0)
		switch (o) {
		case 's': block_size = strtoul(optarg, NULL, 10); break;
		case 'c': blocks = strtoull(optarg, NULL, 10); break;
		case 'r': rate = strtod(optarg, NULL); break;
		case 'e': end = optarg; break;
		case 'n': n = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'g': http = true; break;
		case 'd': deaf = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'j': join_ms = (unsigned)strtoul(optarg, NULL, 10); break;
		case 't': seconds = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'b': wanted = strtoull(optarg, NULL, 10); break;
		default: return 2;
		}
	if (block_size < 16 || block_size > BLOCK_MOST)
		return fprintf(stderr, "crowd: a block has 16 to %d bytes\n", BLOCK_MOST), 2;
	alarm(seconds + 60);
	if (strcmp(argv[1], "feed") == 0)
		feed(argv[2], blocks, rate, end);
	else
		hear_all(argv[2], n, deaf, join_ms, seconds, wanted);
	return 0;
}
