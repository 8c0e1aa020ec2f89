/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_keeper.h — the one thread of a process that holds the rights which grafts need
 *
 *   retiring   sockets of a clean graft are closed without a word (TCP_REPAIR: CAP_NET_ADMIN)
 *   lingering  a graft that is over keeps its slot for a while, for packets that are still on their way;
 *              one that was reset lives on, if he who is said to have reset it goes on sending
 *   killing    a graft is ended by resets to both peers
 *   devices    programs are put back where they went missing, ways out follow the routes
 *   ended      those that were found at the start and have ended, for who logs them
 */
#ifndef ENGINE_GRAFT_KEEPER_H
#define ENGINE_GRAFT_KEEPER_H

#include "engine/graft_state.h"

/* What an earlier process left in the slots: live grafts are adopted, others are cleaned up. Before
 * the thread runs. */
void keeper_adopt(struct shunt_graft *g);

int keeper_start(struct shunt_graft *g);
/* Does what is still to be done, and ends. */
void keeper_stop(struct shunt_graft *g);

#endif
