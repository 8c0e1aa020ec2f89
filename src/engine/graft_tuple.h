/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_tuple.h — the calls that grafts make on maps while they run: tuples, and what the programs tell */
#ifndef ENGINE_GRAFT_TUPLE_H
#define ENGINE_GRAFT_TUPLE_H

#include <stddef.h>
#include <stdint.h>

/* A tuple (struct graft_key4, graft_key6) leads to slot << 1 | side. 0, -EEXIST, -E2BIG, -ENOMEM. */
int tuple_enter(int table, const void *key, uint32_t ref);
/* 0, -ENOENT */
int tuple_find(int table, const void *key, uint32_t *ref);
void tuple_leave(int table, const void *key);

/* The ring of struct graft_event: each is given to `hear` by ring_hear. NULL: no memory. */
void *ring_open(int events, int (*hear)(void *ctx, void *event, size_t size), void *ctx);
int ring_fd(void *ring); /* readable when there is something to hear */
void ring_hear(void *ring);
void ring_close(void *ring);

#endif
