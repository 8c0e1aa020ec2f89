/* SPDX-License-Identifier: BSD-2-Clause */
/* dns.h — c-ares on an epoll of ours: whoever waits there hands over what comes
 *
 * As /etc/resolv.conf and /etc/hosts say at the time of dns_open. Between questions it has no descriptors.
 */
#ifndef DAEMON_DNS_H
#define DAEMON_DNS_H

#include <ares.h>
#include <stdbool.h>
#include <stdint.h>

/* Tickets of dns have this bit. */
#define DNS_TICKET ((uint64_t)1 << 62)

struct dns {
	ares_channel channel;
	int epfd;
};

/* 0, -ENOMEM, or -EIO. What is waited for is watched in epfd. */
int dns_open(struct dns **out, int epfd);

/* What is under way is answered with ARES_EDESTRUCTION. NULL is fine. */
void dns_close(struct dns *d);

/* An event came with this ticket. */
void dns_ready(struct dns *d, uint64_t ticket, uint32_t events);

/* How long until dns_late is due, in ms from now; UINT64_MAX: nothing is under way. */
uint64_t dns_patience(struct dns *d);
void dns_late(struct dns *d);

/* Is a name in /etc/hosts? */
bool dns_in_hosts(struct dns *d, const char *name);

#endif
