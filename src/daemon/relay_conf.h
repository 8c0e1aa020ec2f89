/* SPDX-License-Identifier: BSD-2-Clause */
/* relay_conf.h — what a relay is told: one struct, whoever fills it; shared by all workers, never changed
 * once they run */
#ifndef DAEMON_RELAY_CONF_H
#define DAEMON_RELAY_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "shunt.h"

enum { RELAY_LISTENS = 64, RELAY_TARGETS = 64, RELAY_WORKERS = 256 };

struct relay_conf {
	struct addr_name listen[RELAY_LISTENS];
	size_t listens;
	struct addr target[RELAY_TARGETS]; /* tried in this order */
	size_t targets;
	enum shunt_engine engine;
	size_t unit;          /* bytes moved at a time; 0: the engine's own */
	size_t receive_limit; /* bytes a receive buffer may grow to; 0: the library's own */
	const char *bpffs; /* NULL: /sys/fs/bpf */
	uint16_t graft_first, graft_last; /* ports; 0: the library's own */
	uint32_t graft_slots;
	uint64_t graft_after; /* bytes */
	bool reset_grafts;    /* at the end, instead of leaving them to the kernel */
	unsigned workers;
	uint64_t max_connections;
	/* milliseconds; 0: never */
	uint64_t connect_timeout, idle_timeout, half_closed_timeout, drain_timeout;
};

#endif
