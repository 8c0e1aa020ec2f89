/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_routes.h — can each route of a listener be taken, and can the listener serve anybody? */
#ifndef DAEMON_CONF_ROUTES_H
#define DAEMON_CONF_ROUTES_H

#include "daemon/conf.h"
#include "daemon/conf_report.h"

void conf_check_routes(const struct conf_listener *l, struct conf_report *report);

#endif
