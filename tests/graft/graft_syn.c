/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_syn.c — the way out: what is taken out of SYNs that leave from ports of ours, and nothing else */
#include "rig.h"

#include <arpa/inet.h>
#include <string.h>

static struct wire w, was;

static const struct {
	unsigned len;
	const char *bytes;
} options[] = {
	{ 0, "" },
	{ 4, "\2\4\5\264" },
	{ 20, "\2\4\5\264\4\2\10\12\21\42\63\104\0\0\0\0\1\3\3\7" }, /* Linux */
	{ 12, "\2\4\5\264\1\3\3\7\1\1\4\2" },
	{ 20, "\2\4\5\264\1\3\3\7\1\1\10\12\21\42\63\104\0\0\0\0" },
	{ 24, "\2\4\5\264\1\3\3\7\1\1\10\12\21\42\63\104\0\0\0\0\4\2\0\0" },
	{ 16, "\1\10\12\21\42\63\104\0\0\0\0\4\2\1\1\1" }, /* at odd places */
	{ 12, "\10\11\21\42\63\104\0\0\0\1\1\1" },
	{ 8, "\4\3\1\4\2\375\2\0" },
	{ 8, "\2\4\5\264\10\12\1\1" },
	{ 16, "\2\4\5\264\0\4\2\10\12\1\1\1\1\1\1\1" },
	{ 40, "\2\4\5\264\4\2\10\12\21\42\63\104\0\0\0\0\1\3\3\7\42\22abcdefghijklmnop\1\1" },
};

static struct seg syn(bool v6, uint8_t strip)
{
	struct seg s;

	rig_scene(v6);
	memset(rig.m.listed, 0, sizeof(rig.m.listed));
	rig.m.strip[40001] = strip;
	rig_put();
	s = rig_seg(0);
	s.flags = SYN;
	s.window = 64240;
	s.way.from_port = htons(40001);
	return s;
}

static void every_option_and_every_order(void **state)
{
	bool *v6 = *state;

	for (unsigned strip = 0; strip < 8; strip++)
		for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]); i++)
			for (unsigned e = 0; e < 4; e++) {
				struct seg s = syn(*v6, (uint8_t)strip);

				s.flags |= (uint8_t)(e << 6); /* ECE, CWR */
				s.options_len = options[i].len;
				memcpy(s.options, options[i].bytes, options[i].len);
				wire_tcp(&w, &s);
				assert_int_equal(rig_out(&w), VERDICT_NEXT);
				assert_int_equal(wire_residue(&w), 0xffff);
			}
}

/* Without the model. */
static void a_syn_in_plain_words(void **state)
{
	struct seg s = syn(false, STRIP_STAMPS | STRIP_SACK | STRIP_ECN);

	(void)state;
	s.flags |= ECE | CWR;
	s.options_len = 20;
	memcpy(s.options, options[2].bytes, 20);
	wire_tcp(&w, &s);
	rig_out(&w);
	assert_memory_equal(w.b + ETH + 40, "\2\4\5\264\1\1\1\1\1\1\1\1\1\1\1\1\1\3\3\7", 20);
	assert_int_equal(w.b[ETH + 20 + 13], SYN);
	assert_int_equal(wire_residue(&w), 0xffff);
}

/* Accurate ECN asks with three bits; one that is left would still be understood as that. */
static void accurate_ecn_is_ecn(void **state)
{
	bool *v6 = *state;
	struct seg s = syn(*v6, STRIP_ECN);
	size_t l4 = ETH + (*v6 ? 40 : 20);

	s.flags |= ECE | CWR;
	wire_tcp(&w, &s);
	w.b[l4 + 12] |= 1;
	wire_fix(&w);
	rig_out(&w);
	assert_int_equal(w.b[l4 + 12], 0x50);
	assert_int_equal(w.b[l4 + 13], SYN);
	assert_int_equal(wire_residue(&w), 0xffff);
}

static void stays(void)
{
	memcpy(was.b, w.b, w.len);
	was.len = w.len;
	assert_int_equal(rig_out(&w), VERDICT_NEXT);
	assert_int_equal(w.len, was.len);
	assert_memory_equal(w.b, was.b, w.len);
}

static void all_else_stays(void **state)
{
	static const uint8_t flags[] = { ACK, SYN | ACK, RST, FIN | ACK, ACK | ECE, 0 };
	bool *v6 = *state;
	struct seg s = syn(*v6, STRIP_STAMPS | STRIP_SACK | STRIP_ECN);

	s.options_len = 20;
	memcpy(s.options, options[2].bytes, 20);
	for (unsigned i = 0; i < sizeof(flags); i++) {
		s.flags = flags[i];
		wire_tcp(&w, &s);
		stays();
	}
	s.flags = SYN | ECE | CWR;
	for (int port = 40001 - 64; port <= 40001 + 64; port++) {
		s.way.from_port = htons((uint16_t)port);
		s.way.to_port = htons(40001);
		wire_tcp(&w, &s);
		if (port != 40001)
			stays();
	}
	s.way.from_port = htons(40001);
	wire_tcp(&w, &s);
	w.b[ETH + (*v6 ? 6 : 9)] = 17;
	stays();
	wire_tcp(&w, &s);
	put16(w.b + 12, 0x0806);
	stays();
	wire_tcp(&w, &s);
	w.len = ETH + (*v6 ? 40 : 20) + 15;
	stays();
	if (!*v6) {
		wire_tcp(&w, &s);
		w.b[ETH] = 0x46;
		stays();
	}
}

static void ports_at_the_ends(void **state)
{
	static const uint16_t ports[] = { 0, 1, 63, 64, 255, 256, 32767, 32768, 65535 };

	(void)state;
	for (unsigned i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		struct seg s = syn(false, 0);

		memset(rig.m.strip, 0, sizeof(rig.m.strip));
		rig.m.strip[ports[i]] = STRIP_SACK;
		rig_put();
		s.way.from_port = htons(ports[i]);
		s.options_len = 4;
		memcpy(s.options, "\4\2\1\1", 4);
		wire_tcp(&w, &s);
		rig_out(&w);
		assert_memory_equal(w.b + ETH + 40, "\1\1\1\1", 4);
	}
}

int main(void)
{
	static bool no = false, yes = true;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(every_option_and_every_order, &no),
		cmocka_unit_test_prestate(every_option_and_every_order, &yes),
		cmocka_unit_test(a_syn_in_plain_words),
		cmocka_unit_test_prestate(accurate_ecn_is_ecn, &no),
		cmocka_unit_test_prestate(accurate_ecn_is_ecn, &yes),
		cmocka_unit_test_prestate(all_else_stays, &no),
		cmocka_unit_test_prestate(all_else_stays, &yes),
		cmocka_unit_test(ports_at_the_ends),
	};

	return cmocka_run_group_tests(tests, rig_open, rig_close);
}
