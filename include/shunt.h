/* SPDX-License-Identifier: BSD-2-Clause */
/* shunt.h — look at as much of a stream as you need, direct the kernel what to do with the rest
 *
 * A program attaches sockets; each becomes an *end*. Bytes that arrive at an end are named by a
 * *buffer*, which stays where the kernel put it; the program sees as much of it as it asked for
 * (its *depth*), and gives orders: queue this buffer on that end, put these bytes before it,
 * finish, or *join* two ends for good. Nothing is called back: shunt_wait() hands out events.
 *
 * The rules of ownership
 *   1  A buffer in an event is yours until your next shunt_wait. What you neither queued nor held
 *      by then is dropped: its bytes go nowhere.
 *   2  shunt_hold keeps it longer; each hold needs one shunt_release.
 *   3  shunt_queue takes a hold of its own.
 *   4  Bytes in a held buffer never change.
 *   5  After shunt_join you see neither end's bytes again, only how it goes on: CONNECTED, ROOM for
 *      what was queued before, JOINED or UNJOINED, BROKEN, GONE.
 *   6  An end is gone after its GONE event (or after shunt_detach), and not before.
 *   7  One struct shunt, with all that belongs to it, belongs to one thread.
 *
 * A failing call returns -errno and has changed nothing. A failing connection is an event.
 * Sockets are stream sockets: TCP over IPv4 or IPv6, or Unix. An end of a pipe does as well, for one
 * direction. shunt makes them non-blocking and sets TCP_NODELAY. Since splice(2) may raise SIGPIPE, shunt_open ignores that signal if the
 * program has not handled it. A Unix socket knows no reset: what is cut off there may look like an
 * orderly end to its peer, unless bytes of his lie unread.
 */
#ifndef SHUNT_H
#define SHUNT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) && !defined(SHUNT_PUBLIC)
#define SHUNT_PUBLIC __attribute__((visibility("default")))
#elif !defined(SHUNT_PUBLIC)
#define SHUNT_PUBLIC
#endif

struct shunt;       /* a context: ends, buffers and pipes of one thread */
struct shunt_end;   /* one attached socket */
struct shunt_buf;   /* a run of bytes that arrived, wherever it lies */
struct shunt_graft; /* a process's hold on grafts: programs and tables in the kernel */

/* How bytes move. AUTO is the best that works here. */
enum shunt_engine {
	SHUNT_AUTO,
	SHUNT_COPY,   /* recv and send: two copies, always works */
	SHUNT_SPLICE, /* splice(2) and tee(2): page references, no copy */
	SHUNT_GRAFT, /* a joined pair of TCP connections made one below TCP, see shunt_graft_open */
	SHUNT_ENGINES /* how many there are, for arrays by engine */
};

/* Why an end broke or is gone. */
enum shunt_why {
	SHUNT_WHY_NONE,
	SHUNT_WHY_DONE,        /* both directions were finished in order */
	SHUNT_WHY_RESET,       /* the peer reset the connection */
	SHUNT_WHY_REFUSED,     /* nobody listens there */
	SHUNT_WHY_UNREACHABLE, /* no route, host or network down */
	SHUNT_WHY_TIMEOUT,     /* the kernel gave up waiting for the peer */
	SHUNT_WHY_OTHER_END,   /* the end it was joined with broke; said by GONE alone */
	SHUNT_WHY_ABORTED,     /* shunt_abort or shunt_close */
	SHUNT_WHY_LEFT,        /* shunt_leave: it goes on without us */
	SHUNT_WHY_BEHIND,      /* shunt_tap: more waited on it than may wait */
	SHUNT_WHY_NO_MEMORY,   /* no memory, descriptors or buffers for it */
	SHUNT_WHY_ERROR,       /* anything else: see the event's error */
	SHUNT_WHYS
};

/* Depths: how much of what arrives at an end is seen, and when it is taken out of the socket.
 *
 *   SHUNT_NONE     nothing. Buffers arrive without a view; reading goes on while you hold them,
 *                  up to the limit `outstanding`.
 *   SHUNT_HEAD(n)  the first n bytes of each buffer. The buffer is left lying in the socket's own
 *                  queue until you have queued or released it, or asked for shunt_more, and nothing
 *                  else arrives before that.
 *   SHUNT_ALL      every byte.
 *   SHUNT_JOIN     nothing, and nothing is read before the end is joined, not even the peer's FIN:
 *                  what is only written to takes SHUNT_NONE.
 *   SHUNT_WATCH    not a stream at all: a listening socket, a timer, any descriptor that
 *                  epoll takes. READY comes while it is readable; shunt never reads it.
 */
#define SHUNT_NONE    ((size_t)0)
#define SHUNT_HEAD(n) ((size_t)(n))
#define SHUNT_JOIN    (SIZE_MAX - 2)
#define SHUNT_WATCH   (SIZE_MAX - 1)
#define SHUNT_ALL     SIZE_MAX

enum shunt_what {
	SHUNT_CONNECTED, /* the outgoing end is up */
	SHUNT_ARRIVED,   /* buf, view, seen, length; on an end with depth NONE view is NULL */
	SHUNT_ENDED,     /* the peer sent its FIN: no more will arrive; you may still queue */
	SHUNT_ROOM,      /* what is queued on the end has drained below half its limit */
	SHUNT_READY,     /* a watched descriptor is readable */
	SHUNT_JOINED,    /* the join runs; engine says by what. On its first end, once; and again
			  * when it has become a graft */
	SHUNT_UNJOINED,  /* the other end did not connect: this one is as it was before the join */
	SHUNT_BROKEN,    /* why, error; what was queued on it is void. GONE follows by itself */
	SHUNT_GONE       /* why, stat; the descriptor is closed, the end no longer exists */
};

/* What an end has moved. Bytes that an engine moved are counted when they left for the end. */
struct shunt_stat {
	uint64_t in;                   /* bytes taken from the end's socket */
	uint64_t out;                  /* bytes given to the end's socket */
	uint64_t moved[SHUNT_ENGINES]; /* `out`, by the engine that moved them */
	uint64_t viewed;               /* bytes copied to be looked at */
	size_t queued;                 /* bytes waiting to leave through the end */
	size_t outstanding;            /* bytes that arrived at the end and are not yet let go of */
	uint64_t idle_ms;              /* since a byte last moved in or out */
	uint32_t pipe_refused;         /* steps down to copy: no pipe was to be had */
	uint32_t splice_refused;       /* steps down to copy: the kernel would not splice */
	uint32_t urgent;               /* urgent (MSG_OOB) bytes passed on or stepped over */
	const char *declined;          /* a join was not made a graft: why, in a word; or NULL */
	enum shunt_engine engine; /* that moved most of `out`; the one in use, if none moved yet */
	int ended;                /* the peer's FIN has come */
	int finished;             /* our FIN has gone out */
};

struct shunt_event {
	enum shunt_what what;
	struct shunt_end *end;
	void *user;                    /* as given when the end was made */
	struct shunt_buf *buf;         /* ARRIVED */
	const void *view;              /* ARRIVED: `seen` bytes from the start of buf, or NULL */
	size_t seen;                   /* ARRIVED */
	size_t length;                 /* ARRIVED: bytes in buf */
	enum shunt_engine engine;      /* JOINED, GONE: by which engine most bytes moved */
	enum shunt_why why;            /* BROKEN, GONE */
	int error;                     /* BROKEN, GONE: the errno behind `why`, or 0 */
	const struct shunt_stat *stat; /* GONE: final counts, valid until the next wait */
};

/* Zero means: choose for me. */
struct shunt_options {
	size_t size;              /* sizeof(struct shunt_options); SHUNT_OPTIONS sets it */
	enum shunt_engine engine; /* never a better one than this; AUTO: the best that works */
	size_t unit; /* bytes moved at a time and size of a pipe; 1M by splice, 256K by copy */
	size_t queue_limit;   /* bytes that may wait on one end, and one buffer more; 8M */
	size_t outstanding;   /* bytes of one source held or queued, and one buffer more; 4M */
	size_t receive_limit; /* bytes that a socket's own receive buffer may grow to, as SO_RCVBUF
				   * counts them; 6M */
	struct shunt_graft *graft; /* with engine AUTO or GRAFT: joins may become grafts */
	size_t copy_below; /* splice: what comes in smaller pieces is copied, which costs less than a
			    * pipe, and so is the beginning of a stream; 8K. 1: nothing is */
};
#define SHUNT_OPTIONS                                                                              \
	{                                                                                          \
		.size = sizeof(struct shunt_options)                                               \
	}

/* -- a context -- */

/* Make a context. options may be NULL, or of another version of this header: what it does not have is
 * zero. -EINVAL: no such engine, or an option set that this version does not know; -EMFILE, -ENOMEM. */
SHUNT_PUBLIC int shunt_open(struct shunt **s, const struct shunt_options *options);

/* End everything: queued bytes are dropped, ends are reset and closed, buffers die; descriptors that
 * are only watched stay open. NULL is fine. */
SHUNT_PUBLIC void shunt_close(struct shunt *s);

/* A descriptor for other event loops: readable when the kernel has something for shunt. Orders are
 * carried out, and events kept back by a small `max` handed out, by shunt_wait alone: so call it with
 * timeout 0 until it returns 0, and only then sleep on the descriptor. */
SHUNT_PUBLIC int shunt_fd(const struct shunt *s);

/* Carry out the orders given since the last call, wait up to timeout_ms (-1: for ever, 0: not at
 * all) and fill at most max events. Returns how many; -EINTR when a signal came. */
SHUNT_PUBLIC int shunt_wait(struct shunt *s, struct shunt_event *events, int max, int timeout_ms);

/* -- ends -- */

/* Take over fd, a connected or connecting stream socket (any descriptor with SHUNT_WATCH), and
 * see `depth` of it. A pipe is taken as well: what is queued on its writing end comes out of its reading
 * end, in another context or thread, by reference; it is never joined and knows no reset, and the reading
 * end takes depth NONE or ALL, the writing end NONE. -ENOTSOCK, -EPROTOTYPE: neither a stream socket nor a
 * pipe; -ENOTCONN: neither connected nor connecting (or, if it has failed already, the socket's own error);
 * -EEXIST: attached already; -EINVAL: a depth that a pipe does not have; -ENOMEM, -ENOSPC; -EPERM: to be
 * watched, and epoll does not take it (a file). */
SHUNT_PUBLIC int shunt_attach(struct shunt *s, int fd, size_t depth, void *user,
			      struct shunt_end **end);

/* Give the descriptor back (returned), with all bytes that were not taken out of it still in it.
 * The end is gone, without an event. -EBUSY: bytes are queued on it, it is joined, a held buffer lies
 * in its socket, or bytes were taken out of it that no event has handed out yet; the socket's error,
 * if it has failed (GONE will follow). */
SHUNT_PUBLIC int shunt_detach(struct shunt_end *end);

/* Read this end only while fewer than `bytes` of it are outstanding, instead of the context's limit; 0: not
 * at all, for now. -EINVAL: watched or gone; -EBUSY: joined. */
SHUNT_PUBLIC int shunt_limit(struct shunt_end *end, size_t bytes);

/* Begin to connect; CONNECTED or BROKEN tells. Orders, shunt_join too, may be given at once. `like`,
 * NULL or another end of the context, is the one it will be joined with: where bytes wait there
 * already, the connection is made with one packet less (TCP_QUICKACK, tcp(7)).
 * -errno as socket(2) and connect(2): also what is refused at once, as by a Unix socket. */
SHUNT_PUBLIC int shunt_connect(struct shunt *s, const struct sockaddr *to, socklen_t len,
			       struct shunt_end *like, size_t depth, void *user,
			       struct shunt_end **end);

/* The head was not enough: put the buffer of the last ARRIVED back, and have ARRIVED again, with a
 * deeper view, when `want` bytes are there. If then fewer are seen, no more can be seen: the peer
 * finished, its window holds no more (a small one, when the kernel is short of memory for TCP), or an
 * urgent byte comes next. On a Unix socket `want` must fit into the peer's send buffer, where a short
 * write takes as much as a page: nothing tells when that is full. -EINVAL: not a head depth, more than
 * 1 GiB, or no head was handed out; -EBUSY: it is held, queued or joined. */
SHUNT_PUBLIC int shunt_more(struct shunt_end *end, size_t want);

/* -- buffers -- */

/* The bytes of buf that may be read, from its first one; *seen says how many. NULL when none. */
SHUNT_PUBLIC const void *shunt_view(const struct shunt_buf *buf, size_t *seen);

/* Bytes in buf. */
SHUNT_PUBLIC size_t shunt_length(const struct shunt_buf *buf);

/* Keep buf beyond the next wait. */
SHUNT_PUBLIC int shunt_hold(struct shunt_buf *buf);

/* Let go of one hold. -EINVAL: it has none of yours. */
SHUNT_PUBLIC int shunt_release(struct shunt_buf *buf);

/* Move the first n bytes of `from` behind those of `to`, or nowhere when that is NULL: what arrived in small parts and is held for long
 * then takes fewer pipes. By reference where both lie in pipes, copied otherwise. Returns how many went
 * over, fewer when `to` has a unit or no place left; `from` keeps the others, and its holds, even when it is
 * empty. -EINVAL: the same buffer, another context's, or one with a view; -EBUSY: a part of `from` was
 * queued, and its turn has not come; -ENOMEM; -EIO: the kernel did not give back what lay in a pipe, and the
 * buffer that is concerned can't be queued any more. */
SHUNT_PUBLIC ssize_t shunt_pack(struct shunt_buf *to, struct shunt_buf *from, size_t n);

/* Bytes of memory that buf takes at most: what lies in a pipe takes a page for each place in it. */
SHUNT_PUBLIC size_t shunt_footprint(const struct shunt_buf *buf);

/* -- orders to an output: carried out in order, at the next wait -- */

/* Send len bytes of buf from off, by reference. -EINVAL: not within buf, or buf was put back; -EPIPE: finished or broken;
 * -EAGAIN: the end has its limit queued already, wait for ROOM; -EBUSY: joined; -ENOMEM. */
SHUNT_PUBLIC int shunt_queue(struct shunt_end *end, struct shunt_buf *buf, size_t off, size_t len);

/* Send these bytes, by value. Errors as shunt_queue. */
SHUNT_PUBLIC int shunt_insert(struct shunt_end *end, const void *bytes, size_t len);

/* Of what is queued on the end only the first `keep` bytes will be sent: for who is too far behind. When all
 * was cut, ROOM comes as soon as the socket takes bytes again. -EINVAL: watched or gone; -EBUSY: joined;
 * -ENOMEM: less was cut. */
SHUNT_PUBLIC int shunt_cut(struct shunt_end *end, size_t keep);

/* FIN after the last byte. -EPIPE, -EBUSY. */
SHUNT_PUBLIC int shunt_finish(struct shunt_end *end);

/* RST now; of a joined pair both ends, but of one that is still connecting only that end, and the
 * other is as it was before the join. What is queued is dropped. GONE follows. -EINVAL: watched. */
SHUNT_PUBLIC int shunt_abort(struct shunt_end *end);

/* -- joins -- */

/* Everything from now on goes from a to b and from b to a, FIN as FIN and reset as reset, after what
 * is queued on them now. It begins when both are connected. If b or a fails to connect, the other is
 * as it was before, and hears UNJOINED. -EINVAL: the same end, another context, watched; -EBUSY: joined already;
 * -EPIPE: one is finished or broken. */
SHUNT_PUBLIC int shunt_join(struct shunt_end *a, struct shunt_end *b);

/* What goes out through `out` from now on goes to `copy` as well: by reference, in the same order, whether it
 * is queued, inserted or comes by a join. When more than `most` bytes (0: the context's queue_limit) would
 * wait on `copy`, it breaks with SHUNT_WHY_BEHIND, and `out` goes on alone; whatever happens to `copy`, nothing
 * of it is felt on `out`. Urgent bytes come in line; FIN and reset do not come: finish or abort `copy`. A join
 * that is tapped does not become a graft. -EINVAL: the same end, another context, watched; -EBUSY: one of them has
 * a tap already, `copy` is joined, or the join of `out` is becoming a graft; -EPIPE: one is finished or broken. */
SHUNT_PUBLIC int shunt_tap(struct shunt_end *out, struct shunt_end *copy, size_t most);

/* -- grafts --
 *
 * A join whose two TCP connections agree well enough is handed over to the kernel below TCP, once it has
 * relayed `least` bytes: packets are rewritten and leave, no socket is left, nobody is woken, and the
 * connection outlives the process. Its bytes are counted all the same; shunt_abort resets it; GONE tells
 * of its end. What cannot be grafted stays as it was. (More: doc/graft.md)
 *
 * Needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN in the thread that opens; a thread of the library's own
 * keeps CAP_NET_ADMIN, all others may drop theirs afterwards. */
struct shunt_graft_options {
	size_t size;                    /* sizeof(struct shunt_graft_options) */
	const char *bpffs;              /* where a BPF file system is mounted; /sys/fs/bpf */
	uint16_t port_first, port_last; /* ports for outgoing ends, nobody else's; 40000-49999 */
	uint32_t slots;                 /* how many grafts there can be; 65536 */
	uint64_t least;                 /* bytes relayed before a join is handed over; 32K */
	uint64_t idle_ms;               /* end adopted grafts that are idle so long; never */
	int clsact;                     /* clsact filters, even where the kernel has TCX */
};
#define SHUNT_GRAFT_OPTIONS                                                                        \
	{                                                                                          \
		.size = sizeof(struct shunt_graft_options)                                         \
	}

/* The end of a graft that an earlier process had made. Index 0 is the first end of its join. */
struct shunt_graft_end {
	struct sockaddr_storage peer[2], self[2];
	uint64_t grafted[2]; /* bytes that went to peer i below TCP */
	uint64_t before[2];  /* bytes that went to him before */
	uint64_t conn;       /* shunt_graft_name's number */
	uint64_t age_ms;
	enum shunt_why why;
	int reset_by; /* with SHUNT_WHY_RESET: which peer */
};

/* Load the programs, or take over what an earlier process left, grafts that live included. problem, of
 * `size` bytes, says in words what is missing and what to do about it. -EPERM, -ENOENT, -ENOSYS,
 * -EADDRINUSE (the ports are another's), -EINVAL, -ENOMEM … One struct serves all contexts of a process. */
SHUNT_PUBLIC int shunt_graft_open(struct shunt_graft **g, const struct shunt_graft_options *options,
				  char *problem, size_t size);
/* After all contexts that use it. Grafts that live go on; the next shunt_graft_open finds them. */
SHUNT_PUBLIC void shunt_graft_close(struct shunt_graft *g);

/* Readable when an adopted graft has ended; then call shunt_graft_ended until it returns 0. */
SHUNT_PUBLIC int shunt_graft_fd(const struct shunt_graft *g);
SHUNT_PUBLIC int shunt_graft_ended(struct shunt_graft *g, struct shunt_graft_end *end);

/* A number of the program's own for the join of this end, kept with the graft for who adopts it.
 * -EINVAL: it is not joined. */
SHUNT_PUBLIC int shunt_graft_name(struct shunt_end *end, uint64_t conn);

/* Let a graft go on without us: GONE with SHUNT_WHY_LEFT and the counts so far follows, for both ends.
 * -EAGAIN: not wholly yet; JOINED comes when it is. -EBUSY: it is no graft. */
SHUNT_PUBLIC int shunt_leave(struct shunt_end *end);

/* -- knowing -- */

/* The counts of an end, or of the whole context with end NULL. */
SHUNT_PUBLIC int shunt_stat(const struct shunt *s, const struct shunt_end *end,
			    struct shunt_stat *out);

/* "splice", "reset", "0.1.0": for logs. Never NULL. */
SHUNT_PUBLIC const char *shunt_engine_text(enum shunt_engine engine);
SHUNT_PUBLIC const char *shunt_why_text(enum shunt_why why);
SHUNT_PUBLIC const char *shunt_version(void);

#ifdef __cplusplus
}
#endif
#endif
