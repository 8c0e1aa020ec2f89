/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_keys.h — the table of all keys, once: reading, checking, `--dump-config`, and what shunt.conf(5)
 * and examples/shunt.conf are compared with
 *
 * A new key is a row, and a field in daemon/conf.h. A new section is a table of rows, and a row in the
 * section that has it.
 */
#ifndef DAEMON_CONF_KEYS_H
#define DAEMON_CONF_KEYS_H

#include "daemon/conf_value.h"

enum { CONF_KEYS_MOST = 32 }; /* rows of a section: one bit for each */

/* How many there can be of it. */
enum conf_many {
	CONF_ONE,    /* key: {...} */
	CONF_LISTED, /* key: [{...}, {...}] */
	CONF_NAMED,  /* key: {name: {...}, other: {...}} */
};

struct conf_section {
	const char *word; /* what messages call it */
	const struct conf_key *keys;
	const char *
		bare; /* the key that a text stands for which is there instead of a section; or NULL */
	/* Of those that there can be many of, in their parent. What add returns begins with its place;
	 * NULL: no memory. The name is NULL for those that have none. */
	enum conf_many many;
	size_t (*count)(const void *parent);
	void *(*get)(const void *parent, size_t i);
	void *(*add)(struct conf *c, void *parent, const char *name);
	const char *(*name)(const void *object);
};

/* The whole file. Its struct is struct conf. */
extern const struct conf_section conf_file;

extern const struct conf_section conf_listener_section; /* struct conf_listener, in struct conf */
extern const struct conf_section
	conf_route_section; /* struct conf_route, in struct conf_listener */
extern const struct conf_section conf_backend_section; /* struct conf_backend, in struct conf */
extern const struct conf_section
	conf_server_section; /* struct conf_server, in struct conf_backend */
extern const struct conf_section conf_split_section; /* struct split_conf, in struct conf */

/* The row of a key; NULL: there is none. */
const struct conf_key *conf_key_find(const struct conf_section *s, const char *name);

/* Of a row whose section is optional: is it there? */
bool *conf_key_on(const struct conf_key *key, void *object);

#endif
