/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/conf.h"

#include <stdlib.h>
#include <string.h>

/* -- words -- */

static const char *word(const char *const *words, size_t n, unsigned i)
{
	return i < n ? words[i] : NULL;
}

#define WORD(words, i) word(words, sizeof(words) / sizeof((words)[0]), i)

const char *conf_protocol_text(unsigned protocol)
{
	if (protocol >= LOOK_PROTOCOLS)
		return NULL;
	/* What comes behind a PROXY header is a connection's protocol; accept_proxy asks for the header. */
	return protocol == LOOK_PROXY ? "" : look_protocol_text((enum look_protocol)protocol);
}

const char *conf_balance_text(unsigned balance)
{
	static const char *const words[CONF_BALANCES] = {
		[CONF_ROUND_ROBIN] = "round_robin",
		[CONF_LEAST_CONNECTIONS] = "least_connections",
		[CONF_RANDOM] = "random",
		[CONF_SOURCE_HASH] = "source_hash",
	};

	return WORD(words, balance);
}

const char *conf_proxy_text(unsigned proxy)
{
	static const char *const words[CONF_PROXIES] = {
		[CONF_PROXY_NONE] = "none",
		[CONF_PROXY_V1] = "v1",
		[CONF_PROXY_V2] = "v2",
	};

	return WORD(words, proxy);
}

const char *conf_on_exit_text(unsigned on_exit)
{
	static const char *const words[CONF_ON_EXITS] = {
		[CONF_KEEP] = "keep", [CONF_RESET] = "reset"
	};

	return WORD(words, on_exit);
}

const char *conf_on_lag_text(unsigned on_lag)
{
	static const char *const words[SPLIT_ON_LAGS] = {
		[SPLIT_SKIP] = "skip", [SPLIT_CLOSE] = "close", [SPLIT_WAIT] = "wait"
	};

	return WORD(words, on_lag);
}

const char *conf_on_source_end_text(unsigned on_end)
{
	static const char *const words[SPLIT_ON_ENDS] = {
		[SPLIT_STAY] = "wait", [SPLIT_LEAVE] = "close"
	};

	return WORD(words, on_end);
}

const char *conf_log_format_text(unsigned format)
{
	static const char *const words[] = { [LOG_LOGFMT] = "logfmt", [LOG_JSON] = "json" };

	return WORD(words, format);
}

const char *conf_log_level_text(unsigned level)
{
	static const char *const words[] = {
		[LOG_ERROR_LEVEL] = "error",
		[LOG_WARN_LEVEL] = "warn",
		[LOG_INFO_LEVEL] = "info",
		[LOG_DEBUG_LEVEL] = "debug",
	};

	return WORD(words, level);
}

/* -- memory: blocks that are given back all at once -- */

#define BLOCK 16384

struct conf_block {
	struct conf_block *next;
	size_t used, size;
	_Alignas(max_align_t) unsigned char bytes[];
};

static struct conf_block *block_new(size_t least)
{
	size_t size = least > BLOCK ? least : BLOCK;
	struct conf_block *b = calloc(1, sizeof(*b) + size);

	if (b)
		b->size = size;
	return b;
}

static void *block_take(struct conf_block *b, size_t size)
{
	void *taken = b->bytes + b->used;

	b->used += size;
	return taken;
}

static size_t aligned(size_t size)
{
	return (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
}

void *conf_alloc(struct conf *c, size_t size)
{
	size = aligned(size);
	if (c->blocks->size - c->blocks->used < size) {
		struct conf_block *b = block_new(size);

		if (!b)
			return NULL;
		b->next = c->blocks;
		c->blocks = b;
	}
	return block_take(c->blocks, size);
}

struct conf *conf_new(void)
{
	struct conf_block *b = block_new(0);
	struct conf *c = b ? block_take(b, aligned(sizeof(*c))) : NULL;

	if (!c)
		return NULL;
	c->blocks = b;
	c->refs = block_take(b, aligned(sizeof(*c->refs)));
	atomic_init(c->refs, 1);
	return c;
}

const struct conf *conf_ref(const struct conf *c)
{
	atomic_fetch_add_explicit(c->refs, 1, memory_order_relaxed);
	return c;
}

void conf_unref(const struct conf *c)
{
	struct conf_block *b, *next;

	/* Whoever is last must have seen the end of all reading by the others. */
	if (!c || atomic_fetch_sub_explicit(c->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (b = c->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
}

/* -- filling -- */

const char *conf_copy(struct conf *c, const char *text)
{
	size_t n = strlen(text) + 1;
	char *copy = conf_alloc(c, n);

	return copy ? memcpy(copy, text, n) : NULL;
}

/* An array of `count` pointers that has room for one more: itself, or at 0, 1, 2, 4, 8... a larger copy. */
static void *roomy(struct conf *c, void *array, size_t count)
{
	void *larger;

	if ((count & (count - 1)) != 0)
		return array;
	larger = conf_alloc(c, (count ? 2 * count : 1) * sizeof(void *));
	if (larger && count)
		memcpy(larger, array, count * sizeof(void *));
	return larger;
}

struct conf_listener *conf_add_listener(struct conf *c)
{
	struct conf_listener **all = roomy(c, c->listener, c->listeners);
	struct conf_listener *l = all ? conf_alloc(c, sizeof(*l)) : NULL;

	if (!l)
		return NULL;
	c->listener = all;
	return all[c->listeners++] = l;
}

struct conf_route *conf_add_route(struct conf *c, struct conf_listener *l)
{
	struct conf_route **all = roomy(c, l->route, l->routes);
	struct conf_route *r = all ? conf_alloc(c, sizeof(*r)) : NULL;

	if (!r)
		return NULL;
	l->route = all;
	return all[l->routes++] = r;
}

struct conf_backend *conf_add_backend(struct conf *c, const char *name)
{
	struct conf_backend **all = roomy(c, c->backend, c->backends);
	struct conf_backend *b = all ? conf_alloc(c, sizeof(*b)) : NULL;

	if (!b)
		return NULL;
	b->name = conf_copy(c, name);
	if (!b->name)
		return NULL;
	b->index = (unsigned)c->backends;
	c->backend = all;
	return all[c->backends++] = b;
}

struct conf_server *conf_add_server(struct conf *c, struct conf_backend *b)
{
	struct conf_server **all = roomy(c, b->server, b->servers);
	struct conf_server *s = all ? conf_alloc(c, sizeof(*s)) : NULL;

	if (!s)
		return NULL;
	b->server = all;
	return all[b->servers++] = s;
}

struct split_conf *conf_add_split(struct conf *c)
{
	struct split_conf **all = roomy(c, c->split, c->splits);
	struct split_conf *s = all ? conf_alloc(c, sizeof(*s)) : NULL;

	if (!s)
		return NULL;
	c->split = all;
	return all[c->splits++] = s;
}

bool conf_add_text(struct conf *c, struct conf_list *list, const char *text)
{
	const char **all = roomy(c, list->item, list->count);
	const char *copy = all ? conf_copy(c, text) : NULL;

	if (!copy)
		return false;
	list->item = all;
	all[list->count++] = copy;
	return true;
}

struct conf_backend *conf_find_backend(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->backends; i++)
		if (strcmp(c->backend[i]->name, name) == 0)
			return c->backend[i];
	return NULL;
}
