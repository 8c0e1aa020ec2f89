/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* graft_pass.bpf.h — a packet of a grafted pair: what is noted of it, how it is rewritten, how it leaves
 *
 * seq, ack, SACK edges and timestamps are moved by the constants of the cut, the window is rescaled,
 * addresses and ports become those of our other connection; the rest, payload above all, stays. So does
 * the payload's part of the checksum: only differences of headers are added to it, which is right for
 * packets whose sum is complete, and for those whose sum is still to be made (CHECKSUM_PARTIAL), where
 * the kernel applies the difference of the addresses alone.
 *
 * As long as our sockets live (not `final`) they may own bytes: what they sent in the moment of the cut
 * and the peer has not acknowledged. Acknowledgements below `fin` are for them and not for the other
 * peer, who never sent those bytes. A packet that carries payload as well goes on, but with its
 * acknowledgement raised to what our socket has acknowledged already; the window's right edge stays.
 */
#ifndef ENGINE_GRAFT_PASS_BPF_H
#define ENGINE_GRAFT_PASS_BPF_H

#include "engine/graft_maps.bpf.h"
#include "engine/graft_options.bpf.h"

static __always_inline bool over(const struct graft_slot *slot)
{
	return slot->state == SLOT_CLOSED || ((slot->side[0].seen | slot->side[1].seen) & SIDE_RST);
}

/* -- what is noted -- */

/* Is this acknowledgement for something that was sent? Then it, and the window, count. */
static __always_inline void note_ack(struct graft_side *from, struct graft_side *to,
				     const struct packet *p)
{
	__u32 theirs = p->ack + from->dack;
	__u32 sent = (to->seen & SIDE_FIN) ? to->fin_end : to->next;

	if (before(sent, theirs))
		return;
	from->ack = later(from->ack, p->ack);
	from->edge = later(from->edge, p->ack + (p->window << (from->shift_in & 15)));
	if ((to->seen & SIDE_FIN) && !before(theirs, to->fin_end) && !(to->seen & SIDE_FIN_ACKED))
		__sync_fetch_and_or(&to->seen, SIDE_FIN_ACKED);
}

/* Does it begin within what the other peer allowed? Then it counts, once. Where it ends does not matter:
 * some receivers take more than they announced (the byte of a window probe), and what they acknowledge
 * must be known to have been sent. Nothing comes after a FIN, and no byte lies behind one. */
static __always_inline void note_data(struct graft_side *from, struct graft_side *to,
				      const struct packet *p)
{
	__u32 end = p->seq + p->payload;

	if (before(to->edge, p->seq + from->dseq) || (from->seen & SIDE_FIN))
		return;
#pragma unroll
	for (int i = 0; i < 3; i++) { /* another CPU, or user space, may move it in between */
		__u32 was = from->next;

		if (!before(was, end))
			break;
		if (__sync_val_compare_and_swap(&from->next, was, end) == was) {
			__sync_fetch_and_add(&from->bytes, (__u64)(end - was));
			break;
		}
	}
	if ((p->flags & TCP_FIN) && !before(end, from->next)) {
		from->fin_end = end + 1;
		__sync_fetch_and_or(&from->seen, SIDE_FIN);
	}
}

/* A receiver believes a reset at the very byte it waits for (RFC 5961), which lies between what it has
 * acknowledged and what came for it. */
static __always_inline void note_reset(struct graft_slot *slot, __u32 index, __u32 x,
				       struct graft_side *from, struct graft_side *to,
				       const struct packet *p)
{
	__u32 acked = to->ack - from->dseq;

	if (before(p->seq, acked) || before(from->next + 1, p->seq)) {
		count(GC_ODD_RST);
		return;
	}
	if (__sync_fetch_and_or(&from->seen, SIDE_RST) & SIDE_RST)
		return;
	from->rst_at = bpf_ktime_get_ns();
	tell(slot, index, GRAFT_EV_RST, x);
}

static __always_inline void note(struct graft_slot *slot, __u32 index, __u32 x,
				 struct graft_side *from, struct graft_side *to,
				 const struct packet *p)
{
	__sync_fetch_and_add(&from->packets, 1);
	if (p->flags & TCP_RST)
		note_reset(slot, index, x, from, to, p);
	else
		from->last = bpf_ktime_get_coarse_ns();
	if (p->flags & TCP_SYN)
		return;
	if (p->flags & TCP_ACK)
		note_ack(from, to, p);
	if (p->payload || (p->flags & TCP_FIN))
		note_data(from, to, p);
	if ((from->seen & to->seen & SIDE_FIN_ACKED) && slot->state == SLOT_GRAFTED &&
	    __sync_val_compare_and_swap(&slot->state, SLOT_GRAFTED, SLOT_CLOSED) == SLOT_GRAFTED) {
		slot->closed_at = bpf_ktime_get_coarse_ns();
		tell(slot, index, GRAFT_EV_CLOSED, x);
	}
}

/* -- options -- */

static __always_inline void move_word(__u32 *w, __u32 by, __u64 *sum)
{
	__u32 is = bpf_htonl(bpf_ntohl(*w) + by);

	differ(sum, *w, is);
	*w = is;
}

/* The edges of up to four blocks, from w on. */
static __always_inline bool move_sack(__u32 *w, void *end, __u32 edges, __u32 dack, __u64 *sum)
{
#pragma unroll
	for (__u32 i = 0; i < 8; i++)
		if (i < edges) {
			if ((void *)(w + i + 1) > end)
				return false;
			move_word(w + i, dack, sum);
		}
	return true;
}

/* "NOP NOP SACK", in so many bytes of options? Returns its edges, or 0. */
static __always_inline __u32 sack_edges(__u32 word, __u32 bytes)
{
	__u32 head = bpf_ntohl(word), len = head & 0xff;

	return head >> 8 == 0x010105 && bytes == len + 2 && len >= 10 && len <= 34 &&
			       !((len - 2) & 7)
		       ? (len - 2) / 4
		       : 0;
}

/* The layouts that nearly all packets have: none, [NOP NOP stamps] [NOP NOP SACK]. False: another. */
static __always_inline bool fast_options(__u32 *w, void *end, const struct packet *p,
					 struct graft_side *from, __u64 *sum)
{
	__u32 left = p->options;

	if (left == 0)
		return true;
	if ((void *)(w + 1) > end)
		return false;
	if (p->stamps && left >= 12 && *w == bpf_htonl(0x0101080a)) {
		bool old = !(from->seen & SIDE_ECHO_NEW), met = false;
		__u32 is;

		if ((void *)(w + 3) > end)
			return false;
		move_word(w + 1, from->dstamp, sum);
		is = bpf_htonl(echo(bpf_ntohl(w[2]) + from->decho, from->echo_least, old, &met));
		differ(sum, w[2], is);
		w[2] = is;
		if (met && (p->flags & TCP_ACK))
			__sync_fetch_and_or(&from->seen, SIDE_ECHO_NEW);
		if (left == 12)
			return true;
		left -= 12;
		w += 3;
		if ((void *)(w + 1) > end)
			return false;
	}
	__u32 edges = sack_edges(*w, left);

	return edges && move_sack(w + 1, end, edges, from->dack, sum);
}

static __always_inline bool is_fast(const __u32 *w, void *end, const struct packet *p)
{
	__u32 left = p->options;

	if (left == 0)
		return true;
	if ((void *)(w + 1) > end)
		return false;
	if (p->stamps && left >= 12 && *w == bpf_htonl(0x0101080a)) {
		if (left == 12)
			return true;
		left -= 12;
		w += 3;
		if ((void *)(w + 1) > end)
			return false;
	}
	return sack_edges(*w, left) != 0;
}

static __noinline bool slow_options(struct __sk_buff *skb, struct graft_side *from,
				    const struct packet *p, __u32 at, __u64 *sum)
{
	struct options o;

	o.len = p->options;
	o.dack = from->dack;
	o.dstamp = from->dstamp;
	o.decho = from->decho;
	o.echo_least = from->echo_least;
	o.stamps = p->stamps;
	o.echo_old = !(from->seen & SIDE_ECHO_NEW);
	o.echo_met = false;
	o.strip = 0;
	count(GC_SLOW);
	if (!walk_options(skb, at, &o, sum))
		return false;
	if (o.echo_met && (p->flags & TCP_ACK))
		__sync_fetch_and_or(&from->seen, SIDE_ECHO_NEW);
	return true;
}

/* -- rewriting -- */

/* The window in the other peer's measure, less what the acknowledgement was raised by. */
static __always_inline __u32 window(const struct packet *p, const struct graft_side *from,
				    const struct graft_side *to, __u32 raised)
{
	__u32 bytes = p->window << (from->shift_in & 15);

	bytes = bytes > raised ? bytes - raised : 0;
	bytes >>= to->shift_out & 15;
	return bytes < 65535 ? bytes : 65535;
}

/* IPv4: addresses, time to live, header checksum. *pseudo takes the difference of the addresses. */
static __always_inline void address4(struct iphdr *ip, const struct graft_side *to, __u64 *pseudo)
{
	__u64 sum = 0;
	__u32 *ttl =
		(__u32 *)&ip->ttl; /* with protocol and checksum: only the first byte changes */
	__u32 was = *ttl & bpf_htonl(0xffff0000), is = was - bpf_htonl(0x01000000);

	differ(pseudo, ip->saddr, to->self[0]);
	differ(pseudo, ip->daddr, to->peer[0]);
	ip->saddr = to->self[0];
	ip->daddr = to->peer[0];
	sum = *pseudo;
	differ(&sum, was, is);
	ip->ttl--;
	ip->check = summed(ip->check, sum);
}

static __always_inline void address6(struct ipv6hdr *ip, const struct graft_side *to, __u64 *pseudo)
{
	__u32 *src = (__u32 *)&ip->saddr, *dst = (__u32 *)&ip->daddr;

#pragma unroll
	for (int i = 0; i < 4; i++) {
		differ(pseudo, src[i], to->self[i]);
		differ(pseudo, dst[i], to->peer[i]);
		src[i] = to->self[i];
		dst[i] = to->peer[i];
	}
	ip->hop_limit--;
}

static __noinline int leave(const struct graft_side *to)
{
	struct bpf_redir_neigh hop;

	if (!to->hop_family)
		return (int)bpf_redirect_neigh(to->ifindex, NULL, 0, 0);
	__builtin_memset(&hop, 0, sizeof(hop));
	hop.nh_family = to->hop_family;
	__builtin_memcpy(hop.ipv6_nh, to->hop, sizeof(hop.ipv6_nh));
	return (int)bpf_redirect_neigh(to->ifindex, &hop, sizeof(hop), 0);
}

static __always_inline int drop(__u32 why)
{
	count(why);
	return DROP;
}

/* Rewrite p and send it to the other peer. `raised`: its acknowledgement is raised by so much. */
static __always_inline int forward(struct __sk_buff *skb, struct graft_side *from,
				   struct graft_side *to, const struct packet *p, __u32 raised,
				   const bool v6)
{
	const __u32 l4 = v6 ? L4_V6 : L4_V4;
	__u64 sum = 0, pseudo = 0;

	if (!have(skb, l4 + TCP_LEAST + p->options))
		return drop(GC_SHORT);
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u32 *w = data + l4;

	if ((void *)(w + 5) > end)
		return drop(GC_SHORT);
	if (!is_fast(w + 5, end, p)) {
		if (!slow_options(skb, from, p, l4 + TCP_LEAST, &sum))
			return drop(GC_SHORT);
		data = (void *)(long)skb->data;
		end = (void *)(long)skb->data_end;
		w = data + l4;
		if ((void *)(w + 5) > end)
			return drop(GC_SHORT);
	} else if (!fast_options(w + 5, end, p, from, &sum)) {
		return drop(GC_SHORT);
	}
	__u32 ports = bpf_htonl((__u32)bpf_ntohs(to->self_port) << 16 | bpf_ntohs(to->peer_port));

	differ(&sum, w[0], ports);
	w[0] = ports;
	move_word(w + 1, from->dseq, &sum);
	if (p->flags & TCP_ACK)
		move_word(w + 2, from->dack + raised, &sum);
	if (!(p->flags & TCP_SYN)) {
		__u32 rest =
			bpf_htonl((bpf_ntohl(w[3]) & 0xffff0000) | window(p, from, to, raised));

		differ(&sum, w[3], rest);
		w[3] = rest;
	}
	if (v6)
		address6(data + ETH_HLEN, to, &pseudo);
	else
		address4(data + ETH_HLEN, to, &pseudo);
	bpf_l4_csum_replace(skb, l4 + TCP_SUM_AT, 0, fold32(sum), 0);
	bpf_l4_csum_replace(skb, l4 + TCP_SUM_AT, 0, fold32(pseudo),
			    v6 ? sum6_flags : BPF_F_PSEUDO_HDR);
	return leave(to);
}

/* An acknowledgement of what our socket sent. Its own number may be ahead of what the socket knows of:
 * it gets the one that the socket waits for. */
static __always_inline int to_kernel(struct __sk_buff *skb, struct graft_side *from, const bool v6)
{
	const __u32 l4 = v6 ? L4_V6 : L4_V4;
	__u64 sum = 0;

	count(GC_KERNEL);
	if (!have(skb, l4 + TCP_LEAST))
		return NEXT;
	__u32 *w = (void *)(long)skb->data + l4;

	if ((void *)(w + 5) > (void *)(long)skb->data_end)
		return NEXT;
	__u32 seq = bpf_htonl(from->here);

	differ(&sum, w[1], seq);
	w[1] = seq;
	bpf_l4_csum_replace(skb, l4 + TCP_SUM_AT, 0, fold32(sum), 0);
	return NEXT;
}

/* The tuples of a graft that is over make room for a new connection between the same two. */
static __noinline int make_room(struct graft_slot *slot, __u32 index)
{
#pragma unroll
	for (int i = 0; i < 2; i++) {
		struct graft_side *s = &slot->side[i];

		if (slot->flags & SLOT_V6) {
			struct graft_key6 k;

			__builtin_memcpy(k.from, s->peer, sizeof(k.from));
			__builtin_memcpy(k.to, s->self, sizeof(k.to));
			k.from_port = s->peer_port;
			k.to_port = s->self_port;
			bpf_map_delete_elem(&shunt_t6, &k);
		} else {
			struct graft_key4 k = { s->peer[0], s->self[0], s->peer_port,
						s->self_port };

			bpf_map_delete_elem(&shunt_t4, &k);
		}
	}
	count(GC_REUSE);
	tell(slot, index, GRAFT_EV_REUSE, 0);
	return NEXT;
}

/* A packet from peer x of a pair that is GRAFTED or CLOSED. `last_hop`: its time to live is over. */
static __always_inline int pass(struct __sk_buff *skb, struct graft_slot *slot, __u32 index,
				__u32 x, struct packet *p, bool last_hop, const bool v6)
{
	struct graft_side *from = &slot->side[x & 1], *to = &slot->side[~x & 1];
	__u32 raised = 0;

	if ((p->flags & TCP_SYN) && over(slot))
		return make_room(slot, index);
	if (last_hop)
		return drop(GC_TTL);
	p->stamps = slot->flags & SLOT_STAMPS;
	note(slot, index, x, from, to, p);
	if (!slot->final && (p->flags & TCP_ACK) && before(p->ack, from->fin)) {
		if (!p->payload && !(p->flags & (TCP_SYN | TCP_FIN | TCP_RST)))
			return to_kernel(skb, from, v6);
		raised = to->here - (p->ack + from->dack);
		if (raised >= 1u << 31)
			raised = 0;
		if (raised)
			count(GC_RAISED);
	}
	return forward(skb, from, to, p, raised, v6);
}

#endif
