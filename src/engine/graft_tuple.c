/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/graft_tuple.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

int tuple_enter(int table, const void *key, uint32_t ref)
{
	return bpf_map_update_elem(table, key, &ref, BPF_NOEXIST);
}

int tuple_find(int table, const void *key, uint32_t *ref)
{
	return bpf_map_lookup_elem(table, key, ref);
}

void tuple_leave(int table, const void *key)
{
	bpf_map_delete_elem(table, key);
}

void *ring_open(int events, int (*hear)(void *ctx, void *event, size_t size), void *ctx)
{
	return ring_buffer__new(events, hear, ctx, NULL);
}

int ring_fd(void *ring)
{
	return ring_buffer__epoll_fd(ring);
}

void ring_hear(void *ring)
{
	ring_buffer__consume(ring);
}

void ring_close(void *ring)
{
	ring_buffer__free(ring);
}
