/* SPDX-License-Identifier: BSD-2-Clause */
/* good.c — what is read is what was written; what is dumped is read back the same */
#include "file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/conf_draft.h"
#include "daemon/conf_dump.h"

#define SPLIT "split: [{source: \"10.0.0.1:9\", listen: [\":8000\"]}]\n"

/* The largest of them: every key with a value that is not its default. */
static const char all[] =
	"listen:\n"
	"  - address: \":443\"\n"
	"    look: [tls, http, ssh]\n"
	"    accept_proxy: true\n"
	"    on_silence: ssh-pool\n"
	"    default: web\n"
	"    routes:\n"
	"      - {sni: [\"A.example\", \"*.b.example\"], backend: web}\n"
	"      - {alpn: [acme-tls/1], backend: acme}\n"
	"      - {host: www.example, backend: web}\n"
	"      - {protocol: ssh, backend: ssh-pool}\n"
	"      - {protocol: [tls, http], backend: none}\n"
	"  - {address: \"fd:3\", default: acme}\n"
	"backend:\n"
	"  web:\n"
	"    servers: [\"10.0.0.5:443\", {address: \"10.0.0.6:443\", weight: 2},\n"
	"              {address: \"[2001:db8::9]:443\", backup: true}]\n"
	"    balance: source_hash\n"
	"    send_proxy: v2\n"
	"    check: {every: 5s, timeout: 500ms, rise: 1, fall: 4, http: /health}\n"
	"    max_connections: 1000\n"
	"  acme: {servers: [\":81\", \"unix:/run/a b\\\"\\u00fc.sock\"], check: {}}\n"
	"  ssh-pool: {servers: [_ssh._tcp.b.example, \"b.example:22\"]}\n"
	"split:\n"
	"  - {source: \"listen::9000\", listen: [\":8000\", \"unix:/run/out\", \"fd:4\"], http: video/mp2t,\n"
	"     lag: 2M, on_lag: close, burst: 1M, align: 188, on_source_end: close, source_timeout: 0,\n"
	"     retry: 500ms, takeover: true, idle_timeout: 5s, max_subscribers: 50, unit: 64K}\n"
	"  - {source: \"feed.example:7000\", listen: \"127.0.0.1:7000\", on_lag: wait}\n"
	"timeouts: {head: 1s, connect: 0, idle: 1h, half_closed: 90s, drain: 0}\n"
	"limits: {connections: 100, per_client: 10}\n"
	"log: {format: json, level: debug}\n"
	"engine: copy\n"
	"unit: 64k\n"
	"receive_limit: 1.5M\n"
	"workers: 2\n"
	"admin: {address: \"unix:@admin\"}\n";

static void listeners_are_read(void **state)
{
	const struct conf *c = good_file(all);
	const struct conf_listener *l = c->listener[0];

	(void)state;
	assert_int_equal(c->listeners, 2);
	assert_string_equal(l->address.text, ":443");
	assert_int_equal(l->address.name.kind, ADDR_EVERY);
	assert_int_equal(l->address.name.port, 443);
	assert_int_equal(l->address.fd, -1);
	assert_int_equal(l->place.line, 2);
	assert_int_equal(l->place.column, 5);
	assert_string_equal(l->place.source, "x.conf");
	assert_int_equal(l->look, LOOK_SET(LOOK_TLS) | LOOK_SET(LOOK_HTTP) | LOOK_SET(LOOK_SSH));
	assert_true(l->accept_proxy);
	assert_ptr_equal(l->on_silence.backend, c->backend[2]);
	assert_ptr_equal(l->otherwise.backend, c->backend[0]);
	assert_int_equal(c->listener[1]->address.fd, 3);
	assert_int_equal(c->listener[1]->look, 0);
	assert_null(c->listener[1]->on_silence.name);
	conf_unref(c);
}

static void routes_are_read(void **state)
{
	const struct conf *c = good_file(all);
	struct conf_route *const *r = c->listener[0]->route;

	(void)state;
	assert_int_equal(c->listener[0]->routes, 5);
	assert_int_equal(r[0]->sni.count, 2);
	assert_string_equal(r[0]->sni.item[0], "a.example");
	assert_string_equal(r[0]->sni.item[1], "*.b.example");
	assert_ptr_equal(r[0]->backend.backend, c->backend[0]);
	assert_int_equal(r[0]->place.line, 8);
	assert_string_equal(r[1]->alpn.item[0], "acme-tls/1");
	assert_ptr_equal(r[1]->backend.backend, c->backend[1]);
	assert_int_equal(r[2]->host.count, 1);
	assert_string_equal(r[2]->host.item[0], "www.example");
	assert_int_equal(r[3]->protocols, LOOK_SET(LOOK_SSH));
	assert_int_equal(r[4]->protocols, LOOK_SET(LOOK_TLS) | LOOK_SET(LOOK_HTTP));
	assert_null(r[4]->backend.name);
	assert_null(r[4]->backend.backend);
	conf_unref(c);
}

static void servers_are_read(void **state)
{
	const struct conf *c = good_file(all);
	const struct conf_backend *web = c->backend[0], *acme = c->backend[1], *ssh = c->backend[2];
	char text[ADDR_TEXT];

	(void)state;
	assert_int_equal(web->servers, 3);
	assert_int_equal(web->server[0]->address.kind, CONF_TARGET_NUMBER);
	assert_int_equal(web->server[0]->address.addrs, 1);
	assert_string_equal(addr_text(&web->server[0]->address.addr[0], text), "10.0.0.5:443");
	assert_int_equal(web->server[0]->weight, 1);
	assert_false(web->server[0]->backup);
	assert_int_equal(web->server[1]->weight, 2);
	assert_true(web->server[2]->backup);
	assert_string_equal(addr_text(&web->server[2]->address.addr[0], text), "[2001:db8::9]:443");
	assert_int_equal(acme->server[0]->address.addrs, 2);
	assert_string_equal(addr_text(&acme->server[0]->address.addr[1], text), "[::1]:81");
	assert_string_equal(acme->server[1]->address.text, "unix:/run/a b\"\xc3\xbc.sock");
	assert_int_equal(acme->server[1]->address.addr[0].ss.ss_family, AF_UNIX);
	assert_int_equal(ssh->server[0]->address.kind, CONF_TARGET_SRV);
	assert_string_equal(ssh->server[0]->address.name.host, "_ssh._tcp.b.example");
	assert_int_equal(ssh->server[0]->address.addrs, 0);
	assert_int_equal(ssh->server[1]->address.kind, CONF_TARGET_NAME);
	assert_string_equal(ssh->server[1]->address.name.host, "b.example");
	assert_int_equal(ssh->server[1]->address.name.port, 22);
	conf_unref(c);
}

static void backends_are_read(void **state)
{
	const struct conf *c = good_file(all);
	const struct conf_backend *web = c->backend[0];

	(void)state;
	assert_int_equal(c->backends, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(c->backend[i]->index, i);
	assert_string_equal(web->name, "web");
	assert_int_equal(web->balance, CONF_SOURCE_HASH);
	assert_int_equal(web->send_proxy, CONF_PROXY_V2);
	assert_int_equal(web->max_connections, 1000);
	assert_true(web->check.on);
	assert_int_equal(web->check.every, 5000);
	assert_int_equal(web->check.timeout, 500);
	assert_int_equal(web->check.rise, 1);
	assert_int_equal(web->check.fall, 4);
	assert_string_equal(web->check.http, "/health");
	assert_true(c->backend[1]->check.on); /* with its defaults */
	assert_int_equal(c->backend[1]->check.every, 2000);
	assert_null(c->backend[1]->check.http);
	assert_false(c->backend[2]->check.on);
	assert_int_equal(c->backend[2]->balance, CONF_ROUND_ROBIN);
	assert_int_equal(c->backend[2]->send_proxy, CONF_PROXY_NONE);
	conf_unref(c);
}

static void splits_are_read(void **state)
{
	const struct conf *c = good_file(all);
	const struct split_conf *s = c->split[0];

	(void)state;
	assert_int_equal(c->splits, 2);
	assert_true(s->source.comes);
	assert_int_equal(s->source.at.name.port, 9000);
	assert_int_equal(s->source.at.name.use, ADDR_LISTEN);
	assert_int_equal(s->listen.count, 3);
	assert_string_equal(s->listen.item[0]->text, ":8000");
	assert_int_equal(s->listen.item[1]->name.kind, ADDR_UNIX);
	assert_int_equal(s->listen.item[2]->fd, 4);
	assert_string_equal(s->type, "video/mp2t");
	assert_int_equal(s->lag, 2 << 20);
	assert_int_equal(s->on_lag, SPLIT_CLOSE);
	assert_int_equal(s->burst, 1 << 20);
	assert_int_equal(s->align, 188);
	assert_int_equal(s->on_source_end, SPLIT_LEAVE);
	assert_int_equal(s->source_timeout, 0);
	assert_int_equal(s->retry, 500);
	assert_true(s->takeover);
	assert_int_equal(s->idle_timeout, 5000);
	assert_int_equal(s->max_subscribers, 50);
	assert_int_equal(s->unit, 65536);
	assert_int_equal(s->place.line, 25);
	conf_unref(c);
}

/* What is not said of a split is what `shunt split` does without an option. */
static void splits_have_defaults(void **state)
{
	const struct conf *c = good_file(all);
	const struct split_conf *s = c->split[1];

	(void)state;
	assert_false(s->source.comes);
	assert_int_equal(s->source.at.name.kind, ADDR_NAME); /* nobody was asked for it */
	assert_string_equal(s->source.at.name.host, "feed.example");
	assert_int_equal(s->listen.count, 1);
	assert_null(s->type);
	assert_int_equal(s->lag, 8 << 20);
	assert_int_equal(s->on_lag, SPLIT_WAIT);
	assert_int_equal(s->burst, 0);
	assert_int_equal(s->align, 1);
	assert_int_equal(s->on_source_end, SPLIT_STAY);
	assert_int_equal(s->source_timeout, 10000);
	assert_int_equal(s->retry, 1000);
	assert_false(s->takeover);
	assert_int_equal(s->idle_timeout, 60000);
	assert_int_equal(s->max_subscribers, 0);
	assert_int_equal(s->unit, 0);
	conf_unref(c);
}

/* All addresses that we listen at, in one row. */
static void binds_are_gathered(void **state)
{
	static const char *const wanted[] = { ":443",          "fd:3", ":8000",
					      "unix:/run/out", "fd:4", "listen::9000",
					      "127.0.0.1:7000" };
	const struct conf *c = good_file(all);

	(void)state;
	assert_int_equal(c->binds, 7);
	for (size_t i = 0; i < c->binds; i++) {
		assert_string_equal(c->bind[i].address->text, wanted[i]);
		assert_int_equal(c->bind[i].single, i == 5);
	}
	assert_int_equal(c->split[0]->bind, 2);
	assert_int_equal(c->split[1]->bind, 6);
	conf_unref(c);
}

/* Nothing to relay, then. */
static void splits_are_enough(void **state)
{
	const struct conf *c = good_file(SPLIT);

	(void)state;
	assert_int_equal(c->listeners + c->backends, 0);
	assert_int_equal(c->splits, 1);
	conf_unref(c);
}

static bool same(const char *one, const char *other)
{
	const struct conf *c = good_file(one), *d = good_file(other);
	bool yes = conf_dump_same(&conf_split_section, c->split[0], d->split[0]);

	conf_unref(c);
	conf_unref(d);
	return yes;
}

/* However they are written: by their values. */
static void splits_are_compared(void **state)
{
	(void)state;
	assert_true(same(SPLIT, "split:\n  - lag: 8192K\n    listen: \":8000\"\n"
				"    source: \"10.0.0.1:9\"\n    takeover: false\n"));
	assert_false(
		same(SPLIT, "split: [{source: \"10.0.0.1:9\", listen: \":8000\", lag: 9M}]\n"));
	assert_false(same(SPLIT, "split: [{source: \"10.0.0.1:9\", listen: \":8001\"}]\n"));
	assert_false(
		same(SPLIT, "split: [{source: \"10.0.0.1:9\", listen: [\":8000\", \":8001\"]}]\n"));
}

static void the_rest_is_read(void **state)
{
	const struct conf *c = good_file(all);

	(void)state;
	assert_int_equal(c->timeouts.head, 1000);
	assert_int_equal(c->timeouts.connect, 0);
	assert_int_equal(c->timeouts.idle, 3600000);
	assert_int_equal(c->timeouts.half_closed, 90000);
	assert_int_equal(c->timeouts.drain, 0);
	assert_int_equal(c->limits.connections, 100);
	assert_int_equal(c->limits.per_client, 10);
	assert_int_equal(c->log.format, LOG_JSON);
	assert_int_equal(c->log.level, LOG_DEBUG_LEVEL);
	assert_int_equal(c->engine, SHUNT_COPY);
	assert_int_equal(c->unit, 65536);
	assert_int_equal(c->receive_limit, 1536 * 1024);
	assert_int_equal(c->workers, 2);
	assert_true(c->admin.on);
	assert_string_equal(c->admin.address.text, "unix:@admin");
	conf_unref(c);
}

static void are_defaults(const struct conf *c)
{
	assert_int_equal(c->timeouts.head, 3000);
	assert_int_equal(c->timeouts.connect, 3000);
	assert_int_equal(c->timeouts.idle, 600000);
	assert_int_equal(c->timeouts.half_closed, 60000);
	assert_int_equal(c->timeouts.drain, 30000);
	assert_int_equal(c->limits.connections, 0);
	assert_int_equal(c->limits.per_client, 0);
	assert_int_equal(c->log.format, LOG_LOGFMT);
	assert_int_equal(c->log.level, LOG_INFO_LEVEL);
	assert_int_equal(c->engine, SHUNT_AUTO);
	assert_int_equal(c->unit, 0);
	assert_int_equal(c->receive_limit, 6 << 20);
	assert_int_equal(c->workers, 0);
	assert_false(c->admin.on);
}

static void defaults_are_in_force(void **state)
{
	const struct conf *c = good_file(LISTEN_B BACKEND_B), *none = conf_defaults();

	(void)state;
	are_defaults(c);
	are_defaults(none);
	assert_int_equal(none->listeners + none->backends + none->splits, 0);
	conf_unref(none);
	conf_unref(c);
}

static void each_engine_can_be_asked_for(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SHUNT_ENGINES; i++) {
		const char *name = shunt_engine_text((enum shunt_engine)i);
		const struct conf *c;
		char text[200];

		if (strcmp(name, "none") == 0)
			continue;
		snprintf(text, sizeof(text), LISTEN_B BACKEND_B "engine: %s\n", name);
		c = good_file(text);
		assert_int_equal(c->engine, i);
		conf_unref(c);
	}
}

static void aliases_stand_for_what_they_name(void **state)
{
	const struct conf *c =
		good_file("listen: [{address: \":1\", default: b}, {address: \":2\", default: c}]\n"
			  "backend:\n"
			  "  b: {servers: &s [\"10.0.0.1:1\"], check: &c {every: 9s}}\n"
			  "  c: {servers: *s, check: *c}\n");

	(void)state;
	assert_string_equal(c->backend[1]->server[0]->address.text, "10.0.0.1:1");
	assert_int_equal(c->backend[1]->check.every, 9000);
	conf_unref(c);
}

static void comes_back_the_same(const char *text)
{
	const struct conf *c = good_file(text), *again;
	char *dump = dump_text(c), *second;

	again = good_file(dump);
	second = dump_text(again);
	assert_string_equal(dump, second);
	assert_int_equal(c->listeners, again->listeners);
	assert_int_equal(c->backends, again->backends);
	assert_int_equal(c->splits, again->splits);
	assert_int_equal(c->receive_limit, again->receive_limit);
	conf_unref(c);
	conf_unref(again);
	free(dump);
	free(second);
}

static void dumps_are_read_back(void **state)
{
	const struct conf *c = good_file(all);
	char *dump = dump_text(c);

	(void)state;
	comes_back_the_same(all);
	comes_back_the_same(LISTEN_B BACKEND_B);
	comes_back_the_same(SPLIT);
	comes_back_the_same(SPLIT LISTEN_B BACKEND_B);
	comes_back_the_same(LISTEN_B BACKEND_B "receive_limit: 1000001\ntimeouts: {idle: 1.5s}\n");
	/* Two that differ are dumped differently. */
	assert_non_null(strstr(dump, "{sni: [\"a.example\", \"*.b.example\"], alpn: [], host: [], "
				     "protocol: [], backend: \"web\"}"));
	assert_non_null(strstr(dump, "\n    check: {every: 5s, timeout: 500ms, rise: 1, fall: 4, "
				     "http: \"/health\"}\n"));
	assert_non_null(strstr(dump, "\nadmin: {address: \"unix:@admin\"}\n"));
	assert_non_null(strstr(dump, "\nreceive_limit: 1536K\n"));
	assert_non_null(strstr(dump, "unix:/run/a b\\\"\\U000000FC.sock"));
	free(dump);
	conf_unref(c);
}

/* Hundreds of readers hold it and let go while the first holder does so as well. */
static void *hold_and_let_go(void *held)
{
	const struct conf *c = held;

	for (int i = 0; i < 10000; i++) {
		const struct conf *mine = conf_ref(c);

		assert_int_equal(mine->listeners, 1);
		conf_unref(mine);
	}
	conf_unref(c);
	return NULL;
}

static void holders_share_it(void **state)
{
	const struct conf *c = good_file(LISTEN_B BACKEND_B);
	pthread_t thread[4];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		void *held;

		memcpy(&held, &(const struct conf *){ conf_ref(c) }, sizeof(held));
		assert_int_equal(pthread_create(&thread[i], NULL, hold_and_let_go, held), 0);
	}
	conf_unref(c);
	for (size_t i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
}

static void files_are_opened(void **state)
{
	char path[] = "/tmp/conf-good-XXXXXX";
	struct conf_report report = { 0 };
	const struct conf *c = NULL;
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, LISTEN_B BACKEND_B, sizeof(LISTEN_B BACKEND_B) - 1),
			 sizeof(LISTEN_B BACKEND_B) - 1);
	close(fd);
	assert_int_equal(conf_load(path, &c, &report), 0);
	assert_string_equal(c->listener[0]->place.source, path);
	conf_unref(c);
	unlink(path);
	assert_int_equal(conf_load(path, &c, &report), -ENOENT);
	assert_non_null(strstr(report.message[0].text, ": No such file or directory"));
	conf_report_clear(&report);
	assert_int_equal(conf_load("/tmp", &c, &report), -EISDIR);
	conf_report_clear(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listeners_are_read),
		cmocka_unit_test(routes_are_read),
		cmocka_unit_test(servers_are_read),
		cmocka_unit_test(backends_are_read),
		cmocka_unit_test(splits_are_read),
		cmocka_unit_test(splits_have_defaults),
		cmocka_unit_test(binds_are_gathered),
		cmocka_unit_test(splits_are_enough),
		cmocka_unit_test(splits_are_compared),
		cmocka_unit_test(the_rest_is_read),
		cmocka_unit_test(defaults_are_in_force),
		cmocka_unit_test(each_engine_can_be_asked_for),
		cmocka_unit_test(aliases_stand_for_what_they_name),
		cmocka_unit_test(dumps_are_read_back),
		cmocka_unit_test(holders_share_it),
		cmocka_unit_test(files_are_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
