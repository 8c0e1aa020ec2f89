/* SPDX-License-Identifier: BSD-2-Clause */
/* route.h — facts of a head to a backend */
#ifndef DAEMON_ROUTE_H
#define DAEMON_ROUTE_H

#include "daemon/conf.h"
#include "look/head.h"

/* Which route takes a stream that begins so: an index into l->route, or l->routes: none does, and
 * `default` has it. */
size_t route_find(const struct conf_listener *l, const struct head_facts *facts);

#endif
