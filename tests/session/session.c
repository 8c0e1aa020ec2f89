/* SPDX-License-Identifier: BSD-2-Clause */
/* session.c — the life of one relayed connection, told again and again while the n-th system call fails
 *
 *   session STORY splice|copy              n = 1, 2, 3 … until the story passes untouched; each call fails in each
 *                                          of its ways, once, and for ever after until nothing moves any more
 *   session STORY splice|copy N WAY THEN   one run of these
 *
 * A client says its pieces; of its two servers the first one is not there, the second one sends back what it gets.
 * After each run, whatever failed: the session has ended once, with a reason; the client has seen a prefix of its
 * answer and then a reset, or all of it and then an end; and no descriptor and no memory has stayed behind.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"
#include "daemon/conf_load.h"
#include "daemon/session.h"

enum { MORE = 40000, MOST = 65536, SERVERS = 8, HANG_MS = 10000, RELENT_MS = 400 };
/* Timeouts of the configuration. Where the client is silent, the first must be over before it goes on. */
enum { HEAD_MS = 100, SILENT_MS = 15, CONNECT_MS = 150, IDLE_MS = 300, TRIES = 100 };

/* -- stories -- */

#define HELLO                                                                                      \
	"\x16\x03\x01\0\x45\1\0\0\x41\3\3"                                                         \
	"0123456789abcdef0123456789abcdef"                                                         \
	"\0\0\2\x13\1\1\0\0\x16\0\0\0\x0b\0\x09\0\0\6a.test\0\x2b\0\3\2\3\4"
#define PROXY "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"

struct piece {
	const char *bytes;
	size_t n;
	bool urgent; /* the last of them */
};
#define P(text)                                                                                    \
	{                                                                                          \
		text, sizeof(text) - 1, false                                                      \
	}

static const struct story {
	const char *name, *listen, *backend;
	struct piece piece[4];
	const char *before; /* what the server is told first, before what the client said */
	size_t skip;        /* bytes of the client's that no server gets */
	bool greets;        /* the server speaks first, and the client waits for that */
	unsigned least;     /* calls that it must pass, or it covers nothing */
} stories[] = {
	{ .name = "plain", .listen = "default: b", .piece = { P("hello") }, .least = 20 },
	{ .name = "tls",
	  .listen = "look: [tls], routes: [{sni: a.test, backend: b}]",
	  .piece = { { HELLO, 20, false }, { &(HELLO)[20], sizeof(HELLO) - 1 - 20, false } },
	  .least = 25 },
	{ .name = "http",
	  .listen = "look: [tls, http], routes: [{host: a.test, backend: b}]",
	  .piece = { P("GET / HT"), P("TP/1.1\r\nHost: a.t"), P("est\r\n\r\n") },
	  .least = 25 },
	{ .name = "urgent",
	  .listen = "look: [http], routes: [{host: a.test, backend: b}]",
	  .piece = { P("GET / HTTP/1.1\r\n"), { "!", 1, true }, P("Host: a.test\r\n"), P("\r\n") },
	  .least = 25 },
	{ .name = "proxy",
	  .listen = "accept_proxy: true, look: [http], default: b",
	  .backend = "send_proxy: v1, ",
	  .piece = { P("PROXY TCP4 192.0.2.1 198.51"), P(".100.1 56324 443\r\n"), P("GET / HTTP/1"),
		     P(".1\r\nHost: a.test\r\n\r\n") },
	  .before = PROXY,
	  .skip = sizeof(PROXY) - 1,
	  .least = 25 },
	{ .name = "silence",
	  .listen = "look: [tls, http], default: b, on_silence: b",
	  .piece = { P("only now") },
	  .greets = true,
	  .least = 25 },
};
#define STORIES (sizeof(stories) / sizeof(stories[0]))

/* -- memory: the linker leads all calls here -- */

static long allocated;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);
void __real_free(void *p);
void __wrap_free(void *p);

/* What a compiler makes of a realloc of nothing. */
void *__wrap_malloc(size_t size)
{
	void *p = __real_malloc(size);

	allocated += p != NULL;
	return p;
}

void *__wrap_calloc(size_t n, size_t size)
{
	void *p = __real_calloc(n, size);

	allocated += p != NULL;
	return p;
}

void *__wrap_realloc(void *p, size_t size)
{
	void *more = __real_realloc(p, size);

	allocated += more && !p;
	return more;
}

void __wrap_free(void *p)
{
	allocated -= p != NULL;
	__real_free(p);
}

/* -- one run -- */

static struct {
	const struct story *story;
	const char *engine;
	unsigned long n;
	unsigned way;
	int then;
	const char *call; /* that failed */
	unsigned wrongs;
} run;

static void keep_name(void)
{
	if (sys_fault_name(0))
		run.call = sys_fault_name(0);
}

static void wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void wrong(const char *fmt, ...)
{
	va_list args;

	keep_name();
	printf("session %s %s %lu %u %d (%s): ", run.story->name, run.engine, run.n, run.way,
	       run.then, run.call ? run.call : "untouched");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	if (++run.wrongs >= 20)
		exit(1);
}

static void must(bool cond, const char *what)
{
	if (cond)
		return;
	perror(what);
	exit(99);
}

/* What all runs have in common. */
static struct {
	int listener, dead; /* servers are reached at the first; at the second nobody listens */
	unsigned port, dead_port;
	struct listener fake;
	struct tallies tallies;
	struct guests *guests;
	struct rules *rules;
} house;

static int listens(unsigned *port, int backlog)
{
	struct sockaddr_in in = { AF_INET, 0, { htonl(INADDR_LOOPBACK) }, { 0 } };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	must(fd >= 0 && bind(fd, (struct sockaddr *)&in, len) == 0, "bind");
	must(!backlog || listen(fd, backlog) == 0, "listen");
	must(getsockname(fd, (struct sockaddr *)&in, &len) == 0, "getsockname");
	*port = ntohs(in.sin_port);
	return fd;
}

static void open_house(const struct story *s)
{
	struct conf_report report = { 0 };
	const struct conf *c = NULL;
	struct listener *one = &house.fake;
	struct backends *bs;
	char text[1024];

	house.listener = listens(&house.port, 64);
	house.dead = listens(&house.dead_port, 0); /* bound, so that nobody else is there */
	snprintf(
		text, sizeof(text),
		"listen: [{address: \"127.0.0.1:1\", %s}]\n"
		"backend: {b: {%sservers: [\"127.0.0.1:%u\", {address: \"127.0.0.1:%u\", backup: true}]}}\n"
		"timeouts: {head: %ums, connect: %ums, idle: %ums}\nlimits: {per_client: 2}\n",
		s->listen, s->backend ? s->backend : "", house.dead_port, house.port,
		s->greets ? SILENT_MS : HEAD_MS, CONNECT_MS, IDLE_MS);
	conf_load_bytes("x.conf", text, strlen(text), &c, &report);
	must(c != NULL, report.messages ? report.message[0].text : "configuration");
	must(backends_open(&bs, c, NULL) == 0, "backends");
	snprintf(house.fake.text, sizeof(house.fake.text), "127.0.0.1:1");
	tallies_init(&house.tallies);
	house.guests = guests_new();
	house.rules = rules_new(bs, &one, &house.tallies);
	must(house.guests && house.rules, "rules");
	backends_unref(bs);
	conf_unref(c);
}

static void close_house(void)
{
	rules_unref(house.rules);
	guests_free(house.guests);
	tallies_free(&house.tallies);
	close(house.listener);
	close(house.dead);
}

/* -- the client and its servers, whose calls never fail on purpose -- */

enum over { OPEN, WHOLE, CUT };

static struct {
	int fd;
	size_t piece;
	uint8_t said[MOST], want[MOST], got[MOST];
	size_t n_said, sent, n_want, n_got;
	bool shut;
	enum over end;
	unsigned turn;
} client;

static struct {
	int fd;
	uint8_t bytes[MOST];
	size_t in, out;
	bool ended;
} server[SERVERS];
static unsigned servers;

static void put(uint8_t *to, size_t *n, const void *bytes, size_t more)
{
	memcpy(to + *n, bytes, more);
	*n += more;
}

/* Of what was said in pieces an urgent byte is no part. */
static void prepare(const struct story *s)
{
	static const char greeting[] = "220\r\n";
	uint8_t more[MORE];

	memset(&client, 0, sizeof(client));
	for (size_t i = 0; i < sizeof(more); i++)
		more[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t i = 0; i < 4 && s->piece[i].n; i++)
		if (!s->piece[i].urgent)
			put(client.said, &client.n_said, s->piece[i].bytes, s->piece[i].n);
	put(client.said, &client.n_said, more, sizeof(more));
	if (s->greets)
		put(client.want, &client.n_want, greeting, sizeof(greeting) - 1);
	if (s->before)
		put(client.want, &client.n_want, s->before, strlen(s->before));
	put(client.want, &client.n_want, client.said + s->skip, client.n_said - s->skip);
	servers = 0;
}

static bool say(const void *bytes, size_t n, int flags)
{
	ssize_t r = send(client.fd, bytes, n, flags | MSG_NOSIGNAL | MSG_DONTWAIT);

	if (r < 0 && errno != EAGAIN)
		client.end = CUT; /* the error has been taken: a read would say 0 from now on */
	if (r > 0 && !(flags & MSG_OOB))
		client.sent += (size_t)r;
	return r >= 0;
}

static void client_speaks(const struct story *s)
{
	const struct piece *p = &s->piece[client.piece];

	if (client.end != OPEN || (s->greets && client.n_got == 0))
		return;
	if (client.piece < 4 && p->n) {
		if (client.turn++ % 3 == 0 && say(p->bytes, p->n, p->urgent ? MSG_OOB : 0))
			client.piece++; /* so little is taken whole */
		return;
	}
	if (client.sent < client.n_said)
		say(client.said + client.sent, client.n_said - client.sent, 0);
	if (client.sent == client.n_said && !client.shut && client.end == OPEN) {
		shutdown(client.fd, SHUT_WR);
		client.shut = true;
	}
}

static void client_hears(void)
{
	uint8_t more[4096];

	while (client.end == OPEN) {
		ssize_t r = recv(client.fd, more, sizeof(more), MSG_DONTWAIT);

		if (r < 0 && errno == EAGAIN)
			return;
		if (r <= 0) {
			client.end = r == 0 ? WHOLE : CUT;
		} else if (client.n_got + (size_t)r > client.n_want) {
			wrong("more comes back than was said");
			client.end = CUT;
		} else {
			put(client.got, &client.n_got, more, (size_t)r);
		}
	}
}

static void server_turn(unsigned i, bool greets)
{
	ssize_t r;

	if (server[i].fd < 0)
		return;
	if (greets && server[i].in == 0)
		put(server[i].bytes, &server[i].in, "220\r\n", 5);
	r = recv(server[i].fd, server[i].bytes + server[i].in, MOST - server[i].in, MSG_DONTWAIT);
	if (r > 0)
		server[i].in += (size_t)r;
	if (r == 0)
		server[i].ended = true;
	if (r >= 0 || errno == EAGAIN) {
		r = send(server[i].fd, server[i].bytes + server[i].out,
			 server[i].in - server[i].out, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (r > 0)
			server[i].out += (size_t)r;
	}
	if ((r < 0 && errno != EAGAIN) || (server[i].ended && server[i].out == server[i].in)) {
		close(server[i].fd);
		server[i].fd = -1;
	}
}

static void others(const struct story *s)
{
	int fd;

	client_speaks(s);
	client_hears();
	while ((fd = accept4(house.listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		must(servers < SERVERS, "room for one more server");
		server[servers].fd = fd;
		server[servers].in = server[servers].out = 0;
		server[servers].ended = false;
		servers++;
	}
	for (unsigned i = 0; i < servers; i++)
		server_turn(i, s->greets);
}

/* -- playing -- */

static int connect_client(struct addr *from)
{
	unsigned port;
	int listener = listens(&port, 1), fd;
	struct sockaddr_in to = {
		AF_INET, htons((uint16_t)port), { htonl(INADDR_LOOPBACK) }, { 0 }
	};

	client.fd = socket(AF_INET, SOCK_STREAM, 0);
	must(connect(client.fd, (struct sockaddr *)&to, sizeof(to)) == 0, "connect");
	from->len = sizeof(from->ss);
	fd = accept4(listener, (struct sockaddr *)&from->ss, &from->len, SOCK_NONBLOCK);
	must(fd >= 0, "accept");
	close(listener);
	return fd;
}

static void begin(struct sessions *ss, enum shunt_engine engine)
{
	struct shunt_options o = SHUNT_OPTIONS;

	o.engine = engine;
	*ss = (struct sessions){ .rules = house.rules,
				 .tallies = &house.tallies,
				 .guests = house.guests };
	must(shunt_open(&ss->s, &o) == 0, "shunt_open");
	ss->now = clock_ms();
	list_init(&ss->all);
	timers_init(&ss->timers);
}

static void turn(struct sessions *ss)
{
	struct shunt_event ev[8];
	uint64_t due = sessions_due(ss);
	int n = shunt_wait(ss->s, ev, 8, due <= ss->now ? 0 : 1);

	ss->now = clock_ms();
	for (int i = 0; i < n; i++)
		session_event(ss, &ev[i]);
}

static void relent(void)
{
	keep_name();
	sys_fault_at(0, 0, 0);
}

static void judge(const struct sessions *ss, bool untouched)
{
	const struct gate *g = &house.rules->gate[0];

	if (ss->count != 0 || ss->ended != 1)
		wrong("%u run and %u have ended, of one", ss->count, (unsigned)ss->ended);
	if (tally_get(&g->tally->now) != 0)
		wrong("it is still counted as running");
	if (memcmp(client.got, client.want, client.n_got) != 0)
		wrong("another answer came back, within %zu bytes", client.n_got);
	if (client.end == WHOLE && client.n_got != client.n_want)
		wrong("%zu bytes of %zu look complete", client.n_got, client.n_want);
	if (untouched && (client.end != WHOLE || client.n_got != client.n_want))
		wrong("untouched, %zu bytes of %zu came back", client.n_got, client.n_want);
}

/* Long enough that a timeout may have struck, though nothing hindered it: others had the processor. */
static bool was_late(const struct story *s, uint64_t ms)
{
	return ms >= (s->greets ? CONNECT_MS : HEAD_MS);
}

/* False: the call was not reached. Then *late says whether it counts for nothing. */
static bool play(const struct story *s, enum shunt_engine engine, unsigned *ways,
		 unsigned long *calls, bool *late)
{
	struct sessions ss;
	struct addr from;
	uint64_t start;
	bool reached;

	prepare(s);
	int fd = connect_client(&from);

	begin(&ss, engine);
	start = ss.now;
	sys_fault_at(run.n, run.way, run.then);
	session_begin(&ss, fd, &from, &house.rules->gate[0]);
	*ways = 0;
	for (;;) {
		others(s);
		if (ss.count == 0 && client.end != OPEN)
			break;
		*ways = sys_fault_ways() ? sys_fault_ways() : *ways;
		*calls = sys_fault_count();
		turn(&ss);
		if (ss.now - start > RELENT_MS && run.then == SYS_FAULT_STAYS)
			relent();
		if (ss.now - start > HANG_MS) {
			wrong("it hangs: %u run, the client has %zu of %zu", ss.count, client.n_got,
			      client.n_want);
			break;
		}
	}
	*ways = sys_fault_ways() ? sys_fault_ways() : *ways;
	reached = run.n && *ways;
	*late = was_late(s, clock_ms() - start);
	relent();
	shunt_close(ss.s);
	timers_free(&ss.timers);
	judge(&ss, !reached && !*late);
	close(client.fd);
	for (unsigned i = 0; i < servers; i++)
		if (server[i].fd >= 0)
			close(server[i].fd);
	return reached;
}

static unsigned descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static bool play_and_count(const struct story *s, enum shunt_engine engine, unsigned *ways,
			   unsigned long *calls)
{
	unsigned fds = descriptors();
	long blocks = allocated;
	unsigned tries = 0;
	bool reached, late;

	do {
		run.call = NULL;
		reached = play(s, engine, ways, calls, &late);
	} while (!reached && late && ++tries < TRIES);
	if (tries == TRIES)
		wrong("untouched, it was too late %u times", tries);
	if (descriptors() != fds)
		wrong("%d descriptors have stayed", (int)(descriptors() - fds));
	if (allocated != blocks)
		wrong("%ld blocks of memory have stayed", allocated - blocks);
	return reached;
}

static void play_all(const struct story *s, enum shunt_engine engine)
{
	unsigned long calls = 0;
	unsigned ways;
	bool late;

	run.n = 0;
	play(s, engine, &ways, &calls, &late); /* what is made once is made now */
	play_and_count(s, engine, &ways, &calls);
	if (calls < s->least)
		wrong("only %lu calls: it covers nothing", calls);
	for (run.n = 1;; run.n++) {
		unsigned most = 1;

		for (run.way = 0; run.way < most; run.way++)
			for (run.then = run.way ? 0 : SYS_FAULT_STAYS; run.then <= 0; run.then++) {
				if (!play_and_count(s, engine, &ways, &calls))
					return;
				most = ways;
			}
	}
}

int main(int argc, char **argv)
{
	enum shunt_engine engine = argc > 2 && !strcmp(argv[2], "copy") ? SHUNT_COPY : SHUNT_SPLICE;
	unsigned ways;
	unsigned long calls;
	bool late;

	for (size_t i = 0; argc > 2 && i < STORIES; i++)
		if (!strcmp(stories[i].name, argv[1]))
			run.story = &stories[i];
	if (!run.story || (argc != 3 && argc != 6))
		return fprintf(stderr, "usage: session STORY splice|copy [N WAY THEN]\n"), 99;
	run.engine = argv[2];
	log_setup(argc == 6 ? STDERR_FILENO : open("/dev/null", O_WRONLY | O_CLOEXEC),
		  LOG_DEBUG_LEVEL, LOG_LOGFMT);
	open_house(run.story);
	if (argc == 6) {
		play(run.story, engine, &ways, &calls, &late);
		run.n = strtoul(argv[3], NULL, 10);
		run.way = (unsigned)atoi(argv[4]);
		run.then = atoi(argv[5]);
		play_and_count(run.story, engine, &ways, &calls);
	} else {
		play_all(run.story, engine);
		printf("%s by %s: %lu calls have failed\n", run.story->name, run.engine, run.n - 1);
	}
	close_house();
	return run.wrongs > 0;
}
