/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_odd.c — packets that are short, lie, or are of another kind: to whom they go, or nobody */
#include "rig.h"

#include <errno.h>
#include <string.h>

enum { ICMP_ROOM = 8 };

static struct wire w, was;
static struct graft_slot *slot;

static void scene(bool v6, enum slot_state state)
{
	slot = rig_scene(v6);
	slot->state = state;
	rig_put();
}

static void fresh(unsigned payload)
{
	struct seg s = rig_seg(0);

	s.payload = payload;
	wire_tcp(&w, &s);
}

/* It goes to the kernel as it came. */
static void untouched(void)
{
	memcpy(was.b, w.b, w.len);
	was.len = w.len;
	assert_int_equal(rig_in(&w), VERDICT_NEXT);
	assert_int_equal(w.len, was.len);
	assert_memory_equal(w.b, was.b, w.len);
}

/* What is done to a packet, and what counts it when it is dropped. */
struct oddity {
	void (*make)(void);
	enum graft_count why;
};

static void with_ip_options(void)
{
	memmove(w.b + ETH + 24, w.b + ETH + 20, w.len - ETH - 20);
	memset(w.b + ETH + 20, 1, 4);
	w.b[ETH] = 0x46;
	put16(w.b + ETH + 2, (uint16_t)(get16(w.b + ETH + 2) + 4));
	w.len += 4;
	wire_fix(&w);
}

static void with_all_ip_options(void)
{
	memmove(w.b + ETH + 60, w.b + ETH + 20, w.len - ETH - 20);
	memset(w.b + ETH + 20, 1, 40);
	w.b[ETH] = 0x4f;
	put16(w.b + ETH + 2, (uint16_t)(get16(w.b + ETH + 2) + 40));
	w.len += 40;
	wire_fix(&w);
}

static void as_first_fragment(void)
{
	put16(w.b + ETH + 6, 0x2000);
	wire_fix(&w);
}

static void longer_than_it_is(void)
{
	w.len -= 1;
}

static void header_longer_than_packet(void)
{
	w.b[ETH + 20 + 12] = 0xf0;
}

static void header_too_small(void)
{
	w.b[ETH + 20 + 12] = 0x40;
}

static void total_less_than_header(void)
{
	put16(w.b + ETH + 2, 19);
}

static void total_of_nothing(void)
{
	put16(w.b + ETH + 2, 0);
}

static void total_without_tcp(void)
{
	put16(w.b + ETH + 2, 39);
}

static void cut_in_the_header(void)
{
	w.len = ETH + 20 + 16;
}

static const struct oddity oddities4[] = {
	{ with_ip_options, GC_OPTIONS },         { with_all_ip_options, GC_OPTIONS },
	{ as_first_fragment, GC_FRAGMENT },      { longer_than_it_is, GC_SHORT },
	{ header_longer_than_packet, GC_SHORT }, { header_too_small, GC_SHORT },
	{ total_less_than_header, GC_SHORT },    { total_of_nothing, GC_SHORT },
	{ total_without_tcp, GC_SHORT },         { cut_in_the_header, GC_SHORT },
};

static void payload_of_nothing6(void)
{
	put16(w.b + ETH + 4, 0);
}

static void payload_without_tcp6(void)
{
	put16(w.b + ETH + 4, 19);
}

static void header_longer_than_packet6(void)
{
	w.b[ETH + 40 + 12] = 0xf0;
}

static void header_too_small6(void)
{
	w.b[ETH + 40 + 12] = 0x10;
}

static void cut_in_the_header6(void)
{
	w.len = ETH + 40 + 17;
}

static const struct oddity oddities6[] = {
	{ longer_than_it_is, GC_SHORT },    { payload_of_nothing6, GC_SHORT },
	{ payload_without_tcp6, GC_SHORT }, { header_longer_than_packet6, GC_SHORT },
	{ header_too_small6, GC_SHORT },    { cut_in_the_header6, GC_SHORT },
};

/* On a graft that lives they reach nobody: the kernel has no socket, and would answer with a reset. On
 * a pair that is not grafted they are the kernel's. */
static void odd_packets_are_dropped_on_grafts_only(void **state)
{
	bool *v6 = *state;
	const struct oddity *o = *v6 ? oddities6 : oddities4;
	unsigned n = *v6 ? sizeof(oddities6) / sizeof(*o) : sizeof(oddities4) / sizeof(*o);

	for (unsigned i = 0; i < n; i++)
		for (enum slot_state s = SLOT_FREE; s <= SLOT_CLOSED; s++) {
			if (s == SLOT_ARMED)
				continue;
			scene(*v6, s);
			fresh(20);
			o[i].make();
			if (s < SLOT_GRAFTED) {
				untouched();
				continue;
			}
			assert_int_equal(rig_in(&w), VERDICT_DROP);
			assert_int_equal(rig.m.counts[o[i].why], 1);
		}
}

/* Later fragments have no ports: they lead nowhere, for their first one is dropped. */
static void later_fragments_are_left_alone(void **state)
{
	(void)state;
	scene(false, SLOT_GRAFTED);
	fresh(100);
	put16(w.b + ETH + 6, 0x2001);
	untouched();
	put16(w.b + ETH + 6, 0x0010);
	untouched();
}

/* Pieces of a packet from nothing on. The kernel's test run wants a whole IP header. */
static void short_packets_are_left_alone(void **state)
{
	bool *v6 = *state;
	size_t least = ETH + (*v6 ? 40 : 20);

	scene(*v6, SLOT_GRAFTED);
	for (size_t n = least; n < least + 16; n++) {
		fresh(0);
		w.len = n;
		untouched();
	}
}

static void padding_is_no_payload(void **state)
{
	bool *v6 = *state;

	for (unsigned payload = 0; payload < 7; payload++) {
		struct seg s;

		scene(*v6, SLOT_GRAFTED);
		s = rig_seg(0);
		s.payload = payload;
		s.padding = 6 - payload;
		assert_int_equal(rig_send(&s, &w), VERDICT_SENT);
		assert_int_equal(rig.slot[0].side[0].bytes, payload);
		assert_int_equal(wire_residue(&w), 0xffff);
	}
}

static void time_to_live(void **state)
{
	bool *v6 = *state;

	for (unsigned ttl = 1; ttl < 256; ttl++) {
		struct seg s;

		scene(*v6, SLOT_GRAFTED);
		s = rig_seg(0);
		s.ttl = (uint8_t)ttl;
		wire_tcp(&w, &s);
		if (ttl == 1) {
			assert_int_equal(rig_in(&w), VERDICT_DROP);
			assert_int_equal(rig.slot[0].side[0].packets, 0);
			continue;
		}
		assert_int_equal(rig_in(&w), VERDICT_SENT);
		assert_int_equal(w.b[ETH + (*v6 ? 7 : 8)], ttl - 1);
		assert_int_equal(wire_ip_residue(&w), 0xffff);
		assert_int_equal(wire_residue(&w), 0xffff);
	}
}

/* Before the cut, and while user space has the pair, all is the kernel's; also what no socket is for. */
static void before_the_cut_all_is_the_kernels(void **state)
{
	static const uint8_t flags[] = { ACK,       ACK | PSH, SYN,       SYN | ACK, FIN | ACK, RST,
					 ACK | URG, ACK | ECE, ACK | CWR, 0,         PSH };
	bool *v6 = *state;

	for (enum slot_state st = SLOT_FREE; st < SLOT_GRAFTED; st++)
		for (unsigned i = 0; i < sizeof(flags); i++)
			for (unsigned ttl = 1; ttl < 3; ttl++) {
				struct seg s;

				scene(*v6, st);
				s = rig_seg(i & 1);
				s.flags = flags[i];
				s.ttl = (uint8_t)ttl;
				s.payload = i;
				wire_tcp(&w, &s);
				untouched();
				assert_int_equal(rig.slot[0].state, st);
				assert_int_equal(rig.slot[0].refusals,
						 st == SLOT_ARMED && i < 2 && ttl > 1);
			}
}

/* One thing at a time is not ours. */
static void strangers_are_left_alone(void **state)
{
	bool *v6 = *state;
	size_t l4 = ETH + (*v6 ? 40 : 20);

	scene(*v6, SLOT_GRAFTED);
	for (size_t at = ETH + (*v6 ? 8 : 12); at < l4 + 4; at++) { /* addresses and ports */
		fresh(10);
		w.b[at] ^= 0x40;
		untouched();
	}
	for (unsigned protocol = 0; protocol < 256; protocol++) { /* extension headers among them */
		fresh(60);
		w.b[ETH + (*v6 ? 6 : 9)] = (uint8_t)protocol;
		if (protocol != 6)
			untouched();
	}
	fresh(10);
	put16(w.b + 12, 0x0806);
	untouched();
	fresh(10);
	memmove(w.b + 16, w.b + 12, w.len - 12); /* tagged: its VLAN's device will see it */
	put32(w.b + 12, 0x81000005);
	w.len += 4;
	untouched();
	fresh(10);
	w.b[0] = 2; /* for another machine */
	untouched();
	fresh(10);
	memset(w.b, 0xff, 6);
	untouched();
}

/* IPv6: the same TCP packet behind an extension header. */
static void extension_headers_are_left_alone(void **state)
{
	static const uint8_t kinds[] = { 0, 43, 44, 60 };

	(void)state;
	scene(true, SLOT_GRAFTED);
	for (unsigned i = 0; i < sizeof(kinds); i++) {
		fresh(10);
		memmove(w.b + ETH + 48, w.b + ETH + 40, w.len - ETH - 40);
		memset(w.b + ETH + 40, 0, ICMP_ROOM);
		w.b[ETH + 6] = kinds[i];
		w.b[ETH + 40] = 6;
		put16(w.b + ETH + 4, (uint16_t)(get16(w.b + ETH + 4) + 8));
		w.len += 8;
		untouched();
	}
}

static void flags_and_urgent_go_through(void **state)
{
	(void)state;
	for (unsigned flags = 0; flags < 256; flags++) {
		struct seg s;

		if ((flags & (SYN | RST)) == (SYN | RST))
			continue; /* nobody sends it; a believed reset, and the place is free */
		scene(false, SLOT_GRAFTED);
		s = rig_seg(0);
		s.flags = (uint8_t)flags;
		s.urgent = 0x1234;
		s.payload = 3;
		assert_int_equal(rig_send(&s, &w), VERDICT_SENT);
		assert_int_equal(w.b[ETH + 20 + 13], flags);
		assert_int_equal(get16(w.b + ETH + 20 + 18), 0x1234);
		assert_int_equal(wire_residue(&w), 0xffff);
	}
}

int main(void)
{
	static bool no = false, yes = true;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(odd_packets_are_dropped_on_grafts_only, &no),
		cmocka_unit_test_prestate(odd_packets_are_dropped_on_grafts_only, &yes),
		cmocka_unit_test(later_fragments_are_left_alone),
		cmocka_unit_test_prestate(short_packets_are_left_alone, &no),
		cmocka_unit_test_prestate(short_packets_are_left_alone, &yes),
		cmocka_unit_test_prestate(padding_is_no_payload, &no),
		cmocka_unit_test_prestate(padding_is_no_payload, &yes),
		cmocka_unit_test_prestate(time_to_live, &no),
		cmocka_unit_test_prestate(time_to_live, &yes),
		cmocka_unit_test_prestate(before_the_cut_all_is_the_kernels, &no),
		cmocka_unit_test_prestate(before_the_cut_all_is_the_kernels, &yes),
		cmocka_unit_test_prestate(strangers_are_left_alone, &no),
		cmocka_unit_test_prestate(strangers_are_left_alone, &yes),
		cmocka_unit_test(extension_headers_are_left_alone),
		cmocka_unit_test(flags_and_urgent_go_through),
	};

	return cmocka_run_group_tests(tests, rig_open, rig_close);
}
