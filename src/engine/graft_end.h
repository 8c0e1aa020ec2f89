/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_end.h — how a graft ends: by itself, by force, or by being found after a crash
 *
 * All for the keeper's thread; graft_over and graft_let_go's inner part expect g->lock to be held where
 * they say so.
 */
#ifndef ENGINE_GRAFT_END_H
#define ENGINE_GRAFT_END_H

#include "engine/graft_state.h"

/* Closed, or reset (as far as is known). */
bool graft_is_over(const struct graft_slot *slot);

/* The program says so: its owner is told when it is sure, the slot lingers. Lock held. */
void graft_over(struct shunt_graft *g, uint32_t index, uint64_t now);

/* Slots that have lingered long enough; resets that were none. */
void graft_let_go(struct shunt_graft *g, uint64_t now);

/* Tuples out, resets to both peers, slot free. */
void graft_kill(struct shunt_graft *g, uint32_t index);

/* A slot in use that was there before us. */
void graft_adopt(struct shunt_graft *g, uint32_t index, uint64_t now);

/* End adopted grafts that were idle for longer than g->idle_ms. */
void graft_idle(struct shunt_graft *g, uint64_t now);

#endif
