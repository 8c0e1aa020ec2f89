/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_tap.c — the programs on devices, for what a test run cannot make
 *
 *   ──▶ tap 0 ──[shunt_graft_in]──▶ bpf_redirect_neigh ──▶ tap 1 ──▶
 *
 * Packets whose sum is still to be made (CHECKSUM_PARTIAL), packets of 64 KB that a device cuts up (GSO),
 * tags of VLANs, and where a packet leaves.
 */
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SEGMENT = 1400, SUM_AT = 16 };

static struct frame in, out;
static struct wire should;
static struct graft_slot *slot;

/* The sum is to be made by who sends it: in its place stands that of the pseudo header. */
static void make_partial(struct frame *f)
{
	size_t l4 = wire_l4(&f->w);
	uint8_t *tcp = f->w.b + l4;
	uint16_t rest = wire_sum(tcp, f->w.len - l4, 0);

	/* the field holds ~sum of all: take out what is not the pseudo header */
	put16(tcp + SUM_AT, 0);
	rest = wire_sum(tcp, f->w.len - l4, 0);
	uint32_t pseudo = (uint32_t)wire_residue(&f->w) + (uint16_t)~rest;

	put16(tcp + SUM_AT, (uint16_t)((pseudo & 0xffff) + (pseudo >> 16)));
	f->v.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	f->v.csum_start = (uint16_t)l4;
	f->v.csum_offset = SUM_AT;
}

/* As the device would do. */
static void complete(struct frame *f)
{
	uint8_t *from = f->w.b + f->v.csum_start;

	assert_int_equal(f->v.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(f->v.csum_start, wire_l4(&f->w));
	assert_int_equal(f->v.csum_offset, SUM_AT);
	put16(from + SUM_AT, (uint16_t)~wire_sum(from, f->w.len - f->v.csum_start, 0));
}

/* The pair, with a way out by tap 1 (hop known, or to be looked for), and a segment of peer 0. */
static struct seg scene(bool v6, bool hop, unsigned payload)
{
	struct graft_side *b;
	struct seg s;

	while (tap_take(&tap[1], &out))
		;
	slot = rig_scene(v6);
	b = &slot->side[1];
	slot->flags |= SLOT_STAMPS;
	b->ifindex = tap[1].index;
	if (!v6)
		inet_pton(AF_INET, "10.7.1.9", b->peer);
	if (hop || v6) {
		b->hop_family = v6 ? AF_INET6 : AF_INET;
		memcpy(b->hop, b->peer, sizeof(b->hop));
	}
	rig_put();
	s = rig_seg(0);
	s.payload = payload;
	s.options_len = stamps(s.options, 1000, 2000);
	s.options_len += sack(s.options + s.options_len, 2, 77777);
	memset(&in, 0, sizeof(in.v));
	wire_tcp(&in.w, &s);
	should = in.w;
	assert_int_equal(model_in(&rig.m, &should), VERDICT_SENT);
	return s;
}

static void as_it_should(void)
{
	assert_int_equal(out.w.len, should.len);
	assert_memory_equal(out.w.b + 12, should.b + 12, should.len - 12);
}

static void a_whole_sum(void **state)
{
	bool *v6 = *state;

	for (unsigned i = 0; i < 8; i++) {
		scene(*v6, i & 1, 100 + i);
		tap_offload(&tap[1], i & 2);
		tap_put(&tap[0], &in);
		assert_true(tap_take(&tap[1], &out));
		assert_int_equal(out.v.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM, 0);
		as_it_should();
		assert_int_equal(rig.slot[0].side[0].bytes, 100 + i);
	}
}

static void a_sum_to_be_made(void **state)
{
	bool *v6 = *state;

	for (unsigned i = 0; i < 8; i++) {
		scene(*v6, i & 1, 1000 + i);
		tap_offload(&tap[1], i & 2);
		make_partial(&in);
		tap_put(&tap[0], &in);
		assert_true(tap_take(&tap[1], &out));
		if (i & 2)
			complete(&out);
		assert_int_equal(wire_residue(&out.w), 0xffff);
		as_it_should();
	}
}

static void make_large(bool v6, struct frame *f)
{
	make_partial(f);
	f->v.gso_type = v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	f->v.gso_size = SEGMENT;
	f->v.hdr_len = (uint16_t)(wire_l4(&f->w) + (size_t)(f->w.b[wire_l4(&f->w) + 12] >> 4) * 4);
}

static void large_packets_stay_large(void **state)
{
	bool *v6 = *state;

	for (unsigned payload = SEGMENT + 1; payload < 65000; payload += 21111) {
		scene(*v6, true, payload);
		tap_offload(&tap[1], true);
		make_large(*v6, &in);
		tap_put(&tap[0], &in);
		assert_true(tap_take(&tap[1], &out));
		assert_int_equal(out.v.gso_size, SEGMENT);
		assert_int_equal(out.v.gso_type, in.v.gso_type);
		complete(&out);
		as_it_should();
		assert_int_equal(rig.slot[0].side[0].bytes, payload);
		assert_int_equal(rig.slot[0].side[0].packets, 1);
	}
}

/* A device that cannot: the kernel cuts them up, and sums up what is new. */
static void large_packets_are_cut_up(void **state)
{
	bool *v6 = *state;
	unsigned payload = 60000, at = 0, n = 0;
	struct seg s = scene(*v6, true, payload);

	tap_offload(&tap[1], false);
	make_large(*v6, &in);
	tap_put(&tap[0], &in);
	while (tap_take(&tap[1], &out)) {
		size_t l4 = wire_l4(&out.w), header = (size_t)(out.w.b[l4 + 12] >> 4) * 4;

		assert_int_equal(out.v.gso_size, 0);
		assert_int_equal(wire_residue(&out.w), 0xffff);
		assert_int_equal(wire_ip_residue(&out.w), 0xffff);
		assert_int_equal(get32(out.w.b + l4 + 4), s.seq + at + slot->side[0].dseq);
		assert_memory_equal(out.w.b + l4 + 20, should.b + l4 + 20, header - 20);
		assert_memory_equal(out.w.b + l4 + header, should.b + l4 + header + at,
				    out.w.len - l4 - header);
		at += (unsigned)(out.w.len - l4 - header);
		n++;
	}
	assert_int_equal(at, payload);
	assert_int_equal(n, (payload + SEGMENT - 1) / SEGMENT);
}

/* A tag: the packet belongs to the VLAN's device, where it will come by again. */
static void a_tag_is_not_ours(void **state)
{
	bool *v6 = *state;

	scene(*v6, true, 10);
	memmove(in.w.b + 16, in.w.b + 12, in.w.len - 12);
	put32(in.w.b + 12, 0x81000005);
	in.w.len += 4;
	tap_put(&tap[0], &in);
	assert_false(tap_take(&tap[1], &out));
	assert_int_equal(rig.slot[0].side[0].packets, 0);
}

static void for_another_machine(void **state)
{
	bool *v6 = *state;

	scene(*v6, true, 10);
	tap[0].mac[5] ^= 1;
	tap_put(&tap[0], &in);
	tap[0].mac[5] ^= 1;
	assert_false(tap_take(&tap[1], &out));
	assert_int_equal(rig.slot[0].side[0].packets, 0);
}

/* Our own SYN on its way out, its sum still to be made, or made already. */
static void a_syn_of_ours(void **state)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(80) },
			   from = { .sin_family = AF_INET };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		uint16_t port = (uint16_t)(40001 + i);
		size_t l4 = ETH + 20;

		memset(&rig.m, 0, sizeof(rig.m));
		rig.m.strip[40002] = rig.m.strip[40004] = STRIP_STAMPS | STRIP_SACK;
		rig_put();
		tap_offload(&tap[0], i & 2);
		from.sin_port = htons(port);
		inet_pton(AF_INET, "10.7.0.77", &to.sin_addr);
		assert_int_equal(bind(s, (struct sockaddr *)&from, sizeof(from)), 0);
		assert_int_equal(connect(s, (struct sockaddr *)&to, sizeof(to)), -1);
		assert_int_equal(errno, EINPROGRESS);
		do
			assert_true(tap_take(&tap[0], &out));
		while (get16(out.w.b + l4) != port); /* another one, again */
		if (out.v.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
			complete(&out);
		else
			assert_int_equal(i & 2, 0);
		assert_int_equal(wire_residue(&out.w), 0xffff);
		assert_int_equal(out.w.b[l4 + 20], 2); /* MSS stays */
		if (i & 1)
			assert_memory_equal(out.w.b + l4 + 24, "\1\1\1\1\1\1\1\1\1\1\1\1\1\3\3",
					    15);
		else
			assert_memory_equal(out.w.b + l4 + 24, "\4\2\10\12", 4);
		close(s);
	}
}

int main(void)
{
	static bool no = false, yes = true;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(a_whole_sum, &no),
		cmocka_unit_test_prestate(a_whole_sum, &yes),
		cmocka_unit_test_prestate(a_sum_to_be_made, &no),
		cmocka_unit_test_prestate(a_sum_to_be_made, &yes),
		cmocka_unit_test_prestate(large_packets_stay_large, &no),
		cmocka_unit_test_prestate(large_packets_stay_large, &yes),
		cmocka_unit_test_prestate(large_packets_are_cut_up, &no),
		cmocka_unit_test_prestate(large_packets_are_cut_up, &yes),
		cmocka_unit_test_prestate(a_tag_is_not_ours, &no),
		cmocka_unit_test_prestate(a_tag_is_not_ours, &yes),
		cmocka_unit_test_prestate(for_another_machine, &no),
		cmocka_unit_test_prestate(for_another_machine, &yes),
		cmocka_unit_test(a_syn_of_ours),
	};

	return cmocka_run_group_tests(tests, tap_open, rig_close);
}
