/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/tallies.h"

#include <stdlib.h>
#include <string.h>

#include "base/sys.h"

void tallies_init(struct tallies *ts)
{
	*ts = (struct tallies){ .first = NULL };
	pthread_mutex_init(&ts->lock, NULL);
}

void tallies_free(struct tallies *ts)
{
	while (ts->first) {
		struct tallies_item *i = ts->first;

		ts->first = i->next;
		free(i);
	}
	pthread_mutex_destroy(&ts->lock);
}

static bool is(const struct tallies_item *i, const char *listener, const char *route)
{
	return strcmp(i->listener, listener) == 0 && !i->route == !route &&
	       (!route || strcmp(i->route, route) == 0);
}

static struct tallies_item *item_new(const char *listener, const char *route)
{
	size_t n = strlen(listener) + 1, m = route ? strlen(route) + 1 : 0;
	struct tallies_item *i = sys_alloc(sizeof(*i) + n + m);
	char *text = (char *)(i + 1);

	if (!i)
		return NULL;
	i->listener = memcpy(text, listener, n);
	if (route)
		i->route = memcpy(text + n, route, m);
	return i;
}

/* The list is read without the lock by who has its first one: a new one goes to the end, when it is whole. */
struct tally *tallies_get(struct tallies *ts, const char *listener, const char *route)
{
	struct tallies_item **at = &ts->first, *i;

	pthread_mutex_lock(&ts->lock);
	while (*at && !is(*at, listener, route))
		at = &(*at)->next;
	i = *at;
	if (!i) {
		i = item_new(listener, route);
		__atomic_store_n(at, i, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&ts->lock);
	return i ? &i->tally : NULL;
}

const struct tallies_item *tallies_first(struct tallies *ts)
{
	struct tallies_item *first;

	pthread_mutex_lock(&ts->lock);
	first = ts->first;
	pthread_mutex_unlock(&ts->lock);
	return first;
}
