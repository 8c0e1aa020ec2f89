/* SPDX-License-Identifier: BSD-2-Clause */
/* srv.h — what a name server answers to a question for an SRV name (RFC 2782) */
#ifndef LOOK_SRV_H
#define LOOK_SRV_H

#include <stddef.h>
#include <stdint.h>

#define SRV_HOST 256 /* a host name has at most 253 characters */

struct srv_record {
	uint16_t priority, weight, port; /* the port is not 0 */
	char target[SRV_HOST];           /* a host name, without a dot at the end */
};

/* The records of an answer of n bytes, at most `most` of them, into `out`; and in *ttl the seconds that the
 * shortest-lived of them may be believed. Records that lead nowhere, as "." does, are left out. Returns how many,
 * 0 too, or -EBADMSG: it is no answer of DNS, or is torn. */
int srv_read(const uint8_t *bytes, size_t n, struct srv_record *out, size_t most, uint32_t *ttl);

#endif
