/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_conf.c — any bytes as a configuration: refused with reasons that are lines of text, or read, dumped
 * and read back the same */
#include "daemon/conf_dump.h"
#include "daemon/conf_load.h"
#include "fuzz.h"

static void messages_are_lines(const struct conf_report *report)
{
	for (size_t i = 0; i < report->messages; i++) {
		const char *text = report->message[i].text;

		PROMISED(strncmp(text, "f:", 2) == 0);
		for (const char *p = text; *p; p++)
			PROMISED(*p >= ' ' && *p <= '~');
	}
}

/* Nothing half filled comes out. */
static void all_is_there(const struct conf *c)
{
	PROMISED(c->splits > 0 || (c->listeners > 0 && c->backends > 0));
	for (size_t i = 0; i < c->splits; i++)
		PROMISED(c->split[i]->listen.count > 0 && c->split[i]->source.at.text &&
			 !c->split[i]->place.wrong);
	for (size_t i = 0; i < c->backends; i++)
		PROMISED(c->backend[i]->servers > 0 && !c->backend[i]->place.wrong);
	for (size_t i = 0; i < c->listeners; i++) {
		const struct conf_listener *l = c->listener[i];

		PROMISED(l->address.text && !l->place.wrong && (l->look || l->otherwise.backend));
		for (size_t k = 0; k < l->routes; k++)
			PROMISED(!l->route[k]->backend.name == !l->route[k]->backend.backend);
	}
}

static char *dumped(const struct conf *c, size_t *n)
{
	char *text;
	FILE *to = open_memstream(&text, n);

	PROMISED(to);
	conf_dump(c, to);
	fclose(to);
	return text;
}

static void comes_back_the_same(const struct conf *c)
{
	struct conf_report report = { 0 };
	const struct conf *again;
	size_t n, m;
	char *text = dumped(c, &n), *second;

	PROMISED(conf_load_bytes("f", text, n, &again, &report) == 0);
	second = dumped(again, &m);
	PROMISED(n == m && memcmp(text, second, n) == 0);
	conf_unref(again);
	conf_report_clear(&report);
	free(text);
	free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct conf_report report = { 0 };
	const struct conf *c;
	int r = conf_load_bytes("f", bytes, n, &c, &report);

	PROMISED((r == 0) == (report.errors == 0));
	PROMISED(r == 0 || report.messages > 0);
	messages_are_lines(&report);
	if (r == 0) {
		all_is_there(c);
		comes_back_the_same(c);
		conf_unref(c);
	}
	conf_report_clear(&report);
	return 0;
}
