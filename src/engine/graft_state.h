/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_state.h — what the rooms of the graft share in user space
 *
 *   join ──▶ pair ──▶ seat + slot (shared with the kernel's half)
 *              ▲           │
 *              └── post ◀──┴── keeper: the one thread that holds rights
 *
 * A pair is how a join sees its graft. A seat is our half of a slot: who sits there, and until when. The
 * keeper hears what the programs tell, retires sockets, lets slots linger, ends what must be ended, and
 * puts news into the post of the context that a pair belongs to.
 *
 * `lock` guards seats, posts and the keeper's lists. It is never held over a system call that waits.
 */
#ifndef ENGINE_GRAFT_STATE_H
#define ENGINE_GRAFT_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "engine/graft_device.h"
#include "engine/graft_kernel.h"
#include "engine/graft_port.h"
#include "shunt.h"

/* Why a joined pair stays what it is. X(name in C, its text, what it says) */
#define GRAFT_DECLINES(X)                                                                          \
	X(GD_FAMILY, "family", "not TCP on both sides, or IPv4 on one and IPv6 on the other")      \
	X(GD_STATE, "state", "a side is closing, or has gone")                                     \
	X(GD_STAMPS, "timestamps", "one side has TCP timestamps, the other has not")               \
	X(GD_SACK, "sack", "one side has selective acknowledgements, the other has not")           \
	X(GD_ECN, "ecn", "one side has ECN, the other has not")                                    \
	X(GD_MSS, "mss", "one side may send larger packets than the other takes")                  \
	X(GD_PORT, "port", "our port is not of the grafts' range: none was free")                  \
	X(GD_NAT, "nat", "its address was translated on this machine")                             \
	X(GD_TAKEN, "taken", "the tuple is in use by another graft")                               \
	X(GD_SLOTS, "slots", "all slots are in use")                                               \
	X(GD_MEMORY, "memory", "no memory")                                                        \
	X(GD_BUSY, "busy", "it never stood still for a moment")                                    \
	X(GD_SPECIAL, "special",                                                                   \
	  "a side has MPTCP, TLS in the kernel, MD5 or AO, accurate ECN, or odd stamps")           \
	X(GD_DEVICE, "device",                                                                     \
	  "packets of a side pass by the programs, or are translated on this machine")             \
	X(GD_RETIRE, "retire", "its sockets could not be taken away")

enum graft_decline {
	GD_NONE,
#define GD_NAME(name, text, meaning) name,
	GRAFT_DECLINES(GD_NAME)
#undef GD_NAME
		GD_COUNT
};
const char *graft_decline_text(enum graft_decline d);

enum {
	GRAFT_PORT_FIRST = 40000,
	GRAFT_PORT_LAST = 49999,
	GRAFT_SLOTS = 65536,
	GRAFT_LEAST = 32 * 1024
};

struct pair;

struct seat {
	struct list in;     /* free, lingering, or none */
	struct pair *owner; /* NULL: free, lingering, or adopted */
	uint64_t due;       /* ms: until when it lingers, or from when it may be used again */
	bool adopted;
};

/* News for one context; its descriptor is readable while there are some. */
struct graft_post {
	struct list pairs;
	int fd;
};

struct shunt_graft {
	struct graft_kernel kernel;
	struct graft_devices devices;
	struct graft_ports ports;
	uint64_t least, idle_ms;
	bool opened_devices;
	bool adopted; /* some were found at the start */

	pthread_mutex_t lock;
	struct seat *seat;
	struct list free, lingering, retiring, killing, ended;
	int ended_fd;

	pthread_t thread;
	bool running;
	_Atomic bool stop;
	int wake;
	void *ring; /* see graft_tuple.h */

	_Atomic uint64_t made; /* slots ever taken: the number of a life */
};

/* The end of a graft that was found at the start, for who asks by shunt_graft_ended. */
struct graft_ended {
	struct list in;
	struct shunt_graft_end end;
};

static inline struct graft_slot *graft_slot(struct shunt_graft *g, uint32_t index)
{
	return &g->kernel.slot[index];
}

static inline uint32_t slot_state(const struct graft_slot *slot)
{
	return __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);
}

static inline bool slot_move(struct graft_slot *slot, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(&slot->state, &from, to, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

static inline bool seq_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* Which peer reset it: of two, the one who came first. The other answers what he gets. */
static inline int graft_reset_by(const struct graft_slot *slot)
{
	const struct graft_side *a = &slot->side[0], *b = &slot->side[1];

	if (!(a->seen & SIDE_RST) || !(b->seen & SIDE_RST))
		return b->seen & SIDE_RST ? 1 : 0;
	return b->rst_at < a->rst_at;
}

/* Count it, where `shunt graft status` finds it. */
void graft_decline(struct shunt_graft *g, enum graft_decline why);

#endif
