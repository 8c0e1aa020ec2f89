/* SPDX-License-Identifier: BSD-2-Clause */
/* pair.h — a pair of real connections on lo, and the slot that is armed for it
 *
 *   client C ═══ A [us] B ═══ server S
 *
 * All four ends are ours here. The packet that should cut is made by hand, of the numbers that the
 * sockets really have, and seen by the program alone: the sockets never get it.
 */
#ifndef GRAFT_PAIR_H
#define GRAFT_PAIR_H

#include "rig.h"

enum { C, A, B, S, PAIR_ENDS, LO = 1 };

extern int pair[PAIR_ENDS]; /* the sockets; -1: closed */
extern bool pair_v6;
/* What went in, and what came out. */
extern struct wire pair_was, pair_packet;

/* Setup of a group: rig_open, and lo takes packets that were made by hand. */
int pair_open(void **state);
/* Connect it anew, and arm slot 0. `fits`: we promise little, and what they promise is much; else the
 * other way round. */
void pair_meet(bool fits);
/* Arm slot 0 for the sockets A and B. */
void pair_arm(void);
void pair_option(int s, int level, int name, int value);
/* write_seq of this socket, or rcv_nxt. */
uint32_t pair_number(int s, bool received);
/* Its clock of timestamps. */
uint32_t pair_stamp(int s);
/* These events of poll() come true within two seconds. */
void pair_came(int s, short what);

/* The packet that must cut: the next one of peer x. */
struct seg pair_next(unsigned x, unsigned payload);
void pair_cuts(const struct seg *s);
/* It goes to the kernel as it came, and the pair is still armed. */
void pair_stays(const struct seg *s);
/* That, because the cut was refused for this reason. */
void pair_refused(const struct seg *s, enum graft_count why);

#endif
