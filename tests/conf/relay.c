/* SPDX-License-Identifier: BSD-2-Clause */
/* relay.c — the words of a command line become the same configuration as a file's */
#include "file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf_relay.h"

#define WORDS(...)                                                                                 \
	{                                                                                          \
		(const char *const[]){ __VA_ARGS__ },                                              \
			sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)              \
	}

static int build(const struct conf_relay *r, const struct conf **c, struct conf_report *report)
{
	struct conf_draft d;

	assert_int_equal(conf_draft_begin(&d, report), 0);
	conf_relay_put(&d, r);
	return conf_draft_finish(&d, c);
}

/* The same as that file. */
static void is_the_file(const struct conf_relay *r, const char *file)
{
	struct conf_report report = { 0 };
	const struct conf *c = NULL, *wanted = good_file(file);
	char *dump, *wanted_dump = dump_text(wanted), *says;
	int rc = build(r, &c, &report);

	says = report_text(&report);
	assert_string_equal(says, "");
	assert_int_equal(rc, 0);
	dump = dump_text(c);
	assert_string_equal(dump, wanted_dump);
	free(dump);
	free(wanted_dump);
	free(says);
	conf_unref(c);
	conf_unref(wanted);
}

static void it_says(const struct conf_relay *r, const char *wanted)
{
	struct conf_report report = { 0 };
	const struct conf *c = NULL;
	char *says;

	assert_int_equal(build(r, &c, &report), -EINVAL);
	assert_null(c);
	says = report_text(&report);
	assert_string_equal(says, wanted);
	free(says);
	conf_report_clear(&report);
}

static void one_listener_and_one_target(void **state)
{
	const struct conf_relay r = { .listen = WORDS(":1"), .otherwise = WORDS("10.0.0.1:1") };

	(void)state;
	is_the_file(&r, "listen: [{address: \":1\", default: default}]\n"
			"backend: {default: {servers: [\"10.0.0.1:1\"]}}\n");
}

static void targets_are_tried_in_order(void **state)
{
	const struct conf_relay r = {
		.listen = WORDS(":1", "[::1]:2"),
		.otherwise = WORDS("10.0.0.1:1", "b.example:1", "unix:/s"),
		.accept_proxy = true,
		.send_proxy = CONF_PROXY_V1,
	};

	(void)state;
	is_the_file(&r, "listen:\n"
			"  - {address: \":1\", default: default, accept_proxy: true}\n"
			"  - {address: \"[::1]:2\", default: default, accept_proxy: true}\n"
			"backend:\n"
			"  default:\n"
			"    servers: [\"10.0.0.1:1\", {address: \"b.example:1\", backup: true},\n"
			"              {address: \"unix:/s\", backup: true}]\n"
			"    send_proxy: v1\n");
}

static void names_hosts_and_protocols(void **state)
{
	const struct conf_relay r = {
		.listen = WORDS(":443"),
		.sni = WORDS("a.example=10.0.0.1:1", "*.b.example=10.0.0.2:1",
			     "a.example=10.0.0.3:1"),
		.http_host = WORDS("www.example=10.0.0.4:80"),
		.ssh = WORDS("10.0.0.5:22"),
		.tls = WORDS("10.0.0.6:443"),
		.otherwise = WORDS("10.0.0.7:1"),
	};

	(void)state;
	is_the_file(
		&r,
		"listen:\n"
		"  - address: \":443\"\n"
		"    look: [tls, http, ssh]\n"
		"    default: default\n"
		"    on_silence: ssh\n"
		"    routes:\n"
		"      - {sni: [a.example], backend: \"sni:a.example\"}\n"
		"      - {sni: [\"*.b.example\"], backend: \"sni:*.b.example\"}\n"
		"      - {host: [www.example], backend: \"host:www.example\"}\n"
		"      - {protocol: ssh, backend: ssh}\n"
		"      - {protocol: tls, backend: tls}\n"
		"backend:\n"
		"  sni:a.example: {servers: [\"10.0.0.1:1\", {address: \"10.0.0.3:1\", backup: true}]}\n"
		"  sni:*.b.example: {servers: [\"10.0.0.2:1\"]}\n"
		"  host:www.example: {servers: [\"10.0.0.4:80\"]}\n"
		"  ssh: {servers: [\"10.0.0.5:22\"]}\n"
		"  tls: {servers: [\"10.0.0.6:443\"]}\n"
		"  default: {servers: [\"10.0.0.7:1\"]}\n");
}

static void who_is_silent_gets_the_default(void **state)
{
	const struct conf_relay r = { .listen = WORDS(":1"),
				      .tls = WORDS("10.0.0.1:1"),
				      .otherwise = WORDS("10.0.0.2:1") };
	const struct conf_relay closed = { .listen = WORDS(":1"), .tls = WORDS("10.0.0.1:1") };

	(void)state;
	is_the_file(
		&r,
		"listen: [{address: \":1\", look: tls, default: default, on_silence: default,\n"
		"          routes: [{protocol: tls, backend: tls}]}]\n"
		"backend: {tls: {servers: [\"10.0.0.1:1\"]}, default: {servers: [\"10.0.0.2:1\"]}}\n");
	is_the_file(&closed, "listen: [{address: \":1\", look: tls,\n"
			     "          routes: [{protocol: tls, backend: tls}]}]\n"
			     "backend: {tls: {servers: [\"10.0.0.1:1\"]}}\n");
}

static void what_is_wrong_is_said_by_option(void **state)
{
	const struct conf_relay r = {
		.listen = WORDS("1"),
		.sni = WORDS("a.example", "*b.example=10.0.0.1:1", "=10.0.0.1:1",
			     "c.example=", "d.example=x"),
		.ssh = WORDS("10.0.0.1"),
	};
	const struct conf_relay nothing = { 0 };

	(void)state;
	it_says(&r,
		"--sni: \"a.example\": write it like a.example=10.0.0.7:443\n"
		"--sni: \"*b.example=10.0.0.1:1\": a star stands for whole labels at the front: "
		"*.b.example\n"
		"--sni: \"=10.0.0.1:1\": write it like a.example=10.0.0.7:443\n"
		"--sni: address: \"\": the port is missing: write HOST:PORT, :PORT or unix:/path\n"
		"--sni: address: \"x\": the port is missing: write HOST:PORT, :PORT or unix:/path\n"
		"--ssh: address: \"10.0.0.1\": the port is missing: write HOST:PORT, :PORT or "
		"unix:/path\n"
		"--listen: address: \"1\": a port alone is written with a colon, like :8080\n");
	it_says(&nothing, "shunt relay: this configuration lacks its \"listen\"\n"
			  "shunt relay: this configuration lacks its \"backend\"\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_listener_and_one_target),
		cmocka_unit_test(targets_are_tried_in_order),
		cmocka_unit_test(names_hosts_and_protocols),
		cmocka_unit_test(who_is_silent_gets_the_default),
		cmocka_unit_test(what_is_wrong_is_said_by_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
