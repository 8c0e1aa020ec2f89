/* SPDX-License-Identifier: BSD-2-Clause */
/* inspect.c — pages, and the doors they are shown at
 *
 * Workers are asked how their connections are, and tell it between two turns. With many connections that is work, so
 * whoever wants to know, they have REST times as long for other things before they are asked again: counts are that
 * much older then, and a list of connections waits. Whether they make turns at all is asked without it.
 */
#include "daemon/inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/connections.h"
#include "daemon/exposition.h"
#include "daemon/limits.h"

enum { REST = 9, REST_MOST_MS = 1000, LIMIT = 1000, LIMIT_MOST = 10000 };
enum { OK = 200, BAD_REQUEST = 400, INTERNAL_ERROR = 500, UNAVAILABLE = 503 };

/* -- asking -- */

/* All of this under the lock. */

static void survey(struct inspect *in, struct survey *s)
{
	uint64_t rest;

	in->whole = crew_survey(in->of.crew, s) == 0;
	rest = REST * s->worked;
	if (rest > REST_MOST_MS * 1000000u)
		rest = REST_MOST_MS * 1000000u;
	in->again = clock_ns() + rest;
}

static void wait_for_rest(const struct inspect *in)
{
	uint64_t now = clock_ns();
	uint64_t left = in->again > now ? in->again - now : 0;
	const struct timespec t = { .tv_sec = (time_t)(left / 1000000000u),
				    .tv_nsec = (long)(left % 1000000000u) };

	nanosleep(&t, NULL);
}

/* -- pages -- */

static unsigned no_memory(FILE *to)
{
	fputs("no memory\n", to);
	return INTERNAL_ERROR;
}

static unsigned write_metrics(void *arg, const struct admin_request *request, FILE *to)
{
	struct inspect *in = arg;
	struct survey s = { .most = 0 };

	(void)request;
	pthread_mutex_lock(&in->lock);
	if (clock_ns() >= in->again)
		survey(in, &s);
	int r = metrics_print(&in->of, in->whole, to);

	pthread_mutex_unlock(&in->lock);
	return r < 0 ? no_memory(to) : OK;
}

static bool read_limit(const struct admin_request *request, uint64_t *limit)
{
	const char *text = admin_argument(request, "limit");
	char *end;

	*limit = LIMIT;
	if (!text)
		return true;
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*limit = strtoull(text, &end, 10);
	return errno == 0 && !*end && *limit <= LIMIT_MOST;
}

static unsigned write_connections(void *arg, const struct admin_request *request, FILE *to)
{
	struct inspect *in = arg;
	struct survey s = { .most = 0 };
	uint64_t limit;

	if (!read_limit(request, &limit)) {
		fprintf(to, "limit: a number up to %d is wanted\n", LIMIT_MOST);
		return BAD_REQUEST;
	}
	s.most = limit;
	pthread_mutex_lock(&in->lock);
	wait_for_rest(in);
	survey(in, &s);
	int r = connections_print(&s, in->whole, to);

	pthread_mutex_unlock(&in->lock);
	free(s.item);
	return r < 0 ? no_memory(to) : OK;
}

/* Are there splits alone, and none has a source? */
static bool is_dry(const struct inspect *in)
{
	struct rules *rules = crew_hold_rules(in->of.crew);
	bool dry = rules->gates == 0 && !splits_fed(in->of.splits);

	rules_unref(rules);
	return dry;
}

static unsigned write_health(void *arg, const struct admin_request *request, FILE *to)
{
	struct inspect *in = arg;
	struct survey s = { .turn_only = true };
	const char *wrong = atomic_load(&in->leaving);

	(void)request;
	if (!wrong) {
		pthread_mutex_lock(&in->lock);
		if (crew_survey(in->of.crew, &s) < 0)
			wrong = "a worker makes no turns";
		pthread_mutex_unlock(&in->lock);
		if (!wrong && is_dry(in))
			wrong = "no source";
	}
	fprintf(to, "%s\n", wrong ? wrong : "ok");
	return wrong ? UNAVAILABLE : OK;
}

static const struct admin_page pages[] = {
	{ "/metrics", EXPOSITION_TYPE, write_metrics },
	{ "/connections", "application/json", write_connections },
	{ "/healthz", ADMIN_TEXT, write_health },
	{ .path = NULL },
};

/* -- doors -- */

void inspect_init(struct inspect *in, const struct metrics_of *of)
{
	*in = (struct inspect){ .of = *of };
	pthread_mutex_init(&in->lock, NULL);
}

/* In the same words, or to the same place. */
static bool same_place(const struct inspect_door *d, const struct conf_address *wanted)
{
	const char *problem;
	struct addr addr;

	if (strcmp(d->conf->admin.address.text, wanted->text) == 0)
		return true;
	return wanted->name.kind != ADDR_NAME &&
	       (wanted->name.port || wanted->name.kind == ADDR_UNIX) &&
	       addr_resolve(&wanted->name, &addr, 1, &problem) == 1 &&
	       addr_same(&addr, admin_addr(d->admin));
}

int inspect_open(struct inspect *in, const struct conf *c, char *problem, size_t size)
{
	int r = 0;

	in->stays = c->admin.on && in->now.admin && same_place(&in->now, &c->admin.address);
	if (!c->admin.on)
		return 0;
	if (!in->stays)
		r = admin_open(&in->next.admin, &c->admin.address.name, pages, in, problem, size);
	if (r == 0)
		in->next.conf = conf_ref(c);
	return r;
}

int inspect_start(struct inspect *in, char *problem, size_t size)
{
	return in->next.admin ? admin_start(in->next.admin, limits_admin(), problem, size) : 0;
}

static void close_door(struct inspect_door *d)
{
	admin_close(d->admin);
	conf_unref(d->conf);
	*d = (struct inspect_door){ .admin = NULL };
}

static void say_open(const struct inspect *in)
{
	struct log_line l;

	log_begin(&l, LOG_INFO_LEVEL);
	log_text(&l, "msg", "metrics, connections and health are told over HTTP");
	log_text(&l, "admin", admin_text(in->now.admin));
	log_end(&l);
}

void inspect_settle(struct inspect *in, bool taken)
{
	if (!taken) {
		close_door(&in->next);
		return;
	}
	if (in->stays) {
		in->next.admin = in->now.admin;
		in->now.admin = NULL;
	}
	close_door(&in->now);
	in->now = in->next;
	in->next = (struct inspect_door){ .admin = NULL };
	if (in->now.admin && !in->stays)
		say_open(in);
}

void inspect_leaving(struct inspect *in, const char *how)
{
	atomic_store(&in->leaving, how);
}

void inspect_shut(struct inspect *in)
{
	close_door(&in->next);
	close_door(&in->now);
}

void inspect_close(struct inspect *in)
{
	inspect_shut(in);
	pthread_mutex_destroy(&in->lock);
}
