/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_name.c — values that name something: hosts, protocols of ALPN, paths, types, backends
 *
 * What could never match is refused here rather than waited for; for host names look/name.h knows.
 */
#include <string.h>

#include "daemon/conf_value.h"
#include "look/name.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"
#define NONE    "none"

static bool add(const struct conf_reading *in, struct conf_list *list, const char *text)
{
	if (conf_add_text(in->conf, list, text))
		return true;
	return conf_refuse(in, text, "no memory is left");
}

static void list_write(const struct conf_key *key, const void *field, FILE *to)
{
	const struct conf_list *list = field;

	(void)key;
	fputc('[', to);
	for (size_t i = 0; i < list->count; i++) {
		fputs(i ? ", " : "", to);
		conf_write_text(list->item[i], to);
	}
	fputc(']', to);
}

/* -- host names -- */

static bool names_read(const struct conf_reading *in, void *field, const char *text)
{
	const char *problem;
	char lower[NAME_TEXT];
	size_t n = 0;

	if (name_check(text, &problem) < 0)
		return conf_refuse(in, text, problem);
	for (; text[n]; n++)
		lower[n] = (char)(text[n] >= 'A' && text[n] <= 'Z' ? text[n] | 0x20 : text[n]);
	lower[n] = '\0';
	return add(in, field, lower);
}

const struct conf_type value_names = { "names", true, names_read, list_write };

/* -- protocols of ALPN -- */

static bool alpn_read(const struct conf_reading *in, void *field, const char *text)
{
	size_t n = strlen(text);

	if (n == 0 || n > 255)
		return conf_refuse(in, text, "a protocol of ALPN has 1 to 255 bytes");
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p > '~')
			return conf_refuse(in, text,
					   "a protocol of ALPN is written in ASCII without blanks, "
					   "like h2 or acme-tls/1");
	return add(in, field, text);
}

const struct conf_type value_alpn = { "texts", true, alpn_read, list_write };

/* -- the path of a GET -- */

static bool path_read(const struct conf_reading *in, void *field, const char *text)
{
	const char **path = field;

	if (strcmp(text, NONE) == 0)
		return true;
	if (*text != '/')
		return conf_refuse(in, text, "a path begins with '/': write it like /health");
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p > '~' || *p == '#')
			return conf_refuse(in, text,
					   "a path has no blanks, no '#', and ASCII only: "
					   "write other characters like %20");
	*path = conf_copy(in->conf, text);
	return *path || conf_refuse(in, text, "no memory is left");
}

static void path_write(const struct conf_key *key, const void *field, FILE *to)
{
	const char *const *path = field;

	(void)key;
	if (*path)
		conf_write_text(*path, to);
	else
		fputs(NONE, to);
}

const struct conf_type value_path = { "path", false, path_read, path_write };

/* -- the type of what is sent over HTTP -- */

#define LONGEST_TYPE 100

/* It goes into a head as it is. */
static bool media_read(const struct conf_reading *in, void *field, const char *text)
{
	const char **type = field;

	*type = NULL;
	if (strcmp(text, NONE) == 0)
		return true;
	if (!strchr(text, '/') || strlen(text) > LONGEST_TYPE)
		return conf_refuse(in, text, "a type is like video/mp2t");
	for (const char *p = text; *p; p++)
		if (*p < ' ' || *p > '~')
			return conf_refuse(in, text, "a type is written in ASCII");
	*type = conf_copy(in->conf, text);
	return *type || conf_refuse(in, text, "no memory is left");
}

const struct conf_type value_media = { "type", false, media_read, path_write };

/* -- backends -- */

#define LONGEST_NAME 260 /* "host:" and the longest host name of look/name.h */

const char *conf_backend_name_problem(const char *name)
{
	size_t n = strlen(name);

	if (strcmp(name, NONE) == 0)
		return "a backend cannot be called so: it is the word for no backend";
	if (n == 0 || n > LONGEST_NAME)
		return "a backend's name has 1 to 260 characters";
	if (name[strspn(name, LETTERS DIGITS "-_.:*[]")] != '\0')
		return "a backend's name has letters, digits and -_.:*[] only";
	return NULL;
}

/* Whether there is such a backend is seen at the end, when all are known. */
static bool backend_read(const struct conf_reading *in, void *field, const char *text)
{
	struct conf_use *use = field;

	*use = (struct conf_use){ .place = in->at };
	if (strcmp(text, NONE) == 0)
		return true;
	use->name = conf_copy(in->conf, text);
	return use->name || conf_refuse(in, text, "no memory is left");
}

static void backend_write(const struct conf_key *key, const void *field, FILE *to)
{
	const struct conf_use *use = field;

	(void)key;
	if (use->name)
		conf_write_text(use->name, to);
	else
		fputs(NONE, to);
}

const struct conf_type value_backend = { "backend", false, backend_read, backend_write };
