/* SPDX-License-Identifier: BSD-2-Clause */
/* connections.h — how connections are while they run, as JSON (RFC 8259)
 *
 *	{"count": 3, "left_out": 2, "whole": true, "connections": [
 *	  {"conn": 7, "phase": "running", "client": "192.0.2.7:50214", "listen": "...", "protocol": "tls",
 *	   "sni": "a.example", "host": null, "backend": "web", "server": "10.0.0.5:443", "engine": "splice",
 *	   "age_ms": 1500, "idle_ms": 20, "up": 517, "down": 90210,
 *	   "moved": {"up": {"copy": 0, "splice": 517, "graft": 0}, "down": {...}}}]}
 *
 * What is not known, or does not apply, is null.
 */
#ifndef DAEMON_CONNECTIONS_H
#define DAEMON_CONNECTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "daemon/survey.h"

/* `whole`: all workers have answered. 0 or -ENOMEM. */
int connections_print(const struct survey *s, bool whole, FILE *to);

#endif
