// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* graft.bpf.c — two TCP connections made one below TCP: the programs
 *
 *   shunt_graft_in   on the way in of every device, before all others: finds the slot of a packet by its
 *                    tuple; cuts (graft_cut), passes (graft_pass), translates errors (graft_icmp); marks
 *                    ports of ours whose SYN is answered
 *   shunt_graft_out  on the way out: takes options out of SYNs of ours that the other side of the pair
 *                    does not speak, so that both connections of a pair agree
 *
 * What is not ours is left to the next program and the kernel, untouched.
 */
#include "engine/graft_cut.bpf.h"
#include "engine/graft_icmp.bpf.h"
#include "engine/graft_pass.bpf.h"

enum {
	NONE = 0xffffffff,
	PORTS = 4,
	STATE_SYN_SENT = 2,
	HOST_PACKET = 0,
	FRAGMENT_AT = 0x1fff,
	FRAGMENT = 0x3fff
};

/* In the fourth word of a SYN's header: ECE, CWR, and the third bit of accurate ECN (RFC 9768), which
 * alone would still ask for that. */
#define TCP_ASKS_ECN ((__u32)(TCP_ECE | TCP_CWR) << 16 | 1u << 24)

/* ARMED: may the pair be cut on this packet? */
static __always_inline bool may_cut(struct graft_slot *slot, const struct packet *p)
{
	return (p->flags & ~TCP_PSH) == TCP_ACK &&
	       __sync_val_compare_and_swap(&slot->state, SLOT_ARMED, SLOT_SWITCHING) == SLOT_ARMED;
}

/* A packet of this peer came by, as the sockets know it. */
static __always_inline void meet(struct graft_side *from)
{
	if (!(from->seen & SIDE_MET))
		__sync_fetch_and_or(&from->seen, SIDE_MET);
}

static __always_inline int on_packet(struct __sk_buff *skb, __u32 ref, struct packet *p,
				     bool last_hop, const bool v6)
{
	__u32 index = ref >> 1, x = ref & 1;
	struct graft_slot *slot = bpf_map_lookup_elem(&shunt_slots, &index);

	if (!slot)
		return NEXT;
	__u32 state = *(volatile __u32 *)&slot->state;

	if (state == SLOT_PAUSED || state == SLOT_ARMED)
		meet(&slot->side[x]);
	if (state == SLOT_ARMED) {
		if (last_hop || !may_cut(slot, p) || !cut(skb, slot, index, x, p))
			return NEXT;
	} else if (state != SLOT_GRAFTED && state != SLOT_CLOSED) {
		return NEXT;
	}
	return pass(skb, slot, index, x, p, last_hop, v6);
}

/* On a graft, yet not to be passed. Only one that lives can lose by it. */
static __always_inline int refuse(__u32 ref, __u32 why)
{
	__u32 index = ref >> 1;
	struct graft_slot *slot = bpf_map_lookup_elem(&shunt_slots, &index);

	if (!slot || (slot->state != SLOT_GRAFTED && slot->state != SLOT_CLOSED))
		return NEXT;
	return drop(why);
}

/* The byte of this port, if we may connect from it. */
static __always_inline __u8 *port_of_ours(__u16 port)
{
	__u32 at = bpf_ntohs(port) / STRIP_ROW;
	__u8 *row = bpf_map_lookup_elem(&shunt_ports, &at);

	if (!row)
		return NULL;
	row += bpf_ntohs(port) % STRIP_ROW;
	return *row & PORT_OURS ? row : NULL;
}

static __always_inline bool is_answer(const struct tcp_words *w)
{
	return (bpf_ntohl(w->rest) >> 16 & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
}

static __always_inline void met_at(__u8 *port, struct bpf_sock *sk)
{
	if (!sk)
		return;
	if (sk->state == STATE_SYN_SENT)
		*port |= PORT_MET;
	bpf_sk_release(sk);
}

/* A SYN of ours is answered. Does it come as our socket knows it? */
static __noinline int answered_v4(struct __sk_buff *skb, const struct graft_key4 *k)
{
	__u8 *port = port_of_ours(k->to_port);
	struct bpf_sock_tuple t;

	if (!port)
		return NEXT;
	__builtin_memset(&t, 0, sizeof(t));
	t.ipv4.saddr = k->from;
	t.ipv4.daddr = k->to;
	t.ipv4.sport = k->from_port;
	t.ipv4.dport = k->to_port;
	met_at(port, bpf_skc_lookup_tcp(skb, &t, sizeof(t.ipv4), BPF_F_CURRENT_NETNS, 0));
	return NEXT;
}

static __noinline int answered_v6(struct __sk_buff *skb, const struct graft_key6 *k)
{
	__u8 *port = port_of_ours(k->to_port);
	struct bpf_sock_tuple t;

	if (!port)
		return NEXT;
	__builtin_memset(&t, 0, sizeof(t));
	__builtin_memcpy(t.ipv6.saddr, k->from, sizeof(t.ipv6.saddr));
	__builtin_memcpy(t.ipv6.daddr, k->to, sizeof(t.ipv6.daddr));
	t.ipv6.sport = k->from_port;
	t.ipv6.dport = k->to_port;
	met_at(port, bpf_skc_lookup_tcp(skb, &t, sizeof(t.ipv6), BPF_F_CURRENT_NETNS, 0));
	return NEXT;
}

static __noinline int in_v4(struct __sk_buff *skb)
{
	if (!have(skb, L4_V4))
		return NEXT;
	struct iphdr *ip = (void *)(long)skb->data + ETH_HLEN;

	if ((void *)(ip + 1) > (void *)(long)skb->data_end)
		return NEXT;
	if (ip->protocol == IPPROTO_ICMP)
		return error_v4(skb);
	if (ip->protocol != IPPROTO_TCP || (ip->frag_off & bpf_htons(FRAGMENT_AT)) || ip->ihl < 5)
		return NEXT;
	__u32 header = ip->ihl * 4, total = bpf_ntohs(ip->tot_len);
	bool fragment = ip->frag_off & bpf_htons(FRAGMENT), last_hop = ip->ttl <= 1;
	struct graft_key4 k = { ip->saddr, ip->daddr, 0, 0 };
	struct tcp_words w;
	struct packet p;

	if (bpf_skb_load_bytes(skb, ETH_HLEN + header, &w, sizeof(w)))
		return NEXT;
	k.from_port = (__u16)(w.ports & 0xffff);
	k.to_port = (__u16)(w.ports >> 16);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	k.from_port = (__u16)(w.ports >> 16);
	k.to_port = (__u16)(w.ports & 0xffff);
#endif
	__u32 *ref = bpf_map_lookup_elem(&shunt_t4, &k);

	if (!ref)
		return is_answer(&w) ? answered_v4(skb, &k) : NEXT;
	if (header != sizeof(*ip))
		return refuse(*ref, GC_OPTIONS);
	if (fragment)
		return refuse(*ref, GC_FRAGMENT);
	if (!total && skb->gso_size) /* more than fits into the field (BIG TCP) */
		total = skb->len - ETH_HLEN;
	if (total < header || total > skb->len - ETH_HLEN || !read_tcp(&p, &w, total - header))
		return refuse(*ref, GC_SHORT);
	return on_packet(skb, *ref, &p, last_hop, false);
}

/* The slot and side of this packet, or NONE. In a frame of its own: the stack is short. */
static __noinline __u32 find_v6(struct __sk_buff *skb, const struct ipv6hdr *ip, const __u16 *ports,
				__u32 flags)
{
	struct graft_key6 k;

	__builtin_memcpy(k.from, &ip->saddr, sizeof(k.from));
	__builtin_memcpy(k.to, &ip->daddr, sizeof(k.to));
	k.from_port = ports[0];
	k.to_port = ports[1];
	__u32 *ref = bpf_map_lookup_elem(&shunt_t6, &k);

	if (!ref && (flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
		answered_v6(skb, &k);
	return ref ? *ref : NONE;
}

static __noinline int in_v6(struct __sk_buff *skb)
{
	if (!have(skb, L4_V6 + PORTS))
		return NEXT;
	struct ipv6hdr *ip = (void *)(long)skb->data + ETH_HLEN;
	const __u16 *ports = (void *)(ip + 1);

	if ((void *)(ports + 2) > (void *)(long)skb->data_end)
		return NEXT;
	if (ip->nexthdr == IPPROTO_ICMPV6)
		return error_v6(skb);
	if (ip->nexthdr != IPPROTO_TCP)
		return NEXT;
	__u32 total = bpf_ntohs(ip->payload_len);
	bool last_hop = ip->hop_limit <= 1;
	struct tcp_words w;
	struct packet p;

	if (bpf_skb_load_bytes(skb, L4_V6, &w, sizeof(w)))
		return NEXT;
	__u32 ref = find_v6(skb, ip, ports, bpf_ntohl(w.rest) >> 16);

	if (ref == NONE)
		return NEXT;
	if (!total && skb->gso_size)
		total = skb->len - L4_V6;
	if (total > skb->len - L4_V6 || !read_tcp(&p, &w, total))
		return refuse(ref, GC_SHORT);
	return on_packet(skb, ref, &p, last_hop, true);
}

SEC("tc")
int shunt_graft_in(struct __sk_buff *skb)
{
	/* a VLAN's packets come by here first, with the tag beside them, and again on its own device */
	if (skb->vlan_present || skb->pkt_type != HOST_PACKET)
		return NEXT;
	if (skb->protocol == bpf_htons(ETH_P_IP))
		return in_v4(skb);
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return in_v6(skb);
	return NEXT;
}

/* -- the way out -- */

static __noinline int fit_syn(struct __sk_buff *skb, __u32 l4, struct tcp_words *w, __u32 strip)
{
	__u32 rest = bpf_ntohl(w->rest), options = (rest >> 28) * 4 - TCP_LEAST;
	__u64 sum = 0;
	struct options o;

	if (rest >> 28 > 5 && (strip & (STRIP_STAMPS | STRIP_SACK))) {
		__builtin_memset(&o, 0, sizeof(o));
		o.len = options;
		o.strip = strip;
		walk_options(skb, l4 + TCP_LEAST, &o, &sum);
	}
	if ((strip & STRIP_ECN) && (rest & TCP_ASKS_ECN)) {
		__u32 is = bpf_htonl(rest & ~TCP_ASKS_ECN);

		differ(&sum, w->rest, is);
		bpf_skb_store_bytes(skb, l4 + 12, &is, 2, 0);
	}
	bpf_l4_csum_replace(skb, l4 + TCP_SUM_AT, 0, fold32(sum), 0);
	count(GC_SYN);
	return NEXT;
}

SEC("tc")
int shunt_graft_out(struct __sk_buff *skb)
{
	bool v6 = skb->protocol == bpf_htons(ETH_P_IPV6);
	__u32 l4 = v6 ? L4_V6 : L4_V4, port;
	__u8 head[sizeof(struct ipv6hdr)], *row;
	struct tcp_words w;

	if ((!v6 && skb->protocol != bpf_htons(ETH_P_IP)) || skb->gso_segs > 1)
		return NEXT; /* no SYN is cut up; one of our own sockets says it is one segment */
	if (bpf_skb_load_bytes(skb, ETH_HLEN, head, sizeof(struct iphdr)))
		return NEXT;
	if (v6 ? head[6] != IPPROTO_TCP : head[9] != IPPROTO_TCP || head[0] != 0x45)
		return NEXT;
	if (bpf_skb_load_bytes(skb, l4, &w, sizeof(w)))
		return NEXT;
	if ((bpf_ntohl(w.rest) >> 16 & (TCP_SYN | TCP_ACK)) != TCP_SYN)
		return NEXT;
	port = bpf_ntohl(w.ports) >> 16;
	__u32 at = port / STRIP_ROW;

	row = bpf_map_lookup_elem(&shunt_ports, &at);
	if (!row || !(row[port % STRIP_ROW] & STRIP_ALL))
		return NEXT;
	return fit_syn(skb, l4, &w, row[port % STRIP_ROW] & STRIP_ALL);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
