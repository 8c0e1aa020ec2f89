/* SPDX-License-Identifier: BSD-2-Clause */
/* srv.c — looker: the answer of a name server. The message itself is read by libresolv (ns_parserr) */
#include "look/srv.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

enum { NUMBERS = 6 }; /* bytes of priority, weight and port */

static bool is_host(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n < SRV_HOST - 2 && name[0] != '.' &&
	       name[strspn(name, LETTERS DIGITS "-_.")] == '\0';
}

static uint16_t number(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* 1: it is in *out; 0: it leads nowhere; -EBADMSG. */
static int read_one(const ns_msg *m, const ns_rr *rr, struct srv_record *out)
{
	const uint8_t *data = ns_rr_rdata(*rr);
	char name[NS_MAXDNAME];
	int used;

	if (ns_rr_rdlen(*rr) <= NUMBERS)
		return -EBADMSG;
	used = ns_name_uncompress(ns_msg_base(*m), ns_msg_end(*m), data + NUMBERS, name,
				  sizeof(name));
	if (used != ns_rr_rdlen(*rr) - NUMBERS)
		return -EBADMSG;
	*out = (struct srv_record){
		.priority = number(data),
		.weight = number(data + 2),
		.port = number(data + 4),
	};
	if (!is_host(name) || out->port == 0)
		return 0;
	memcpy(out->target, name, strlen(name) + 1);
	return 1;
}

int srv_read(const uint8_t *bytes, size_t n, struct srv_record *out, size_t most, uint32_t *ttl)
{
	size_t count = 0;
	ns_msg m;
	ns_rr rr;

	*ttl = UINT32_MAX;
	if (n > NS_MAXMSG || ns_initparse(bytes, (int)n, &m) < 0)
		return -EBADMSG;
	for (int i = 0; i < ns_msg_count(m, ns_s_an) && count < most; i++) {
		int r = 0;

		if (ns_parserr(&m, ns_s_an, i, &rr) < 0)
			return -EBADMSG;
		if (ns_rr_class(rr) != ns_c_in)
			continue;
		if (ns_rr_type(rr) == ns_t_srv)
			r = read_one(&m, &rr, &out[count]);
		if (r < 0)
			return r;
		count += (size_t)r;
		/* RFC 2181 8: one that is beyond 31 bits is 0 */
		if (ns_rr_ttl(rr) < *ttl || ns_rr_ttl(rr) > INT_MAX)
			*ttl = ns_rr_ttl(rr) > INT_MAX ? 0 : (uint32_t)ns_rr_ttl(rr);
	}
	return (int)count;
}
