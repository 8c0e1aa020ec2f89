/* SPDX-License-Identifier: BSD-2-Clause */
/* service.h — what a service manager is told (sd_notify(3)); nothing, where there is none */
#ifndef DAEMON_SERVICE_H
#define DAEMON_SERVICE_H

#include <stdint.h>

void service_ready(void);
void service_reloading(void);
/* Of a reload, good or bad: ready again. */
void service_reloaded(void);
void service_stopping(void);

/* A line for `systemctl status`. */
void service_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* How often it wants to hear that we live, in ms; 0: never. Half of what it waits. */
uint64_t service_watchdog_ms(void);
void service_lives(void);

#endif
