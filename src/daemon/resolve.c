/* SPDX-License-Identifier: BSD-2-Clause */
/* resolve.c — questions that belong together, and what their answers make in all
 *
 *   host name ─▶ in /etc/hosts: one question   ─┐
 *             ─▶ else: A, AAAA                  ├─▶ addresses, none twice ─▶ sorted
 *   SRV name  ─▶ records ─▶ each target: as above
 *
 * A name server shuffles its answer each time; sorted, it is the same as long as it says the same.
 * "There is none" is an answer; "nobody answered" is not: then what was known before still counts, and which family
 * it is that was lost is told apart.
 *
 * c-ares may answer before the call that asks has returned, so it is counted who is asked before.
 */
#include "daemon/resolve.h"

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "look/srv.h"

enum { RECORDS_MOST = 256, ADDRS_MOST = 1024, HOSTS_TTL = 5, FOREVER = INT32_MAX };

struct question {
	struct resolve *r;
	const char *target; /* whose addresses: of an SRV name's target, or NULL: of the name */
	bool families[2];
};

struct resolve {
	struct dns *dns;
	const char *name;
	struct srv_record *record;
	size_t records;
	struct question *question;
	size_t questions;
	unsigned open; /* questions that are not answered, and the asking of them */
	struct seats_address *addr;
	size_t count, room;
	uint32_t ttl; /* s */
	struct resolved answer;
};

/* -- what is said -- */

static bool is_answer(int status)
{
	return status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND;
}

static const char *in_words(int status)
{
	switch (status) {
	case ARES_ENODATA: return "the name has no address";
	case ARES_ENOTFOUND: return "there is no such name";
	case ARES_ETIMEOUT: return "no name server answered in time";
	case ARES_ECONNREFUSED: /* with SERVFAIL and REFUSED from all of them too */
	case ARES_ESERVFAIL:
	case ARES_EREFUSED: return "no name server gave an answer";
	case ARES_EBADRESP: return "what the name server answered is torn";
	case ARES_EBADNAME: return "this cannot be a name of DNS";
	case ARES_ENOMEM: return "no memory was left to look it up";
	default: return ares_strerror(status);
	}
}

/* What is worst stays: that something was lost, before that there is none. */
static void problem(struct resolve *r, int status)
{
	struct resolved *a = &r->answer;

	if (!a->problem || (!is_answer(status) && !a->lost[0] && !a->lost[1]))
		a->problem = in_words(status);
}

static void lose(struct resolve *r, bool v4, bool v6, int status)
{
	problem(r, status);
	r->answer.lost[0] = r->answer.lost[0] || v4;
	r->answer.lost[1] = r->answer.lost[1] || v6;
}

static void live(struct resolve *r, int64_t seconds)
{
	if (seconds < r->ttl)
		r->ttl = seconds > 0 ? (uint32_t)seconds : 0;
}

/* -- addresses -- */

int resolve_order(const struct seats_address *a, const struct seats_address *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority ? -1 : 1;
	if (a->addr.len != b->addr.len)
		return a->addr.len < b->addr.len ? -1 : 1;
	return memcmp(&a->addr.ss, &b->addr.ss, a->addr.len);
}

static int order(const void *a, const void *b)
{
	return resolve_order(a, b);
}

static bool add(struct resolve *r, const struct addr *addr, const struct srv_record *record)
{
	struct seats_address *a;

	if (r->count == ADDRS_MOST)
		return true;
	if (r->count == r->room) {
		size_t room = r->room ? 2 * r->room : 8;

		a = realloc(r->addr, room * sizeof(*a));
		if (!a)
			return false;
		r->addr = a;
		r->room = room;
	}
	a = &r->addr[r->count];
	*a = (struct seats_address){ .addr = *addr };
	if (record) {
		a->priority = record->priority;
		a->weight = record->weight;
	}
	r->count++;
	return true;
}

static bool read_node(const struct ares_addrinfo_node *node, struct addr *out)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	*out = (struct addr){ .len = 0 };
	if (node->ai_family == AF_INET && node->ai_addrlen >= sizeof(in)) {
		memcpy(&in, node->ai_addr, sizeof(in));
		in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = in.sin_addr };
		memcpy(&out->ss, &in, out->len = sizeof(in));
	} else if (node->ai_family == AF_INET6 && node->ai_addrlen >= sizeof(in6)) {
		memcpy(&in6, node->ai_addr, sizeof(in6));
		in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
					     .sin6_addr = in6.sin6_addr,
					     .sin6_scope_id = in6.sin6_scope_id };
		memcpy(&out->ss, &in6, out->len = sizeof(in6));
	}
	return out->len != 0;
}

/* For each record of that target; or once, for the name itself. */
static bool add_node(struct resolve *r, const struct ares_addrinfo_node *node, const char *target)
{
	struct addr a;

	if (!read_node(node, &a))
		return true;
	if (!target)
		return add(r, &a, NULL);
	for (size_t i = 0; i < r->records; i++) {
		addr_set_port(&a, r->record[i].port);
		if (strcasecmp(r->record[i].target, target) == 0 && !add(r, &a, &r->record[i]))
			return false;
	}
	return true;
}

/* -- the end -- */

/* Of two records that lead to one place, the first counts; by priority, it is the better one. */
static void unite(struct resolve *r)
{
	size_t kept = 0;

	if (r->count > 1)
		qsort(r->addr, r->count, sizeof(*r->addr), order);
	for (size_t i = 0; i < r->count; i++) {
		bool there = false;

		for (size_t k = 0; k < kept && !there; k++)
			there = addr_same(&r->addr[k].addr, &r->addr[i].addr);
		if (!there)
			r->addr[kept++] = r->addr[i];
	}
	r->count = kept;
}

static void one_less(struct resolve *r)
{
	if (--r->open > 0)
		return;
	unite(r);
	if (r->count > 0 && !r->answer.lost[0] && !r->answer.lost[1])
		r->answer.problem = NULL;
	else if (r->count == 0 && !r->answer.problem)
		problem(r, ARES_ENODATA);
	r->answer.addr = r->addr;
	r->answer.count = r->count;
	r->answer.ttl_ms = (uint64_t)r->ttl * 1000;
}

const struct resolved *resolve_answer(const struct resolve *r)
{
	return r->open == 0 ? &r->answer : NULL;
}

void resolve_end(struct resolve *r)
{
	if (!r)
		return;
	free(r->record);
	free(r->question);
	free(r->addr);
	free(r);
}

/* -- hosts -- */

static void host_answered(void *arg, int status, int timeouts, struct ares_addrinfo *ai)
{
	const struct question *q = arg;
	struct resolve *r = q->r;
	bool whole = true;

	(void)timeouts;
	if (is_answer(status) && status != ARES_SUCCESS)
		problem(r, status);
	else if (status != ARES_SUCCESS)
		lose(r, q->families[0], q->families[1], status);
	for (struct ares_addrinfo_node *n = ai ? ai->nodes : NULL; n && whole; n = n->ai_next) {
		live(r, q->families[0] && q->families[1] ? HOSTS_TTL : n->ai_ttl);
		whole = add_node(r, n, q->target);
	}
	for (struct ares_addrinfo_cname *n = ai ? ai->cnames : NULL; n; n = n->next)
		live(r, n->ttl);
	if (!whole)
		lose(r, q->families[0], q->families[1], ARES_ENOMEM);
	if (ai)
		ares_freeaddrinfo(ai);
	one_less(r);
}

static void ask_host(struct resolve *r, const char *name, const char *target, bool v4, bool v6)
{
	struct question *q = &r->question[r->questions++];
	struct ares_addrinfo_hints hints = {
		.ai_flags = ARES_AI_NOSORT,
		.ai_family = v4 && v6 ? AF_UNSPEC
			     : v4     ? AF_INET
				      : AF_INET6,
		.ai_socktype = SOCK_STREAM,
	};

	*q = (struct question){ .r = r, .target = target, .families = { v4, v6 } };
	r->open++;
	ares_getaddrinfo(r->dns->channel, name, NULL, &hints, host_answered, q);
}

/* There is room for two questions. */
static void ask_families(struct resolve *r, const char *name, const char *target)
{
	char full[SRV_HOST + 1];

	if (dns_in_hosts(r->dns, name)) {
		ask_host(r, name, target, true, true);
		return;
	}
	if (target) { /* a whole name: nothing is to be tried behind it */
		snprintf(full, sizeof(full), "%s.", name);
		name = full;
	}
	ask_host(r, name, target, true, false);
	ask_host(r, name, target, false, true);
}

/* -- SRV names -- */

static bool asked_before(const struct resolve *r, size_t record)
{
	for (size_t i = 0; i < record; i++)
		if (strcasecmp(r->record[i].target, r->record[record].target) == 0)
			return true;
	return false;
}

static int read_records(struct resolve *r, const uint8_t *bytes, size_t n)
{
	uint32_t ttl;
	int count;

	r->record = sys_alloc(RECORDS_MOST * sizeof(*r->record));
	if (!r->record)
		return ARES_ENOMEM;
	count = srv_read(bytes, n, r->record, RECORDS_MOST, &ttl);
	if (count <= 0)
		return count < 0 ? ARES_EBADRESP : ARES_ENODATA;
	r->records = (size_t)count;
	r->question = sys_alloc(2 * r->records * sizeof(*r->question));
	if (!r->question)
		return ARES_ENOMEM;
	live(r, ttl);
	return ARES_SUCCESS;
}

static void srv_answered(void *arg, int status, int timeouts, unsigned char *bytes, int n)
{
	struct resolve *r = arg;

	(void)timeouts;
	if (status == ARES_SUCCESS)
		status = read_records(r, bytes, (size_t)n);
	if (is_answer(status) && status != ARES_SUCCESS)
		problem(r, status);
	else if (status != ARES_SUCCESS)
		lose(r, true, true, status);
	for (size_t i = 0; status == ARES_SUCCESS && i < r->records; i++)
		if (!asked_before(r, i))
			ask_families(r, r->record[i].target, r->record[i].target);
	one_less(r);
}

struct resolve *resolve_begin(struct dns *d, const char *name, bool srv)
{
	struct resolve *r = sys_alloc(sizeof(*r));

	if (!r)
		return NULL;
	r->dns = d;
	r->name = name;
	r->ttl = FOREVER;
	r->open = 1;
	if (srv) {
		ares_search(d->channel, name, ns_c_in, ns_t_srv, srv_answered, r);
		return r;
	}
	r->question = sys_alloc(2 * sizeof(*r->question));
	if (r->question)
		ask_families(r, name, NULL);
	else
		lose(r, true, true, ARES_ENOMEM);
	one_less(r);
	return r;
}
