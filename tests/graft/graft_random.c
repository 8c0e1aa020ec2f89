/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_random.c — thousands of packets that nobody would think of, program against model
 *
 * Seeded: the same ones at each run. GRAFT_SEED asks for others, GRAFT_ROUNDS for more.
 */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 150, PACKETS = 50 };

static struct wire w;
static uint64_t seed;

static uint32_t any(void)
{
	uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ (z >> 31)) >> 16);
}

static uint32_t below(uint32_t n)
{
	return any() % n;
}

static bool one_in(uint32_t n)
{
	return below(n) == 0;
}

/* Around a number: at it, a little off, or far away. */
static uint32_t near(uint32_t at)
{
	switch (below(8)) {
	case 0: return any();
	case 1: return at - 1 - below(3000);
	case 2:
	case 3: return at + below(3000);
	case 4: return at + below(3) - 1;
	default: return at;
	}
}

/* A pair at any point of its life. */
static void any_slot(void)
{
	struct graft_slot *s = rig_scene(one_in(2));
	struct graft_side *a = &s->side[0], *b = &s->side[1];

	s->flags |= one_in(3) ? 0 : SLOT_STAMPS;
	s->final = !one_in(3);
	if (one_in(8))
		s->state = SLOT_FREE + below(SLOT_CLOSED + 1);
	a->dseq = any();
	b->dseq = any();
	a->dack = -b->dseq;
	b->dack = -a->dseq;
	a->dstamp = any();
	b->dstamp = any();
	for (unsigned x = 0; x < 2; x++) {
		struct graft_side *side = &s->side[x];

		side->shift_in = below(15);
		side->shift_out = below(15);
		side->start = any();
		side->here = side->start + (one_in(2) ? 0 : below(5000));
		side->next = side->here;
		side->decho = -s->side[!x].dstamp;
		side->echo_least = any();
		side->seen = one_in(4) ? SIDE_ECHO_NEW : 0;
	}
	for (unsigned x = 0; x < 2; x++) { /* our stream to x is y's */
		struct graft_side *side = &s->side[x], *y = &s->side[!x];

		side->base = y->start + y->dseq;
		side->fin = y->here + y->dseq;
		side->ack = side->base + below(y->here - y->start + 1);
		side->edge = side->ack + below(200000);
	}
	rig_put();
}

/* Any options; sometimes laid out as they should be, sometimes cut off. */
static unsigned any_options(uint8_t *o, const struct graft_side *side)
{
	unsigned n = 0;

	switch (below(6)) {
	case 0: return 0;
	case 1:
	case 2: n = stamps(o, any(), near(side->echo_least - side->decho)); break;
	case 3: return sack(o, 1 + below(4), any());
	case 4:
		while (n < 40)
			o[n++] = (uint8_t)(one_in(2) ? any() : below(12));
		return below(11) * 4;
	default: break;
	}
	if (one_in(2))
		n += sack(o + n, 1 + below(n ? 3 : 4), any());
	else
		while (n < 36 && !one_in(4))
			o[n++] = (uint8_t)below(3);
	return n;
}

static uint8_t any_flags(void)
{
	static const uint8_t often[] = { ACK, ACK,       ACK, ACK | PSH, ACK | PSH, FIN | ACK,
					 RST, RST | ACK, SYN, ACK | ECE, ACK | CWR };

	return one_in(12) ? (uint8_t)any() : often[below(one_in(4) ? sizeof(often) : 6)];
}

static void any_segment(void)
{
	unsigned x = below(2);
	const struct graft_side *side = &rig.m.slot[0].side[x], *y = &rig.m.slot[0].side[!x];
	struct seg s = rig_seg(x);

	s.seq = near(one_in(2) || !(side->seen & SIDE_FIN) ? side->next : side->fin_end);
	s.ack = near(one_in(2)            ? side->ack
		     : y->seen & SIDE_FIN ? y->fin_end + y->dseq
					  : y->next + y->dseq);
	s.flags = any_flags();
	s.window = (uint16_t)(one_in(4) ? below(16) : any());
	s.urgent = (uint16_t)any();
	s.options_len = any_options(s.options, side);
	s.payload = one_in(2) ? 0 : below(one_in(8) ? RIG_MOST - 200 : 100);
	s.ttl = (uint8_t)(one_in(20) ? 1 : 2 + below(254));
	s.tos = (uint8_t)any();
	s.padding = one_in(4) ? below(8) : 0;
	wire_tcp(&w, &s);
}

/* Bytes of the headers that are not as they should be; the sum right again, or not. */
static void spoil(void)
{
	size_t l4 = wire_l4(&w);

	for (unsigned n = 1 + below(3); n > 0; n--)
		w.b[ETH + below((uint32_t)(l4 + 20 - ETH))] ^= (uint8_t)(1u << below(8));
	if (one_in(3)) {
		size_t least = ETH + (get16(w.b + 12) == 0x86dd ? 40u : 20u);

		w.len = least + below((uint32_t)(w.len - least + 1));
	}
}

/* The sums of what lies about its lengths mean nothing: compared is all but those. */
static bool in_order(void)
{
	size_t l4 = wire_l4(&w), len;

	if (w.len < l4 + 20 || get16(w.b + 12) == 0x86dd)
		return w.len >= l4 + 20 && get16(w.b + ETH + 4) + l4 <= w.len;
	len = get16(w.b + ETH + 2);
	return len >= l4 - ETH && ETH + len <= w.len;
}

static void packets_at_random(void **state)
{
	const char *text = getenv("GRAFT_SEED"), *more = getenv("GRAFT_ROUNDS");
	unsigned rounds = more ? (unsigned)strtoul(more, NULL, 10) : ROUNDS;
	unsigned verdicts[9] = { 0 };

	(void)state;
	seed = text ? strtoull(text, NULL, 10) : 20250301;
	print_message("seed %llu\n", (unsigned long long)seed);
	for (unsigned i = 0; i < rounds; i++) {
		any_slot();
		for (unsigned n = 0; n < PACKETS; n++) {
			uint16_t residue;
			int v;

			any_segment();
			if (one_in(10))
				spoil();
			residue = in_order() ? wire_residue(&w) : 0;
			v = rig_in(&w);
			verdicts[v + 1]++;
			if (v == VERDICT_SENT && in_order())
				assert_int_equal(wire_residue(&w), residue);
			if (!rig.m.listed[0][0] || one_in(100))
				break;
		}
	}
	print_message("%u to the kernel, %u dropped, %u sent\n", verdicts[0], verdicts[3],
		      verdicts[8]);
}

static void syns_at_random(void **state)
{
	(void)state;
	any_slot();
	for (unsigned i = 0; i < sizeof(rig.m.strip); i++)
		rig.m.strip[i] = (uint8_t)below(8);
	memset(rig.m.listed, 0, sizeof(rig.m.listed));
	rig_put();
	for (unsigned i = 0; i < 2000; i++) {
		struct seg s = rig_seg(below(2));

		s.flags = one_in(4) ? (uint8_t)any() : SYN;
		s.way.from_port = (uint16_t)any();
		s.options_len = any_options(s.options, &rig.m.slot[0].side[0]);
		if (one_in(2) && s.options_len >= 20)
			memcpy(s.options, "\2\4\5\264\4\2\10\12\0\0\0\1\0\0\0\0\1\3\3\7", 20);
		s.payload = below(4);
		wire_tcp(&w, &s);
		assert_int_equal(rig_out(&w), VERDICT_NEXT);
		assert_int_equal(wire_residue(&w), 0xffff);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_at_random),
		cmocka_unit_test(syns_at_random),
	};

	return cmocka_run_group_tests(tests, rig_open, rig_close);
}
