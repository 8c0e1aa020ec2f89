/* SPDX-License-Identifier: BSD-2-Clause */
#include "rig.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static void address(uint32_t to[4], bool v6, const char *v4_text, const char *v6_text)
{
	memset(to, 0, 16);
	if (inet_pton(v6 ? AF_INET6 : AF_INET, v6 ? v6_text : v4_text, to) != 1)
		abort();
}

static void scene_side(struct graft_side *s, uint32_t theirs, uint32_t ours)
{
	s->start = s->here = s->next = theirs;
	s->base = s->fin = s->ack = ours;
	s->edge = ours + 100000;
	s->last = 1;
	s->ifindex = 1;
}

struct graft_slot *rig_scene(bool v6)
{
	struct graft_slot *s = &rig.m.slot[0];
	struct graft_side *a = &s->side[0], *b = &s->side[1];
	/* where the four streams are: of peer 0 and to him, of peer 1 and to him */
	const uint32_t of0 = 0xfffffc00, to0 = 0x30000000, of1 = 0x7ffffe00, to1 = 0x00000400;

	memset(&rig.m, 0, sizeof(rig.m));
	s->state = SLOT_GRAFTED;
	s->flags = v6 ? SLOT_V6 : 0;
	s->final = 1;
	s->life = 7;
	address(a->peer, v6, "10.1.2.3", "2001:db8:1::2:3");
	address(a->self, v6, "10.1.2.254", "2001:db8:1::fe");
	address(b->self, v6, "192.168.250.1", "fd00:ffff:abcd::1");
	address(b->peer, v6, "192.168.250.99", "fd00:ffff:abcd:1234:5678:9abc:def0:9");
	a->peer_port = htons(51234);
	a->self_port = htons(443);
	b->self_port = htons(40001);
	b->peer_port = htons(8080);
	scene_side(a, of0, to0);
	scene_side(b, of1, to1);
	a->dseq = to1 - of0;
	a->dack = of1 - to0;
	b->dseq = to0 - of1;
	b->dack = of0 - to1;
	a->dstamp = 0x12345678;
	b->dstamp = 0xf0000001;
	a->decho = -b->dstamp;
	b->decho = -a->dstamp;
	a->echo_least = 5000000;
	b->echo_least = 6000000;
	rig.m.listed[0][0] = rig.m.listed[0][1] = true;
	return s;
}

struct seg rig_seg(unsigned x)
{
	const struct graft_side *s = &rig.m.slot[0].side[x];

	return (struct seg){
		.way = model_tuple(&rig.m, 0, x),
		.seq = s->next,
		.ack = s->ack,
		.flags = ACK,
		.window = 1000,
	};
}

int rig_send(const struct seg *s, struct wire *w)
{
	static struct wire own;

	w = w ? w : &own;
	wire_tcp(w, s);
	return rig_in(w);
}

unsigned stamps(uint8_t *to, uint32_t value, uint32_t echo)
{
	memcpy(to, "\1\1\10\12", 4);
	put32(to + 4, value);
	put32(to + 8, echo);
	return 12;
}

unsigned sack(uint8_t *to, unsigned blocks, uint32_t from)
{
	memcpy(to, "\1\1\5", 3);
	to[3] = (uint8_t)(2 + 8 * blocks);
	for (unsigned i = 0; i < blocks; i++) {
		put32(to + 4 + 8 * i, from + 1000 * i);
		put32(to + 8 + 8 * i, from + 1000 * i + 100);
	}
	return 4 + 8 * blocks;
}
