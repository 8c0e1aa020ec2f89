/* SPDX-License-Identifier: BSD-2-Clause */
/* window.h — how far a sender may run ahead of us
 *
 * The kernel lets a receive buffer grow with the pace at which it is emptied, up to the third value
 * of net.ipv4.tcp_rmem: 6 MB for many years, 32 MB in kernels since 2025. A relay empties its sockets at
 * the pace of the machine, so every busy one grows to the limit; when its other side stalls, all of
 * that is filled and held. So a buffer that has outgrown the context's limit is set to it, once, and
 * grows no more. Where the kernel would not allow as much as the limit (net.core.rmem_max), nothing
 * is set: a window that is too small is slow for as long as the connection lives.
 */
#ifndef ENGINE_WINDOW_H
#define ENGINE_WINDOW_H

#include "engine/engine.h"

/* n bytes were taken from the source. */
void window_note(const struct kit *k, struct source *s, size_t n);

#endif
