/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* graft_maps.bpf.h — the program's maps, and what all its rooms do with them */
#ifndef ENGINE_GRAFT_MAPS_BPF_H
#define ENGINE_GRAFT_MAPS_BPF_H

#include "engine/graft_packet.bpf.h"

/* Set before loading: what bpf_l4_csum_replace is told when an IPv6 address changes (BPF_F_IPV6
 * where the kernel knows it). */
const volatile __u64 sum6_flags = BPF_F_PSEUDO_HDR;

/* The sizes of these are set before loading. A value of the tuples: slot << 1 | side. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 2);
	__type(key, struct graft_key4);
	__type(value, __u32);
} shunt_t4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 2);
	__type(key, struct graft_key6);
	__type(value, __u32);
} shunt_t6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct graft_slot);
} shunt_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} shunt_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, GC_COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} shunt_counts SEC(".maps");

/* Devices that have the program, by index: packets may leave by them, for answers come back there. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u32);
} shunt_devices SEC(".maps");

/* enum graft_strip for each of our ports, in rows of STRIP_ROW. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, GRAFT_PORTS / STRIP_ROW);
	__type(key, __u32);
	__type(value, __u8[STRIP_ROW]);
} shunt_ports SEC(".maps");

/* Counted by user space, by enum graft_decline: here, so that it outlives who counts and anybody may read it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, GRAFT_DECLINES_MOST);
	__type(key, __u32);
	__type(value, __u64);
} shunt_declines SEC(".maps");

static __always_inline void count(__u32 what)
{
	__u64 *n = bpf_map_lookup_elem(&shunt_counts, &what);

	if (n)
		++*n;
}

static __always_inline void tell(struct graft_slot *slot, __u32 index, __u32 kind, __u32 side)
{
	struct graft_event e = { .slot = index, .life = slot->life, .kind = kind, .side = side };

	if (bpf_ringbuf_output(&shunt_events, &e, sizeof(e), 0))
		count(GC_LOST_EVENT);
}

#endif
