/* SPDX-License-Identifier: BSD-2-Clause */
/* split_cmd.c — `shunt split`: one stream in, the same stream out to many
 *
 * Its options are the keys of a split's section (daemon/conf_keys.c), and they become a configuration that has one.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "cmd/launch.h"
#include "cmd/options.h"
#include "daemon/conf_draft.h"

static const char *const engines[] = { "auto", "copy", "splice", NULL }; /* enum shunt_engine */
static const char *const formats[] = { "logfmt", "json", NULL };         /* enum log_format */

/* What an option has beside what its key says. */
static const struct word {
	const char *key, *argument;
	char letter;
} words[] = {
	{ "source", "ADDR", 's' }, { "listen", "ADDR", 'l' }, { "http", "TYPE", 0 },
	{ "align", "BYTES", 0 },   { "unit", "SIZE", 'u' },
};

enum { OWN = 6 }; /* options that are no key of a split */

/* An option that is a key. */
struct keyed {
	const struct conf_key *key;
	char name[32]; /* "--on-lag" */
	const char *text;
	bool flag;
};

struct split_args {
	struct keyed keyed[CONF_KEYS_MOST];
	size_t keys;
	struct option_row rows[CONF_KEYS_MOST + OWN + 1];
	struct options_list listen;
	const char *admin;
	unsigned engine, format, verbose;
	uint64_t workers, drain;
	uint64_t last_in, last_out, last_at; /* of the live line */
};

/* -- options -- */

static const char *argument_of(const struct conf_key *k)
{
	return k->type == &value_size   ? "SIZE"
	       : k->type == &value_time ? "TIME"
	       : k->choice              ? "WHAT"
					: "N";
}

/* As the key, with hyphens. */
static void put_name(struct keyed *o)
{
	snprintf(o->name, sizeof(o->name), "--%s", o->key->name);
	for (char *p = o->name; *p; p++)
		if (*p == '_')
			*p = '-';
}

static struct option_row row_of(struct split_args *a, struct keyed *o)
{
	const struct conf_key *k = o->key;
	struct option_row r = { .name = o->name + 2,
				.argument = argument_of(k),
				.kind = OPTION_TEXT,
				.text = &o->text,
				.help = k->help,
				.def = k->def && *k->def ? k->def : NULL };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].key, k->name) == 0) {
			r.argument = words[i].argument;
			r.letter = words[i].letter;
		}
	if (k->type == &value_bool) {
		r.kind = OPTION_FLAG;
		r.flag = &o->flag;
		r.argument = r.def = NULL;
	} else if (k->type->list) {
		r.kind = OPTION_LIST;
		r.list = &a->listen;
	}
	return r;
}

static void make_rows(struct split_args *a)
{
	const struct option_row own[OWN] = {
		{ "drain-timeout", 0, "TIME", OPTION_TIME, .time = &a->drain, .def = "30s",
		  .help = "how long draining waits; 0: for ever" },
		{ "engine", 'e', "ENGINE", OPTION_CHOICE, .choice = &a->engine, .choices = engines,
		  .def = "auto", .help = "splice, copy, or auto: the best that works here" },
		{ "workers", 'w', "N", OPTION_NUMBER, .number = &a->workers, .min = 0,
		  .max = CONF_WORKERS, .def = "0", .help = "threads; 0: one for each CPU" },
		{ "admin", 0, "ADDR", OPTION_TEXT, .text = &a->admin,
		  .help = "tell metrics and health over HTTP there" },
		{ "log", 0, "FORMAT", OPTION_CHOICE, .choice = &a->format, .choices = formats,
		  .def = "logfmt", .help = "to stderr, one line for each subscriber" },
		{ "verbose", 'v', NULL, OPTION_COUNT, .count = &a->verbose, .help = "say more" },
	};

	for (const struct conf_key *k = conf_split_section.keys; k->name; k++) {
		struct keyed *o = &a->keyed[a->keys];

		o->key = k;
		put_name(o);
		a->rows[a->keys++] = row_of(a, o);
	}
	memcpy(&a->rows[a->keys], own, sizeof(own));
}

static int read_args(struct split_args *a, int argc, char **argv)
{
	const struct options o = {
		"shunt split",
		NULL,
		"Take one live stream, and give it to all who come.",
		a->rows,
		NULL,
		"ADDR: host:port, :port, [v6]:port, unix:/path\n"
		"signals: SIGTERM, SIGINT, SIGHUP stop; SIGUSR1: no new ones, end with the source\n"
		"exit codes: 0 fine, 1 usage, 2 cannot bind or no permission, 3 fatal at run time\n"
	};

	make_rows(a);
	int r = options_parse(&o, argc, argv);

	if (r != 0)
		return r;
	if (!a->keyed[0].text)
		return options_wrong(&o, "the source is missing: --source 10.0.0.7:9000, or "
					 "--source listen::9000 if it comes");
	if (a->listen.count == 0)
		return options_wrong(&o, "where subscribers come is missing: --listen :8000");
	return 0;
}

/* -- a configuration -- */

static struct conf_place place_of(const char *option)
{
	return (struct conf_place){ .source = option };
}

static void put_key(struct conf_draft *d, struct conf_part *split, const struct split_args *a,
		    const struct keyed *o)
{
	const char *key = o->key->name;

	if (o->key->type->list)
		for (size_t i = 0; i < a->listen.count; i++)
			conf_draft_put(d, split, key, a->listen.item[i], place_of(o->name));
	else if (o->key->type == &value_bool)
		conf_draft_put(d, split, key, o->flag ? "true" : "false", place_of(o->name));
	else if (o->text)
		conf_draft_put(d, split, key, o->text, place_of(o->name));
}

static void put_all(struct conf_draft *d, const struct split_args *a)
{
	struct conf_part file = conf_draft_file(d, place_of("shunt split")), split, admin;

	split = conf_draft_add(d, &file, "split", NULL, place_of("--unit"));
	for (size_t i = 0; i < a->keys; i++)
		put_key(d, &split, a, &a->keyed[i]);
	conf_draft_close(d, &split);
	if (a->admin) {
		admin = conf_draft_section(d, &file, "admin", place_of("--admin"));
		conf_draft_put(d, &admin, "address", a->admin, place_of("--admin"));
	}
	conf_draft_close(d, &file);
	d->conf->timeouts.drain = a->drain;
	d->conf->engine = (enum shunt_engine)a->engine;
	d->conf->workers = (unsigned)a->workers;
	d->conf->log.format = (enum log_format)a->format;
	d->conf->log.level = a->verbose ? LOG_DEBUG_LEVEL : LOG_INFO_LEVEL;
}

static int make_conf(const struct split_args *a, const struct conf **out)
{
	struct conf_report report = { .message = NULL };
	struct conf_draft d;
	int r = conf_draft_begin(&d, &report);

	if (r == 0) {
		put_all(&d, a);
		r = conf_draft_finish(&d, out);
	}
	launch_say_report("shunt split", &report);
	return r;
}

/* -- the command -- */

static void live_line(const struct daemon *d, void *arg)
{
	struct split_args *a = arg;
	char in[UNITS_TEXT], out[UNITS_TEXT], lag[UNITS_TEXT], held[UNITS_TEXT];
	uint64_t now = clock_ms(), ms = now - a->last_at;
	struct split_totals t;

	daemon_split_totals(d, &t);
	printf("\r\033[K%s %s | %llu subscribers %s | lag %s, %llu skips | held %s\r",
	       t.source_here ? "source" : "no source", units_rate_text(t.in - a->last_in, ms, in),
	       (unsigned long long)t.running, units_rate_text(t.out - a->last_out, ms, out),
	       units_size_text(t.lag, lag), (unsigned long long)t.skips,
	       units_size_text(t.held, held));
	fflush(stdout);
	a->last_in = t.in;
	a->last_out = t.out;
	a->last_at = now;
}

int cmd_split(int argc, char **argv)
{
	struct split_args a = { .last_at = clock_ms() };
	const struct launch_live live = { live_line, &a };
	const struct conf *c = NULL;
	int r = read_args(&a, argc, argv);

	if (r != 0)
		return r == OPTIONS_HELPED ? CMD_FINE : CMD_USAGE;
	r = make_conf(&a, &c);
	if (r < 0)
		return r == -ENOMEM ? CMD_FATAL : CMD_USAGE;
	r = launch("shunt split", &(struct daemon_options){ .conf = c, .brief = true },
		   isatty(STDOUT_FILENO) ? &live : NULL);
	conf_unref(c);
	return r;
}
