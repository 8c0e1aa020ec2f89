/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_seat.h — slots taken and given back, and their tuples in the kernel's tables
 *
 * A slot that was given back is not used again for a while: a CPU that found it by its tuple a moment
 * ago may still look at it. All but seat_take expect g->lock to be held.
 */
#ifndef ENGINE_GRAFT_SEAT_H
#define ENGINE_GRAFT_SEAT_H

#include "engine/graft_state.h"

enum { SEAT_REST_MS = 200 };

/* All seats, before anything else: those whose slot is not FREE are in no list. 0, -ENOMEM. */
int seats_init(struct shunt_graft *g);

/* A slot for oneself, zeroed but for its life, state FREE. False: none. */
bool seat_take(struct shunt_graft *g, uint32_t *index);

/* Enter both tuples of the slot. 0, -EEXIST: one is in use; then neither is entered. */
int seat_enter(struct shunt_graft *g, uint32_t index);
/* Take both tuples out again, where they still lead to this slot. */
void seat_leave(struct shunt_graft *g, uint32_t index);

/* The slot is nobody's any more: tuples out, state FREE; its port, if it is one of ours and `port`, is given back. */
void seat_give(struct shunt_graft *g, uint32_t index, bool port);

/* Let it linger for so long, and give it then. */
void seat_linger(struct shunt_graft *g, uint32_t index, uint64_t now, uint64_t ms);

#endif
