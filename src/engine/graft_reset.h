/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_reset.h — end a connection that has no socket any more
 *
 * A socket is made in repair mode with the numbers that the slot has, which puts it into ESTABLISHED
 * without a packet; closing it with no linger then sends the reset that the peer believes. Its tuple must
 * be out of the program's tables before, or the answers would not reach it. Needs CAP_NET_ADMIN.
 */
#ifndef ENGINE_GRAFT_RESET_H
#define ENGINE_GRAFT_RESET_H

#include "engine/graft_map.h"

/* Reset our connection to peer x of this slot. 0 or -errno. */
int graft_reset(const struct graft_slot *slot, int x);

/* A socket that lives and whose numbers the graft has outrun: close it without a word. */
void graft_close_silently(int fd);

#endif
