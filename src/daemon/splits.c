/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/splits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sys.h"
#include "daemon/conf_dump.h"
#include "daemon/split_metrics.h"

enum state { NEXT, HERE, LEAVING };

struct splits_item {
	enum state state;
	struct split *split;
	const struct conf *conf;          /* which has its section; held */
	const struct split_conf *section; /* as it began */
	const struct split_conf
		*wanted; /* the same in the configuration that is made; NULL: not there */
	struct listener **listener; /* where it listens, in the order of conf.bind */
	bool said;
};

void splits_init(struct splits *ss, enum shunt_engine engine, unsigned workers, bool brief)
{
	*ss = (struct splits){ .engine = engine == SHUNT_GRAFT ? SHUNT_AUTO : engine,
			       .workers = workers,
			       .brief = brief,
			       .done = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
	pthread_mutex_init(&ss->lock, NULL);
}

/* -- another configuration -- */

/* One that is not spoken for, and is as this section says. */
static struct splits_item *find(struct splits *ss, const struct split_conf *section)
{
	for (size_t i = 0; i < ss->count; i++) {
		struct splits_item *it = &ss->item[i];

		if (it->state == HERE && !it->wanted &&
		    conf_dump_same(&conf_split_section, it->section, section))
			return it;
	}
	return NULL;
}

void splits_plan(struct splits *ss, const struct conf *c, struct listener **listener)
{
	for (size_t i = 0; i < c->splits; i++) {
		const struct split_conf *section = c->split[i];
		struct splits_item *it = find(ss, section);

		if (!it)
			continue;
		it->wanted = section;
		memcpy(&listener[section->bind], it->listener,
		       split_conf_binds(section) * sizeof(*listener));
	}
}

static bool is_planned(const struct splits *ss, const struct split_conf *section)
{
	for (size_t i = 0; i < ss->count; i++)
		if (ss->item[i].wanted == section)
			return true;
	return false;
}

static struct splits_item *add(struct splits *ss)
{
	struct splits_item *more;

	pthread_mutex_lock(&ss->lock);
	more = realloc(ss->item, (ss->count + 1) * sizeof(*more)); /* few, and seldom */
	if (more) {
		ss->item = more;
		more += ss->count++;
		*more = (struct splits_item){ .state = NEXT };
	}
	pthread_mutex_unlock(&ss->lock);
	return more;
}

/* Whoever looks on does not see it any more; then it is gone. */
static void drop(struct splits *ss, size_t i)
{
	struct splits_item gone = ss->item[i];

	pthread_mutex_lock(&ss->lock);
	ss->count--;
	memmove(&ss->item[i], &ss->item[i + 1], (ss->count - i) * sizeof(*ss->item));
	pthread_mutex_unlock(&ss->lock);
	split_free(gone.split);
	free(gone.listener);
	conf_unref(gone.conf);
}

static int open_one(struct splits *ss, const struct conf *c, const struct split_conf *section,
		    struct listener *const *listener, char *problem, size_t size)
{
	const struct split_options o = { ss->workers, ss->engine, !ss->brief, ss->done };
	size_t n = split_conf_binds(section) * sizeof(*listener);
	struct splits_item *it = add(ss);

	snprintf(problem, size, "no memory");
	if (!it)
		return -ENOMEM;
	it->conf = conf_ref(c);
	it->section = it->wanted = section;
	it->listener = sys_alloc(n);
	if (!it->listener)
		return -ENOMEM;
	memcpy(it->listener, listener, n);
	return split_open(&it->split, section, &o, listener, problem, size);
}

int splits_open(struct splits *ss, const struct conf *c, struct listener *const *listener,
		char *problem, size_t size)
{
	int r = 0;

	if (ss->done < 0) {
		snprintf(problem, size, "no descriptors are left");
		return -EMFILE;
	}
	for (size_t i = 0; r == 0 && i < c->splits; i++)
		if (!is_planned(ss, c->split[i]))
			r = open_one(ss, c, c->split[i], &listener[c->split[i]->bind], problem,
				     size);
	return r;
}

static void take_back(struct splits *ss)
{
	for (size_t i = ss->count; i-- > 0;) {
		ss->item[i].wanted = NULL;
		if (ss->item[i].state == NEXT)
			drop(ss, i);
	}
}

static void become(struct splits *ss, struct splits_item *it, enum state state)
{
	pthread_mutex_lock(&ss->lock);
	it->state = state;
	pthread_mutex_unlock(&ss->lock);
}

static int begin(struct splits *ss, struct splits_item *it)
{
	int r = split_begin(it->split);

	become(ss, it, HERE);
	if (r < 0)
		log_say(LOG_ERROR_LEVEL, "the split at %s cannot begin: %s", it->listener[0]->text,
			strerror(-r));
	return r;
}

int splits_settle(struct splits *ss, bool taken)
{
	int r = 0, one;

	if (!taken) {
		take_back(ss);
		return 0;
	}
	for (size_t i = 0; i < ss->count; i++) {
		struct splits_item *it = &ss->item[i];

		if (it->state == HERE && !it->wanted) {
			log_say(LOG_INFO_LEVEL, "the split at %s ends: it is not wanted any more",
				it->listener[0]->text);
			become(ss, it, LEAVING);
			split_stop(it->split);
		}
	}
	for (size_t i = 0; i < ss->count; i++) {
		one = ss->item[i].state == NEXT ? begin(ss, &ss->item[i]) : 0;
		r = r < 0 ? r : one;
		ss->item[i].wanted = NULL;
	}
	return r;
}

/* -- what they may have, and what is said of them -- */

/* What one needs that has a limit of its own: no more than its part. */
static uint64_t needs(const struct splits_item *it, uint64_t part)
{
	uint64_t n = split_needs(it->split);

	return n < part ? n : part;
}

uint64_t splits_limit(struct splits *ss, uint64_t descriptors, bool others)
{
	uint64_t left = descriptors, part, n;
	unsigned parts = others, open = others;

	for (size_t i = 0; i < ss->count; i++)
		parts += ss->item[i].state != LEAVING;
	part = parts ? descriptors / parts : descriptors;
	for (size_t i = 0; i < ss->count; i++) {
		if (ss->item[i].state == LEAVING)
			continue;
		n = needs(&ss->item[i], part);
		left -= n;
		open += n == 0;
	}
	part = open ? left / open : left;
	for (size_t i = 0; i < ss->count; i++) {
		if (ss->item[i].state == LEAVING)
			continue;
		n = needs(&ss->item[i], descriptors / parts);
		split_limit(ss->item[i].split, n ? n : part);
	}
	return part;
}

void splits_show(struct splits *ss, bool shown)
{
	for (size_t i = 0; i < ss->count; i++)
		split_show(ss->item[i].split, shown);
}

void splits_say(struct splits *ss)
{
	for (size_t i = 0; i < ss->count; i++) {
		if (!ss->item[i].said)
			split_say(ss->item[i].split);
		ss->item[i].said = true;
	}
}

/* -- their end -- */

void splits_drain(struct splits *ss, uint64_t limit_ms)
{
	for (size_t i = 0; i < ss->count; i++)
		if (ss->item[i].state == HERE)
			split_drain(ss->item[i].split, limit_ms);
}

void splits_stop(struct splits *ss)
{
	for (size_t i = 0; i < ss->count; i++)
		split_stop(ss->item[i].split);
}

int splits_fd(const struct splits *ss)
{
	return ss->done;
}

void splits_heard(struct splits *ss)
{
	uint64_t n;

	if (read(ss->done, &n, sizeof(n)) < 0)
		return;
	for (size_t i = ss->count; i-- > 0;)
		if (ss->item[i].state == LEAVING && split_is_finished(ss->item[i].split))
			drop(ss, i);
}

bool splits_settled(const struct splits *ss)
{
	for (size_t i = 0; i < ss->count; i++)
		if (ss->item[i].state == LEAVING)
			return false;
	return true;
}

bool splits_shut(const struct splits *ss)
{
	for (size_t i = 0; i < ss->count; i++)
		if (!split_is_shut(ss->item[i].split))
			return false;
	return true;
}

bool splits_finished(const struct splits *ss)
{
	for (size_t i = 0; i < ss->count; i++)
		if (!split_is_finished(ss->item[i].split))
			return false;
	return true;
}

void splits_close(struct splits *ss)
{
	while (ss->count > 0)
		drop(ss, ss->count - 1);
	free(ss->item);
	if (ss->done >= 0)
		close(ss->done);
	pthread_mutex_destroy(&ss->lock);
}

/* -- for who looks on -- */

static void add_totals(struct split_totals *all, const struct split_totals *one)
{
	all->running += one->running;
	all->ended += one->ended;
	all->in += one->in;
	all->out += one->out;
	all->skips += one->skips;
	all->skipped += one->skipped;
	all->held += one->held;
	all->memory += one->memory;
	all->sources += one->sources;
	all->source_here |= one->source_here;
	if (one->lag > all->lag)
		all->lag = one->lag;
	for (int e = 0; e < SHUNT_ENGINES; e++)
		all->moved[e] += one->moved[e];
}

void splits_totals(const struct splits *ss, struct split_totals *out)
{
	struct split_totals one;

	*out = (struct split_totals){ .running = 0 };
	for (size_t i = 0; i < ss->count; i++) {
		if (ss->item[i].state != HERE)
			continue;
		split_totals(ss->item[i].split, &one);
		add_totals(out, &one);
	}
}

void splits_print(struct splits *ss, FILE *to)
{
	const struct split *all[CONF_SPLITS];
	size_t n = 0;

	pthread_mutex_lock(&ss->lock);
	for (size_t i = 0; i < ss->count && n < CONF_SPLITS; i++)
		if (ss->item[i].state == HERE)
			all[n++] = ss->item[i].split;
	split_metrics_print(all, n, to);
	pthread_mutex_unlock(&ss->lock);
}

bool splits_fed(struct splits *ss)
{
	struct split_totals t;

	pthread_mutex_lock(&ss->lock);
	splits_totals(ss, &t);
	bool fed = ss->count == 0 || t.source_here;

	pthread_mutex_unlock(&ss->lock);
	return fed;
}
