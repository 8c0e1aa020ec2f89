/* SPDX-License-Identifier: BSD-2-Clause */
/* zone.h — a name server that answers as it is told, in a world of its own
 *
 * The process moves into namespaces of its own, with an /etc of its own and a loopback that has
 * nobody else on it; a child answers at 127.0.0.1:53, over UDP and TCP.
 */
#ifndef BACKEND_ZONE_H
#define BACKEND_ZONE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { ZONE_A = 1, ZONE_CNAME = 5, ZONE_AAAA = 28, ZONE_SRV = 33 };

enum zone_way {
	ZONE_TELLS,
	ZONE_FAILS,  /* SERVFAIL */
	ZONE_SILENT, /* no answer at all */
	ZONE_TORN,   /* the last record is longer than the message */
};

struct zone_row {
	char name[256], data[256];
	uint16_t type;
	enum zone_way way;
	uint32_t ttl;
	unsigned count; /* so many addresses, from data on */
	atomic_uint asked;
};

/* False: this user may not have namespaces, or the system has none. Only while there are no threads. */
bool zone_enter(void);
void zone_leave(void);

/* What /etc/resolv.conf and /etc/hosts say. */
void zone_resolv_conf(const char *text);
void zone_hosts(const char *text);

/* Nothing is known any more: all names are not there. */
void zone_clear(void);

/* Data of SRV: "priority weight port target". The row stays until zone_clear. */
struct zone_row *zone_add(const char *text, uint16_t type, enum zone_way way, uint32_t ttl,
			  const char *what, unsigned count);

/* Questions so far, over UDP and TCP. */
unsigned zone_asked(void);
unsigned zone_asked_by_tcp(void);

#endif
