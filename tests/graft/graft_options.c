/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_options.c — every way to lay out options: moved where they mean something, left where not */
#include "rig.h"

#include <string.h>

static struct wire w;
static struct graft_slot *slot;

static const uint8_t *options_out(void)
{
	return w.b + wire_l4(&w) + 20;
}

/* With these options, from peer 0, with a payload of `payload`: sent, and the sum is right. */
static void passes(const void *options, unsigned len, unsigned payload)
{
	struct seg s = rig_seg(0);

	memcpy(s.options, options, len);
	s.options_len = len;
	s.payload = payload;
	assert_int_equal(rig_send(&s, &w), VERDICT_SENT);
	assert_int_equal(wire_residue(&w), 0xffff);
	assert_int_equal(rig.slot[0].side[0].next, slot->side[0].next);
}

static void scene(bool v6, bool with_stamps)
{
	slot = rig_scene(v6);
	slot->flags |= with_stamps ? SLOT_STAMPS : 0;
	rig_put();
}

static void sack_blocks_are_moved(void **state)
{
	bool *v6 = *state;

	for (unsigned with = 0; with < 2; with++)
		for (unsigned blocks = 1; blocks <= 4 - with; blocks++) {
			uint8_t o[40];
			unsigned n = 0;

			scene(*v6, with);
			n = with ? stamps(o, 100, 200) : 0;
			n += sack(o + n, blocks, 0xffffffa0); /* wraps within a block */
			passes(o, n, blocks & 1);
			for (unsigned i = 0; i < 2 * blocks; i++) {
				const uint8_t *was = o + (with ? 16 : 4) + 4 * i;

				assert_int_equal(get32(options_out() + (was - o)),
						 get32(was) + slot->side[0].dack);
			}
		}
}

static void stamps_are_moved(void **state)
{
	bool *v6 = *state;
	uint8_t o[12];

	scene(*v6, true);
	slot->side[0].seen = SIDE_ECHO_NEW;
	rig_put();
	passes(o, stamps(o, 0xffffff00, 0x10), 100);
	assert_int_equal(get32(options_out() + 4), 0xffffff00u + 0x12345678u);
	assert_int_equal(get32(options_out() + 8), 0x10u - 0xf0000001u);
}

static uint32_t echoed(uint32_t value, uint8_t flags, bool slow)
{
	struct seg s = rig_seg(0);

	s.flags = flags;
	if (slow)
		memcpy(s.options, "\10\12", 2), put32(s.options + 2, 1),
			put32(s.options + 6, value - slot->side[0].decho), s.options_len = 12;
	else
		s.options_len = stamps(s.options, 1, value - slot->side[0].decho);
	assert_int_equal(rig_send(&s, &w), VERDICT_SENT);
	return get32(options_out() + (slow ? 6 : 8));
}

/* No echo lies before what was known at the cut, until the first one of a stamp from after it. */
static void old_echoes_have_a_floor(void **state)
{
	bool *slow = *state;
	uint32_t least;

	scene(false, true);
	least = slot->side[0].echo_least;
	assert_int_equal(echoed(least - 1, ACK, *slow), least);
	assert_int_equal(echoed(least - 0x7fffffff, ACK, *slow), least);
	assert_int_equal(echoed(least - 1, ACK, *slow), least);
	assert_int_equal(rig.slot[0].side[0].seen, 0);
	/* what a packet without ACK echoes means nothing */
	echoed(least + 5, PSH, *slow);
	echoed(least + 5, SYN, *slow);
	assert_int_equal(rig.slot[0].side[0].seen & SIDE_ECHO_NEW, 0);
	assert_int_equal(echoed(least, ACK, *slow), least);
	assert_int_equal(rig.slot[0].side[0].seen, SIDE_ECHO_NEW);
	assert_int_equal(echoed(least - 1, ACK, *slow), least - 1);
	assert_int_equal(echoed(least + 0x80000000u, ACK, *slow), least + 0x80000000u);
}

static void stamps_not_agreed_on_stay(void **state)
{
	uint8_t o[40];
	unsigned n;

	(void)state;
	scene(false, false);
	n = stamps(o, 1, 2);
	n += sack(o + n, 1, 5000);
	passes(o, n, 3);
	assert_memory_equal(options_out(), o, 12);
	assert_int_equal(get32(options_out() + 16), 5000 + slot->side[0].dack);
}

/* name, bytes. What becomes of them the model says. */
static const struct {
	const char *name;
	unsigned len;
	const char *bytes;
} layouts[] = {
	{ "nops", 4, "\1\1\1\1" },
	{ "an end", 4, "\0\0\0\0" },
	{ "stamps first", 12, "\10\12\0\0\0\1\0\0\0\2\1\1" },
	{ "stamps at an odd place", 12, "\1\10\12\0\0\0\1\0\0\0\2\1" },
	{ "stamps after an end", 12, "\0\1\10\12\0\0\0\1\0\0\0\2" },
	{ "stamps that end early", 12, "\1\1\10\12\0\0\0\1\0\0\1\1" },
	{ "stamps of a wrong length", 12, "\10\11\0\0\0\1\0\0\0\1\1\1" },
	{ "stamps beyond the end", 8, "\1\1\10\12\0\0\0\1" },
	{ "stamps twice", 24, "\1\1\10\12\0\0\0\1\0\0\0\2\1\1\10\12\0\0\0\3\0\0\0\4" },
	{ "mss", 4, "\2\4\5\264" },
	{ "a SYN of Linux", 20, "\2\4\5\264\4\2\10\12\0\0\0\1\0\0\0\0\1\3\3\7" },
	{ "unknown", 8, "\375\6abcd\1\1" },
	{ "unknown, then sack", 16, "\375\4ab\5\12\0\0\0\1\0\0\0\2\1\1" },
	{ "sack first", 12, "\5\12\0\0\0\1\0\0\0\2\1\1" },
	{ "sack at an odd place", 12, "\1\5\12\0\0\0\1\0\0\0\2\1" },
	{ "sack without blocks", 4, "\1\1\5\2" },
	{ "sack of half a block", 8, "\1\1\5\6\0\0\0\1" },
	{ "sack of a block and a half", 16, "\1\1\5\16\0\0\0\1\0\0\0\2\0\0\0\3" },
	{ "sack that lies", 12, "\1\1\5\22\0\0\0\1\0\0\0\2" },
	{ "sack, then nops", 16, "\1\1\5\12\0\0\0\1\0\0\0\2\1\1\1\1" },
	{ "sack, then stamps", 24, "\1\1\5\12\0\0\0\1\0\0\0\2\1\1\10\12\0\0\0\1\0\0\0\2" },
	{ "stamps, nops", 16, "\1\1\10\12\0\0\0\1\0\0\0\2\1\1\1\1" },
	{ "a length of nothing", 8, "\375\0abcdef" },
	{ "a length of one", 8, "\375\1abcdef" },
	{ "a length of 255", 8, "\1\1\375\377\10\12ab" },
	{ "a kind in the last place", 4, "\1\1\1\10" },
	{ "forty nops", 40,
	  "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1" },
	{ "an unknown one of forty", 40, "\375\50abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL" },
	{ "stamps last of forty", 40,
	  "\1\1\375\34abcdefghijklmnopqrstuvwxyz\10\12\0\0\0\1\0\0\0\2" },
	{ "four blocks, end", 40,
	  "\5\42\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5\0\0\0\6\0\0\0\7\0\0\0\10\0\0\0\0\0" },
};

static void every_layout(void **state)
{
	bool *v6 = *state;

	for (unsigned with = 0; with < 2; with++)
		for (unsigned i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
			for (unsigned payload = 0; payload < 4; payload++) {
				scene(*v6, with);
				passes(layouts[i].bytes, layouts[i].len, payload);
			}
}

/* Bytes of payload that look like options are none. */
static void payload_stays(void **state)
{
	struct seg s;
	uint8_t was[100];

	(void)state;
	scene(false, true);
	s = rig_seg(0);
	s.payload = 100;
	wire_tcp(&w, &s);
	stamps(w.b + ETH + 40, 1, 2);
	wire_fix(&w);
	memcpy(was, w.b + ETH + 40, 100);
	assert_int_equal(rig_in(&w), VERDICT_SENT);
	assert_memory_equal(was, w.b + ETH + 40, 100);
}

/* The sum is carried, not made anew: an error before us stays one behind us, of the same amount. */
static void errors_of_the_sum_are_passed_on(void **state)
{
	bool *v6 = *state;

	for (unsigned i = 0; i < 64; i++) {
		uint16_t residue;
		struct seg s;

		scene(*v6, true);
		s = rig_seg(0);
		s.payload = 64;
		s.options_len = i & 1 ? stamps(s.options, i, i) : 0;
		wire_tcp(&w, &s);
		w.b[w.len - 1 - i] ^= (uint8_t)(1u << (i & 7));
		residue = wire_residue(&w);
		assert_int_not_equal(residue, 0xffff);
		assert_int_equal(rig_in(&w), VERDICT_SENT);
		assert_int_equal(wire_residue(&w), residue);
	}
}

static void errors_of_the_headers_sum_are_passed_on(void **state)
{
	struct seg s;

	(void)state;
	scene(false, false);
	s = rig_seg(0);
	wire_tcp(&w, &s);
	w.b[ETH + 4] ^= 0x10; /* the id */
	assert_int_equal(rig_in(&w), VERDICT_SENT);
	assert_int_not_equal(wire_ip_residue(&w), 0xffff);
}

int main(void)
{
	static bool no = false, yes = true;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(sack_blocks_are_moved, &no),
		cmocka_unit_test_prestate(sack_blocks_are_moved, &yes),
		cmocka_unit_test_prestate(stamps_are_moved, &no),
		cmocka_unit_test_prestate(stamps_are_moved, &yes),
		cmocka_unit_test_prestate(old_echoes_have_a_floor, &no),
		cmocka_unit_test_prestate(old_echoes_have_a_floor, &yes),
		cmocka_unit_test(stamps_not_agreed_on_stay),
		cmocka_unit_test_prestate(every_layout, &no),
		cmocka_unit_test_prestate(every_layout, &yes),
		cmocka_unit_test(payload_stays),
		cmocka_unit_test_prestate(errors_of_the_sum_are_passed_on, &no),
		cmocka_unit_test_prestate(errors_of_the_sum_are_passed_on, &yes),
		cmocka_unit_test(errors_of_the_headers_sum_are_passed_on),
	};

	return cmocka_run_group_tests(tests, rig_open, rig_close);
}
