/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* graft_cut.bpf.h — the cut: from which packet on two connections are one
 *
 * User space holds no byte and touches neither socket (ARMED). A packet p came from peer x. The pair is
 * cut on p if our two sockets owe nothing, neither to the peers nor to the program:
 *
 *    peer x                 socket x │ socket y                     peer y
 *      p.seq == rcv_nxt == copied_seq│write_seq == snd_una
 *      p.ack == write_seq            │copied_seq == rcv_nxt
 *
 * Then one constant maps x's sequence numbers to those of our stream to y, for the whole life of the
 * connection: whatever reaches y by our socket and what reaches y below it lie at the same numbers. So
 * a byte that slips to the socket in this moment, on another CPU, is in no danger: user space drains
 * it and sends it where it belongs.
 *
 * If anything is not so, nothing has happened: the packet goes to the kernel and the next one is tried.
 *
 * Both peers' packets must come by here, as our sockets know them. Who translates addresses behind us,
 * or leads one side past our devices, would have the peers talk to nobody. So a packet must have been met
 * before (SIDE_MET) from a peer that we connected to, the answer to our SYN (PORT_MET) or a later one; for
 * one who came to us his socket is asked.
 */
#ifndef ENGINE_GRAFT_CUT_BPF_H
#define ENGINE_GRAFT_CUT_BPF_H

#include <bpf/bpf_core_read.h>

#include "engine/graft_maps.bpf.h"
#include "engine/graft_types.bpf.h"

/* Grafted stamps run ahead of the kernel's clock by so much, and never fall behind what it sent. */
enum { STAMP_MARGIN = 4096, NS_PER_MS = 1000000 };

enum { STATE_ESTABLISHED = 1, DEV_LOOPBACK = 8, ROUTE_GATEWAY = 2, MODE_ACCURATE_ECN = 1 << 4 };

/* One of our sockets, at this moment. */
struct owner {
	__u32 rcv_nxt, copied, allowed; /* allowed: the first seq that the peer may not send yet */
	__u32 write_seq, una, edge;     /* edge: the first seq that we may not send yet */
	__u32 stamp_offset, stamp_seen;
	__u8 shift_in, shift_out;
	__u16 takes; /* bytes of the largest segment that the peer takes */
	__u16 sends; /* … that he sends: no larger than we told him, nor than what he takes himself */
};

static __always_inline __u32 special(const struct tcp_sock *tp)
{
	if (bpf_core_field_exists(tp->tcp_usec_ts) && BPF_CORE_READ_BITFIELD(tp, tcp_usec_ts))
		return GC_SPECIAL;
	if (bpf_core_field_exists(tp->is_mptcp) && tp->is_mptcp)
		return GC_SPECIAL;
	if (bpf_core_field_exists(tp->md5sig_info) && tp->md5sig_info)
		return GC_SPECIAL;
	if (bpf_core_field_exists(tp->ao_info) && tp->ao_info)
		return GC_SPECIAL;
	if (bpf_core_field_exists(tp->received_ce) && (tp->ecn_flags & MODE_ACCURATE_ECN))
		return GC_SPECIAL; /* what each of two counts began long ago */
	return tp->inet_conn.icsk_ulp_ops ? GC_SPECIAL : 0;
}

/* 0, or enum graft_count: why it cannot be cut now. */
static __always_inline __u32 read_owner(struct owner *o, const struct tcp_sock *tp, __u64 cookie)
{
	const struct sock *sk = (const struct sock *)tp;

	if ((__u64)sk->__sk_common.skc_cookie.counter != cookie)
		return GC_OTHER_SOCKET;
	if (sk->__sk_common.skc_state != STATE_ESTABLISHED || sk->sk_shutdown)
		return GC_NOT_UP;
	if (tp->urg_data)
		return GC_URGENT;
	if (sk->sk_backlog.len)
		return GC_BACKLOG;
	if (tp->out_of_order_queue.rb_node)
		return GC_DISORDER;
	o->rcv_nxt = tp->rcv_nxt;
	o->copied = tp->copied_seq;
	o->allowed = tp->rcv_wup + tp->rcv_wnd;
	o->write_seq = tp->write_seq;
	o->una = tp->snd_una;
	o->edge = o->una + tp->snd_wnd;
	o->stamp_offset = tp->tsoffset;
	o->stamp_seen = tp->rx_opt.ts_recent;
	o->shift_in = BPF_CORE_READ_BITFIELD(tp, rx_opt.snd_wscale);
	o->shift_out = BPF_CORE_READ_BITFIELD(tp, rx_opt.rcv_wscale);
	o->takes = tp->rx_opt.mss_clamp;
	o->sends = tp->advmss < o->takes ? tp->advmss : o->takes;
	if (o->rcv_nxt != o->copied)
		return GC_UNREAD;
	return special(tp);
}

/* By which device did his last packet come, as far as it is known? */
static __always_inline bool came_by_ours(const struct tcp_sock *tp)
{
	const struct sock *sk = (const struct sock *)tp;
	__u32 ifindex;

	if (!bpf_core_field_exists(sk->sk_rx_dst_ifindex))
		return true; /* Linux 5.16 */
	ifindex = (__u32)sk->sk_rx_dst_ifindex;
	return !ifindex || bpf_map_lookup_elem(&shunt_devices, &ifindex);
}

/* Where packets to the peer of this socket leave: its own route, as it has it cached. */
static __noinline __u32 way_out(const struct tcp_sock *tp, struct graft_side *side, bool v6)
{
	struct dst_entry *dst = ((const struct sock *)tp)->sk_dst_cache;
	struct net_device *dev;

	if (!dst || BPF_CORE_READ(dst, xfrm))
		return GC_NO_ROUTE;
	dev = BPF_CORE_READ(dst, dev);
	side->ifindex = (__u32)BPF_CORE_READ(dev, ifindex);
	if (!bpf_map_lookup_elem(&shunt_devices, &side->ifindex))
		return GC_NO_DEVICE;
	side->hop_family = 0;
	if (BPF_CORE_READ(dev, flags) & DEV_LOOPBACK)
		return 0; /* the kernel attaches a local route to the packet, and needs it */
	__builtin_memcpy(side->hop, side->peer, sizeof(side->hop));
	if (v6) {
		struct rt6_info *rt = (struct rt6_info *)dst;

		side->hop_family = FAMILY_V6;
		if (BPF_CORE_READ(rt, rt6i_flags) & ROUTE_GATEWAY)
			BPF_CORE_READ_INTO((struct in6_addr *)side->hop, rt, rt6i_gateway);
		return 0;
	}
	struct rtable *rt = (struct rtable *)dst;
	__u32 family = BPF_CORE_READ(rt, rt_gw_family);

	side->hop_family = family ? family : FAMILY_V4;
	if (family == FAMILY_V4)
		side->hop[0] = BPF_CORE_READ(rt, rt_gw4);
	else if (family == FAMILY_V6)
		BPF_CORE_READ_INTO((struct in6_addr *)side->hop, rt, rt_gw6);
	return 0;
}

/* Side x, with x its own socket and y the other one. `now` in stamps. */
static __always_inline void set_side(struct graft_side *side, const struct owner *x,
				     const struct owner *y, __u32 now)
{
	side->shift_in = x->shift_in;
	side->shift_out = x->shift_out;
	side->dseq = y->write_seq - x->copied;
	side->dack = y->copied - x->write_seq;
	side->dstamp = now + y->stamp_offset + STAMP_MARGIN - x->stamp_seen;
	side->decho = y->stamp_seen - (now + x->stamp_offset + STAMP_MARGIN);
	side->echo_least = y->stamp_seen;
	side->start = side->here = side->next = x->copied;
	side->base = side->fin = side->ack = x->write_seq;
	side->edge = later(x->edge, y->allowed + x->write_seq - y->copied);
	side->fin_end = 0;
	side->seen = 0;
	side->bytes = 0;
	side->packets = 0;
	side->last = bpf_ktime_get_coarse_ns();
	side->rst_at = 0;
}

/* p came from peer x. 0: it is cut, or enum graft_count. */
static __always_inline __u32 try_cut(struct graft_slot *slot, __u32 x, const struct packet *p,
				     const struct tcp_sock *tx, const struct tcp_sock *ty)
{
	struct graft_side *from = &slot->side[x & 1], *to = &slot->side[~x & 1];
	bool v6 = slot->flags & SLOT_V6;
	struct owner ox, oy;
	__u32 why;

	if ((why = read_owner(&ox, tx, from->cookie)) || (why = read_owner(&oy, ty, to->cookie)))
		return why;
	if (ox.sends > oy.takes || oy.sends > ox.takes)
		return GC_SEGMENT;
	if (p->seq != ox.rcv_nxt)
		return GC_DISORDER;
	if (p->ack != ox.write_seq || oy.una != oy.write_seq)
		return GC_UNACKED;
	if (before(oy.edge, ox.allowed + oy.write_seq - ox.copied))
		return GC_WINDOW;
	if (!came_by_ours(tx) || !came_by_ours(ty))
		return GC_NO_DEVICE;
	if ((why = way_out(tx, from, v6)) || (why = way_out(ty, to, v6)))
		return why;
	__u32 now = (__u32)(bpf_ktime_get_ns() / NS_PER_MS);

	set_side(from, &ox, &oy, now);
	set_side(to, &oy, &ox, now);
	slot->cut_at = bpf_ktime_get_ns();
	return 0;
}

static __always_inline struct bpf_sock *socket_of(struct __sk_buff *skb, struct graft_side *s,
						  bool v6)
{
	struct bpf_sock_tuple t;
	__u32 size = sizeof(t.ipv4);

	__builtin_memset(&t, 0, sizeof(t));
	if (v6) {
		size = sizeof(t.ipv6);
		__builtin_memcpy(t.ipv6.saddr, s->peer, sizeof(t.ipv6.saddr));
		__builtin_memcpy(t.ipv6.daddr, s->self, sizeof(t.ipv6.daddr));
		t.ipv6.sport = s->peer_port;
		t.ipv6.dport = s->self_port;
		return bpf_skc_lookup_tcp(skb, &t, sizeof(t.ipv6), BPF_F_CURRENT_NETNS, 0);
	}
	t.ipv4.saddr = s->peer[0];
	t.ipv4.daddr = s->self[0];
	t.ipv4.sport = s->peer_port;
	t.ipv4.dport = s->self_port;
	return bpf_skc_lookup_tcp(skb, &t, size, BPF_F_CURRENT_NETNS, 0);
}

/* With both sockets in hand. */
static __always_inline __u32 cut_with(struct graft_slot *slot, __u32 x, const struct packet *p,
				      struct bpf_sock *skx, struct bpf_sock *sky)
{
	struct tcp_sock *tx = (struct tcp_sock *)bpf_skc_to_tcp_sock(skx);
	struct tcp_sock *ty = (struct tcp_sock *)bpf_skc_to_tcp_sock(sky);

	return tx && ty ? try_cut(slot, x, p, tx, ty) : GC_NOT_UP;
}

/* The state is SWITCHING, and ours. True: the pair is grafted, p is the first packet of it. */
static __noinline bool cut(struct __sk_buff *skb, struct graft_slot *slot, __u32 index, __u32 x,
			   struct packet *p)
{
	bool v6 = slot->flags & SLOT_V6, met = slot->side[~x & 1].seen & SIDE_MET;
	__u32 why = met ? GC_NO_SOCKET : GC_ONE_SIDED;
	struct bpf_sock *skx = met ? socket_of(skb, &slot->side[x & 1], v6) : NULL;

	if (skx) {
		struct bpf_sock *sky = socket_of(skb, &slot->side[~x & 1], v6);

		if (sky) {
			why = cut_with(slot, x, p, skx, sky);
			bpf_sk_release(sky);
		}
		bpf_sk_release(skx);
	}
	count(why ? why : GC_CUT);
	if (why) {
		slot->refusal = why;
		slot->refusals++;
		__sync_lock_test_and_set(&slot->state, SLOT_ARMED);
		return false;
	}
	__sync_lock_test_and_set(&slot->state, SLOT_GRAFTED);
	tell(slot, index, GRAFT_EV_CUT, x);
	return true;
}

#endif
