/* SPDX-License-Identifier: BSD-2-Clause */
/* pack.h — held buffers put together, so that many small ones do not take a pipe each */
#ifndef LIB_PACK_H
#define LIB_PACK_H

#include <sys/types.h>

#include "lib/context.h"

/* As shunt_pack says. */
ssize_t pack(struct shunt_buf *to, struct shunt_buf *from, size_t n);
/* As shunt_footprint says. */
size_t pack_footprint(const struct shunt_buf *b);

#endif
