/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* graft_options.bpf.h — TCP options, one by one: for layouts that the fast ways do not know
 *
 * The options are copied, rewritten there, and put back; the difference of their sums is returned.
 * Every index is masked, for the verifier does not follow how far a walk over variable lengths gets.
 */
#ifndef ENGINE_GRAFT_OPTIONS_BPF_H
#define ENGINE_GRAFT_OPTIONS_BPF_H

#include "engine/graft_packet.bpf.h"

enum {
	OPT_END = 0,
	OPT_NOP = 1,
	OPT_SACK_PERM = 4,
	OPT_SACK = 5,
	OPT_STAMPS = 8,
	OPT_STAMPS_LEN = 10,
	OPT_ROOM = 64, /* a power of two, for the masks */
};

struct options {
	__u8 byte[OPT_ROOM];
	__u32 len, at;
	__u32 dack, dstamp, decho, echo_least; /* see struct graft_side */
	bool stamps, echo_old, echo_met;
	__u32 strip; /* enum graft_strip: these become NOPs, and nothing else changes */
};

static __always_inline __u32 get32(const struct options *o, __u32 at)
{
	return (__u32)o->byte[at & 63] << 24 | (__u32)o->byte[(at + 1) & 63] << 16 |
	       (__u32)o->byte[(at + 2) & 63] << 8 | o->byte[(at + 3) & 63];
}

static __always_inline void put32(struct options *o, __u32 at, __u32 value)
{
	o->byte[at & 63] = (__u8)(value >> 24);
	o->byte[(at + 1) & 63] = (__u8)(value >> 16);
	o->byte[(at + 2) & 63] = (__u8)(value >> 8);
	o->byte[(at + 3) & 63] = (__u8)value;
}

/* An echo from before the cut would lie in the past: no older than the newest stamp known then. */
static __always_inline __u32 echo(__u32 value, __u32 least, bool old, bool *met)
{
	if (!old)
		return value;
	if (before(value, least))
		return least;
	*met = true;
	return value;
}

static __always_inline void blank(struct options *o, __u32 at, __u32 len)
{
	for (__u32 i = 0; i < OPT_STAMPS_LEN; i++)
		if (i < len)
			o->byte[(at + i) & 63] = OPT_NOP;
}

static __always_inline void rewrite_option(struct options *o, __u32 kind, __u32 len)
{
	if (o->strip) {
		if (kind == OPT_STAMPS && len == OPT_STAMPS_LEN && (o->strip & STRIP_STAMPS))
			blank(o, o->at, OPT_STAMPS_LEN);
		if (kind == OPT_SACK_PERM && len == 2 && (o->strip & STRIP_SACK))
			blank(o, o->at, 2);
		return;
	}
	if (kind == OPT_STAMPS && len == OPT_STAMPS_LEN && o->stamps) {
		put32(o, o->at + 2, get32(o, o->at + 2) + o->dstamp);
		put32(o, o->at + 6,
		      echo(get32(o, o->at + 6) + o->decho, o->echo_least, o->echo_old,
			   &o->echo_met));
	}
	if (kind == OPT_SACK)
		for (__u32 i = 2; i < 34; i += 4)
			if (i + 4 <= len)
				put32(o, o->at + i, get32(o, o->at + i) + o->dack);
}

/* One option. 1: that was the last. */
static long one_option(__u32 turn, void *ctx)
{
	struct options *o = ctx;
	__u32 kind, len;

	(void)turn;
	if (o->at >= o->len || o->at >= OPTIONS_MOST)
		return 1;
	kind = o->byte[o->at & 63];
	if (kind == OPT_END)
		return 1;
	if (kind == OPT_NOP) {
		o->at++;
		return 0;
	}
	len = o->byte[(o->at + 1) & 63];
	if (len < 2 || o->at + len > o->len)
		return 1;
	rewrite_option(o, kind, len);
	o->at += len;
	return 0;
}

/* Rewrite o->len bytes of options at `at`; *sum takes the difference. */
static __always_inline bool walk_options(struct __sk_buff *skb, __u32 at, struct options *o,
					 __u64 *sum)
{
	__u32 len = o->len;

	if (len < 4 || len > OPTIONS_MOST)
		return false;
	__builtin_memset(o->byte, 0, sizeof(o->byte));
	if (bpf_skb_load_bytes(skb, at, o->byte, len))
		return false;
	*sum += (__u32) ~(__u32)bpf_csum_diff(NULL, 0, (__be32 *)o->byte, OPTIONS_MOST, 0);
	o->at = 0;
	bpf_loop(OPTIONS_MOST, one_option, o, 0);
	*sum += (__u32)bpf_csum_diff(NULL, 0, (__be32 *)o->byte, OPTIONS_MOST, 0);
	return bpf_skb_store_bytes(skb, at, o->byte, len, 0) == 0;
}

#endif
