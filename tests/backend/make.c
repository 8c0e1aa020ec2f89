/* SPDX-License-Identifier: BSD-2-Clause */
#include "make.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/conf_load.h"

const struct conf *made_conf(const char *text)
{
	struct conf_report report = { 0 };
	const struct conf *c = NULL;
	char file[8192];
	int n = snprintf(file, sizeof(file),
			 "listen: [{address: \":1\", default: b}]\nbackend: {b: {%s}}\n", text);

	assert_in_range(n, 1, sizeof(file) - 1);
	assert_int_equal(conf_load_bytes("x.conf", file, (size_t)n, &c, &report), 0);
	conf_report_clear(&report);
	return c;
}

struct backends *made(const char *text, struct backends *previous)
{
	const struct conf *c = made_conf(text);
	struct backends *bs;

	assert_int_equal(backends_open(&bs, c, previous), 0);
	conf_unref(c);
	return bs;
}

struct backend *the_one(struct backends *bs)
{
	return backends_get(bs, backends_conf(bs)->backend[0]);
}

struct addr address(const char *text)
{
	struct addr_name name;
	const char *problem;
	struct addr a;

	assert_int_equal(addr_parse(text, ADDR_TARGET, &name, &problem), 0);
	assert_int_equal(addr_resolve(&name, &a, 1, &problem), 1);
	return a;
}

struct server *picked(struct backend *b, const char *client, const struct backend_tries *tries,
		      uint64_t now)
{
	struct backend_tries none = { 0 };
	struct addr a = address(client);
	struct server *s;

	backend_pick(b, &a, tries ? tries : &none, now, &s);
	return s;
}

const char *pick_text(struct backend *b, uint64_t now)
{
	static char text[ADDR_TEXT];
	struct backend_tries none = { 0 };
	struct addr a = address("192.0.2.1:1");
	struct server *s;
	enum backend_answer answer = backend_pick(b, &a, &none, now, &s);

	snprintf(text, sizeof(text), "%s", s ? s->text : backend_answer_text(answer));
	if (s)
		server_end(s);
	return text;
}

void fail_once(struct backend *b, uint64_t now)
{
	struct backend_tries tries = { 0 };
	struct server *s = picked(b, "192.0.2.1:1", NULL, now);

	assert_non_null(s);
	backend_failed(b, s, &tries, ECONNREFUSED, now);
	backend_tries_free(&tries);
}
