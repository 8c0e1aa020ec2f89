/* SPDX-License-Identifier: BSD-2-Clause */
/* buf.h — buffers: bytes that arrived and stay where they are until the last holder lets go
 *
 * A buffer's bytes lie in one of three places. In the socket's own queue: a head that is being
 * looked at is peeked into `look` and takes neither a pipe nor a place of its own; it is lifted when
 * it is first sent, and dropped from the socket when it never is. In a pipe: sent by reference, and
 * shared by tee. In memory: everything that was looked at in whole, and short arrivals.
 */
#ifndef LIB_BUF_H
#define LIB_BUF_H

#include "lib/context.h"

/* Take what is there, as deep as the end wants to see. > 0: e->buf is the new buffer; 0: the stream
 * has ended; -EAGAIN; -ENOMEM; or the socket's error. */
int buf_arrive(struct shunt_end *e);

/* Take a lying buffer's bytes out of the socket, into its run. */
int buf_lift(struct shunt_buf *b);

/* Leave a lying buffer's bytes in the socket; the buffer has only its view left. */
void buf_put_back(struct shunt_buf *b);

struct shunt_buf *buf_ref(struct shunt_buf *b);
void buf_unref(struct shunt_buf *b);

/* The end is about to close: save what others still hold of its socket, part with the rest. */
void buf_orphan_all(struct shunt_end *e);

/* A head is done with: the socket tells of every byte again. */
void buf_low_water(struct shunt_end *e, size_t bytes);

#endif
