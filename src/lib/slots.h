/* SPDX-License-Identifier: BSD-2-Clause */
/* slots.h — where the ends of a context stand, and which descriptors they have */
#ifndef LIB_SLOTS_H
#define LIB_SLOTS_H

#include "lib/context.h"

/* The end gets a slot of its own, and this descriptor, which no other end may have. 0, -EEXIST, -ENOMEM, -ENOSPC. */
int slots_enter(struct shunt_end *e, int fd);
void slots_leave(struct shunt_end *e);

/* Its descriptor is no longer ours, and may come back: see end_lend. */
int slots_lend(struct shunt_end *e);
void slots_take_back(struct shunt_end *e, int fd);

/* What epoll is to say of it; and whom it spoke of: NULL, if he is gone. */
uint64_t slots_ticket(const struct shunt_end *e);
struct shunt_end *slots_find(const struct shunt *s, uint64_t ticket);

void slots_free(struct shunt *s);

#endif
