/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_relay.c — each option is a backend of its own, named after what it asks for: "sni:a.example" */
#include "daemon/conf_relay.h"

#include <stdio.h>
#include <string.h>

#include "look/name.h"

/* Names with addresses, NAME=ADDR. */
struct named {
	const char *option; /* as messages say it */
	const char *key; /* the condition of its routes, and the beginning of its backends' names */
	const char *look; /* what has to be looked for */
	struct conf_words words;
};

/* Addresses alone. */
struct plain {
	const char *option;
	const char *name; /* of the backend; but for the default, of the protocol as well */
	struct conf_words words;
};

struct putting {
	struct conf_draft *d;
	const struct conf_relay *r;
	struct conf_part file;
	struct named named[2];
	struct plain plain[2], otherwise, mirror;
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct conf_place place_of(const char *option)
{
	return (struct conf_place){ .source = option };
}

/* -- NAME=ADDR -- */

/* How long NAME is; 0: there is none. */
static size_t name_length(const char *word)
{
	const char *equals = strchr(word, '=');

	return equals ? (size_t)(equals - word) : 0;
}

static bool same_name(const char *word, const char *other)
{
	size_t n = name_length(word);

	return n == name_length(other) && strncmp(word, other, n) == 0;
}

/* Is it the first of its name? */
static bool is_first(const struct conf_words *w, size_t i)
{
	size_t k = 0;

	while (!same_name(w->item[k], w->item[i]))
		k++;
	return k == i;
}

#define NAME_ROOM (NAME_TEXT + sizeof("host:"))

/* A backend's name, and in it the name alone: "sni:a.example". */
static const char *name_of(const struct named *n, size_t i, char buf[NAME_ROOM])
{
	snprintf(buf, NAME_ROOM, "%s:%.*s", n->key, (int)name_length(n->words.item[i]),
		 n->words.item[i]);
	return buf + strlen(n->key) + 1;
}

/* Is it worth a backend and its routes? */
static bool is_good(const struct named *n, size_t i)
{
	char buf[NAME_ROOM];
	const char *problem;
	size_t length = name_length(n->words.item[i]);

	return length > 0 && length < NAME_TEXT && name_check(name_of(n, i, buf), &problem) == 0;
}

static void check_named(struct putting *p, const struct named *n, size_t i)
{
	const struct conf_place place = place_of(n->option);
	const char *word = n->words.item[i], *problem = "longer than a host name can be";
	char quoted[CONF_QUOTED], buf[NAME_ROOM];

	if (is_good(n, i))
		return;
	if (name_length(word) == 0)
		problem = "write it like a.example=10.0.0.7:443";
	else if (name_length(word) < NAME_TEXT)
		name_check(name_of(n, i, buf), &problem);
	conf_error(p->d->report, &place, "%s: %s", conf_quoted(word, quoted), problem);
}

/* -- backends -- */

static struct conf_part put_backend(struct putting *p, const char *name, struct conf_place place)
{
	struct conf_part backend = conf_draft_add(p->d, &p->file, "backend", name, place);

	conf_draft_put(p->d, &backend, "send_proxy", conf_proxy_text(p->r->send_proxy),
		       place_of("--send-proxy"));
	return backend;
}

static void put_server(struct putting *p, struct conf_part *backend, const char *address,
		       bool backup, struct conf_place place)
{
	struct conf_part server = conf_draft_add(p->d, backend, "servers", NULL, place);

	conf_draft_put(p->d, &server, "address", address, place);
	conf_draft_put(p->d, &server, "backup", backup ? "true" : "false", place);
	conf_draft_close(p->d, &server);
}

static void put_plain(struct putting *p, const struct plain *plain)
{
	const struct conf_place place = place_of(plain->option);
	struct conf_part backend;

	if (plain->words.count == 0)
		return;
	backend = put_backend(p, plain->name, place);
	for (size_t i = 0; i < plain->words.count; i++)
		put_server(p, &backend, plain->words.item[i], i > 0, place);
	conf_draft_close(p->d, &backend);
}

static void put_named(struct putting *p, const struct named *n, size_t first)
{
	const struct conf_place place = place_of(n->option);
	struct conf_part backend;
	char buf[NAME_ROOM];

	name_of(n, first, buf);
	backend = put_backend(p, buf, place);
	for (size_t i = first; i < n->words.count; i++)
		if (same_name(n->words.item[first], n->words.item[i]))
			put_server(p, &backend, strchr(n->words.item[i], '=') + 1, i > first,
				   place);
	conf_draft_close(p->d, &backend);
}

static void put_all_named(struct putting *p, const struct named *n)
{
	for (size_t i = 0; i < n->words.count; i++) {
		check_named(p, n, i);
		if (is_good(n, i) && is_first(&n->words, i))
			put_named(p, n, i);
	}
}

/* -- listeners -- */

static void put_route(struct putting *p, struct conf_part *listener, const char *key,
		      const char *value, const char *backend, const char *option)
{
	struct conf_part route = conf_draft_add(p->d, listener, "routes", NULL, place_of(option));

	conf_draft_put(p->d, &route, key, value, place_of(option));
	conf_draft_put(p->d, &route, "backend", backend, place_of(option));
	conf_draft_close(p->d, &route);
}

static void put_named_routes(struct putting *p, struct conf_part *listener, const struct named *n)
{
	for (size_t i = 0; i < n->words.count; i++) {
		char buf[NAME_ROOM];
		const char *name = name_of(n, i, buf);

		if (is_good(n, i) && is_first(&n->words, i))
			put_route(p, listener, n->key, name, buf, n->option);
	}
	if (n->words.count)
		conf_draft_put(p->d, listener, "look", n->look, place_of(n->option));
}

static void put_plain_route(struct putting *p, struct conf_part *listener,
			    const struct plain *plain)
{
	if (plain->words.count == 0)
		return;
	put_route(p, listener, "protocol", plain->name, plain->name, plain->option);
	conf_draft_put(p->d, listener, "look", plain->name, place_of(plain->option));
}

static void put_listener(struct putting *p, const char *address)
{
	const struct conf_place place = place_of("--listen");
	struct conf_part listener = conf_draft_add(p->d, &p->file, "listen", NULL, place);
	const struct plain *ssh = &p->plain[0];
	bool looks = false;

	conf_draft_put(p->d, &listener, "address", address, place);
	conf_draft_put(p->d, &listener, "accept_proxy", p->r->accept_proxy ? "true" : "false",
		       place);
	for (size_t i = 0; i < COUNT(p->named); i++) {
		put_named_routes(p, &listener, &p->named[i]);
		looks = looks || p->named[i].words.count;
	}
	for (size_t i = 0; i < COUNT(p->plain); i++) {
		put_plain_route(p, &listener, &p->plain[i]);
		looks = looks || p->plain[i].words.count;
	}
	if (p->otherwise.words.count)
		conf_draft_put(p->d, &listener, "default", p->otherwise.name, place);
	if (p->mirror.words.count)
		conf_draft_put(p->d, &listener, "mirror", p->mirror.name,
			       place_of(p->mirror.option));
	if (looks && ssh->words.count)
		conf_draft_put(p->d, &listener, "on_silence", ssh->name, place);
	else if (looks && p->otherwise.words.count)
		conf_draft_put(p->d, &listener, "on_silence", p->otherwise.name, place);
	conf_draft_close(p->d, &listener);
}

void conf_relay_put(struct conf_draft *d, const struct conf_relay *r)
{
	struct putting p = {
		d,
		r,
		conf_draft_file(d, place_of("shunt relay")),
		{ { "--sni", "sni", "tls", r->sni },
		  { "--http-host", "host", "http", r->http_host } },
		{ { "--ssh", "ssh", r->ssh }, { "--tls", "tls", r->tls } },
		{ "--default", "default", r->otherwise },
		{ "--mirror", "mirror", r->mirror },
	};

	for (size_t i = 0; i < COUNT(p.named); i++)
		put_all_named(&p, &p.named[i]);
	for (size_t i = 0; i < COUNT(p.plain); i++)
		put_plain(&p, &p.plain[i]);
	put_plain(&p, &p.otherwise);
	put_plain(&p, &p.mirror);
	for (size_t i = 0; i < r->listen.count; i++)
		put_listener(&p, r->listen.item[i]);
	conf_draft_close(d, &p.file);
}
