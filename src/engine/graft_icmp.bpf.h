/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* graft_icmp.bpf.h — an ICMP error about a grafted packet concerns the peer who sent it, not us
 *
 *   a router between us and peer y:  "too big" [our address ─▶ y | ports | seq]   ─▶ us
 *   we, in his place:                "too big" [peer x ─▶ our address | ports | seq of x] ─▶ peer x
 *
 * Without this, a path whose MTU shrinks after the cut would swallow all large packets: the kernel that
 * gets the error has no socket that it could tell. "Unreachable" goes the same way. An error that quotes
 * a number which is not on its way is nobody's, and is dropped.
 */
#ifndef ENGINE_GRAFT_ICMP_BPF_H
#define ENGINE_GRAFT_ICMP_BPF_H

#include "engine/graft_pass.bpf.h"

enum {
	ICMP4_UNREACHABLE = 3, /* "fragmentation needed" among them */
	ICMP6_UNREACHABLE = 1,
	ICMP6_TOO_BIG = 2,
	QUOTED_TCP = 8, /* ports and seq */
};

struct quoted_tcp {
	__u16 source, dest;
	__u32 seq;
};

struct error4 {
	struct iphdr ip;
	__u8 type, code;
	__u16 sum;
	__u32 mtu;
	struct iphdr about;
	struct quoted_tcp tcp;
};

struct error6 {
	struct ipv6hdr ip;
	__u8 type, code;
	__u16 sum;
	__u32 mtu;
	struct ipv6hdr about;
	struct quoted_tcp tcp;
};

/* Is this number under way to the peer of `to`? */
static __always_inline bool under_way(const struct graft_side *to, __u32 seq)
{
	return !before(seq, to->ack) && !before(to->edge, seq);
}

/* What of an error is decided by the slot alone: 0, go on; or what to return. */
static __always_inline int not_for(const struct graft_slot *slot, const struct graft_side *to,
				   __u32 seq)
{
	if (slot->state != SLOT_GRAFTED && slot->state != SLOT_CLOSED)
		return NEXT;
	if (!slot->final && before(seq, to->fin))
		return NEXT; /* our socket sent it */
	return under_way(to, seq) ? 0 : drop(GC_ICMP_ODD);
}

/* Ports and seq as the sender knows them; *sum takes the difference. */
static __always_inline void quote(struct quoted_tcp *tcp, const struct graft_side *sender,
				  __u64 *sum)
{
	__u32 *w = (__u32 *)tcp;
	__u32 ports =
		bpf_htonl((__u32)bpf_ntohs(sender->peer_port) << 16 | bpf_ntohs(sender->self_port));

	differ(sum, w[0], ports);
	w[0] = ports;
	move_word(w + 1, -sender->dseq, sum);
}

static __noinline int error_v4(struct __sk_buff *skb)
{
	if (!have(skb, ETH_HLEN + sizeof(struct error4)))
		return NEXT;
	struct error4 *e = (void *)(long)skb->data + ETH_HLEN;

	if ((void *)(e + 1) > (void *)(long)skb->data_end)
		return NEXT;
	if (e->ip.ihl != 5 || (e->ip.frag_off & bpf_htons(0x3fff)) ||
	    e->type != ICMP4_UNREACHABLE || e->about.ihl != 5 || e->about.protocol != IPPROTO_TCP)
		return NEXT;
	struct graft_key4 k = { e->about.daddr, e->about.saddr, e->tcp.dest, e->tcp.source };
	__u32 *ref = bpf_map_lookup_elem(&shunt_t4, &k), index = ref ? *ref >> 1 : 0;
	struct graft_slot *slot = ref ? bpf_map_lookup_elem(&shunt_slots, &index) : NULL;

	if (!slot)
		return NEXT;
	__u32 y = *ref & 1;
	struct graft_side *to = &slot->side[y], *sender = &slot->side[~y & 1];
	int verdict = not_for(slot, to, bpf_ntohl(e->tcp.seq));
	__u64 sum = 0, pseudo = 0, inner = 0;

	if (verdict)
		return verdict;
	if (e->ip.ttl <= 1)
		return drop(GC_TTL);
	differ(&inner, e->about.saddr, sender->peer[0]);
	differ(&inner, e->about.daddr, sender->self[0]);
	e->about.saddr = sender->peer[0];
	e->about.daddr = sender->self[0];
	e->about.check = summed(e->about.check, inner); /* so the quoted header sums up as before */
	quote(&e->tcp, sender, &sum);
	e->sum = summed(e->sum, sum);
	address4(&e->ip, sender, &pseudo);
	count(GC_ICMP);
	return leave(sender);
}

static __noinline int error_v6(struct __sk_buff *skb)
{
	if (!have(skb, ETH_HLEN + sizeof(struct error6)))
		return NEXT;
	struct error6 *e = (void *)(long)skb->data + ETH_HLEN;

	if ((void *)(e + 1) > (void *)(long)skb->data_end)
		return NEXT;
	if ((e->type != ICMP6_UNREACHABLE && e->type != ICMP6_TOO_BIG) ||
	    e->about.nexthdr != IPPROTO_TCP)
		return NEXT;
	struct graft_key6 k;

	__builtin_memcpy(k.from, &e->about.daddr, sizeof(k.from));
	__builtin_memcpy(k.to, &e->about.saddr, sizeof(k.to));
	k.from_port = e->tcp.dest;
	k.to_port = e->tcp.source;
	__u32 *ref = bpf_map_lookup_elem(&shunt_t6, &k), index = ref ? *ref >> 1 : 0;
	struct graft_slot *slot = ref ? bpf_map_lookup_elem(&shunt_slots, &index) : NULL;

	if (!slot)
		return NEXT;
	__u32 y = *ref & 1;
	struct graft_side *to = &slot->side[y], *sender = &slot->side[~y & 1];
	int verdict = not_for(slot, to, bpf_ntohl(e->tcp.seq));
	__u64 sum = 0, pseudo = 0;
	__u32 *src = (__u32 *)&e->about.saddr, *dst = (__u32 *)&e->about.daddr;

	if (verdict)
		return verdict;
	if (e->ip.hop_limit <= 1)
		return drop(GC_TTL);
#pragma unroll
	for (int i = 0; i < 4; i++) {
		differ(&sum, src[i], sender->peer[i]);
		differ(&sum, dst[i], sender->self[i]);
		src[i] = sender->peer[i];
		dst[i] = sender->self[i];
	}
	quote(&e->tcp, sender, &sum);
	address6(&e->ip, sender, &pseudo);
	e->sum = summed(e->sum, sum + pseudo); /* ICMPv6 sums up the addresses as well */
	count(GC_ICMP);
	return leave(sender);
}

#endif
