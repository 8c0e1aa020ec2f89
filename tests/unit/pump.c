/* SPDX-License-Identifier: BSD-2-Clause */
/* One way of a join by itself, and the urgent byte's own room: what each call says, with either engine. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/sys.h"
#include "engine/lend.h"
#include "engine/pump.h"
#include "engine/urgent.h"

static struct kit kit;
static int in[2], out[2]; /* [0] is ours */
static struct way way;
static unsigned char bytes[300000];

static void tcp_pair(int fd[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	fd[1] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd[1], (struct sockaddr *)&at, len), 0);
	fd[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	assert_true(fd[0] >= 0);
	for (int i = 0; i < 2; i++)
		setsockopt(fd[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	assert_int_equal(fcntl(fd[1], F_SETFL, O_RDWR | O_NONBLOCK), 0);
	close(listener);
}

static void open_way(void)
{
	kit_init(&kit, (size_t)1 << 18, BLOCK_UNIT);
	tcp_pair(in);
	tcp_pair(out);
	way_init(&way, in[0], out[0]);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 31 + i / 255);
}

static void close_way(void)
{
	way_drop(&kit, &way);
	assert_int_equal(kit.pipes.out, 0);
	kit_free(&kit);
	for (int i = 0; i < 2; i++) {
		close(in[i]);
		close(out[i]);
	}
}

static void arrives(int events)
{
	struct pollfd p = { .fd = in[0], .events = (short)events };

	assert_int_equal(poll(&p, 1, 5000), 1);
}

static enum flow turn(const struct engine *e)
{
	int error = 0;
	enum flow f;

	way.src.fresh = false; /* nobody listens here: the mark is asked for each time */
	do
		f = pump(&kit, e, &way, &error);
	while (f == FLOW_TURN);
	return f;
}

static size_t hear(unsigned char *to, size_t size)
{
	struct pollfd p = { .fd = out[1], .events = POLLIN };
	size_t n = 0;
	ssize_t r;

	while (n < size && poll(&p, 1, 5000) == 1 && (r = recv(out[1], to + n, size - n, 0)) > 0)
		n += (size_t)r;
	return n;
}

static void dry_then_bytes_then_end(const struct engine *e)
{
	unsigned char got[sizeof(bytes)];
	int error = 0;

	open_way();
	assert_int_equal(turn(e), FLOW_DRY);
	for (size_t n = 1; n < sizeof(bytes) / 4; n *= 7) {
		assert_int_equal(send(in[1], bytes, n, 0), n);
		for (uint64_t before = way.taken; way.taken < before + n;) {
			arrives(POLLIN);
			assert_int_equal(turn(e), FLOW_DRY);
		}
		assert_int_equal(hear(got, n), n);
		assert_memory_equal(got, bytes, n);
		assert_int_equal(way.held.where, RUN_NOWHERE);
	}
	shutdown(in[1], SHUT_WR);
	arrives(POLLRDHUP);
	assert_int_equal(turn(e), FLOW_END);
	assert_int_equal(pump(&kit, e, &way, &error), FLOW_END); /* it stays so */
	assert_int_equal(way.taken, way.moved[SHUNT_COPY] + way.moved[SHUNT_SPLICE]);
	assert_int_equal(way.moved[SHUNT_SPLICE] > 0, e->id == SHUNT_SPLICE);
	close_way();
}

/* Held is given completely before the next is taken: nothing more leaves `in` while `out` is full. */
static void full(const struct engine *e)
{
	size_t said = 0, heard = 0;
	ssize_t n;
	static unsigned char got[sizeof(bytes)];

	open_way();
	while (turn(e) != FLOW_FULL) {
		n = send(in[1], bytes + said % 1000, 100000, 0);
		said += n > 0 ? (size_t)n : 0;
	}
	shutdown(in[1], SHUT_WR);
	assert_true(way.held.length > 0);
	uint64_t taken = way.taken;

	assert_int_equal(turn(e), FLOW_FULL);
	assert_int_equal(way.taken, taken);
	enum flow f = FLOW_FULL;

	while (f != FLOW_END) {
		while ((n = recv(out[1], got, sizeof(got), 0)) > 0)
			heard += (size_t)n;
		f = turn(e);
		assert_true(f == FLOW_FULL || f == FLOW_DRY || f == FLOW_END);
	}
	while (heard < way.taken)
		heard += hear(got, way.taken - heard < sizeof(got) ? (size_t)way.taken - heard
								   : sizeof(got));
	assert_int_equal(heard, said);
	close_way();
}

static void broken_in(const struct engine *e)
{
	struct linger at_once = { .l_onoff = 1 };
	unsigned char got[5000];
	int error = 0;

	open_way();
	assert_int_equal(send(in[1], bytes, sizeof(got), 0), sizeof(got));
	setsockopt(in[1], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(in[1]);
	in[1] = -1;
	arrives(POLLHUP);
	way.src.ending = true;
	enum flow f;

	do
		f = pump(&kit, e, &way, &error);
	while (f == FLOW_TURN);
	assert_int_equal(f, FLOW_IN_BROKEN); /* said after the bytes, */
	assert_int_equal(error, ECONNRESET);
	assert_int_equal(hear(got, sizeof(got)), sizeof(got));
	assert_memory_equal(got, bytes, sizeof(got));
	close_way();
}

static void broken_out(const struct engine *e)
{
	struct linger at_once = { .l_onoff = 1 };
	struct pollfd p = { .fd = 0, .events = 0 };
	int error = 0;

	open_way();
	setsockopt(out[1], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(out[1]);
	out[1] = -1;
	p.fd = out[0];
	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_int_equal(send(in[1], bytes, 50000, 0), 50000);
	arrives(POLLIN);
	assert_int_equal(pump(&kit, e, &way, &error), FLOW_OUT_BROKEN);
	assert_true(error == ECONNRESET || error == EPIPE);
	close_way();
}

static void urgent_in_its_place(const struct engine *e)
{
	unsigned char got[40001];
	int one = 1;

	open_way();
	setsockopt(out[1], SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one));
	assert_int_equal(urgent_take(in[0]), -EAGAIN);
	assert_int_equal(send(in[1], bytes, 20000, 0), 20000);
	assert_int_equal(send(in[1], "!", 1, MSG_OOB), 1);
	assert_int_equal(send(in[1], bytes, 20000, 0), 20000);
	arrives(POLLPRI);
	assert_int_equal(urgent_take(in[0]), -EAGAIN); /* bytes come before it */
	while (way.taken < 40001) {
		arrives(POLLIN | POLLPRI);
		assert_int_equal(turn(e), FLOW_DRY);
	}
	assert_int_equal(hear(got, sizeof(got)), sizeof(got));
	assert_memory_equal(got, bytes, 20000);
	assert_int_equal(got[20000], '!');
	assert_memory_equal(got + 20001, bytes, 20000);
	assert_int_equal(way.urgents, 1);
	close_way();
}

static void urgent_by_itself(void **state)
{
	char byte;

	open_way();
	assert_int_equal(send(in[1], "!?", 2, 0), 2);
	assert_int_equal(send(in[1], "\xff", 1, MSG_OOB), 1);
	arrives(POLLPRI);
	assert_int_equal(recv(in[0], &byte, 1, 0), 1);
	assert_int_equal(urgent_take(in[0]), -EAGAIN);
	assert_int_equal(recv(in[0], &byte, 1, 0), 1);
	assert_int_equal(urgent_take(in[0]), 0xff);
	assert_int_equal(urgent_take(in[0]), -EAGAIN);
	close_way();
	(void)state;
}

/* What is lent goes on once and stays until it is taken; then pump goes on after it. */
static void lent(const struct engine *e)
{
	unsigned char got[60000];
	int error = 0;

	open_way();
	assert_int_equal(lend(&kit, &way, &error), FLOW_DRY);
	for (uint32_t n = 20000; n <= 40000; n += 20000) {
		assert_int_equal(send(in[1], bytes + n - 20000, 20000, 0), 20000);
		while (way.lent < n)
			assert_int_equal(lend(&kit, &way, &error), FLOW_DRY);
		assert_int_equal(sys_waiting(in[0]), n);
	}
	assert_int_equal(hear(got, 40000), 40000);
	assert_int_equal(way_take(&way), 0);
	assert_int_equal(way.lent, 0);
	assert_int_equal(sys_waiting(in[0]), 0);
	assert_int_equal(send(in[1], bytes + 40000, 10000, 0), 10000);
	while (way.lent < 10000)
		assert_int_equal(lend(&kit, &way, &error), FLOW_DRY);
	assert_int_equal(send(in[1], bytes + 50000, 10000, 0), 10000);
	while (way.taken < 60000)
		assert_int_equal(turn(e), FLOW_DRY);
	assert_int_equal(hear(got + 40000, 20000), 20000);
	assert_memory_equal(got, bytes, 60000);
	assert_int_equal(way.moved[SHUNT_COPY] + way.moved[SHUNT_SPLICE], 60000);
	close_way();
}

/* An end, an urgent byte and too much are pump's; an error is said at once, for it is said once only. */
static void not_lent(const struct engine *e)
{
	struct linger at_once = { .l_onoff = 1 };
	unsigned char got[10];
	int error = 0;

	open_way();
	assert_int_equal(send(in[1], "u", 1, MSG_OOB), 1);
	arrives(POLLPRI);
	assert_int_equal(lend(&kit, &way, &error), FLOW_TURN);
	assert_int_equal(turn(e), FLOW_DRY);
	assert_int_equal(way.urgents, 1);
	assert_int_equal(send(in[1], "abc", 3, 0), 3);
	arrives(POLLIN);
	assert_int_equal(lend(&kit, &way, &error), FLOW_DRY);
	shutdown(in[1], SHUT_WR);
	arrives(POLLRDHUP);
	way.src.ending = true;
	assert_int_equal(lend(&kit, &way, &error), FLOW_TURN);
	assert_int_equal(turn(e), FLOW_END);
	assert_int_equal(hear(got, 3), 3);
	close_way();

	open_way();
	setsockopt(in[1], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(in[1]);
	arrives(POLLERR);
	assert_int_equal(lend(&kit, &way, &error), FLOW_IN_BROKEN);
	assert_int_equal(error, ECONNRESET);
	in[1] = dup(in[0]); /* for who closes it */
	close_way();
}

#define EACH_ENGINE(story)                                                                         \
	static void story##_by_each(void **state)                                                  \
	{                                                                                          \
		story(&engine_copy);                                                               \
		story(&engine_splice);                                                             \
		(void)state;                                                                       \
	}
EACH_ENGINE(dry_then_bytes_then_end)
EACH_ENGINE(full)
EACH_ENGINE(broken_in)
EACH_ENGINE(broken_out)
EACH_ENGINE(urgent_in_its_place)
EACH_ENGINE(lent)
EACH_ENGINE(not_lent)

static void picking(void **state)
{
	const char *why;

	assert_ptr_equal(engine_pick(SHUNT_COPY, &why), &engine_copy);
	assert_non_null(engine_pick(SHUNT_AUTO, &why));
	assert_null(engine_pick(SHUNT_ENGINES, &why));
	assert_non_null(why);
	assert_string_equal(engine_text(SHUNT_AUTO), "auto");
	assert_string_equal(engine_text(SHUNT_SPLICE), "splice");
	assert_string_equal(engine_text(SHUNT_ENGINES), "none");
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dry_then_bytes_then_end_by_each),
		cmocka_unit_test(full_by_each),
		cmocka_unit_test(broken_in_by_each),
		cmocka_unit_test(broken_out_by_each),
		cmocka_unit_test(urgent_in_its_place_by_each),
		cmocka_unit_test(lent_by_each),
		cmocka_unit_test(not_lent_by_each),
		cmocka_unit_test(urgent_by_itself),
		cmocka_unit_test(picking),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
