/* SPDX-License-Identifier: BSD-2-Clause */
/* peer.c — one end of a connection, that follows a line of words
 *
 *     peer listen:127.0.0.1:0 accept read:all tell close
 *     peer connect:127.0.0.1:8080 send:1m shut expect:eof tell
 *
 * meeting  listen:ADDR backlog:N accept connect:ADDR rcvbuf:N sndbuf:N n:COUNT (the words behind
 *          it COUNT times) go (say "ready", wait for a line on stdin) pause:MS from:ADDR (where
 *          the next ones connect from)
 * bytes    seed:N (of what is sent) check:N (what comes must be stream N) rate:BYTES_PER_S
 *          chunk:BYTES send:SIZE read:SIZE read:all (to the FIN) read:reset (to the reset)
 *          both:SIZE[:SIZE] (send and read at once; the second may be "all" or "reset")
 *          flood (send until the other side resets) push:MS (send until nothing has been taken
 *          for MS) flushed (until all that was sent is acknowledged) echo (until the FIN)
 *          ping:COUNT (one byte there and back) oob:BYTE (an urgent one)
 * ends     expect:eof expect:reset (no byte before it) shut reset close tell (counts, sha256)
 *
 * What it sends goes on where the last word stopped: "send:10 oob:33 send:10" is one stream of 20
 * bytes with an urgent one in the middle, which belongs to no stream.
 *
 * Every wait ends at the deadline (-t SECONDS, 60), with a word about where it stood. Exit code 0
 * if every word came true, 1 if one did not.
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "peer_move.h"

static void fresh(struct talk *t, int fd)
{
	int one = 1;

	t->fd = fd;
	nonblocking(fd);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	t->out.bytes = t->in.bytes = t->out.due = t->in.due = 0;
	sha256_init(&t->out.sha);
	sha256_init(&t->in.sha);
	t->end = OPEN;
	t->broken = 0;
	t->urgent = -1;
	t->mark = -1;
}

static void do_accept(struct talk *t)
{
	int fd;

	while (!peer_await(t, t->listener, POLLIN, -1))
		;
	fd = accept(t->listener, NULL, NULL);
	if (fd < 0)
		peer_give_up(t, strerror(errno));
	fresh(t, fd);
}

/* Also if a connection from there is in TIME_WAIT. */
static void bind_at(const struct talk *t, int fd)
{
	struct peer_addr a;
	int one = 1;

	addr_read(&a, t->from);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a.ss, a.len))
		peer_give_up(t, strerror(errno));
}

static void do_connect(struct talk *t, const char *where)
{
	struct peer_addr a;
	int fd, reset = 0;

	addr_read(&a, where);
	fd = socket(a.ss.ss_family, SOCK_STREAM, 0);
	if (fd < 0)
		peer_give_up(t, strerror(errno));
	if (t->from)
		bind_at(t, fd);
	if (t->rcvbuf)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &t->rcvbuf, sizeof(t->rcvbuf));
	if (t->sndbuf)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &t->sndbuf, sizeof(t->sndbuf));
	if (connect(fd, (struct sockaddr *)&a.ss, a.len)) {
		reset = errno == ECONNRESET; /* taken, and broken before we looked */
		if (!reset)
			peer_give_up(t, strerror(errno));
	}
	fresh(t, fd);
	t->broken = reset;
}

static void do_close(struct talk *t, int reset)
{
	struct linger now = { .l_onoff = 1 };

	if (reset)
		setsockopt(t->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(t->fd);
	t->fd = -1;
}

static void do_flushed(struct talk *t)
{
	int left = 1;

	while (!ioctl(t->fd, SIOCOUTQ, &left) && left > 0) {
		peer_time_left(t);
		usleep(2000);
	}
}

static void do_oob(struct talk *t, const char *byte)
{
	unsigned char c = (unsigned char)number(byte);

	while (send(t->fd, &c, 1, MSG_OOB | MSG_NOSIGNAL) != 1) {
		if (errno != EAGAIN)
			peer_give_up(t, strerror(errno));
		peer_await(t, t->fd, POLLOUT, -1);
	}
}

/* One byte there and back, again and again: a relay that waits for more shows at once. */
static void do_ping(struct talk *t, uint64_t count)
{
	uint64_t worst = 0, slow = 0;

	while (count--) {
		uint64_t began = now_ms();

		peer_move(t, (struct task){ .send = 1 });
		peer_move(t, (struct task){ .read = 1 });
		began = now_ms() - began;
		worst = began > worst ? began : worst;
		slow += began > 30;
	}
	printf("{\"slow\":%" PRIu64 ",\"worst_ms\":%" PRIu64 "}\n", slow, worst);
}

static void do_expect(struct talk *t, const char *end)
{
	uint64_t before = t->in.bytes;
	int eof = strcmp(end, "eof") == 0;

	if (!eof && strcmp(end, "reset") != 0)
		fail("expect what: '%s'?", end);
	peer_move(t, (struct task){ .read = FOREVER, .eof_fine = eof, .reset_fine = !eof });
	if (t->in.bytes != before)
		peer_give_up(t, "bytes came before the end");
}

static void do_read(struct talk *t, const char *what)
{
	if (strcmp(what, "all") == 0)
		peer_move(t, (struct task){ .read = FOREVER, .eof_fine = 1 });
	else if (strcmp(what, "reset") == 0)
		peer_move(t, (struct task){ .read = FOREVER, .reset_fine = 1 });
	else
		peer_move(t, (struct task){ .read = number(what) });
}

static void do_both(struct talk *t, char *sizes)
{
	struct task k = { .send = FOREVER };
	char *second = strchr(sizes, ':');

	if (second)
		*second++ = '\0';
	else
		second = sizes;
	k.eof_fine = strcmp(second, "all") == 0;
	k.reset_fine = strcmp(second, "reset") == 0;
	k.read = k.eof_fine || k.reset_fine ? FOREVER : number(second);
	if (strcmp(sizes, "flood") != 0)
		k.send = number(sizes);
	peer_move(t, k);
}

static void do_push(struct talk *t, int quiet_ms)
{
	peer_move(t, (struct task){ .send = FOREVER, .quiet_ms = quiet_ms });
	printf("{\"pushed\":%" PRIu64 "}\n", t->out.bytes);
}

static void do_check(struct talk *t, uint64_t seed)
{
	t->checks = 1;
	t->in.seed = seed;
}

static void do_go(const struct talk *t)
{
	char line[16];

	printf("ready\n");
	fflush(stdout);
	while (!peer_await(t, 0, POLLIN, -1))
		;
	if (!fgets(line, sizeof(line), stdin))
		peer_give_up(t, "nobody said go");
}

static void sha_text(const struct sha256_ctx *sha, char *out)
{
	struct sha256_ctx copy = *sha;
	uint8_t digest[SHA256_DIGEST_SIZE];
	size_t i;

	sha256_digest(&copy, sizeof(digest), digest);
	for (i = 0; i < sizeof(digest); i++)
		sprintf(out + 2 * i, "%02x", digest[i]);
}

static void do_tell(const struct talk *t)
{
	static const char *const ends[] = { "open", "eof", "reset" };
	char out[65], in[65];

	sha_text(&t->out.sha, out);
	sha_text(&t->in.sha, in);
	printf("{\"sent\":%" PRIu64 ",\"sent_sha\":\"%s\",\"read\":%" PRIu64
	       ",\"read_sha\":\"%s\",\"end\":\"%s\",\"urgent\":%d,\"mark\":%" PRId64 "}\n",
	       t->out.bytes, out, t->in.bytes, in, ends[t->broken ? END_RESET : t->end], t->urgent,
	       t->mark);
	fflush(stdout);
}

/* Words that set something or need no connection yet. 0: not one of these. */
static int set_word(struct talk *t, const char *w, const char *arg)
{
	if (strcmp(w, "listen") == 0)
		t->listener = listen_at(arg, t->backlog, t->rcvbuf, t->sndbuf);
	else if (strcmp(w, "backlog") == 0)
		t->backlog = (int)number(arg);
	else if (strcmp(w, "accept") == 0)
		do_accept(t);
	else if (strcmp(w, "connect") == 0)
		do_connect(t, arg);
	else if (strcmp(w, "from") == 0)
		t->from = strchr(t->word, ':') + 1;
	else if (strcmp(w, "rcvbuf") == 0)
		t->rcvbuf = (int)number(arg);
	else if (strcmp(w, "sndbuf") == 0)
		t->sndbuf = (int)number(arg);
	else if (strcmp(w, "seed") == 0)
		t->out.seed = number(arg);
	else if (strcmp(w, "check") == 0)
		do_check(t, number(arg));
	else if (strcmp(w, "rate") == 0)
		t->rate = number(arg);
	else if (strcmp(w, "chunk") == 0)
		t->chunk = (size_t)number(arg);
	else if (strcmp(w, "pause") == 0)
		usleep((useconds_t)number(arg) * 1000);
	else if (strcmp(w, "go") == 0)
		do_go(t);
	else
		return 0;
	if (!t->chunk || t->chunk > PEER_UNIT)
		fail("chunk must be 1 to %zu", PEER_UNIT);
	return 1;
}

static void talk_word(struct talk *t, const char *w, char *arg)
{
	if (t->fd < 0)
		fail("at '%s': no connection", t->word);
	if (strcmp(w, "send") == 0)
		peer_move(t, (struct task){ .send = number(arg) });
	else if (strcmp(w, "read") == 0)
		do_read(t, arg);
	else if (strcmp(w, "both") == 0)
		do_both(t, arg);
	else if (strcmp(w, "flood") == 0)
		peer_move(t, (struct task){ .send = FOREVER, .reset_fine = 1 });
	else if (strcmp(w, "push") == 0)
		do_push(t, (int)number(arg));
	else if (strcmp(w, "flushed") == 0)
		do_flushed(t);
	else if (strcmp(w, "echo") == 0)
		peer_move(t, (struct task){ .read = FOREVER, .eof_fine = 1, .echo = 1 });
	else if (strcmp(w, "ping") == 0)
		do_ping(t, number(arg));
	else if (strcmp(w, "oob") == 0)
		do_oob(t, arg);
	else if (strcmp(w, "expect") == 0)
		do_expect(t, arg);
	else if (strcmp(w, "shut") == 0)
		shutdown(t->fd, SHUT_WR);
	else if (strcmp(w, "tell") == 0 || strcmp(w, "sha") == 0)
		do_tell(t);
	else if (strcmp(w, "close") == 0 || strcmp(w, "reset") == 0)
		do_close(t, *w == 'r');
	else
		fail("unknown word '%s'", t->word);
}

static void follow(struct talk *t, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		char word[256];
		char *arg;

		snprintf(word, sizeof(word), "%s", argv[i]);
		t->word = argv[i];
		arg = strchr(word, ':');
		if (arg)
			*arg++ = '\0';
		else
			arg = word + strlen(word);
		if (strcmp(word, "n") == 0) {
			uint64_t times = number(arg);

			while (times--)
				follow(t, argc - i - 1, argv + i + 1);
			return;
		}
		if (!set_word(t, word, arg))
			talk_word(t, word, arg);
	}
}

int main(int argc, char **argv)
{
	struct talk t = { .listener = -1, .fd = -1, .backlog = 4096, .chunk = PEER_UNIT };
	uint64_t seconds = 60;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	if (argc > 2 && strcmp(argv[1], "-t") == 0) {
		seconds = number(argv[2]);
		argv += 2;
		argc -= 2;
	}
	alarm((unsigned)seconds + 5);
	if (argc > 1 && strcmp(argv[1], "swarm") == 0)
		return swarm_main(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "echo") == 0)
		return echo_main(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "mixed") == 0)
		return mixed_main(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "mixed-server") == 0)
		return mixed_server_main(argc - 1, argv + 1);
	if (argc < 2)
		fail("usage: peer [-t SECONDS] WORD...");
	t.deadline = now_ms() + seconds * 1000;
	follow(&t, argc - 1, argv + 1);
	return 0;
}
