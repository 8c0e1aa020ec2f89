/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/seats.h"

#include <stdlib.h>
#include <string.h>

#include "base/sys.h"

/* What a server's weight of 1 is here: the records of an SRV name share theirs among them in parts of it. */
#define SHARE 256u

/* Backups after every priority that an SRV record can have. */
#define BACKUP_RANK 0x10000u

static bool number(const struct conf_server *c)
{
	return c->address.kind == CONF_TARGET_NUMBER;
}

/* The first of old's seats that was made from this text; `count`: none. */
static size_t old_begin(const struct seats *old, const struct conf_server *c)
{
	size_t i = 0;

	while (i < old->count && strcmp(old->seat[i].server->name, c->address.text) != 0)
		i++;
	return i;
}

/* They lie side by side. */
static size_t old_end(const struct seats *old, size_t begin)
{
	size_t i = begin;

	while (i < old->count && old->note[i].index == old->note[begin].index)
		i++;
	return i;
}

static struct server *server_for(const struct conf_server *c, struct server_home *home,
				 const struct seats *old, const struct addr *addr)
{
	for (size_t i = old ? old_begin(old, c) : 0; old && i < old->count; i++)
		if (addr_same(&old->seat[i].server->addr, addr) &&
		    strcmp(old->seat[i].server->name, c->address.text) == 0)
			return server_ref(old->seat[i].server);
	return server_new(home, c->address.text, addr);
}

static bool add(struct seats *t, const struct conf_backend *conf, struct server_home *home,
		const struct seats *old, size_t index, const struct seats_address *a)
{
	struct balance_seat *s = &t->seat[t->count];

	s->server = server_for(conf->server[index], home, old, &a->addr);
	if (!s->server)
		return false;
	t->note[t->count++] = (struct seats_note){
		.index = index,
		.weight = a->weight,
		.priority = a->priority,
	};
	return true;
}

static bool add_numbers(struct seats *t, const struct conf_backend *conf, struct server_home *home,
			const struct seats *old, size_t index)
{
	const struct conf_target *target = &conf->server[index]->address;

	for (size_t i = 0; i < target->addrs; i++) {
		if (!add(t, conf, home, old, index,
			 &(struct seats_address){ .addr = target->addr[i] }))
			return false;
		t->note[t->count - 1].second = i > 0;
	}
	return true;
}

static bool add_olds(struct seats *t, const struct conf_backend *conf, struct server_home *home,
		     const struct seats *old, size_t index)
{
	size_t i = old_begin(old, conf->server[index]), end = old_end(old, i);

	for (; i < end; i++) {
		struct seats_address a = { .addr = old->seat[i].server->addr,
					   .weight = old->note[i].weight,
					   .priority = old->note[i].priority };

		if (!add(t, conf, home, old, index, &a))
			return false;
	}
	return true;
}

/* Of the records of one priority: how many, and their weights together. */
static uint64_t weights_of(const struct seats *t, size_t begin, size_t end, unsigned priority,
			   uint64_t *count)
{
	uint64_t sum = 0;

	*count = 0;
	for (size_t i = begin; i < end; i++)
		if (t->note[i].priority == priority) {
			sum += t->note[i].weight;
			++*count;
		}
	return sum;
}

/* Seats begin to end came from one server of the configuration. Each counts as much as a server of that
 * weight on its own; SRV records share what they have together by the weights they bring. */
static void value(struct seats *t, size_t begin, size_t end, const struct conf_server *c,
		  unsigned backups_before)
{
	uint32_t base = c->backup ? BACKUP_RANK * (1 + backups_before) : 0;
	uint64_t own = (uint64_t)c->weight * SHARE, count;
	unsigned first = ~0u;

	for (size_t i = begin; i < end; i++)
		if (t->note[i].priority < first)
			first = t->note[i].priority;
	for (size_t i = begin; i < end; i++) {
		struct seats_note *n = &t->note[i];
		uint64_t sum = weights_of(t, begin, end, n->priority, &count);
		uint64_t weight = sum ? own * n->weight * count / sum : own;

		n->rank = base + n->priority - first;
		t->seat[i].weight = weight ? (uint32_t)weight : 1;
	}
}

static bool fill(struct seats *t, const struct conf_backend *conf, struct server_home *home,
		 const struct seats *old, size_t index, const struct seats_address *given,
		 size_t count)
{
	unsigned backups = 0;

	for (size_t i = 0; i < conf->servers; i++) {
		size_t begin = t->count;
		bool done = true;

		if (number(conf->server[i]))
			done = add_numbers(t, conf, home, old, i);
		else if (i != index)
			done = !old || add_olds(t, conf, home, old, i);
		else
			for (size_t k = 0; done && k < count; k++)
				done = add(t, conf, home, old, i, &given[k]);
		if (!done)
			return false;
		value(t, begin, t->count, conf->server[i], backups);
		backups += conf->server[i]->backup;
	}
	return true;
}

static size_t room_for(const struct conf_backend *conf, const struct seats *old, size_t given)
{
	size_t room = given;

	for (size_t i = 0; i < conf->servers; i++) {
		const struct conf_server *c = conf->server[i];

		if (number(c)) {
			room += c->address.addrs;
		} else if (old) {
			size_t begin = old_begin(old, c);

			room += old_end(old, begin) - begin;
		}
	}
	return room;
}

struct seats *seats_new(const struct conf_backend *conf, struct server_home *home,
			const struct seats *old, size_t index, const struct seats_address *given,
			size_t count)
{
	size_t room = room_for(conf, old, count);
	struct seats *t = sys_alloc(sizeof(*t));

	if (!t)
		return NULL;
	t->seat = sys_alloc((room + 1) * sizeof(*t->seat));
	t->note = sys_alloc((room + 1) * sizeof(*t->note));
	if (!t->seat || !t->note || !fill(t, conf, home, old, index, given, count)) {
		seats_free(t);
		return NULL;
	}
	return t;
}

void seats_free(struct seats *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++)
		server_unref(t->seat[i].server);
	free(t->seat);
	free(t->note);
	free(t);
}

bool seats_same(const struct seats *a, const struct seats *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->seat[i].server != b->seat[i].server || a->note[i].rank != b->note[i].rank ||
		    a->seat[i].weight != b->seat[i].weight)
			return false;
	return true;
}

void seats_inherit(struct seats *t, const struct seats *old)
{
	size_t k = 0; /* most of them are where they were, beside each other */

	for (size_t i = 0; i < t->count; i++)
		for (size_t n = 0; n < old->count; n++, k++) {
			if (k >= old->count)
				k = 0;
			if (old->seat[k].server == t->seat[i].server) {
				t->seat[i].standing = old->seat[k++].standing;
				break;
			}
		}
}
