/* SPDX-License-Identifier: BSD-2-Clause */
/* attach.h — a new end: for a descriptor from outside, or for a connection of our own */
#ifndef LIB_ATTACH_H
#define LIB_ATTACH_H

#include "lib/context.h"

/* For a stream socket or a pipe. -EBADF, -EPROTOTYPE, -ENOTCONN, -EEXIST, -ENOMEM, -ENOSPC, or what the socket's
 * own failure was. */
int attach_stream(struct shunt *s, int fd, size_t depth, struct shunt_end **out);
/* For any descriptor that epoll takes. */
int attach_watched(struct shunt *s, int fd, struct shunt_end **out);
/* Begin to connect: see shunt_connect. */
int attach_connect(struct shunt *s, const struct sockaddr *to, socklen_t len,
		   const struct shunt_end *like, size_t depth, struct shunt_end **out);

#endif
