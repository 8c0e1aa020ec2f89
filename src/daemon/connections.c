/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/connections.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* A text that jansson takes: bytes that are of no character are U+FFFD. An empty one is null. */
static json_t *text_of(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t left = strlen(text), n = 0, len;
	char sound[3 * SURVEY_TEXT];

	if (!left)
		return json_null();
	for (; left > 0 && n + 4 < sizeof(sound); s += len, left -= len) {
		len = utf8_character(s, left);
		memcpy(sound + n, len ? (const void *)s : UTF8_UNKNOWN, len ? len : 3);
		n += len ? len : 3;
		len = len ? len : 1;
	}
	return json_stringn(sound, n);
}

static json_t *number_of(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *engines_of(const struct moved *m, enum tally_way way)
{
	json_t *by = json_object();

	for (int e = SHUNT_AUTO + 1; by && e < SHUNT_ENGINES; e++)
		if (json_object_set_new(by, shunt_engine_text((enum shunt_engine)e),
					number_of(m->by[way][e])) < 0) {
			json_decref(by);
			return NULL;
		}
	return by;
}

/* Takes all values; NULL among them, for want of memory, makes NULL. */
static json_t *item_of(const struct survey_item *i)
{
	return json_pack(
		"{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:{s:o, s:o}}",
		"conn", number_of(i->conn), "phase", i->phase, "client", text_of(i->client),
		"listen", text_of(i->listen), "protocol", text_of(i->protocol ? i->protocol : ""),
		"sni", text_of(i->sni), "host", text_of(i->host), "backend", text_of(i->backend),
		"server", text_of(i->server), "engine", shunt_engine_text(i->engine), "age_ms",
		number_of(i->age_ms), "idle_ms", number_of(i->idle_ms), "up",
		number_of(moved_bytes(&i->moved, TALLY_UP)), "down",
		number_of(moved_bytes(&i->moved, TALLY_DOWN)), "moved", "up",
		engines_of(&i->moved, TALLY_UP), "down", engines_of(&i->moved, TALLY_DOWN));
}

int connections_print(const struct survey *s, bool whole, FILE *to)
{
	fprintf(to, "{\"count\":%zu,\"left_out\":%zu,\"whole\":%s,\"connections\":[",
		s->count + s->left_out, s->left_out, whole ? "true" : "false");
	for (size_t i = 0; i < s->count; i++) {
		json_t *item = item_of(&s->item[i]);
		int r = -1;

		fputs(i ? ",\n" : "\n", to);
		if (item)
			r = json_dumpf(item, to, JSON_COMPACT);
		json_decref(item);
		if (r < 0)
			return -ENOMEM;
	}
	fputs("]}\n", to);
	return 0;
}
