/* SPDX-License-Identifier: BSD-2-Clause */
/* fit.h — a new outgoing socket is made such that it can be grafted later: its port, and what its SYN offers */
#ifndef LIB_FIT_H
#define LIB_FIT_H

#include "lib/context.h"

/* A port of the grafts' range, options and a segment size that like's peer has as well. Returns the port;
 * 0: none is to be had, and the socket is as it was. */
uint16_t fit_begin(struct shunt *s, int fd, const struct shunt_end *like, int family);
/* Give a port back: of no end; of this end, if it has one. */
void fit_drop(struct shunt *s, uint16_t port);
void fit_end(struct shunt_end *e);

#endif
