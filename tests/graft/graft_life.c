/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_life.c — how a graft ends: FINs, resets, and the SYN that wants its place */
#include "rig.h"

#include <string.h>

static struct wire w;
static struct graft_slot *slot;

static uint32_t seen(unsigned x)
{
	return rig.slot[0].side[x].seen;
}

/* A segment from x that acknowledges all that y sent, FIN and all. */
static struct seg up_to_date(unsigned x)
{
	struct seg s = rig_seg(x);
	const struct graft_side *y = &rig.m.slot[0].side[!x], *me = &rig.m.slot[0].side[x];

	s.ack = (y->seen & SIDE_FIN ? y->fin_end : y->next) + y->dseq;
	if (me->seen & SIDE_FIN)
		s.seq = me->fin_end;
	return s;
}

static int send_flags(unsigned x, uint8_t flags)
{
	struct seg s = up_to_date(x);

	s.flags = flags;
	if (flags & FIN) /* once more, it may be */
		s.seq = rig.m.slot[0].side[x].next;
	return rig_send(&s, &w);
}

static void scene(bool v6)
{
	slot = rig_scene(v6);
	rig_put();
}

static void one_after_the_other(void **state)
{
	bool *v6 = *state;
	struct seg s;

	scene(*v6);
	s = up_to_date(0);
	s.payload = 77;
	s.flags = ACK | PSH | FIN;
	assert_int_equal(rig_send(&s, NULL), VERDICT_SENT);
	assert_int_equal(seen(0), SIDE_FIN);
	assert_int_equal(rig.slot[0].side[0].fin_end, slot->side[0].start + 78);
	assert_int_equal(rig.slot[0].side[0].next, slot->side[0].start + 77);
	rig_send(&s, NULL); /* again */
	s = rig_seg(1);
	s.ack += 77; /* all but the FIN */
	rig_send(&s, NULL);
	assert_int_equal(seen(0), SIDE_FIN);
	for (unsigned i = 0; i < 10; i++) { /* half closed, peer 1 has much to say */
		s = up_to_date(1);
		s.payload = 1000;
		rig_send(&s, NULL);
		assert_int_equal(seen(0), SIDE_FIN | SIDE_FIN_ACKED);
		send_flags(0, ACK);
	}
	send_flags(1, FIN | ACK);
	assert_int_equal(seen(1), SIDE_FIN);
	assert_int_equal(rig.slot[0].state, SLOT_GRAFTED);
	send_flags(0, ACK);
	assert_int_equal(rig.slot[0].state, SLOT_CLOSED);
	assert_int_equal(rig.m.events, 1); /* the model's, and so the program's */
	assert_int_equal(rig.m.event[0].kind, GRAFT_EV_CLOSED);
	assert_int_equal(rig.m.event[0].side, 0);
	assert_int_equal(rig.m.event[0].life, 7);
	send_flags(
		1,
		FIN | ACK); /* the last acknowledgement was lost: all goes on, and is told once */
	assert_int_equal(send_flags(0, ACK), VERDICT_SENT);
	assert_int_equal(rig.m.events, 0);
	s = up_to_date(1);
	s.seq--;
	s.payload = 1; /* a keepalive probe: its byte lies where the FIN was */
	assert_int_equal(rig_send(&s, &w), VERDICT_SENT);
	assert_int_equal(rig.slot[0].side[1].bytes, 10000);
}

static void both_at_once(void **state)
{
	struct seg a, b;

	(void)state;
	scene(false);
	a = up_to_date(0);
	b = up_to_date(1);
	a.flags = b.flags = FIN | ACK;
	rig_send(&a, NULL);
	rig_send(&b, NULL);
	assert_int_equal(seen(0) | seen(1), SIDE_FIN);
	send_flags(1, ACK);
	assert_int_equal(rig.slot[0].state, SLOT_GRAFTED);
	send_flags(0, ACK);
	assert_int_equal(rig.slot[0].state, SLOT_CLOSED);
}

/* A FIN comes after all bytes: one that says to lie before some is forged, or of an older time. */
static void a_fin_before_bytes_is_none(void **state)
{
	struct seg s;

	(void)state;
	scene(false);
	s = up_to_date(0);
	s.payload = 1000;
	rig_send(&s, NULL);
	s.payload = 0;
	s.seq += 999;
	s.flags = FIN | ACK;
	assert_int_equal(rig_send(&s, NULL), VERDICT_SENT);
	assert_int_equal(seen(0), 0);
	s.seq -= 0x10000000;
	rig_send(&s, NULL);
	assert_int_equal(seen(0), 0);
	send_flags(0, FIN | ACK);
	assert_int_equal(seen(0), SIDE_FIN);
	assert_int_equal(rig.slot[0].side[0].fin_end, slot->side[0].start + 1001);
}

/* Our socket took the FIN in; user space has written so into the slot. */
static void a_fin_that_the_socket_took(void **state)
{
	(void)state;
	slot = rig_scene(false);
	slot->final = 0;
	slot->side[0].seen = SIDE_FIN;
	slot->side[0].fin_end = slot->side[0].next + 1;
	rig_put();
	send_flags(1, ACK);
	assert_int_equal(seen(0), SIDE_FIN | SIDE_FIN_ACKED);
}

/* -- resets -- */

/* A reset with this seq, seen from the first byte of peer 0's that peer 1 has not acknowledged. */
static bool believed(int32_t at, unsigned under_way)
{
	struct seg s;

	scene(false);
	if (under_way) {
		s = rig_seg(0);
		s.payload = under_way;
		rig_send(&s, NULL);
	}
	s = rig_seg(0);
	s.seq = slot->side[0].start + (uint32_t)at;
	s.flags = RST;
	s.ack = 0;
	slot->side[0].last = rig.slot[0].side[0].last = 1;
	assert_int_equal(rig_send(&s, &w), VERDICT_SENT); /* its receiver shall decide */
	assert_int_equal(rig.slot[0].side[0].last, 1);
	assert_int_equal(rig.slot[0].side[0].rst_at != 0, (seen(0) & SIDE_RST) != 0);
	return seen(0) & SIDE_RST;
}

static void resets_are_believed_within_bounds(void **state)
{
	(void)state;
	assert_false(believed(-1, 0));
	assert_true(believed(0, 0));
	assert_true(believed(1, 0)); /* after a FIN */
	assert_false(believed(2, 0));
	assert_true(believed(0, 1000));
	assert_true(believed(500, 1000));
	assert_true(believed(1001, 1000));
	assert_false(believed(1002, 1000));
	assert_false(believed(-1, 1000));
	assert_false(believed(1 << 30, 1000));
	assert_false(believed(-(1 << 30), 1000));
}

static void a_reset_is_told_once_and_stops_nothing(void **state)
{
	struct seg s;

	(void)state;
	scene(false);
	send_flags(1, RST | ACK);
	assert_int_equal(rig.m.event[0].kind, GRAFT_EV_RST);
	assert_int_equal(rig.m.event[0].side, 1);
	send_flags(1, RST | ACK);
	assert_int_equal(rig.m.events, 0);
	send_flags(0, RST); /* from the other one: that is another one */
	assert_int_equal(rig.m.events, 1);
	s = rig_seg(0);
	s.payload = 10;
	assert_int_equal(rig_send(&s, NULL), VERDICT_SENT);
	assert_int_equal(rig.slot[0].state, SLOT_GRAFTED);
	assert_true(rig.slot[0].side[0].last > 1);
}

/* Nobody reads them: what finds no room is counted, and the packets go on. */
static void events_without_room(void **state)
{
	enum { ROOM = 256 * 1024 / 24 }; /* each with its header */
	static struct wire again;
	struct graft_event e;
	struct seg s;

	(void)state;
	scene(false);
	s = rig_seg(0);
	s.flags = RST;
	wire_tcp(&w, &s);
	for (unsigned i = 0; i < ROOM + 1000; i++) {
		again.len = w.len;
		memcpy(again.b, w.b, w.len);
		rig.slot[0].side[0].seen = 0;
		assert_int_equal(rig_run(rig.in, &again), VERDICT_SENT);
	}
	assert_in_range(rig_counted(GC_LOST_EVENT), 900, 1100);
	assert_int_equal(rig_events(&e, 1), 1);
	scene(false);
	send_flags(0, RST); /* there is room again */
	assert_int_equal(rig.m.events, 1);
}

/* -- SYNs -- */

static void a_syn_on_a_living_graft_goes_on(void **state)
{
	bool *v6 = *state;
	struct seg s;

	scene(*v6);
	s = rig_seg(0);
	s.flags = SYN;
	s.seq = 0x5555;
	s.options_len = 20;
	memcpy(s.options, "\2\4\5\264\4\2\10\12\0\0\0\1\0\0\0\0\1\3\3\7", 20);
	assert_int_equal(rig_send(&s, &w), VERDICT_SENT);
	assert_int_equal(rig.slot[0].side[0].next, slot->side[0].start);
	s.flags = SYN | ACK;
	assert_int_equal(rig_send(&s, &w), VERDICT_SENT);
	assert_true(rig.m.listed[0][0] && rig.m.listed[0][1]);
	/* nor does it when the pair is half closed */
	send_flags(0, FIN | ACK);
	send_flags(1, ACK);
	s.flags = SYN;
	assert_int_equal(rig_send(&s, &w), VERDICT_SENT);
}

static void gives_way(unsigned x, uint8_t flags)
{
	static struct wire was;
	struct seg s = rig_seg(x);

	s.flags = flags;
	s.seq = 0x77777777;
	wire_tcp(&was, &s);
	assert_int_equal(rig_send(&s, &w), VERDICT_NEXT);
	assert_memory_equal(w.b, was.b, was.len);
	assert_false(rig.m.listed[0][0] || rig.m.listed[0][1]);
	assert_int_equal(rig.m.events, 1);
	assert_int_equal(rig.m.event[0].kind, GRAFT_EV_REUSE);
	rig_send(&s, &w); /* and now it is nobody's */
	assert_int_equal(rig.m.events, 0);
}

static void a_syn_on_one_that_is_over_takes_its_place(void **state)
{
	bool *v6 = *state;

	for (unsigned i = 0; i < 8; i++) {
		slot = rig_scene(*v6);
		if (i & 1)
			slot->state = SLOT_CLOSED;
		else
			slot->side[i >> 1 & 1].seen = SIDE_RST;
		rig_put();
		gives_way(i >> 2, i & 2 ? SYN : SYN | ACK);
	}
}

static void the_neighbours_stay(void **state)
{
	struct graft_slot *other;

	(void)state;
	slot = rig_scene(false);
	other = &rig.m.slot[3];
	*other = *slot;
	other->life = 99;
	other->side[0].peer_port++;
	other->side[1].self_port++;
	rig.m.listed[3][0] = rig.m.listed[3][1] = true;
	slot->state = SLOT_CLOSED;
	rig_put();
	gives_way(0, SYN);
	assert_true(rig.m.listed[3][0] &&
		    rig.m.listed[3][1]); /* and in the maps: rig_in saw to it */
	struct seg s = rig_seg(0);

	s.way = model_tuple(&rig.m, 3, 0);
	s.payload = 5;
	assert_int_equal(rig_send(&s, &w), VERDICT_SENT);
	assert_int_equal(rig.slot[3].side[0].bytes, 5);
}

int main(void)
{
	static bool no = false, yes = true;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(one_after_the_other, &no),
		cmocka_unit_test_prestate(one_after_the_other, &yes),
		cmocka_unit_test(both_at_once),
		cmocka_unit_test(a_fin_before_bytes_is_none),
		cmocka_unit_test(a_fin_that_the_socket_took),
		cmocka_unit_test(resets_are_believed_within_bounds),
		cmocka_unit_test(a_reset_is_told_once_and_stops_nothing),
		cmocka_unit_test(events_without_room),
		cmocka_unit_test_prestate(a_syn_on_a_living_graft_goes_on, &no),
		cmocka_unit_test_prestate(a_syn_on_a_living_graft_goes_on, &yes),
		cmocka_unit_test_prestate(a_syn_on_one_that_is_over_takes_its_place, &no),
		cmocka_unit_test_prestate(a_syn_on_one_that_is_over_takes_its_place, &yes),
		cmocka_unit_test(the_neighbours_stay),
	};

	return cmocka_run_group_tests(tests, rig_open, rig_close);
}
