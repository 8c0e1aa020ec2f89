/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* graft_map.h — what the kernel's half of a graft and ours both know: the slot, and who writes what
 *
 * A graft is a pair of TCP connections, peer 0 to us and us to peer 1, that the kernel makes one below
 * TCP. Its slot lies in an array that both halves map. Each has two sides; side x holds what concerns
 * the packets that ARRIVE FROM peer x, and where packets TO peer x leave.
 *
 *      peer 0 ──▶ [side 0] ─ ─ ▶ leaves as from us by side[1] ──▶ peer 1
 *      peer 0 ◀── leaves by side[0] ◀─ ─ [side 1] ◀────────────── peer 1
 *
 * The state word is all the synchronisation there is:
 *
 *   FREE ─▶ PAUSED ◀─▶ ARMED ─▶ SWITCHING ─▶ GRAFTED ─▶ CLOSED ─▶ FREE
 *                        ◀────────┘ refused
 *
 *   PAUSED     user space may touch both sockets
 *   ARMED      user space holds no byte of either and touches neither socket; it takes the pair back by
 *              compare-and-swap to PAUSED
 *   SWITCHING  the program, on a packet, looks whether the pair can be cut here; shuts out everybody
 *   GRAFTED    packets are rewritten and leave; user space drains what the sockets still have
 *   CLOSED     both FINs were acknowledged
 *
 * Sequence numbers are of the stream that side's packets carry (as the peer counts them) unless a
 * comment says otherwise.
 */
#ifndef ENGINE_GRAFT_MAP_H
#define ENGINE_GRAFT_MAP_H

#include <linux/types.h>

#define GRAFT_LAYOUT 2 /* of everything in this file; part of the names of the pins */

enum slot_state {
	SLOT_FREE,
	SLOT_PAUSED,
	SLOT_ARMED,
	SLOT_SWITCHING,
	SLOT_GRAFTED,
	SLOT_CLOSED,
};

enum slot_flag {
	SLOT_V6 = 1 << 0,
	SLOT_STAMPS = 1 << 1, /* both connections carry timestamps */
};

/* Bits of graft_side.seen, set by whoever sees it. */
enum side_seen {
	SIDE_FIN = 1 << 0,       /* fin_end is known */
	SIDE_FIN_ACKED = 1 << 1, /* the other peer has acknowledged it */
	SIDE_RST = 1 << 2,       /* a reset that its receiver believes */
	SIDE_ECHO_NEW = 1 << 3,  /* the peer echoes stamps from after the cut */
	SIDE_MET = 1 << 4,       /* before the cut: a packet of his came by */
};

/* The tuple of a packet as it arrives, network order. */
struct graft_key4 {
	__u32 from, to;
	__u16 from_port, to_port;
};

struct graft_key6 {
	__u32 from[4], to[4];
	__u16 from_port, to_port;
};

struct graft_side {
	/* by user space, before the first ARMED; network order, an IPv4 address in [0] */
	__u32 peer[4], self[4];
	__u16 peer_port, self_port;
	__u32 pad0;
	__u64 cookie; /* of our socket to this peer: proves that it is still the same */
	/* by the program at the cut; ifindex and hop later by user space, when routes change */
	__u32 ifindex;    /* by which packets to this peer leave */
	__u32 hop_family; /* 0: let the kernel find the way; else AF_INET, AF_INET6: */
	__u32 hop[4];
	__u32 shift_in, shift_out; /* window scale of the peer's windows; of those we gave him */
	__u32 dseq, dack;          /* added to seq and ack of packets from this peer (mod 2^32) */
	__u32 dstamp, decho;       /* added to TSval and TSecr */
	__u32 echo_least; /* TSecr to the other peer is no smaller until he echoes newer stamps */
	__u32 start;      /* seq of the first byte of this peer that was grafted */
	__u32 base;       /* the first seq of our stream TO this peer that is not our socket's */
	/* by user space while it drains (atomically): */
	__u32 fin;  /* base, and what it has sent to this peer since */
	__u32 here; /* start, and what our socket took in from this peer since */
	__u32 pad1;
	/* by the program, at each packet; user space adjusts `next`, `bytes` and `fin_end` when it drains */
	__u32 ack;     /* the highest acknowledgement from this peer (of our stream to him) */
	__u32 edge;    /* the highest seq of our stream to him that he has allowed */
	__u32 next;    /* seq after the last byte that came, without FIN */
	__u32 fin_end; /* seq after his FIN */
	__u32 seen;    /* enum side_seen */
	__u32 pad2;
	__u64 bytes; /* of the stream, passed on below TCP; what came twice counts once */
	__u64 packets;
	__u64 last;   /* when a packet that is no reset came: ns of CLOCK_MONOTONIC, to a tick */
	__u64 rst_at; /* when the reset came */
};

struct graft_slot {
	__u32 state; /* enum slot_state */
	__u32 flags;
	__u32 final;  /* our sockets are closed: nothing goes to the kernel any more */
	__u32 life;   /* counts the uses of the slot */
	__u64 cut_at; /* ns of CLOCK_MONOTONIC */
	__u64 closed_at;
	/* by user space, for the line at the end and for who adopts it */
	__u64 conn;  /* its number in the daemon that made it */
	__u64 began; /* ns of CLOCK_REALTIME: when the client was accepted */
	__u64 before
		[2]; /* bytes that went TO peer i by other engines; kept up until the sockets close */
	__u32 refusal; /* enum graft_count: why the last try to cut was refused */
	__u32 refusals;
	struct graft_side side[2];
};

enum graft_event_kind { GRAFT_EV_CUT = 1, GRAFT_EV_CLOSED, GRAFT_EV_RST, GRAFT_EV_REUSE };

struct graft_event {
	__u32 slot;
	__u32 life;
	__u32 kind;
	__u32 side;
};

/* Counted by the program for each CPU. X(name in C, its text, what it says) */
#define GRAFT_COUNTS(X)                                                                            \
	X(GC_CUT, "cut", "pairs grafted")                                                          \
	X(GC_NO_SOCKET, "no-socket", "cut refused: a socket was not found")                        \
	X(GC_OTHER_SOCKET, "other-socket", "cut refused: the tuple is another socket's by now")    \
	X(GC_NOT_UP, "not-up", "cut refused: not established, or half closed")                     \
	X(GC_URGENT, "urgent", "cut refused: urgent bytes")                                        \
	X(GC_BACKLOG, "backlog", "cut refused: packets wait for a socket's lock")                  \
	X(GC_DISORDER, "disorder", "cut refused: bytes are missing or out of order")               \
	X(GC_UNACKED, "unacked", "cut refused: bytes of ours are not acknowledged yet")            \
	X(GC_UNREAD, "unread", "cut refused: bytes wait to be read")                               \
	X(GC_WINDOW, "window", "cut refused: more was allowed to one peer than the other allows")  \
	X(GC_SEGMENT, "segment",                                                                   \
	  "cut refused: one peer may send larger segments than the other takes")                   \
	X(GC_NO_ROUTE, "no-route", "cut refused: the way out of a socket is not known")            \
	X(GC_NO_DEVICE, "no-device",                                                               \
	  "cut refused: packets come or would leave by a device that is not ours")                 \
	X(GC_SPECIAL, "special",                                                                   \
	  "cut refused: MPTCP, TLS, MD5 or AO, accurate ECN, or stamps in microseconds")           \
	X(GC_ONE_SIDED, "one-sided",                                                               \
	  "cut refused: nothing of the other peer has come by the program yet")                    \
	X(GC_KERNEL, "to-kernel",                                                                  \
	  "acknowledgements given to the kernel: they are for bytes it owns")                      \
	X(GC_RAISED, "raised", "acknowledgements raised to what the kernel had acknowledged")      \
	X(GC_SLOW, "slow-options", "packets whose options were read one by one")                   \
	X(GC_OPTIONS, "drop-ip-options", "packets dropped: IP options on a graft")                 \
	X(GC_FRAGMENT, "drop-fragment", "packets dropped: fragments on a graft")                   \
	X(GC_TTL, "drop-ttl", "packets dropped: time to live is over")                             \
	X(GC_SHORT, "drop-short", "packets dropped: shorter than they say")                        \
	X(GC_REUSE, "reuse", "grafts that were over, and made room for a new connection")          \
	X(GC_ODD_RST, "odd-reset", "resets passed on that their receiver will not believe")        \
	X(GC_ICMP, "icmp", "ICMP errors translated to the peer they concern")                      \
	X(GC_ICMP_ODD, "icmp-odd", "ICMP errors about a graft that were not for it: dropped")      \
	X(GC_SYN, "syn", "SYNs of ours whose options were fitted to the other side")               \
	X(GC_LOST_EVENT, "lost-event", "events that found no room")

enum graft_count {
#define GC_NAME(name, text, meaning) name,
	GRAFT_COUNTS(GC_NAME)
#undef GC_NAME
		GC_COUNTS
};

/* One byte for each port that we connect from: what to take out of its SYN, by user space; and whether the
 * answer came by the program as the socket knows it, by the program. */
enum graft_strip {
	STRIP_STAMPS = 1,
	STRIP_SACK = 2,
	STRIP_ECN = 4,
	STRIP_ALL = STRIP_STAMPS | STRIP_SACK | STRIP_ECN,
	PORT_OURS = 8,
	PORT_MET = 16,
};
enum { GRAFT_PORTS = 65536, STRIP_ROW = 64 };

enum { GRAFT_DECLINES_MOST = 64 }; /* room for counts by enum graft_decline */

#endif
