/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_answer.c — an answer to a SYN of ours marks its port, if it comes as our socket knows it; nothing else does */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* A listener whose queue takes one, and two who want in: the second one's SYN is not answered. */
struct scene {
	int listener, first, ours;
	struct tuple way; /* of the answer */
	uint16_t port;    /* ours */
};

static void name_of(int fd, bool peer, uint32_t ip[4], uint16_t *port)
{
	union address a;
	socklen_t len = sizeof(a);

	assert_int_equal((peer ? getpeername : getsockname)(fd, &a.any, &len), 0);
	memset(ip, 0, 16);
	if (a.any.sa_family == AF_INET6) {
		memcpy(ip, &a.v6.sin6_addr, 16);
		*port = a.v6.sin6_port;
		return;
	}
	ip[0] = a.v4.sin_addr.s_addr;
	*port = a.v4.sin_port;
}

static int connecting(const union address *to, socklen_t len)
{
	int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(connect(fd, &to->any, len) == 0 || errno == EINPROGRESS);
	return fd;
}

static void set(struct scene *s, bool v6)
{
	union address at;
	socklen_t len = v6 ? sizeof(at.v6) : sizeof(at.v4);
	uint16_t ignored;

	memset(s, 0, sizeof(*s));
	memset(&at, 0, sizeof(at));
	at.any.sa_family = v6 ? AF_INET6 : AF_INET;
	if (v6)
		at.v6.sin6_addr = in6addr_loopback;
	else
		at.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->listener = socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listener, &at.any, len), 0);
	assert_int_equal(listen(s->listener, 0), 0);
	assert_int_equal(getsockname(s->listener, &at.any, &len), 0);
	s->first = connecting(&at, len);
	usleep(20000);
	s->ours = connecting(&at, len);
	usleep(20000);
	s->way.v6 = v6;
	s->way.from_port = v6 ? at.v6.sin6_port : at.v4.sin_port;
	name_of(s->ours, false, s->way.to, &s->way.to_port);
	name_of(s->listener, false, s->way.from, &ignored);
	s->port = ntohs(s->way.to_port);
}

static void strike(const struct scene *s)
{
	close(s->ours);
	close(s->first);
	close(s->listener);
}

/* What becomes of the port's byte; the packet itself is the kernel's, as it came. */
static uint8_t answered(const struct scene *s, const struct tuple *way, uint8_t flags, uint8_t byte)
{
	static struct wire w, was;
	struct seg seg = { .way = *way, .seq = 7, .ack = 8, .flags = flags, .window = 1000 };

	memset(&rig.m, 0, sizeof(rig.m));
	rig.m.strip[s->port] = byte;
	rig_put();
	wire_tcp(&w, &seg);
	was = w;
	assert_int_equal(rig_run(rig.in, &w), VERDICT_NEXT);
	assert_int_equal(w.len, was.len);
	assert_memory_equal(w.b, was.b, w.len);
	for (unsigned port = 0; port < GRAFT_PORTS; port++)
		assert_true(port == s->port || rig.strip[port] == 0);
	return rig.strip[s->port];
}

static void as_the_socket_knows_it(void **state)
{
	struct scene s;

	set(&s, *(bool *)*state);
	for (uint8_t strip = 0; strip <= STRIP_ALL; strip++)
		assert_int_equal(answered(&s, &s.way, SYN | ACK, strip | PORT_OURS),
				 strip | PORT_OURS | PORT_MET);
	assert_int_equal(answered(&s, &s.way, SYN | ACK | ECE, PORT_OURS), PORT_OURS | PORT_MET);
	strike(&s);
}

static void nothing_else(void **state)
{
	static const uint8_t flags[] = { SYN, ACK, RST | ACK, FIN | ACK, PSH | ACK };
	struct scene s;
	struct tuple other;

	set(&s, *(bool *)*state);
	for (unsigned i = 0; i < sizeof(flags); i++)
		assert_int_equal(answered(&s, &s.way, flags[i], PORT_OURS), PORT_OURS);
	assert_int_equal(answered(&s, &s.way, SYN | ACK, 0), 0); /* nobody fitted it */
	assert_int_equal(answered(&s, &s.way, SYN | ACK, STRIP_SACK), STRIP_SACK);
	other = s.way; /* it was sent to another address: ours was translated */
	other.to[s.way.v6 ? 3 : 0] ^= htonl(0x400);
	assert_int_equal(answered(&s, &other, SYN | ACK, PORT_OURS), PORT_OURS);
	other = s.way;
	other.from_port ^= htons(1);
	assert_int_equal(answered(&s, &other, SYN | ACK, PORT_OURS), PORT_OURS);
	strike(&s);
}

int main(void)
{
	static bool no = false, yes = true;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(as_the_socket_knows_it, &no),
		cmocka_unit_test_prestate(as_the_socket_knows_it, &yes),
		cmocka_unit_test_prestate(nothing_else, &no),
		cmocka_unit_test_prestate(nothing_else, &yes),
	};

	return cmocka_run_group_tests(tests, rig_open, rig_close);
}
