/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_numbers.c — sequence numbers, acknowledgements, windows, and what is counted of them */
#include "rig.h"

#include <arpa/inet.h>
#include <string.h>

static struct wire w;

/* Once without the model: what a packet of the scene becomes, in plain words. */
static void a_packet_in_plain_words(void **state)
{
	struct graft_slot *slot = rig_scene(false);
	struct seg s = rig_seg(0);
	const uint8_t *ip = w.b + ETH, *tcp = w.b + ETH + 20;

	(void)state;
	rig_put();
	s.payload = 1001;
	s.ttl = 17;
	s.tos = 2;
	s.flags = ACK | PSH;
	assert_int_equal(rig_send(&s, &w), VERDICT_SENT);
	assert_int_equal(w.len, ETH + 40 + 1001);
	assert_memory_equal(ip + 12, slot->side[1].self, 4);
	assert_memory_equal(ip + 16, slot->side[1].peer, 4);
	assert_int_equal(ip[8], 16);
	assert_int_equal(ip[1], 2);
	assert_int_equal(get16(ip + 4), 0xbeef);
	assert_int_equal(get16(tcp), 40001);
	assert_int_equal(get16(tcp + 2), 8080);
	assert_int_equal(get32(tcp + 4), 0x00000400);
	assert_int_equal(get32(tcp + 8), 0x7ffffe00);
	assert_int_equal(tcp[13], ACK | PSH);
	assert_int_equal(get16(tcp + 14), 1000);
	assert_int_equal(tcp[20], (uint8_t)(0xfffffc00u * 167 + 13));
	assert_int_equal(wire_residue(&w), 0xffff);
	assert_int_equal(wire_ip_residue(&w), 0xffff);
	assert_int_equal(rig.slot[0].side[0].bytes, 1001);
	assert_int_equal(rig.slot[0].side[0].next, 0xfffffc00u + 1001);
	assert_int_equal(rig.slot[0].side[0].packets, 1);
}

/* Both ways, over the end of the circle, with all lengths odd and even. */
static void streams_cross_the_end_of_the_circle(void **state)
{
	bool *v6 = *state;

	rig_scene(*v6);
	rig_put();
	for (unsigned i = 0; i < 40; i++)
		for (unsigned x = 0; x < 2; x++) {
			struct seg s = rig_seg(x);
			const struct graft_side *y = &rig.m.slot[0].side[!x];

			s.payload = 37 * i;
			s.ack = y->next + y->dseq;
			s.window = 65000;
			assert_int_equal(rig_send(&s, &w), VERDICT_SENT);
			assert_int_equal(wire_residue(&w), 0xffff);
		}
	assert_true(rig.slot[0].side[0].next < 0x80000000u); /* it did */
	assert_true(rig.slot[0].side[1].next > 0x80000000u);
	assert_int_equal(rig.slot[0].side[0].bytes, 37 * 39 * 20);
	assert_int_equal(rig.slot[0].side[1].bytes, 37 * 39 * 20);
}

static void every_wrap_of_the_constants(void **state)
{
	static const uint32_t odd[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xffff, 0x10000 };
	const unsigned n = sizeof(odd) / sizeof(odd[0]);
	bool *v6 = *state;

	for (unsigned i = 0; i < n * n; i++) {
		struct graft_slot *slot = rig_scene(*v6);
		struct seg s;

		slot->side[0].dseq = odd[i / n];
		slot->side[0].dack = odd[i % n];
		rig_put();
		s = rig_seg(0);
		s.seq = odd[i % n];
		s.ack = odd[i / n];
		s.payload = i % 3;
		assert_int_equal(rig_send(&s, &w), VERDICT_SENT);
		assert_int_equal(wire_residue(&w), 0xffff);
	}
}

static uint16_t window_out(uint16_t window, uint32_t shift_in, uint32_t shift_out)
{
	struct graft_slot *slot = rig_scene(false);
	struct seg s;

	slot->side[0].shift_in = shift_in;
	slot->side[1].shift_out = shift_out;
	slot->side[0].shift_out = 5; /* of no concern to this way */
	slot->side[1].shift_in = 9;
	rig_put();
	s = rig_seg(0);
	s.window = window;
	assert_int_equal(rig_send(&s, &w), VERDICT_SENT);
	return get16(w.b + ETH + 20 + 14);
}

static void windows_are_rescaled(void **state)
{
	(void)state;
	assert_int_equal(window_out(1000, 7, 7), 1000);
	assert_int_equal(window_out(1000, 0, 0), 1000);
	assert_int_equal(window_out(1000, 7, 0), 65535); /* 128000 is more than it can say */
	assert_int_equal(window_out(511, 7, 0), 65408);
	assert_int_equal(window_out(512, 7, 0), 65535);
	assert_int_equal(window_out(1000, 0, 7), 7); /* never more than was allowed */
	assert_int_equal(window_out(127, 0, 7), 0);
	assert_int_equal(window_out(0, 14, 0), 0);
	assert_int_equal(window_out(65535, 14, 14), 65535);
	assert_int_equal(window_out(65535, 14, 0), 65535);
	assert_int_equal(window_out(65535, 0, 14), 3);
	assert_int_equal(window_out(1, 14, 3), 2048);
}

/* The window of a SYN is never scaled. */
static void a_syns_window_stays(void **state)
{
	struct graft_slot *slot = rig_scene(false);
	struct seg s;

	(void)state;
	slot->side[0].shift_in = 7;
	rig_put();
	s = rig_seg(0);
	s.flags = SYN;
	s.window = 1000;
	assert_int_equal(rig_send(&s, &w), VERDICT_SENT);
	assert_int_equal(get16(w.b + ETH + 20 + 14), 1000);
	assert_int_equal(get32(w.b + ETH + 20 + 8), s.ack); /* no ACK, so it says nothing */
}

/* -- what is counted -- */

static void data(uint32_t at, unsigned len)
{
	struct seg s = rig_seg(0);

	s.seq = 0xfffffc00u + at;
	s.payload = len;
	assert_int_equal(rig_send(&s, NULL), VERDICT_SENT);
}

static void bytes_count_once(void **state)
{
	const struct graft_side *side = &rig.slot[0].side[0];

	(void)state;
	rig_scene(false);
	rig_put();
	data(0, 1000);
	data(0, 1000); /* again */
	assert_int_equal(side->bytes, 1000);
	data(500, 1000); /* half of it is new */
	assert_int_equal(side->bytes, 1500);
	data(2000, 500); /* 1500…2000 is missing, and comes later: counted now */
	assert_int_equal(side->bytes, 2500);
	data(1500, 500);
	assert_int_equal(side->bytes, 2500);
	data(2499, 0); /* a keepalive probe, of both kinds */
	data(2499, 1);
	assert_int_equal(side->bytes, 2500);
	assert_int_equal(side->next, 0xfffffc00u + 2500);
	assert_int_equal(side->packets, 7);
}

static void bytes_beyond_the_window_do_not_count(void **state)
{
	struct graft_slot *slot = rig_scene(false);
	const struct graft_side *side = &rig.slot[0].side[0];
	struct seg s;

	(void)state;
	slot->side[1].edge = slot->side[1].ack + 1000;
	rig_put();
	data(1001, 10);
	data(100000, 1000);
	assert_int_equal(side->bytes, 0);
	data(0, 1000); /* up to the edge */
	assert_int_equal(side->bytes, 1000);
	s = rig_seg(0);
	s.flags |= FIN;
	s.seq += 1; /* a FIN out there is nobody's */
	rig_send(&s, NULL);
	assert_int_equal(side->seen & SIDE_FIN, 0);
}

/* Some receivers take more than they announced, the byte of a window probe for one: what they
 * acknowledge must be known to have been sent, or nothing they say is believed any more. */
static void what_begins_in_the_window_counts(void **state)
{
	struct graft_slot *slot = rig_scene(false);
	struct seg s;

	(void)state;
	slot->side[1].edge = slot->side[1].ack + 1000;
	rig_put();
	data(0, 1000);
	data(1000, 1); /* the window is closed: a probe, and it is taken */
	s = rig_seg(1);
	s.ack += 1001;
	s.window = 5000;
	assert_int_equal(rig_send(&s, NULL), VERDICT_SENT);
	assert_int_equal(rig.slot[0].side[1].ack, s.ack);
	assert_int_equal(rig.slot[0].side[1].edge, s.ack + 5000);
	data(1001, 3000);
	assert_int_equal(rig.slot[0].side[0].bytes, 4001);
}

static void acknowledgements_of_nothing_do_not_count(void **state)
{
	struct graft_slot *slot = rig_scene(false);
	uint32_t was = slot->side[1].ack, edge = slot->side[1].edge;
	struct seg s;

	(void)state;
	rig_put();
	data(0, 1000);
	s = rig_seg(1);
	s.ack = was + 1001;
	s.window = 65535;
	rig_send(&s, NULL);
	assert_int_equal(rig.slot[0].side[1].ack, was);
	assert_int_equal(rig.slot[0].side[1].edge, edge);
	s.ack = was + 1000;
	rig_send(&s, NULL);
	assert_int_equal(rig.slot[0].side[1].ack, was + 1000);
	s.ack = was + 500; /* an old one, late; nor does the window go back */
	s.window = 0;
	rig_send(&s, NULL);
	assert_int_equal(rig.slot[0].side[1].ack, was + 1000);
	assert_int_equal(rig.slot[0].side[1].edge, edge);
	s.ack = was + 1000;
	s.window = 65535;
	slot->side[1].edge = rig.slot[0].side[1].edge = was + 1000;
	rig_send(&s, NULL);
	assert_int_equal(rig.slot[0].side[1].edge, was + 1000 + 65535);
}

/* -- while our sockets live -- */

static struct graft_slot *living(uint32_t drained)
{
	struct graft_slot *slot = rig_scene(false);

	slot->final = 0;
	/* user space took `drained` bytes of peer 1 from a socket after the cut and sent them to 0 */
	slot->side[0].fin = slot->side[0].base + drained;
	slot->side[1].here = slot->side[1].start + drained;
	slot->side[1].next = slot->side[1].start + drained;
	rig_put();
	return slot;
}

static void an_ack_of_the_sockets_bytes_is_the_sockets(void **state)
{
	struct graft_slot *slot = living(3000);
	struct seg s = rig_seg(0);

	(void)state;
	s.seq += 12345; /* ahead of what the socket knows */
	s.ack = slot->side[0].base + 2999;
	assert_int_equal(rig_send(&s, &w), VERDICT_NEXT);
	assert_int_equal(get32(w.b + ETH + 20 + 4), slot->side[0].here);
	assert_int_equal(get32(w.b + ETH + 20 + 8), s.ack);
	assert_int_equal(wire_residue(&w), 0xffff);
	assert_memory_equal(w.b + ETH + 12, slot->side[0].peer, 4);
	s.ack++; /* all of it: nothing there is the socket's any more */
	assert_int_equal(rig_send(&s, NULL), VERDICT_SENT);
	slot->final = rig.slot[0].final = 1;
	s.ack--;
	assert_int_equal(rig_send(&s, NULL), VERDICT_SENT);
}

static void an_ack_with_bytes_is_raised(void **state)
{
	struct graft_slot *slot = living(3000);
	struct seg s = rig_seg(0);

	(void)state;
	s.ack = slot->side[0].base + 1000;
	s.payload = 100;
	s.window = 5000;
	assert_int_equal(rig_send(&s, &w), VERDICT_SENT);
	assert_int_equal(get32(w.b + ETH + 20 + 8), slot->side[1].start + 3000);
	assert_int_equal(get16(w.b + ETH + 20 + 14), 5000 - 2000);
	s.window = 1999; /* the edge lies before what is acknowledged */
	assert_int_equal(rig_send(&s, &w), VERDICT_SENT);
	assert_int_equal(get16(w.b + ETH + 20 + 14), 0);
	s.payload = 0;
	s.flags = FIN | ACK;
	assert_int_equal(rig_send(&s, &w), VERDICT_SENT);
	assert_int_equal(get32(w.b + ETH + 20 + 8), slot->side[1].start + 3000);
	s.flags = RST | ACK;
	assert_int_equal(rig_send(&s, &w), VERDICT_SENT);
}

static void a_raise_by_nothing_is_none(void **state)
{
	struct graft_slot *slot = living(3000);
	struct seg s;

	(void)state;
	/* taken from the socket, and not yet noted as such */
	slot->side[1].here = rig.slot[0].side[1].here = slot->side[1].start;
	s = rig_seg(0);
	s.payload = 10;
	assert_int_equal(rig_send(&s, &w), VERDICT_SENT); /* the model counts no raise */
	s.ack += 2000; /* further than the socket is: not lowered */
	assert_int_equal(rig_send(&s, &w), VERDICT_SENT);
	assert_int_equal(get32(w.b + ETH + 20 + 8), slot->side[1].start + 2000);
}

int main(void)
{
	static bool no = false, yes = true;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_in_plain_words),
		cmocka_unit_test_prestate(streams_cross_the_end_of_the_circle, &no),
		cmocka_unit_test_prestate(streams_cross_the_end_of_the_circle, &yes),
		cmocka_unit_test_prestate(every_wrap_of_the_constants, &no),
		cmocka_unit_test_prestate(every_wrap_of_the_constants, &yes),
		cmocka_unit_test(windows_are_rescaled),
		cmocka_unit_test(a_syns_window_stays),
		cmocka_unit_test(bytes_count_once),
		cmocka_unit_test(bytes_beyond_the_window_do_not_count),
		cmocka_unit_test(what_begins_in_the_window_counts),
		cmocka_unit_test(acknowledgements_of_nothing_do_not_count),
		cmocka_unit_test(an_ack_of_the_sockets_bytes_is_the_sockets),
		cmocka_unit_test(an_ack_with_bytes_is_raised),
		cmocka_unit_test(a_raise_by_nothing_is_none),
	};

	return cmocka_run_group_tests(tests, rig_open, rig_close);
}
