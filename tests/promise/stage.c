/* SPDX-License-Identifier: BSD-2-Clause */
#include "stage.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <time.h>

#include "engine/graft_state.h"

enum shunt_engine engine;

/* -- small things -- */

uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint64_t mix(uint64_t z)
{
	z += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void skip_if_kernel_is_short(void)
{
	char line[512], name[32], press[8];
	FILE *f = fopen("/proc/net/protocols", "re");
	bool is_short = false;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%31s %*s %*s %*s %7s", name, press) == 2 &&
		    strcmp(name, "TCP") == 0)
			is_short = strcmp(press, "yes") == 0;
	if (f)
		fclose(f);
	if (!is_short)
		return;
	print_message(
		"TCP is short of memory on this machine (/proc/net/protocols): its windows are closed\n");
	skip();
}

uint64_t random_below(struct stage *st, uint64_t n)
{
	st->random = mix(st->random);
	return st->random % n;
}

void stream_bytes(uint64_t seed, uint64_t at, unsigned char *to, size_t n)
{
	uint64_t word = mix(seed << 40 ^ at / 8);

	for (size_t i = 0; i < n; i++, at++) {
		if (at % 8 == 0)
			word = mix(seed << 40 ^ at / 8);
		to[i] = (unsigned char)(word >> at % 8 * 8);
	}
}

bool stream_is(uint64_t seed, uint64_t at, const unsigned char *bytes, size_t n)
{
	unsigned char want[4096];

	while (n > 0) {
		size_t some = n < sizeof(want) ? n : sizeof(want);

		stream_bytes(seed, at, want, some);
		if (memcmp(want, bytes, some) != 0)
			return false;
		at += some;
		bytes += some;
		n -= some;
	}
	return true;
}

int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* -- sockets -- */

const char *wire_text(enum wire w)
{
	static const char *const texts[WIRES] = { "IPv4", "IPv6", "Unix" };

	return texts[w];
}

static int family_of(enum wire w)
{
	return w == TCP4 ? AF_INET : AF_INET6;
}

static socklen_t loopback(enum wire w, struct sockaddr_storage *at)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };

	memset(at, 0, sizeof(*at));
	if (w == TCP4)
		memcpy(at, &v4, sizeof(v4));
	else
		memcpy(at, &v6, sizeof(v6));
	return w == TCP4 ? sizeof(v4) : sizeof(v6);
}

bool wire_works(enum wire w)
{
	struct sockaddr_storage at;
	socklen_t len = loopback(w, &at);

	if (w == UNIX)
		return true;
	int fd = socket(family_of(w), SOCK_STREAM, 0);
	bool works = fd >= 0 && bind(fd, (struct sockaddr *)&at, len) == 0;

	if (fd >= 0)
		close(fd);
	return works;
}

static void set(int fd, int level, int name, int value)
{
	assert_int_equal(setsockopt(fd, level, name, &value, sizeof(value)), 0);
}

static void shrink(const struct stage *st, int fd)
{
	if (!st->small)
		return;
	set(fd, SOL_SOCKET, SO_RCVBUF, (int)st->small);
	set(fd, SOL_SOCKET, SO_SNDBUF, (int)st->small);
}

static int tcp_socket(const struct stage *st, enum wire w)
{
	int fd = socket(family_of(w), SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	shrink(st, fd);
	return fd;
}

static void tcp_pair(const struct stage *st, enum wire w, int fd[2])
{
	struct sockaddr_storage at;
	socklen_t len = loopback(w, &at);
	int listener = tcp_socket(st, w);

	assert_int_equal(bind(listener, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	fd[0] = tcp_socket(st, w);
	assert_int_equal(connect(fd[0], (struct sockaddr *)&at, len), 0);
	fd[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd[1] >= 0);
	for (int i = 0; i < 2; i++)
		set(fd[i], IPPROTO_TCP, TCP_NODELAY, 1);
	close(listener);
}

void wire_pair(struct stage *st, enum wire w, int fd[2])
{
	if (w == UNIX) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
		shrink(st, fd[0]);
		shrink(st, fd[1]);
	} else {
		tcp_pair(st, w, fd);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(fcntl(fd[i], F_SETFL, O_RDWR | O_NONBLOCK), 0);
}

void narrow_door(struct narrow *n)
{
	socklen_t len = sizeof(n->at);

	n->at = (struct sockaddr_in){ .sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	n->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(n->listener >= 0);
	assert_int_equal(bind(n->listener, (struct sockaddr *)&n->at, len), 0);
	assert_int_equal(listen(n->listener, 0), 0);
	assert_int_equal(getsockname(n->listener, (struct sockaddr *)&n->at, &len), 0);
	for (int i = 0; i < 2; i++) { /* the first takes the one place, the second finds it taken */
		n->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		assert_true(connect(n->fillers[i], (struct sockaddr *)&n->at, len) == 0 ||
			    errno == EINPROGRESS);
	}
	close(n->fillers[1]);
	n->fillers[1] = -1;
}

/* Take all that come; ours is the one that was not a filler, the last. */
int narrow_open_up(struct narrow *n, struct stage *st)
{
	struct sockaddr_in from, filler;
	socklen_t len = sizeof(filler);
	uint64_t late = now_ms() + 20000;

	assert_int_equal(getsockname(n->fillers[0], (struct sockaddr *)&filler, &len), 0);
	assert_int_equal(fcntl(n->listener, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	while (now_ms() < late) {
		len = sizeof(from);
		int fd = accept4(n->listener, (struct sockaddr *)&from, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0 && from.sin_port != filler.sin_port)
			return fd;
		if (fd >= 0)
			close(fd);
		stage_turn(st);
	}
	stage_late(st, "the late connection", __FILE__, __LINE__);
}

void narrow_shut(struct narrow *n)
{
	if (n->listener >= 0)
		close(n->listener);
	n->listener = -1;
}

void narrow_free(struct narrow *n)
{
	narrow_shut(n);
	for (int i = 0; i < 2; i++)
		if (n->fillers[i] >= 0)
			close(n->fillers[i]);
}

/* -- the library's calls, counted -- */

struct calls calls;
int refuse_splice_in, refuse_splice_out;

struct epoll_event;
int __real_epoll_wait(int epfd, struct epoll_event *ev, int max, int timeout);
int __wrap_epoll_wait(int epfd, struct epoll_event *ev, int max, int timeout);
ssize_t __real_splice(int in, off64_t *io, int out, off64_t *oo, size_t n, unsigned flags);
ssize_t __wrap_splice(int in, off64_t *io, int out, off64_t *oo, size_t n, unsigned flags);
ssize_t __real_tee(int in, int out, size_t n, unsigned flags);
ssize_t __wrap_tee(int in, int out, size_t n, unsigned flags);
ssize_t __real_recv(int fd, void *to, size_t n, int flags);
ssize_t __wrap_recv(int fd, void *to, size_t n, int flags);
ssize_t __real_send(int fd, const void *from, size_t n, int flags);
ssize_t __wrap_send(int fd, const void *from, size_t n, int flags);
int __real_pipe2(int fds[2], int flags);
int __wrap_pipe2(int fds[2], int flags);

int __wrap_epoll_wait(int epfd, struct epoll_event *ev, int max, int timeout)
{
	calls.waits++;
	return __real_epoll_wait(epfd, ev, max, timeout);
}

static bool is_socket(int fd)
{
	int type;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}

static bool refused(int *left)
{
	if (*left > 0)
		(*left)--;
	else if (*left == 0)
		return false;
	errno = EINVAL;
	return true;
}

ssize_t __wrap_splice(int in, off64_t *io, int out, off64_t *oo, size_t n, unsigned flags)
{
	calls.splices++;
	if ((is_socket(in) && refused(&refuse_splice_in)) ||
	    (is_socket(out) && refused(&refuse_splice_out)))
		return -1;
	ssize_t r = __real_splice(in, io, out, oo, n, flags);

	if (r > 0)
		calls.spliced += (uint64_t)r;
	return r;
}

ssize_t __wrap_tee(int in, int out, size_t n, unsigned flags)
{
	calls.tees++;
	return __real_tee(in, out, n, flags);
}

ssize_t __wrap_recv(int fd, void *to, size_t n, int flags)
{
	ssize_t r = __real_recv(fd, to, n, flags);

	calls.recvs++;
	if (flags & MSG_PEEK)
		calls.peeks++;
	else if (r > 0 && !(flags & MSG_TRUNC))
		calls.copied += (uint64_t)r;
	return r;
}

ssize_t __wrap_send(int fd, const void *from, size_t n, int flags)
{
	calls.sends++;
	return __real_send(fd, from, n, flags);
}

int __wrap_pipe2(int fds[2], int flags)
{
	calls.pipes++;
	return __real_pipe2(fds, flags);
}

/* -- actors -- */

static bool actor_says(struct actor *a)
{
	unsigned char bytes[64 * 1024];
	size_t n = a->piece && a->piece < sizeof(bytes) ? a->piece : sizeof(bytes);

	if (n > a->say - a->said)
		n = (size_t)(a->say - a->said);
	if (n == 0)
		return false;
	stream_bytes(a->say_seed, a->said, bytes, n);
	ssize_t sent = __real_send(a->fd, bytes, n, MSG_NOSIGNAL);

	if (sent > 0)
		a->said += (uint64_t)sent;
	else if (errno != EAGAIN)
		a->struck = true; /* the error is taken; what recv says at the end is no end */
	return sent > 0;
}

static bool acknowledged(int fd)
{
	int n = 0;

	return ioctl(fd, SIOCOUTQ, &n) == 0 && n == 0;
}

static bool actor_ends(struct actor *a)
{
	if (a->said < a->say || a->finished)
		return false;
	if (a->finishes) {
		a->finished = true;
		shutdown(a->fd, SHUT_WR);
		return true;
	}
	if (a->resets && acknowledged(a->fd)) {
		actor_reset(a);
		return true;
	}
	return false;
}

static bool actor_hears(struct actor *a)
{
	unsigned char bytes[64 * 1024];
	size_t n = a->sip && a->sip < sizeof(bytes) ? a->sip : sizeof(bytes);

	if (a->deaf || a->ended || a->error)
		return false;
	if (a->resting > 0) {
		a->resting--;
		return true;
	}
	ssize_t got = __real_recv(a->fd, bytes, n, 0);

	if (got < 0 && errno == EAGAIN)
		return false;
	a->resting = a->rests;
	if (got < 0) {
		a->error = errno;
	} else if (got == 0 && a->struck) {
		a->error = ECONNRESET;
	} else if (got == 0) {
		a->ended = true;
	} else if (a->kept) {
		if (a->heard + (size_t)got > a->room)
			fail_msg("heard more than the %zu bytes there should be", a->room);
		memcpy(a->kept + a->heard, bytes, (size_t)got);
	} else if (!stream_is(a->hear_seed, a->heard, bytes, (size_t)got)) {
		fail_msg("a wrong byte among the %zd from %llu on", got,
			 (unsigned long long)a->heard);
	}
	if (got > 0)
		a->heard += (uint64_t)got;
	return true;
}

bool actor_step(struct actor *a)
{
	if (a->fd < 0)
		return false;
	bool did = actor_says(a);

	did |= actor_ends(a);
	if (a->fd >= 0)
		did |= actor_hears(a);
	return did;
}

void actor_close(struct actor *a)
{
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
	a->finished = true;
}

void actor_reset(struct actor *a)
{
	struct linger at_once = { .l_onoff = 1 };

	setsockopt(a->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	actor_close(a);
}

void actor_keeps(struct actor *a, size_t room)
{
	free(a->kept);
	a->kept = calloc(1, room ? room : 1);
	assert_non_null(a->kept);
	a->room = room;
}

void actor_tell(struct actor *a, const void *bytes, size_t n, int flags)
{
	ssize_t sent = __real_send(a->fd, bytes, n, flags | MSG_NOSIGNAL);

	if (sent != (ssize_t)n)
		skip_if_kernel_is_short();
	assert_int_equal(sent, (ssize_t)n);
}

void actor_tell_stream(struct actor *a, size_t n)
{
	unsigned char *bytes = malloc(n);

	assert_non_null(bytes);
	stream_bytes(a->say_seed, a->said, bytes, n);
	actor_tell(a, bytes, n, 0);
	a->said += n;
	if (a->say < a->said)
		a->say = a->said;
	free(bytes);
}

/* -- parts -- */

struct part *part_empty(struct stage *st)
{
	struct part *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	assert_true(st->count < sizeof(st->parts) / sizeof(st->parts[0]));
	p->stage = st;
	p->peer.fd = -1;
	p->peer.say_seed = ++st->random % 1000 + 1;
	st->parts[st->count++] = p;
	return p;
}

struct part *part_new(struct stage *st, enum wire w, size_t depth)
{
	struct part *p = part_empty(st);
	int fd[2];

	wire_pair(st, w, fd);
	p->peer.fd = fd[1];
	assert_int_equal(shunt_attach(st->s, fd[0], depth, p, &p->end), 0);
	return p;
}

void expect_each_other(struct part *a, struct part *b)
{
	a->other = b;
	b->other = a;
	a->peer.hear_seed = b->peer.say_seed;
	b->peer.hear_seed = a->peer.say_seed;
}

struct part *joined_pair(struct stage *st, enum wire wa, enum wire wb)
{
	struct part *a = part_new(st, wa, SHUNT_NONE), *b = part_new(st, wb, SHUNT_NONE);

	expect_each_other(a, b);
	assert_int_equal(shunt_join(a->end, b->end), 0);
	return a;
}

void says(struct part *p, uint64_t n)
{
	p->peer.say = n;
	p->peer.finishes = true;
}

struct shunt_stat stat_of(struct part *p)
{
	struct shunt_stat stat = p->stat;

	if (p->end)
		assert_int_equal(shunt_stat(p->stage->s, p->end, &stat), 0);
	return stat;
}

/* -- turns -- */

static void write_down(struct part *p, const struct shunt_event *ev)
{
	if (!p)
		return;
	assert_ptr_equal(ev->end, p->end); /* so nothing comes after GONE */
	p->told[ev->what]++;
	if (ev->what == SHUNT_BROKEN)
		p->broken = ev->why;
	if (ev->what == SHUNT_BROKEN || ev->what == SHUNT_GONE) {
		p->why = ev->why;
		p->error = ev->error;
	}
	if (ev->what == SHUNT_JOINED || ev->what == SHUNT_GONE)
		p->engine = ev->engine;
	if (ev->what == SHUNT_GONE) {
		p->stat = *ev->stat;
		p->end = NULL;
	}
}

void stage_wait(struct stage *st, int timeout_ms)
{
	struct shunt_event ev[64];
	int n = shunt_wait(st->s, ev, st->max, timeout_ms);

	assert_true(n >= 0 && n <= st->max);
	for (int i = 0; i < n; i++) {
		struct part *p = ev[i].user;

		write_down(p, &ev[i]);
		if (st->on)
			st->on(st, p, &ev[i]);
	}
}

void stage_turn(struct stage *st)
{
	bool did = false;

	for (unsigned i = 0; i < st->count; i++)
		did |= actor_step(&st->parts[i]->peer);
	stage_wait(st, did ? 0 : 2);
}

void stage_idle(struct stage *st, unsigned ms)
{
	for (uint64_t end = now_ms() + ms; now_ms() < end;)
		stage_turn(st);
}

void stage_late(struct stage *st, const char *what, const char *file, int line)
{
	for (unsigned i = 0; i < st->count && i < 8; i++) {
		const struct part *p = st->parts[i];
		const struct actor *a = &p->peer;

		print_error("part %u: %s, told", i, p->end ? "there" : "gone");
		for (unsigned w = 0; w <= SHUNT_GONE; w++)
			print_error(" %u", p->told[w]);
		print_error("; its peer said %llu of %llu, heard %llu%s, error %d\n",
			    (unsigned long long)a->said, (unsigned long long)a->say,
			    (unsigned long long)a->heard, a->ended ? " and the end" : "", a->error);
	}
	print_error("waited in vain: %s\n", what);
	_fail(file, line);
	abort();
}

/* -- one test -- */

static struct shunt_graft *graft; /* NULL: another engine is on stage */

int count_fds_settled(int expected)
{
	int now = count_fds();

	for (int i = 0; graft && now > expected && i < 100; i++) {
		usleep(10000);
		now = count_fds();
	}
	return now;
}

static void open_context(struct stage *st, struct shunt_options o)
{
	o.engine = engine;
	o.graft = graft;
	assert_int_equal(shunt_open(&st->s, &o), 0);
}

void stage_reopen(struct stage *st, struct shunt_options o)
{
	shunt_close(st->s);
	open_context(st, o);
}

int stage_up(void **state)
{
	struct stage *st = calloc(1, sizeof(*st));
	struct shunt_options o = SHUNT_OPTIONS;

	assert_non_null(st);
	st->fds = count_fds();
	st->max = 64;
	st->random = 1;
	refuse_splice_in = refuse_splice_out = 0;
	open_context(st, o);
	calls = (struct calls){ 0 };
	*state = st;
	alarm(60); /* for what hangs in a call; what merely never comes is found by stage_until */
	return 0;
}

int stage_down(void **state)
{
	struct stage *st = *state;

	shunt_close(st->s);
	for (unsigned i = 0; i < st->count; i++) {
		actor_close(&st->parts[i]->peer);
		free(st->parts[i]->peer.kept);
		free(st->parts[i]);
	}
	int left = count_fds_settled(st->fds) - st->fds;

	free(st);
	alarm(0);
	if (left != 0)
		print_error("descriptors left behind: %d\n", left);
	return left != 0;
}

/* -- a stage where joins become grafts: a network of its own -- */

static bool put_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool put = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return put;
}

static bool loopback_up(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &lo) == 0;

	if (fd >= 0)
		close(fd);
	return up;
}

/* The sockets of these tests are not made by shunt_connect: so all ports come from the grafts' range. */
static bool ports_for_all(void)
{
	return put_text("/proc/sys/net/ipv4/ip_local_reserved_ports", "\n") &&
	       put_text("/proc/sys/net/ipv4/ip_local_port_range", "40000 49999");
}

static bool open_grafts(void)
{
	struct shunt_graft_options o = SHUNT_GRAFT_OPTIONS;
	char problem[512] = "no network of one's own for this user";

	/* mounted where nobody but this process sees it */
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL) == 0 && loopback_up()) {
		o.least = 1;
		o.slots = 1024;
		if (shunt_graft_open(&graft, &o, problem, sizeof(problem)) == 0 && !ports_for_all())
			snprintf(problem, sizeof(problem), "ports cannot be set");
	}
	if (!graft)
		fprintf(stderr, "no grafts: %s\n", problem);
	return graft;
}

/* How many joins of these stories were handed over, and why others were not: it depends on when bytes
 * meet. */
static void say_grafts(void)
{
	static const char *const texts[GC_COUNTS] = {
#define TEXT(name, text, meaning) [name] = text,
		GRAFT_COUNTS(TEXT)
#undef TEXT
	};
	uint64_t counts[GC_COUNTS];

	print_message("%llu pairs", (unsigned long long)atomic_load(&graft->made));
	if (graft_kernel_counts(&graft->kernel, counts) == 0)
		for (int i = 0; i < GC_COUNTS; i++)
			if (counts[i])
				print_message(", %s %llu", texts[i], (unsigned long long)counts[i]);
	for (int i = 0; i < GD_COUNT; i++)
		if (graft->kernel.declined[i])
			print_message(", declined for %s %llu",
				      graft_decline_text((enum graft_decline)i),
				      (unsigned long long)graft->kernel.declined[i]);
	print_message("\n");
}

int stage_main(int argc, char **argv, const char *name, const struct CMUnitTest *tests,
	       size_t count)
{
	if (argc == 2 && strcmp(argv[1], "copy") == 0) {
		engine = SHUNT_COPY;
	} else if (argc == 2 && strcmp(argv[1], "splice") == 0) {
		engine = SHUNT_SPLICE;
	} else if (argc == 2 && strcmp(argv[1], "graft") == 0) {
		engine = SHUNT_GRAFT;
		if (!open_grafts())
			return 77;
	} else {
		fprintf(stderr, "usage: %s copy|splice|graft\n", argv[0]);
		return 99;
	}
	int failed = _cmocka_run_group_tests(name, tests, count, NULL, NULL);

	if (graft)
		say_grafts();
	shunt_graft_close(graft);
	return failed != 0;
}
