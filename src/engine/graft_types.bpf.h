/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* graft_types.bpf.h — the kernel's own types, as far as the graft reads them
 *
 * Only names count here: where a field lies, and how wide it is, the loader looks up in the running
 * kernel's BTF (CO-RE). A field that some kernels do not have is asked for by bpf_core_field_exists.
 */
#ifndef ENGINE_GRAFT_TYPES_BPF_H
#define ENGINE_GRAFT_TYPES_BPF_H

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	__s64 counter;
} atomic64_t;

struct sock_common {
	unsigned char skc_state;
	atomic64_t skc_cookie;
};

struct net_device {
	int ifindex;
	unsigned int flags;
};

struct dst_entry {
	struct net_device *dev;
	void *xfrm;
};

struct rtable {
	struct dst_entry dst;
	__u8 rt_gw_family;
	__u32 rt_gw4;
	struct in6_addr rt_gw6;
};

struct rt6_info {
	struct dst_entry dst;
	struct in6_addr rt6i_gateway;
	__u32 rt6i_flags;
};

struct sock {
	struct sock_common __sk_common;
	struct {
		int len;
	} sk_backlog;
	struct dst_entry *sk_dst_cache;
	__u8 sk_shutdown;
	int sk_rx_dst_ifindex;
};

struct inet_sock {
	struct sock sk;
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	const void *icsk_ulp_ops;
};

struct tcp_options_received {
	__u32 ts_recent;
	__u16 mss_clamp;
	__u16 tstamp_ok : 1, snd_wscale : 4, rcv_wscale : 4;
};

struct rb_node;

struct rb_root {
	struct rb_node *rb_node;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u32 rcv_nxt, copied_seq, rcv_wup, rcv_wnd;
	__u32 write_seq, snd_una, snd_wnd;
	__u32 tsoffset, received_ce;
	__u8 ecn_flags;
	__u16 urg_data, advmss;
	__u8 tcp_usec_ts : 1;
	_Bool is_mptcp;
	void *md5sig_info, *ao_info;
	struct rb_root out_of_order_queue;
	struct tcp_options_received rx_opt;
};

#pragma clang attribute pop

#endif
