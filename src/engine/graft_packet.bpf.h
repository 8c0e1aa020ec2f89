/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* graft_packet.bpf.h — a TCP packet as the program reads and writes it: headers, numbers, checksums */
#ifndef ENGINE_GRAFT_PACKET_BPF_H
#define ENGINE_GRAFT_PACKET_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "engine/graft_map.h"

enum {
	NEXT = TC_ACT_UNSPEC, /* not ours: the next program, then the kernel */
	DROP = TC_ACT_SHOT,

	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_ECE = 0x40,
	TCP_CWR = 0x80,

	TCP_LEAST = 20,
	OPTIONS_MOST = 40,
	L4_V4 = ETH_HLEN + sizeof(struct iphdr),
	L4_V6 = ETH_HLEN + sizeof(struct ipv6hdr),
	TCP_SUM_AT = 16, /* the checksum's place in the TCP header */

	FAMILY_V4 = 2,
	FAMILY_V6 = 10,
};

/* The words of a TCP header, as in the packet. */
struct tcp_words {
	__u32 ports, seq, ack, rest;
};

/* What was read of one, in host order. */
struct packet {
	__u32 seq, ack, window;
	__u32 options; /* bytes of them */
	__u32 payload;
	__u32 flags;
	bool stamps; /* the pair carries timestamps */
};

static __always_inline bool before(__u32 a, __u32 b)
{
	return (__s32)(a - b) < 0;
}

static __always_inline __u32 later(__u32 a, __u32 b)
{
	return before(a, b) ? b : a;
}

/* The first n bytes in one piece, for direct access. */
static __always_inline bool have(struct __sk_buff *skb, __u32 n)
{
	if ((long)skb->data + n <= (long)skb->data_end)
		return true;
	return n <= skb->len && bpf_skb_pull_data(skb, n) == 0;
}

/* -- checksums: sums of differences, in the order of the bytes in the packet -- */

static __always_inline void differ(__u64 *sum, __u32 was, __u32 is)
{
	*sum += (__u32)~was;
	*sum += is;
}

static __always_inline __u32 fold32(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (__u32)sum;
}

static __always_inline __u16 fold16(__u64 sum)
{
	sum = fold32(sum);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum;
}

/* A checksum field, after its bytes changed by `sum`. */
static __always_inline __u16 summed(__u16 was, __u64 sum)
{
	return (__u16)~fold16((__u64)(__u16)~was + sum);
}

/* -- reading -- */

/* `total`: bytes of the TCP packet, as the IP header has it. */
static __always_inline bool read_tcp(struct packet *p, const struct tcp_words *w, __u32 total)
{
	__u32 rest = bpf_ntohl(w->rest), header = (rest >> 28) * 4;

	if (header < TCP_LEAST || header > total)
		return false;
	p->seq = bpf_ntohl(w->seq);
	p->ack = bpf_ntohl(w->ack);
	p->window = rest & 0xffff;
	p->flags = rest >> 16 & 0xff;
	p->options = header - TCP_LEAST;
	p->payload = total - header;
	return true;
}

#endif
