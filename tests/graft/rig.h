/* SPDX-License-Identifier: BSD-2-Clause */
/* rig.h — the real program, run on one packet at a time, beside the model
 *
 * The maps are filled from user space; a packet goes in by BPF_PROG_TEST_RUN, and what comes out, the
 * slots, the tuples, the counts and the events must be what the model says, to the byte.
 */
#ifndef GRAFT_RIG_H
#define GRAFT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "model.h"

enum { RIG_MOST = 3300 }; /* bytes of a packet that a test run takes */

struct rig {
	int in, out; /* the programs */
	struct graft_slot *slot;
	uint8_t *strip;
	struct model m;
	unsigned runs;
};

extern struct rig rig;

/* A network namespace of our own with lo up, and the programs loaded; as setup of a group. Ends the
 * process with 77 and a reason where that cannot be. */
int rig_open(void **state);
int rig_close(void **state);

/* The device of this index has the program: packets may leave by it. */
void rig_device(unsigned ifindex, bool has);

/* The model's slots and tuples are the truth: copy them into the maps. */
void rig_put(void);
/* w through the program `fd`, in place, with the context's pkt_type as Ethernet makes it. Returns the
 * verdict. */
int rig_run(int fd, struct wire *w);
/* How often has the program counted this since the last call. */
uint64_t rig_counted(enum graft_count what);
/* Events since the last call. */
unsigned rig_events(struct graft_event *e, unsigned most);

/* w through program and model: everything must agree. Returns the verdict, w is what came out. */
int rig_in(struct wire *w);
int rig_out(struct wire *w);

/* -- the scene that most tests begin with: slot 0, GRAFTED and final, with numbers that tell apart -- */

struct graft_slot *rig_scene(bool v6);
/* A segment from peer x of slot 0: ACK with what was acknowledged last, window 1000. */
struct seg rig_seg(unsigned x);
/* Build it and put it in: the verdict; what came out is in *w if that is not NULL. */
int rig_send(const struct seg *s, struct wire *w);
/* Options NOP NOP stamps. Returns their length. */
unsigned stamps(uint8_t *to, uint32_t value, uint32_t echo);
/* NOP NOP SACK with so many blocks: from, from + 100; from + 1000, from + 1100; ... */
unsigned sack(uint8_t *to, unsigned blocks, uint32_t from);

#endif
