/* SPDX-License-Identifier: BSD-2-Clause */
/* window.h — how far a sender may run ahead of us
 *
 * The kernel lets a receive buffer grow with the pace at which it is emptied, up to the third value
 * of net.ipv4.tcp_rmem: 6 MB for many years, 32 MB in kernels since 2025. A relay empties its sockets at
 * the pace of the machine, so a busy one grows to that limit, at times in one step; when its other side
 * stalls, all of it is filled and held, and a window that was offered can't be taken back. So where the
 * kernel's limit is above the context's, a buffer is set to the context's as soon as its socket has
 * brought more than a little, and is no longer the kernel's to grow. One that the program has set
 * itself is left alone; and where the kernel would not allow as much (net.core.rmem_max) nothing is
 * set, for a window that is too small is slow for as long as the connection lives.
 */
#ifndef ENGINE_WINDOW_H
#define ENGINE_WINDOW_H

#include "engine/engine.h"

/* Of one socket, before it was narrowed. */
struct window {
	int locks, size; /* SO_BUF_LOCK; SO_RCVBUF as it is read, or 0: it was small enough */
	bool narrow;
};

/* For a while the socket's peer may send no more than a block ahead: its receive buffer does not grow, and is made
 * smaller if it is larger. True: it was, so that more than that may be on its way. */
bool window_narrow(int fd, struct window *was);
void window_widen(int fd, struct window *was);
/* It offers no more than about 1 KB from now on, whatever its buffer holds, or what that allows. The kernel
 * forgets it when segments of another size come. */
void window_small(int fd, bool small);

/* The limit to keep, when `wanted` is: 0 if the kernel keeps it by itself. */
size_t window_limit(size_t wanted);

/* n bytes were taken from the source. */
void window_note(const struct kit *k, struct source *s, size_t n);

#endif
