/* SPDX-License-Identifier: BSD-2-Clause */
#include "pair.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SMALL = 30000, REPAIR_OFF = -1 };

int pair[PAIR_ENDS] = { -1, -1, -1, -1 };
bool pair_v6;
struct wire pair_was, pair_packet;

static struct graft_slot *slot;

void pair_option(int s, int level, int name, int value)
{
	assert_int_equal(setsockopt(s, level, name, &value, sizeof(value)), 0);
}

/* Two connected sockets; the buffers to receive of who listens, and of who connects, or 0. */
static void connected(int *client, int *server, int server_room, int client_room)
{
	struct sockaddr_storage addr = { 0 };
	socklen_t len = pair_v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	int l = socket(pair_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (pair_v6)
		*(struct sockaddr_in6 *)&addr =
			(struct sockaddr_in6){ .sin6_family = AF_INET6,
					       .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	else
		*(struct sockaddr_in *)&addr =
			(struct sockaddr_in){ .sin_family = AF_INET,
					      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (server_room)
		pair_option(l, SOL_SOCKET, SO_RCVBUF, server_room);
	assert_int_equal(bind(l, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(listen(l, 1), 0);
	assert_int_equal(getsockname(l, (struct sockaddr *)&addr, &len), 0);
	*client = socket(pair_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client_room)
		pair_option(*client, SOL_SOCKET, SO_RCVBUF, client_room);
	assert_int_equal(connect(*client, (struct sockaddr *)&addr, len), 0);
	*server = accept4(l, NULL, NULL, SOCK_CLOEXEC);
	assert_true(*server >= 0);
	close(l);
}

static void address(int s, bool peer, uint32_t ip[4], __u16 *port)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&a;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a;

	assert_int_equal((peer ? getpeername : getsockname)(s, (struct sockaddr *)&a, &len), 0);
	memset(ip, 0, 16);
	memcpy(ip, pair_v6 ? (const void *)&v6->sin6_addr : (const void *)&v4->sin_addr,
	       pair_v6 ? 16 : 4);
	*port = pair_v6 ? v6->sin6_port : v4->sin_port;
}

static void fill_side(struct graft_side *side, int s)
{
	socklen_t len = sizeof(side->cookie);

	address(s, true, side->peer, &side->peer_port);
	address(s, false, side->self, &side->self_port);
	assert_int_equal(getsockopt(s, SOL_SOCKET, SO_COOKIE, &side->cookie, &len), 0);
}

uint32_t pair_number(int s, bool received)
{
	uint32_t seq;
	socklen_t len = sizeof(seq);

	pair_option(s, IPPROTO_TCP, TCP_REPAIR, 1);
	pair_option(s, IPPROTO_TCP, TCP_REPAIR_QUEUE, received ? TCP_RECV_QUEUE : TCP_SEND_QUEUE);
	assert_int_equal(getsockopt(s, IPPROTO_TCP, TCP_QUEUE_SEQ, &seq, &len), 0);
	pair_option(s, IPPROTO_TCP, TCP_REPAIR, REPAIR_OFF);
	return seq;
}

uint32_t pair_stamp(int s)
{
	uint32_t value;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(s, IPPROTO_TCP, TCP_TIMESTAMP, &value, &len), 0);
	return value;
}

static void leave(void)
{
	for (unsigned i = 0; i < 4; i++)
		if (pair[i] >= 0)
			close(pair[i]);
	memset(pair, 0xff, sizeof(pair));
}

void pair_meet(bool fits)
{
	leave();
	connected(&pair[C], &pair[A], fits ? SMALL : 0, fits ? 0 : SMALL);
	connected(&pair[B], &pair[S], fits ? 0 : SMALL, fits ? SMALL : 0);
	pair_arm();
	rig_device(LO, true);
}

void pair_arm(void)
{
	memset(&rig.m, 0, sizeof(rig.m));
	slot = &rig.m.slot[0];
	slot->state = SLOT_ARMED;
	slot->life = 3;
	slot->flags = SLOT_STAMPS | (pair_v6 ? SLOT_V6 : 0);
	fill_side(&slot->side[0], pair[A]);
	fill_side(&slot->side[1], pair[B]);
	slot->side[0].seen = slot->side[1].seen = SIDE_MET;
	rig.m.listed[0][0] = rig.m.listed[0][1] = true;
	rig_put();
}

void pair_came(int s, short what)
{
	struct pollfd p = { .fd = s, .events = what };

	assert_int_equal(poll(&p, 1, 2000), 1);
	assert_int_equal(p.revents & what, what);
}

static void sysctl(const char *path)
{
	int f = open(path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(write(f, "1", 1), 1);
	close(f);
}

/* Packets made by hand must not be martians on lo. */
int pair_open(void **state)
{
	rig_open(state);
	sysctl("/proc/sys/net/ipv4/conf/lo/accept_local");
	sysctl("/proc/sys/net/ipv4/conf/lo/route_localnet");
	return 0;
}

struct seg pair_next(unsigned x, unsigned payload)
{
	int our = pair[x ? B : A], theirs = pair[x ? S : C];
	struct seg s = {
		.way = model_tuple(&rig.m, 0, x), .flags = ACK, .window = 500, .payload = payload
	};

	s.seq = pair_number(our, true);
	s.ack = pair_number(our, false);
	s.options_len = stamps(s.options, pair_stamp(theirs), pair_stamp(our));
	return s;
}

void pair_cuts(const struct seg *s)
{
	wire_tcp(&pair_packet, s);
	assert_int_equal(rig_run(rig.in, &pair_packet), VERDICT_SENT);
	assert_int_equal(rig.slot[0].state, SLOT_GRAFTED);
	assert_int_equal(rig_counted(GC_CUT), 1);
}

void pair_stays(const struct seg *s)
{
	wire_tcp(&pair_packet, s);
	memcpy(&pair_was, &pair_packet, sizeof(pair_packet));
	assert_int_equal(rig_run(rig.in, &pair_packet), VERDICT_NEXT);
	assert_int_equal(pair_packet.len, pair_was.len);
	assert_memory_equal(pair_packet.b, pair_was.b, pair_packet.len);
	assert_int_equal(rig.slot[0].state, SLOT_ARMED);
}

void pair_refused(const struct seg *s, enum graft_count why)
{
	struct graft_slot before = rig.slot[0];
	struct graft_event e;

	pair_stays(s);
	before.refusal = why;
	before.refusals++;
	for (unsigned x = 0; x < 2; x++) /* how it would have left may have been found out */
		memcpy(&before.side[x].ifindex, &rig.slot[0].side[x].ifindex,
		       offsetof(struct graft_side, shift_in) -
			       offsetof(struct graft_side, ifindex));
	assert_memory_equal(&before, &rig.slot[0], sizeof(before));
	for (unsigned i = 0; i < GC_COUNTS; i++)
		assert_int_equal(rig_counted(i), i == why);
	assert_int_equal(rig_events(&e, 1), 0);
}
