/* SPDX-License-Identifier: BSD-2-Clause */
/* stream.h — what waits to leave through an end: a queue of pieces, in order */
#ifndef LIB_STREAM_H
#define LIB_STREAM_H

#include "lib/context.h"

void stream_init(struct stream *st);
/* 0, -ENOMEM. Takes a reference of its own. */
int stream_add(struct shunt_end *e, struct shunt_buf *b, size_t off, size_t len);
int stream_add_bytes(struct shunt_end *e, const void *bytes, size_t len);
/* Send what the socket takes. 0: all gone, or the socket is full (F_FULL); -errno: the socket's
 * error, or -ENOMEM / -EIO when a piece's bytes could not be had. */
int stream_flush(struct shunt_end *e);
/* Only the first `keep` bytes that wait stay. 0, or -errno: then a part of what should go may be left. */
int stream_cut(struct shunt_end *e, size_t keep);
/* Tell if what waits has drained far enough. */
void stream_tell_room(struct shunt_end *e);
void stream_drop(struct shunt_end *e);

/* What goes out through e goes to `copy` as well. */
void stream_tap(struct shunt_end *e, struct shunt_end *copy, size_t most);
/* No tap any more, neither of e nor to it. */
void stream_untap(struct shunt_end *e);
/* This will go out through e next: to its tap with it, if there is one. Afterwards the run may lie elsewhere,
 * or be empty: then its bytes are lost. */
void stream_copy(struct shunt_end *e, struct run *r);
/* The same of a single byte. */
void stream_copy_byte(struct shunt_end *e, unsigned char byte);

static inline bool stream_empty(const struct shunt_end *e)
{
	return list_empty(&e->out.pieces);
}

#endif
