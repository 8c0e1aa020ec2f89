// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* loss.bpf.c — bad wires for the stories of grafts: programs for tc, one section each
 *
 *   loss    one TCP packet in a hundred is lost
 *   twice   one in a hundred comes twice
 *   late    one in twenty goes round through the device 900 (round) before it goes on
 *   flip    one bit of the payload of one packet in ten is wrong
 *   renamed the address 10.91.2.2 becomes 10.91.2.3 on the way out, and comes back on the way in
 *   to_boxa, to_boxb   each frame goes to that device: a wire made of two
 *
 * Those that end in _in are for the way in. A mark tells a packet that was dealt with.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum { ONE_IN = 100, LATE_ONE_IN = 20, FLIP_ONE_IN = 10, SLOW = 900, ROUNDS = 40 };

/* In the mark of a packet: MINE, rounds to go, whether it came in, and its device */
enum {
	MINE = 0x5a000000,
	MINE_MASK = 0xff000000,
	CAME_IN = 0x800000,
	ROUND = 0x10000,
	DEVICE = 0xffff
};

struct heads {
	__u8 bytes[ETH_HLEN + sizeof(struct ipv6hdr)];
};

/* Where TCP begins; 0: it is no TCP. */
static __always_inline __u32 tcp_at(struct __sk_buff *skb)
{
	__u8 protocol = 0;

	if (skb->protocol == bpf_htons(ETH_P_IP))
		bpf_skb_load_bytes(skb, ETH_HLEN + 9, &protocol, 1);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		bpf_skb_load_bytes(skb, ETH_HLEN + 6, &protocol, 1);
	if (protocol != IPPROTO_TCP)
		return 0;
	return ETH_HLEN + (skb->protocol == bpf_htons(ETH_P_IP) ? sizeof(struct iphdr)
								: sizeof(struct ipv6hdr));
}

static __always_inline int chosen(struct __sk_buff *skb, __u32 one_in)
{
	return tcp_at(skb) && bpf_get_prandom_u32() % one_in == 0;
}

/* As a wire does: who sent it is not told. Of a packet that was shot he is, and a listener that could not send its
 * SYN-ACK again forgets the client (inet_rtx_syn_ack, reqsk_timer_handler), who then waits for ever for a
 * server that speaks first. */
static __always_inline int lose(struct __sk_buff *skb)
{
	return chosen(skb, ONE_IN) ? TC_ACT_STOLEN : TC_ACT_UNSPEC;
}

SEC("loss") int on_loss(struct __sk_buff *skb)
{
	return lose(skb);
}

SEC("loss_in") int on_loss_in(struct __sk_buff *skb)
{
	return lose(skb);
}

/* -- twice -- */

static __always_inline int again(struct __sk_buff *skb, __u64 flags)
{
	if ((skb->mark & MINE_MASK) == MINE || !chosen(skb, ONE_IN))
		return TC_ACT_UNSPEC;
	skb->mark = MINE;
	bpf_clone_redirect(skb, skb->ifindex, flags);
	skb->mark = 0;
	return TC_ACT_UNSPEC;
}

SEC("twice") int on_twice(struct __sk_buff *skb)
{
	return again(skb, 0);
}

SEC("twice_in") int on_twice_in(struct __sk_buff *skb)
{
	return again(skb, BPF_F_INGRESS);
}

/* -- late -- */

static __always_inline int hold_up(struct __sk_buff *skb, __u32 came_in)
{
	if ((skb->mark & MINE_MASK) == MINE) {
		skb->mark = 0;
		return TC_ACT_UNSPEC;
	}
	if (!chosen(skb, LATE_ONE_IN))
		return TC_ACT_UNSPEC;
	skb->mark = MINE | came_in | ROUNDS * ROUND | skb->ifindex;
	return bpf_redirect(SLOW, 0);
}

SEC("late") int on_late(struct __sk_buff *skb)
{
	return hold_up(skb, 0);
}

SEC("late_in") int on_late_in(struct __sk_buff *skb)
{
	return hold_up(skb, CAME_IN);
}

/* On the way in of the other end of SLOW. */
SEC("round") int on_round(struct __sk_buff *skb)
{
	if ((skb->mark & MINE_MASK) != MINE)
		return TC_ACT_SHOT;
	if (skb->mark & (CAME_IN - ROUND)) {
		skb->mark -= ROUND;
		return bpf_redirect(SLOW, 0);
	}
	return bpf_redirect(skb->mark & DEVICE, skb->mark & CAME_IN ? BPF_F_INGRESS : 0);
}

/* -- another name -- */

enum {
	OLD = 0x0a5b0202,
	NEW = 0x0a5b0203,
	IP_SUM = ETH_HLEN + 10,
	SOURCE = ETH_HLEN + 12,
	TARGET = ETH_HLEN + 16
};

static __always_inline int rename(struct __sk_buff *skb, __u32 at, __u32 from, __u32 to)
{
	__u32 tcp = tcp_at(skb), was, is = bpf_htonl(to);

	if (!tcp || skb->protocol != bpf_htons(ETH_P_IP) || bpf_skb_load_bytes(skb, at, &was, 4) ||
	    was != bpf_htonl(from))
		return TC_ACT_UNSPEC;
	bpf_l4_csum_replace(skb, tcp + 16, was, is, BPF_F_PSEUDO_HDR | 4);
	bpf_l3_csum_replace(skb, IP_SUM, was, is, 4);
	bpf_skb_store_bytes(skb, at, &is, 4, 0);
	return TC_ACT_UNSPEC;
}

SEC("renamed") int on_renamed(struct __sk_buff *skb)
{
	return rename(skb, SOURCE, OLD, NEW);
}

SEC("renamed_in") int on_renamed_in(struct __sk_buff *skb)
{
	return rename(skb, TARGET, NEW, OLD);
}

/* -- a wire that flips bits -- */

SEC("flip") int on_flip(struct __sk_buff *skb)
{
	__u32 at = tcp_at(skb), payload;
	__u8 head, byte;

	if (!at || bpf_get_prandom_u32() % FLIP_ONE_IN ||
	    bpf_skb_load_bytes(skb, at + 12, &head, 1))
		return TC_ACT_UNSPEC;
	payload = at + (head >> 4) * 4 + 5;
	if (bpf_skb_load_bytes(skb, payload, &byte, 1))
		return TC_ACT_UNSPEC;
	byte ^= 0x10;
	bpf_skb_store_bytes(skb, payload, &byte, 1, 0);
	return TC_ACT_UNSPEC;
}

SEC("to_boxa") int on_to_boxa(struct __sk_buff *skb)
{
	return bpf_redirect(901, 0);
}

SEC("to_boxb") int on_to_boxb(struct __sk_buff *skb)
{
	return bpf_redirect(902, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
