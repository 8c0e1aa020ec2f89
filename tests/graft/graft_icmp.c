/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_icmp.c — errors about grafted packets: to the peer who sent them, as if from the next router */
#include "rig.h"

#include <arpa/inet.h>
#include <string.h>

enum { NEEDS_FRAGMENTS = 4, TOO_BIG = 2 };

static struct wire w, about, was;
static struct graft_slot *slot;

/* A packet of peer 1's with this seq (from the first byte under way on), as it left for peer 0, and the
 * error of a router about it. */
static struct icmp_error scene(bool v6, enum slot_state state, uint32_t at)
{
	struct icmp_error e = {
		.v6 = v6, .type = v6 ? TOO_BIG : 3, .code = v6 ? 0 : NEEDS_FRAGMENTS, .info = 1280
	};
	const struct graft_side *a;
	struct seg s = { .flags = ACK, .payload = 600, .ttl = 60 };

	slot = rig_scene(v6);
	a = &slot->side[0];
	slot->state = state;
	rig_put();
	s.way.v6 = v6;
	memcpy(s.way.from, a->self, 16);
	memcpy(s.way.to, a->peer, 16);
	s.way.from_port = a->self_port;
	s.way.to_port = a->peer_port;
	s.seq = a->ack + at;
	s.ack = a->next;
	wire_tcp(&about, &s);
	inet_pton(v6 ? AF_INET6 : AF_INET, v6 ? "2001:db8:77::1" : "172.16.0.9", e.router);
	memcpy(e.to, a->self, 16);
	e.quoted = v6 ? 600 : 28;
	return e;
}

static void errors_go_to_who_sent_it(void **state)
{
	bool *v6 = *state;
	unsigned ip = *v6 ? 40 : 20;

	for (unsigned quoted = ip + 8; quoted < 560; quoted += 29) {
		struct icmp_error e = scene(*v6, SLOT_GRAFTED, 1000);
		const struct graft_side *b = &slot->side[1];
		const uint8_t *o = w.b + ETH, *q = o + ip + 8;

		e.quoted = quoted;
		wire_icmp(&w, &e, &about);
		assert_int_equal(rig_in(&w), VERDICT_SENT);
		/* from us to peer 1 */
		assert_memory_equal(o + (*v6 ? 8 : 12), b->self, *v6 ? 16 : 4);
		assert_memory_equal(o + (*v6 ? 24 : 16), b->peer, *v6 ? 16 : 4);
		assert_int_equal(get32(o + ip + 4), 1280);
		assert_int_equal(wire_icmp_residue(&w), 0xffff);
		assert_int_equal(wire_ip_residue(&w), 0xffff);
		/* about his packet, as he sent it */
		assert_memory_equal(q + (*v6 ? 8 : 12), b->peer, *v6 ? 16 : 4);
		assert_memory_equal(q + (*v6 ? 24 : 16), b->self, *v6 ? 16 : 4);
		assert_int_equal(get16(q + ip), 8080);
		assert_int_equal(get16(q + ip + 2), 40001);
		assert_int_equal(get32(q + ip + 4), b->start + 1000);
		if (!*v6)
			assert_int_equal(wire_sum(q, 20, 0), 0xffff);
	}
}

static void all_kinds(void **state)
{
	bool *v6 = *state;

	for (unsigned type = 0; type < 256; type++)
		for (unsigned code = 0; code < 16; code += 3) {
			struct icmp_error e = scene(*v6, SLOT_GRAFTED, 0);
			bool ours = *v6 ? type == 1 || type == 2 : type == 3;

			e.type = (uint8_t)type;
			e.code = (uint8_t)code;
			wire_icmp(&w, &e, &about);
			memcpy(was.b, w.b, w.len);
			assert_int_equal(rig_in(&w), ours ? VERDICT_SENT : VERDICT_NEXT);
			if (!ours)
				assert_memory_equal(was.b, w.b, w.len);
		}
}

static int verdict(bool v6, enum slot_state state, uint32_t at)
{
	struct icmp_error e = scene(v6, state, at);

	wire_icmp(&w, &e, &about);
	return rig_in(&w);
}

static void only_what_is_under_way(void **state)
{
	bool *v6 = *state;

	for (unsigned st = SLOT_GRAFTED; st <= SLOT_CLOSED; st++) {
		assert_int_equal(verdict(*v6, st, (uint32_t)-1), VERDICT_DROP);
		assert_int_equal(rig.m.counts[GC_ICMP_ODD], 1);
		assert_int_equal(verdict(*v6, st, 0), VERDICT_SENT);
		assert_int_equal(verdict(*v6, st, 100000), VERDICT_SENT);
		assert_int_equal(verdict(*v6, st, 100001), VERDICT_DROP);
		assert_int_equal(verdict(*v6, st, 1u << 31), VERDICT_DROP);
	}
	assert_int_equal(verdict(*v6, SLOT_FREE, 0), VERDICT_NEXT);
	assert_int_equal(verdict(*v6, SLOT_PAUSED, 0), VERDICT_NEXT);
	assert_int_equal(verdict(*v6, SLOT_ARMED, 0), VERDICT_NEXT);
	assert_int_equal(verdict(*v6, SLOT_SWITCHING, 0), VERDICT_NEXT);
}

/* What our socket sent concerns the socket, as long as it lives. */
static void the_sockets_own(void **state)
{
	bool *v6 = *state;

	for (unsigned at = 0; at < 3; at++) {
		struct icmp_error e = scene(*v6, SLOT_GRAFTED, at);

		slot->final = 0;
		slot->side[0].fin = slot->side[0].base + 2;
		rig_put();
		wire_icmp(&w, &e, &about);
		assert_int_equal(rig_in(&w), at < 2 ? VERDICT_NEXT : VERDICT_SENT);
	}
}

static void what_is_short_or_odd_is_left_alone(void **state)
{
	bool *v6 = *state;
	struct icmp_error e = scene(*v6, SLOT_GRAFTED, 0);
	size_t ip = *v6 ? 40 : 20, quoted = ETH + ip + 8;

	for (unsigned less = 1; less < ip + 16; less++) {
		e.quoted = (unsigned)ip + 8;
		wire_icmp(&w, &e, &about);
		w.len -= less;
		assert_int_equal(rig_in(&w), VERDICT_NEXT);
	}
	for (size_t at = quoted + (*v6 ? 8 : 12); at < quoted + ip + 4; at++) {
		wire_icmp(&w, &e, &about);
		w.b[at] ^= 0x80; /* another tuple */
		wire_icmp_fix(&w);
		assert_int_equal(rig_in(&w), VERDICT_NEXT);
	}
	wire_icmp(&w, &e, &about);
	w.b[quoted + (*v6 ? 6 : 9)] = 17; /* about UDP */
	assert_int_equal(rig_in(&w), VERDICT_NEXT);
	if (*v6)
		return;
	wire_icmp(&w, &e, &about);
	w.b[quoted] = 0x46;
	assert_int_equal(rig_in(&w), VERDICT_NEXT);
	wire_icmp(&w, &e, &about);
	put16(w.b + ETH + 6, 0x2000);
	assert_int_equal(rig_in(&w), VERDICT_NEXT);
}

static void their_time_to_live(void **state)
{
	bool *v6 = *state;
	struct icmp_error e = scene(*v6, SLOT_GRAFTED, 0);

	e.ttl = 1;
	wire_icmp(&w, &e, &about);
	assert_int_equal(rig_in(&w), VERDICT_DROP);
	e.ttl = 2;
	wire_icmp(&w, &e, &about);
	assert_int_equal(rig_in(&w), VERDICT_SENT);
	assert_int_equal(w.b[ETH + (*v6 ? 7 : 8)], 1);
}

/* The sum is carried here as well. */
static void errors_of_their_sum_are_passed_on(void **state)
{
	bool *v6 = *state;
	struct icmp_error e = scene(*v6, SLOT_GRAFTED, 0);
	uint16_t residue;

	wire_icmp(&w, &e, &about);
	w.b[w.len - 20] ^= 4;
	residue = wire_icmp_residue(&w);
	assert_int_equal(rig_in(&w), VERDICT_SENT);
	assert_int_equal(wire_icmp_residue(&w), residue);
}

int main(void)
{
	static bool no = false, yes = true;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(errors_go_to_who_sent_it, &no),
		cmocka_unit_test_prestate(errors_go_to_who_sent_it, &yes),
		cmocka_unit_test_prestate(all_kinds, &no),
		cmocka_unit_test_prestate(all_kinds, &yes),
		cmocka_unit_test_prestate(only_what_is_under_way, &no),
		cmocka_unit_test_prestate(only_what_is_under_way, &yes),
		cmocka_unit_test_prestate(the_sockets_own, &no),
		cmocka_unit_test_prestate(the_sockets_own, &yes),
		cmocka_unit_test_prestate(what_is_short_or_odd_is_left_alone, &no),
		cmocka_unit_test_prestate(what_is_short_or_odd_is_left_alone, &yes),
		cmocka_unit_test_prestate(their_time_to_live, &no),
		cmocka_unit_test_prestate(their_time_to_live, &yes),
		cmocka_unit_test_prestate(errors_of_their_sum_are_passed_on, &no),
		cmocka_unit_test_prestate(errors_of_their_sum_are_passed_on, &yes),
	};

	return cmocka_run_group_tests(tests, rig_open, rig_close);
}
