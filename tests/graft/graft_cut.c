/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_cut.c — the cut: what it makes of a slot, on which packets it is tried, and what forbids it for good */
#include "pair.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MARGIN = 4096 };

static void same_mirrored(const struct graft_side *x, const struct graft_side *y)
{
	assert_int_equal(x->dseq, -y->dack);
	assert_int_equal(x->dstamp, -y->decho);
	assert_int_equal(x->base, y->start + y->dseq);
	assert_int_equal(x->fin, x->base);
	assert_int_equal(x->here, x->start);
	assert_int_equal(x->ifindex, LO);
	assert_int_equal(x->hop_family, 0);
	assert_int_equal(x->fin_end, 0);
	assert_int_equal(x->rst_at, 0);
}

static void near(uint32_t is, uint32_t should, uint32_t by)
{
	if (is - should + by > 2 * by)
		fail_msg("%u is not near %u", is, should);
}

/* As it pair_was in the moment of the cut: what the packet itself did to it is undone. */
static void undo(struct graft_side *x, struct graft_side *y, const struct seg *s)
{
	assert_int_equal(x->packets, 1);
	assert_int_equal(x->bytes, s->payload);
	assert_int_equal(x->next, s->seq + s->payload);
	assert_int_equal(y->packets, 0);
	assert_int_equal(y->bytes, 0);
	assert_int_equal(x->ack, x->base);
	assert_int_equal(y->ack, y->base);
	x->packets = x->bytes = 0;
	x->next = x->start;
	x->seen = y->seen = 0;
}

static void the_right_packet_cuts(void **state)
{
	pair_v6 = *(bool *)*state;
	for (unsigned i = 0; i < 6; i++) {
		unsigned x = i & 1, payload = i / 2 * 333;
		struct graft_side *px, *py;
		struct graft_event e[2];
		struct tcp_info info;
		socklen_t len = sizeof(info);
		struct seg s;
		uint32_t clock;

		pair_meet(true);
		s = pair_next(x, payload);
		if (i > 2)
			s.flags |= PSH;
		clock = pair_stamp(pair[x ? A : B]);
		pair_cuts(&s);
		px = &rig.slot[0].side[x];
		py = &rig.slot[0].side[!x];
		/* against what the sockets say */
		assert_int_equal(px->start, pair_number(pair[x ? B : A], true));
		assert_int_equal(px->base, pair_number(pair[x ? B : A], false));
		assert_int_equal(px->start + px->dseq, pair_number(pair[x ? A : B], false));
		same_mirrored(px, py);
		same_mirrored(py, px);
		assert_int_equal(getsockopt(pair[x ? B : A], IPPROTO_TCP, TCP_INFO, &info, &len),
				 0);
		assert_int_equal(px->shift_in, info.tcpi_snd_wscale);
		assert_int_equal(px->shift_out, info.tcpi_rcv_wscale);
		assert_int_equal(rig_events(e, 2), 1);
		assert_int_equal(e[0].kind, GRAFT_EV_CUT);
		assert_int_equal(e[0].side, x);
		assert_int_equal(e[0].life, 3);
		/* its stamp is ahead of our clock; its echo is the newest that pair_was known */
		near(get32(pair_packet.b + wire_l4(&pair_packet) + 24), clock + MARGIN, 1000);
		near(px->echo_least, pair_stamp(pair[x ? C : S]), 1000);
		assert_int_equal(get32(pair_packet.b + wire_l4(&pair_packet) + 28), px->echo_least);
		/* and it went as the first packet of the graft */
		undo(px, py, &s);
		rig.m.slot[0] = rig.slot[0];
		wire_tcp(&pair_was, &s);
		assert_int_equal(model_in(&rig.m, &pair_was), VERDICT_SENT);
		assert_memory_equal(pair_packet.b, pair_was.b, pair_was.len);
		rig_put();
		s.seq += payload;
		assert_int_equal(rig_send(&s, &pair_packet), VERDICT_SENT); /* and the next one */
	}
}

/* Candidates: in none of them the sockets are even looked at. */
static void only_plain_packets_are_tried(void **state)
{
	static const uint8_t flags[] = { FIN | ACK, RST,       RST | ACK, SYN, SYN | ACK,
					 ACK | URG, ACK | ECE, ACK | CWR, PSH, 0 };
	struct seg s;

	pair_v6 = *(bool *)*state;
	pair_meet(true);
	s = pair_next(0, 5);
	for (unsigned i = 0; i < sizeof(flags); i++) {
		s.flags = flags[i];
		pair_stays(&s);
	}
	s.flags = ACK;
	s.ttl = 1;
	pair_stays(&s);
	assert_int_equal(rig.slot[0].refusals, 0);
	rig.slot[0].state = SLOT_PAUSED;
	s.ttl = 64;
	wire_tcp(&pair_packet, &s);
	assert_int_equal(rig_run(rig.in, &pair_packet), VERDICT_NEXT);
	assert_int_equal(rig.slot[0].state, SLOT_PAUSED);
	rig.slot[0].state = SLOT_ARMED;
	pair_cuts(&s);
}

static void windows_that_do_not_fit(void **state)
{
	pair_v6 = *(bool *)*state;
	for (unsigned x = 0; x < 2; x++) {
		struct seg s;

		pair_meet(false);
		s = pair_next(x, 10);
		pair_refused(&s, GC_WINDOW);
	}
}

static void sockets_that_are_gone(void **state)
{
	pair_v6 = *(bool *)*state;
	for (unsigned i = 0; i < 4; i++) {
		struct seg s;

		pair_meet(true);
		s = pair_next(i & 1, 10);
		pair_option(pair[i & 2 ? B : A], IPPROTO_TCP, TCP_REPAIR, 1); /* without a word */
		close(pair[i & 2 ? B : A]);
		pair[i & 2 ? B : A] = -1;
		pair_refused(&s, GC_NO_SOCKET);
	}
}

static void half_closed(void **state)
{
	pair_v6 = *(bool *)*state;
	for (unsigned i = 0; i < 12; i++) {
		struct seg s;

		pair_meet(true);
		s = pair_next(i & 1, 10);
		assert_int_equal(shutdown(pair[i >> 1 & 3], i >= 8 ? SHUT_RD : SHUT_WR), 0);
		usleep(2000);
		if (i < 8)
			pair_refused(&s, GC_NOT_UP);
		else if ((i >> 1 & 3) == A || (i >> 1 & 3) == B)
			pair_refused(&s, GC_NOT_UP); /* nobody else knows of SHUT_RD */
	}
}

/* The tuple leads to what is left of a socket: TIME_WAIT. */
static void what_waits_for_time(void **state)
{
	struct seg s;

	pair_v6 = *(bool *)*state;
	pair_meet(true);
	s = pair_next(0, 10);
	shutdown(pair[A], SHUT_WR);
	usleep(2000);
	close(pair[C]);
	pair[C] = -1;
	usleep(2000);
	close(pair[A]);
	pair[A] = -1;
	pair_refused(&s, GC_NOT_UP);
}

static void signed_segments(void **state)
{
	struct tcp_md5sig key = { .tcpm_keylen = 3, .tcpm_key = "key" };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&key.tcpm_addr;
	struct seg s;

	(void)state;
	pair_v6 = false;
	v4->sin_family = AF_INET;
	v4->sin_addr.s_addr = htonl(0x0a000001);
	pair_meet(true);
	s = pair_next(0, 10);
	if (setsockopt(pair[B], IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key))) {
		print_message("no TCP_MD5SIG here: %s\n", strerror(errno));
		skip();
	}
	pair_refused(&s, GC_SPECIAL);
}

int main(void)
{
	static bool no = false, yes = true;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(the_right_packet_cuts, &no),
		cmocka_unit_test_prestate(the_right_packet_cuts, &yes),
		cmocka_unit_test_prestate(only_plain_packets_are_tried, &no),
		cmocka_unit_test_prestate(only_plain_packets_are_tried, &yes),
		cmocka_unit_test_prestate(windows_that_do_not_fit, &no),
		cmocka_unit_test_prestate(windows_that_do_not_fit, &yes),
		cmocka_unit_test_prestate(sockets_that_are_gone, &no),
		cmocka_unit_test_prestate(sockets_that_are_gone, &yes),
		cmocka_unit_test_prestate(half_closed, &no),
		cmocka_unit_test_prestate(half_closed, &yes),
		cmocka_unit_test_prestate(what_waits_for_time, &no),
		cmocka_unit_test_prestate(what_waits_for_time, &yes),
		cmocka_unit_test(signed_segments),
	};

	return cmocka_run_group_tests(tests, pair_open, rig_close);
}
