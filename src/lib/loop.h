/* SPDX-License-Identifier: BSD-2-Clause */
/* loop.h — one wait: carry out, listen, hand out */
#ifndef LIB_LOOP_H
#define LIB_LOOP_H

#include "lib/context.h"

int loop_wait(struct shunt *s, struct shunt_event *events, int max, int timeout_ms);

/* What an end has moved until now, its ways included. */
void loop_stat(const struct shunt_end *e, struct shunt_stat *stat);

#endif
