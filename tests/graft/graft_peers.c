/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_peers.c — real sockets, peers made by hand behind two devices: the cut, and the way out of each side
 *
 *   peer 0 ──tap 0── A [us] B ──tap 1── peer 1      each on the link, or behind a router
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/route.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pair.h"
#include "tap.h"

static struct frame frame;
/* How each peer's side of the conversation stands. */
static struct seg peer[2];

static void no_frames(struct tap *t)
{
	while (tap_take(t, &frame))
		;
}

static void say(unsigned x, uint8_t flags, unsigned payload)
{
	peer[x].flags = flags;
	peer[x].payload = payload;
	memset(&frame.v, 0, sizeof(frame.v));
	wire_tcp(&frame.w, &peer[x]);
	tap_put(&tap[x], &frame);
	peer[x].seq += payload + (flags & SYN ? 1 : 0);
	peer[x].options_len = 0;
}

/* A packet for him; he will acknowledge it. */
static void hear(unsigned x, uint8_t flags)
{
	const uint8_t *tcp = frame.w.b + ETH + 20;
	size_t header;

	assert_true(tap_take(&tap[x], &frame));
	header = (size_t)(tcp[12] >> 4) * 4;
	assert_int_equal(tcp[13], flags);
	memcpy(&peer[x].way.to_port, tcp, 2);
	peer[x].ack = get32(tcp + 4) + (flags & SYN ? 1 : 0) +
		      (uint32_t)(frame.w.len - ETH - 20 - header);
}

static void with_options(unsigned x)
{
	static const uint8_t o[] = { 2, 4, 5, 180, 1, 3, 3, 7 };

	memcpy(peer[x].options, o, sizeof(o));
	peer[x].options_len = sizeof(o);
}

static void someone(unsigned x, const char *ip, const char *our)
{
	peer[x] = (struct seg){ .seq = 0xfffffff0u + x, .window = 65535 };
	inet_pton(AF_INET, ip, peer[x].way.from);
	inet_pton(AF_INET, our, peer[x].way.to);
	peer[x].way.from_port = htons((uint16_t)(1000 + x));
}

/* Peer 0 connects to us. */
static void accept_him(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(443) };
	int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	pair_option(l, SOL_SOCKET, SO_REUSEADDR, 1);
	assert_int_equal(bind(l, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(l, 1), 0);
	peer[0].way.to_port = htons(443);
	with_options(0);
	say(0, SYN, 0);
	hear(0, SYN | ACK);
	say(0, ACK, 0);
	pair[A] = accept4(l, NULL, NULL, SOCK_CLOEXEC);
	assert_true(pair[A] >= 0);
	close(l);
}

/* We connect to peer 1. */
static void connect_to_him(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = peer[1].way.from_port };

	memcpy(&to.sin_addr, peer[1].way.from, 4);
	pair[B] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(pair[B], (struct sockaddr *)&to, sizeof(to)), -1);
	assert_int_equal(errno, EINPROGRESS);
	hear(1, SYN);
	with_options(1);
	say(1, SYN | ACK, 0);
	hear(1, ACK);
}

static void finish(void)
{
	for (unsigned i = A; i <= B; i++) {
		pair_option(pair[i], IPPROTO_TCP, 19 /* TCP_REPAIR */, 1); /* without a word */
		close(pair[i]);
		pair[i] = -1;
	}
}

static void meet(const char *ip0, const char *ip1)
{
	memset(&rig.m, 0, sizeof(rig.m)); /* the same tuples again */
	rig_put();
	for (unsigned x = 0; x < 2; x++) {
		tap_offload(&tap[x], false);
		no_frames(&tap[x]);
		rig_device(tap[x].index, true);
	}
	someone(0, ip0, "10.7.0.1");
	someone(1, ip1, "10.7.1.1");
	accept_him();
	connect_to_him();
	pair_v6 = false;
	pair_arm();
}

/* By which way it leaves to peer x: the address of the next one. */
static void leaves_by(unsigned x, const char *hop)
{
	const struct graft_side *s = &rig.slot[0].side[x];

	assert_int_equal(s->ifindex, tap[x].index);
	assert_int_equal(s->hop_family, AF_INET);
	assert_int_equal(s->hop[0], inet_addr(hop));
}

static void goes_through(const char *ip0, const char *hop0, const char *ip1, const char *hop1)
{
	char byte;

	for (unsigned first = 0; first < 2; first++) {
		meet(ip0, ip1);
		for (unsigned i = 0; i < 6; i++) {
			unsigned x = (first + i) & 1, y = !x;
			uint32_t seq = peer[y].ack;

			say(x, ACK | PSH, 100 + i);
			assert_int_equal(rig.slot[0].state, SLOT_GRAFTED);
			hear(y, ACK | PSH); /* to him, and next in what he waits for */
			assert_int_equal(peer[y].ack, seq + 100 + i);
			assert_int_equal(get32(frame.w.b + ETH + 28), peer[y].seq);
			assert_memory_equal(frame.w.b + ETH + 16, peer[y].way.from, 4);
			assert_int_equal(wire_residue(&frame.w), 0xffff);
			say(y, ACK, 0);
			hear(x, ACK);
			assert_int_equal(get32(frame.w.b + ETH + 28), peer[x].seq);
		}
		leaves_by(0, hop0);
		leaves_by(1, hop1);
		no_frames(&tap[0]); /* our sockets said nothing, and got nothing */
		no_frames(&tap[1]);
		assert_int_equal(recv(pair[A], &byte, 1, MSG_DONTWAIT), -1);
		assert_int_equal(recv(pair[B], &byte, 1, MSG_DONTWAIT), -1);
		finish();
	}
}

static void on_the_link(void **state)
{
	(void)state;
	goes_through("10.7.0.77", "10.7.0.77", "10.7.1.88", "10.7.1.88");
}

static void behind_a_router(void **state)
{
	struct rtentry r = { .rt_flags = RTF_UP | RTF_GATEWAY };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	((struct sockaddr_in *)&r.rt_dst)->sin_family = AF_INET;
	((struct sockaddr_in *)&r.rt_dst)->sin_addr.s_addr = inet_addr("10.50.0.0");
	((struct sockaddr_in *)&r.rt_genmask)->sin_family = AF_INET;
	((struct sockaddr_in *)&r.rt_genmask)->sin_addr.s_addr = inet_addr("255.255.0.0");
	((struct sockaddr_in *)&r.rt_gateway)->sin_family = AF_INET;
	((struct sockaddr_in *)&r.rt_gateway)->sin_addr.s_addr = inet_addr("10.7.1.254");
	assert_int_equal(ioctl(s, SIOCADDRT, &r), 0);
	close(s);
	goes_through("10.7.0.77", "10.7.0.77", "10.50.3.4", "10.7.1.254");
}

/* The answers would come back by a device that has no program. The bytes are the sockets', as ever. */
static void by_a_device_that_is_not_ours(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		char bytes[20];

		meet("10.7.0.77", "10.7.1.88");
		rig_device(tap[i].index, false);
		say(0, ACK | PSH, 20);
		assert_int_equal(rig.slot[0].state, SLOT_ARMED);
		assert_int_equal(rig.slot[0].refusal, GC_NO_DEVICE);
		assert_int_equal(recv(pair[A], bytes, sizeof(bytes), MSG_DONTWAIT), 20);
		assert_false(tap_take(&tap[1], &frame));
		finish();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_the_link),
		cmocka_unit_test(behind_a_router),
		cmocka_unit_test(by_a_device_that_is_not_ours),
	};

	return cmocka_run_group_tests(tests, tap_open, rig_close);
}
