/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_value.h — the kinds of values that keys have: each reads a text into a field, and writes the
 * field as YAML that reads back the same
 *
 * A key is a row of a table (daemon/conf_keys.h), and its type says what its field is. The default is a
 * text as one would write it, and is read like one.
 */
#ifndef DAEMON_CONF_VALUE_H
#define DAEMON_CONF_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/conf.h"
#include "daemon/conf_report.h"

struct conf_section;
struct conf_type;

struct conf_key {
	const char *name;             /* NULL ends a table */
	const struct conf_type *type; /* of one value or a list of them; NULL: a section, or many */
	const struct conf_section *section;
	size_t field;       /* offset in the struct of the section that has this key */
	const char *def;    /* NULL: it must be given; "": nothing */
	const char *unless; /* of many: needless beside this key; if given, one at least */
	uint64_t min, max;  /* of number, time and size; max 0: no limit */
	bool or_zero;       /* 0 is fine, though it is less than min */
	const char *(*choice)(
		unsigned); /* words of a choice or set; NULL: no more; "": not one here */
	bool optional;     /* a section that may be "none" ... */
	size_t on;         /* ... and the bool beside it that says whether it is there */
	const char *help;
};

/* One value on its way in. */
struct conf_reading {
	struct conf *conf;
	struct conf_report *report;
	struct conf_place at;
	const struct conf_key *key;
};

struct conf_type {
	const char *word; /* what the manual calls it */
	bool list;        /* read is called for each item */
	/* False: nothing was read, and the report says why. */
	bool (*read)(const struct conf_reading *in, void *field, const char *text);
	void (*write)(const struct conf_key *key, const void *field, FILE *to);
};

/* The type, its field, and how it is written. */
extern const struct conf_type value_bool;      /* bool: true, false */
extern const struct conf_type value_number;    /* unsigned: 12 */
extern const struct conf_type value_time;      /* uint64_t, ms: 3s */
extern const struct conf_type value_size;      /* uint64_t, bytes: 64K */
extern const struct conf_type value_choice;    /* an enum: one of its words */
extern const struct conf_type value_set;       /* unsigned, bits: a list of words */
extern const struct conf_type value_ports;     /* struct conf_ports: 40000-49999 */
extern const struct conf_type value_listen;    /* struct conf_address: ":443", or "fd:3" */
extern const struct conf_type value_listen_ip; /* the same without "fd:3" */
extern const struct conf_type value_listens;   /* struct conf_addresses: a list of them */
extern const struct conf_type value_source;    /* struct conf_source: "10.0.0.1:80", "listen::80" */
extern const struct conf_type value_server;    /* struct conf_target: "10.0.0.7:80" */
extern const struct conf_type value_names;     /* struct conf_list: host names and "*.b.example" */
extern const struct conf_type value_alpn;      /* struct conf_list: "h2" */
extern const struct conf_type value_path;      /* const char *: "/health", or none */
extern const struct conf_type value_media;     /* const char *: "video/mp2t", or none */
extern const struct conf_type value_backend;   /* struct conf_use: a backend's name, or none */

/* "40000-49999", from 1024 on. False: it is none. */
bool conf_ports_read(const char *text, struct conf_ports *out);

/* Say of a text that it has a problem. Returns false. */
bool conf_refuse(const struct conf_reading *in, const char *text, const char *problem);

/* A text between double quotes, as YAML. */
void conf_write_text(const char *text, FILE *to);

/* Does a text have valid UTF-8 only, and no control characters? */
bool conf_is_clean(const char *text);

/* What is wrong with a name that a backend shall have; NULL: nothing. */
const char *conf_backend_name_problem(const char *name);

#endif
