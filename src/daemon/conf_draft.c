/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/conf_draft.h"

#include <errno.h>
#include <string.h>

#include "daemon/conf_check.h"

static void *field_of(const struct conf_part *in, const struct conf_key *k)
{
	return (char *)in->object + k->field;
}

static uint32_t bit_of(const struct conf_part *in, const struct conf_key *k)
{
	return (uint32_t)1 << (k - in->section->keys);
}

/* -- defaults -- */

static bool read_value(struct conf_draft *d, void *field, const struct conf_key *k,
		       const char *text, struct conf_place place)
{
	const struct conf_reading in = { d->conf, d->report, place, k };

	return k->type->read(&in, field, text);
}

static void value_defaults(struct conf_draft *d, const struct conf_part *part)
{
	for (const struct conf_key *k = part->section->keys; k->name; k++)
		if (k->type && k->def && *k->def)
			read_value(d, field_of(part, k), k, k->def, part->place);
}

/* Of a section, and of those that lie in it whether they are mentioned or not. */
static void defaults(struct conf_draft *d, const struct conf_part *part)
{
	value_defaults(d, part);
	for (const struct conf_key *k = part->section->keys; k->name; k++) {
		struct conf_part inner = { .section = k->section,
					   .object = field_of(part, k),
					   .place = part->place };

		if (k->section && k->section->many == CONF_ONE)
			value_defaults(d, &inner);
	}
}

/* -- from beginning to end -- */

int conf_draft_begin(struct conf_draft *d, struct conf_report *report)
{
	struct conf_part all;

	*d = (struct conf_draft){ .conf = conf_new(), .report = report };
	if (!d->conf)
		return -ENOMEM;
	all = conf_draft_file(d, (struct conf_place){ .source = "defaults" });
	defaults(d, &all);
	return 0;
}

struct conf_part conf_draft_file(struct conf_draft *d, struct conf_place place)
{
	return (struct conf_part){ .section = &conf_file, .object = d->conf, .place = place };
}

int conf_draft_finish(struct conf_draft *d, const struct conf **out)
{
	if (!d->no_memory && conf_check(d->conf, d->report) < 0)
		d->no_memory = true;
	conf_report_sort(d->report);
	if (d->no_memory || d->report->errors) {
		conf_draft_drop(d);
		return d->no_memory ? -ENOMEM : -EINVAL;
	}
	*out = d->conf;
	d->conf = NULL;
	return 0;
}

void conf_draft_drop(struct conf_draft *d)
{
	conf_unref(d->conf);
	d->conf = NULL;
}

const struct conf *conf_defaults(void)
{
	struct conf_report report = { 0 };
	struct conf_draft d;

	if (conf_draft_begin(&d, &report) < 0)
		return NULL;
	if (report.errors) { /* no memory for a text */
		conf_report_clear(&report);
		conf_draft_drop(&d);
	}
	return d.conf;
}

/* -- keys -- */

static void unknown_key(struct conf_draft *d, struct conf_part *in, const char *name,
			const struct conf_place *at)
{
	const struct conf_section *s = in->section;
	struct guess g = { .word = name };
	char quoted[CONF_QUOTED], meant[CONF_MEANT], all[256] = "";
	size_t n = 0;

	for (const struct conf_key *k = s->keys; k->name; k++) {
		guess_try(&g, k->name);
		if (n < sizeof(all))
			n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", n ? ", " : "",
					      k->name);
	}
	if (g.best)
		in->meant |= bit_of(in, conf_key_find(s, g.best));
	if (g.best)
		conf_error(d->report, at, "unknown key %s%s", conf_quoted(name, quoted),
			   conf_meant(&g, meant));
	else
		conf_error(d->report, at, "unknown key %s; a %s has %s", conf_quoted(name, quoted),
			   s->word, all);
}

/* For those who know their keys; the table has them. */
static const struct conf_key *known(struct conf_part *in, const char *name)
{
	const struct conf_key *k = conf_key_find(in->section, name);

	in->given |= bit_of(in, k);
	return k;
}

const struct conf_key *conf_draft_key(struct conf_draft *d, struct conf_part *in, const char *name,
				      struct conf_place place)
{
	const struct conf_key *k = conf_key_find(in->section, name);

	if (!k)
		unknown_key(d, in, name, &place);
	else if (in->given & bit_of(in, k))
		conf_error(d->report, &place, "\"%s\" is given twice", name);
	else
		return known(in, name);
	conf_draft_spoil(in);
	return NULL;
}

struct conf_part conf_draft_section(struct conf_draft *d, struct conf_part *in, const char *key,
				    struct conf_place place)
{
	const struct conf_key *k = known(in, key);

	(void)d;
	if (k->optional && in->object)
		*conf_key_on(k, in->object) = true;
	return (struct conf_part){ .section = k->section,
				   .object = in->object ? field_of(in, k) : NULL,
				   .place = place };
}

void conf_draft_none(struct conf_draft *d, struct conf_part *in, const char *key)
{
	const struct conf_key *k = known(in, key);

	(void)d;
	if (in->object)
		*conf_key_on(k, in->object) = false;
}

static bool name_is_fine(struct conf_draft *d, const char *name, const struct conf_place *at)
{
	const char *problem = conf_backend_name_problem(name);
	char quoted[CONF_QUOTED];

	if (!problem && !conf_find_backend(d->conf, name))
		return true;
	if (problem)
		conf_error(d->report, at, "%s: %s", conf_quoted(name, quoted), problem);
	else
		conf_error(d->report, at, "there is a backend %s already",
			   conf_quoted(name, quoted));
	return false;
}

struct conf_part conf_draft_add(struct conf_draft *d, struct conf_part *in, const char *key,
				const char *name, struct conf_place place)
{
	const struct conf_key *k = known(in, key);
	struct conf_part part = { .section = k->section, .place = place };

	place.wrong = name && !name_is_fine(d, name, &place);
	if (in->object)
		part.object = k->section->add(d->conf, in->object, name);
	if (part.object) {
		*(struct conf_place *)part.object = place;
		defaults(d, &part);
	} else {
		d->no_memory = true;
	}
	return part;
}

void conf_draft_spoil(struct conf_part *in)
{
	if (in->object && in->section->many != CONF_ONE)
		((struct conf_place *)in->object)->wrong = true;
}

bool conf_draft_put(struct conf_draft *d, struct conf_part *in, const char *key, const char *text,
		    struct conf_place place)
{
	const struct conf_key *k = known(in, key);
	bool clean = conf_is_clean(text);

	if (!clean)
		conf_error(d->report, &place, "%s: control characters, or bytes that are not UTF-8",
			   key);
	if (clean && in->object && read_value(d, field_of(in, k), k, text, place))
		return true;
	conf_draft_spoil(in);
	return false;
}

/* Is it there, or is something that seems to have been meant for it? */
static bool is_given(const struct conf_part *part, const struct conf_key *k)
{
	return (part->given | part->meant) & bit_of(part, k);
}

static bool is_needed(const struct conf_part *part, const struct conf_key *k)
{
	return !k->def && !(k->unless && is_given(part, conf_key_find(part->section, k->unless)));
}

void conf_draft_close(struct conf_draft *d, const struct conf_part *part)
{
	for (const struct conf_key *k = part->section->keys; k->name; k++)
		if (is_needed(part, k) && !is_given(part, k))
			conf_error(d->report, &part->place, "this %s lacks its \"%s\"",
				   part->section->word, k->name);
}
