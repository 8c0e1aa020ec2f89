/* SPDX-License-Identifier: BSD-2-Clause */
/* names.c — when to ask for a name, and what becomes of the answer
 *
 *   asked ─▶ whole  ─▶ fed, asked again when its time to live is over: 1 s to 5 minutes
 *         ─▶ failed ─▶ what it had stays, asked again after 1 s, 2 s, 4 s ... 30 s
 *
 * Whole is what left nothing open and brought an address. What failed in part (IPv4 was answered, IPv6
 * was not) is fed with what came, and with what was known of the lost part. That a name is not there
 * any more is a failure too: who takes the last record away has more often made a mistake than
 * wished to have no servers.
 *
 * A name is asked for once, however many servers are called by it.
 */
#include "daemon/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/log.h"
#include "base/sys.h"
#include "base/timer.h"
#include "daemon/dns.h"
#include "daemon/resolve.h"
#include "daemon/uses.h"

enum { LEAST_MS = 1000, MOST_MS = 300000, RETRY_MS = 1000, RETRY_MOST_MS = 30000 };

struct name {
	const char *host; /* in the configuration that is followed */
	bool srv;
	struct uses uses;
	struct resolve *asking;
	struct timer timer;
	struct seats_address *addr; /* what it stands for, as far as is known */
	size_t count;
	bool answered, failing;
	uint64_t pause;      /* between failures */
	const char *problem; /* while it fails */
};

struct names {
	int epfd;
	struct backends *bs; /* held; NULL, and dns too: nothing was followed yet */
	struct dns *dns;
	struct name *name;
	size_t count;
	struct timers timers;
};

struct names *names_new(int epfd)
{
	struct names *ns = sys_alloc(sizeof(*ns));

	if (!ns)
		return NULL;
	ns->epfd = epfd;
	timers_init(&ns->timers);
	return ns;
}

static void name_clear(struct name *n)
{
	resolve_end(n->asking);
	uses_free(&n->uses);
	free(n->addr);
}

void names_free(struct names *ns)
{
	if (!ns)
		return;
	timers_free(&ns->timers);
	dns_close(ns->dns);
	for (size_t i = 0; i < ns->count; i++)
		name_clear(&ns->name[i]);
	free(ns->name);
	backends_unref(ns->bs);
	free(ns);
}

/* 0 or -ENOMEM: not all were fed. */
static int feed(const struct name *n)
{
	bool changed;
	int r = uses_feed(&n->uses, n->addr, n->count, &changed);

	if (changed && n->answered) {
		struct log_line l;

		log_begin(&l, LOG_INFO_LEVEL);
		log_text(&l, "msg", "a name has other addresses");
		log_text(&l, "name", n->host);
		log_number(&l, "addresses", n->count);
		log_end(&l);
	}
	return r;
}

/* -- answers -- */

static bool lost(const struct resolved *a, const struct addr *addr)
{
	return a->lost[addr->ss.ss_family != AF_INET];
}

static bool among(const struct seats_address *list, size_t n, const struct addr *addr)
{
	for (size_t i = 0; i < n; i++)
		if (addr_same(&list[i].addr, addr))
			return true;
	return false;
}

static int order(const void *a, const void *b)
{
	return resolve_order(a, b);
}

/* What came, and what was known where something was lost. -ENOMEM: nothing has changed. */
static int keep(struct name *n, const struct resolved *a)
{
	struct seats_address *all;
	size_t count = a->count;

	if (a->count == 0)
		return 0;
	all = sys_alloc((a->count + n->count) * sizeof(*all));
	if (!all)
		return -ENOMEM;
	memcpy(all, a->addr, a->count * sizeof(*all));
	for (size_t i = 0; i < n->count; i++)
		if (lost(a, &n->addr[i].addr) && !among(a->addr, a->count, &n->addr[i].addr))
			all[count++] = n->addr[i];
	qsort(all, count, sizeof(*all), order);
	free(n->addr);
	n->addr = all;
	n->count = count;
	return 0;
}

static void say(const struct name *n, enum log_level level, const char *what)
{
	struct log_line l;

	log_begin(&l, level);
	log_text(&l, "msg", what);
	log_text(&l, "name", n->host);
	log_text(&l, "reason", n->problem);
	log_number(&l, "addresses", n->count);
	log_end(&l);
}

static void failed(struct names *ns, struct name *n, const char *problem, uint64_t now)
{
	n->problem = problem;
	if (!n->failing)
		say(n, LOG_WARN_LEVEL, "a name cannot be resolved");
	n->failing = true;
	n->pause = n->pause ? 2 * n->pause : RETRY_MS;
	if (n->pause > RETRY_MOST_MS)
		n->pause = RETRY_MOST_MS;
	timer_arm(&ns->timers, &n->timer, now + n->pause);
}

static void resolved(struct names *ns, struct name *n, uint64_t ttl, uint64_t now)
{
	n->problem = NULL;
	if (n->failing)
		say(n, LOG_INFO_LEVEL, "a name is resolved again");
	n->failing = false;
	n->pause = 0;
	ttl = ttl < LEAST_MS ? LEAST_MS : ttl > MOST_MS ? MOST_MS : ttl;
	timer_arm(&ns->timers, &n->timer, now + ttl);
}

/* If it is answered. */
static void collect(struct names *ns, struct name *n, uint64_t now)
{
	const struct resolved *a = n->asking ? resolve_answer(n->asking) : NULL;
	const char *problem;
	int r;

	if (!a)
		return;
	r = keep(n, a);
	problem = a->problem;
	if (r == 0 && n->count > 0)
		r = feed(n);
	if (r < 0)
		problem = "no memory was left for its addresses";
	if (problem)
		failed(ns, n, problem, now);
	else
		resolved(ns, n, a->ttl_ms, now);
	n->answered = true;
	resolve_end(n->asking);
	n->asking = NULL;
}

static void ask(struct names *ns, struct name *n, uint64_t now)
{
	n->asking = resolve_begin(ns->dns, n->host, n->srv);
	if (n->asking) {
		collect(ns, n, now);
	} else {
		failed(ns, n, "no memory was left to ask for it", now);
		n->answered = true;
	}
}

static void collect_all(struct names *ns, uint64_t now)
{
	for (size_t i = 0; i < ns->count; i++)
		collect(ns, &ns->name[i], now);
}

uint64_t names_next(struct names *ns, uint64_t now)
{
	uint64_t next = timers_next(&ns->timers);
	uint64_t patience = ns->dns ? dns_patience(ns->dns) : UINT64_MAX;

	return patience < UINT64_MAX && now + patience < next ? now + patience : next;
}

void names_due(struct names *ns, uint64_t now)
{
	struct timer *t;

	if (!ns->dns)
		return;
	dns_late(ns->dns);
	collect_all(ns, now);
	while ((t = timers_due(&ns->timers, now)))
		ask(ns, list_of(t, struct name, timer), now);
}

void names_ready(struct names *ns, uint64_t ticket, uint32_t events, uint64_t now)
{
	if (!ns->dns)
		return;
	dns_ready(ns->dns, ticket, events);
	collect_all(ns, now);
}

/* -- which -- */

static bool is_name(const struct conf_server *s)
{
	return s->address.kind != CONF_TARGET_NUMBER;
}

static struct name *find(struct name *name, size_t count, const char *host, bool srv)
{
	for (size_t i = 0; i < count; i++)
		if (name[i].srv == srv && strcasecmp(name[i].host, host) == 0)
			return &name[i];
	return NULL;
}

static size_t names_in(const struct conf *conf)
{
	size_t count = 0;

	for (size_t i = 0; i < conf->backends; i++)
		for (size_t k = 0; k < conf->backend[i]->servers; k++)
			count += is_name(conf->backend[i]->server[k]);
	return count;
}

bool names_wanted(struct backends *bs)
{
	return names_in(backends_conf(bs)) > 0;
}

/* The names of one backend, behind the *count that are there. */
static int list_one(struct backend *b, struct name *name, size_t *count)
{
	const struct conf_backend *conf = backend_conf(b);

	for (size_t i = 0; i < conf->servers; i++) {
		const struct conf_target *t = &conf->server[i]->address;
		bool srv = t->kind == CONF_TARGET_SRV;
		struct name *n;

		if (!is_name(conf->server[i]))
			continue;
		n = find(name, *count, t->name.host, srv);
		if (!n) {
			n = &name[(*count)++];
			*n = (struct name){ .host = t->name.host, .srv = srv };
		}
		if (uses_add(&n->uses, b, i, srv ? 0 : t->name.port) < 0)
			return -ENOMEM;
	}
	return 0;
}

static void drop(struct name *name, size_t count)
{
	for (size_t i = 0; i < count; i++)
		name_clear(&name[i]);
	free(name);
}

/* What is known of the same name is known of n. */
static void inherit(struct name *n, struct name *old)
{
	if (!old)
		return;
	n->addr = old->addr;
	n->count = old->count;
	n->answered = old->answered;
	n->failing = old->failing;
	n->problem = old->problem;
	old->addr = NULL;
	if (n->count > 0)
		feed(n);
}

int names_follow(struct names *ns, struct backends *bs, uint64_t now)
{
	const struct conf *conf = backends_conf(bs);
	size_t most = names_in(conf), count = 0;
	struct name *name = sys_alloc((most + 1) * sizeof(*name));
	struct dns *dns = NULL;
	int r = name ? timers_reserve(&ns->timers, most) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < conf->backends; i++)
		r = list_one(backends_get(bs, conf->backend[i]), name, &count);
	if (r == 0)
		r = dns_open(&dns, ns->epfd);
	if (r < 0) {
		drop(name, count);
		return r;
	}
	for (size_t i = 0; i < ns->count; i++)
		timer_disarm(&ns->timers, &ns->name[i].timer);
	for (size_t i = 0; i < count; i++)
		inherit(&name[i], find(ns->name, ns->count, name[i].host, name[i].srv));
	dns_close(ns->dns);
	drop(ns->name, ns->count);
	ns->name = name;
	ns->count = count;
	ns->dns = dns;
	backends_ref(bs);
	backends_unref(ns->bs);
	ns->bs = bs;
	for (size_t i = 0; i < count; i++)
		ask(ns, &name[i], now);
	return 0;
}

bool names_answered(const struct names *ns)
{
	for (size_t i = 0; i < ns->count; i++)
		if (!ns->name[i].answered)
			return false;
	return true;
}

const char *names_problem(const struct names *ns, const struct backend *b, size_t index)
{
	for (size_t i = 0; i < ns->count; i++) {
		const struct name *n = &ns->name[i];

		if (!uses_has(&n->uses, b, index))
			continue;
		if (n->count > 0)
			return NULL;
		return n->problem ? n->problem : "no name server has answered yet";
	}
	return NULL;
}
