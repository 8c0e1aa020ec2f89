/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_draft.h — a configuration while it is being made: the one door, for a file and a command line
 *
 *	struct conf_draft d;
 *	struct conf_part file, listener;
 *
 *	if (conf_draft_begin(&d, &report) < 0)
 *		return -ENOMEM;
 *	file = conf_draft_file(&d, place);
 *	listener = conf_draft_add(&d, &file, "listen", NULL, place);
 *	conf_draft_put(&d, &listener, "address", ":443", place);
 *	conf_draft_put(&d, &listener, "default", "web", place);
 *	conf_draft_close(&d, &listener);
 *	...
 *	conf_draft_close(&d, &file);
 *	return conf_draft_finish(&d, &conf);
 *
 * Everything begins with its default. Whatever is wrong goes into the report, and making goes on, so
 * that all of it is told at once. A configuration comes out only if nothing was wrong.
 */
#ifndef DAEMON_CONF_DRAFT_H
#define DAEMON_CONF_DRAFT_H

#include "daemon/conf_keys.h"

struct conf_draft {
	struct conf *conf;
	struct conf_report *report;
	bool no_memory;
};

/* A section that is being filled. */
struct conf_part {
	const struct conf_section *section;
	void *object; /* NULL: there was no memory for it; all that is put there is lost */
	struct conf_place place;
	uint32_t given; /* which rows of its section were, as bits */
	uint32_t meant; /* and which ones somebody seems to have misspelt: they are not missing */
};

/* The report is the caller's, and outlives the draft. -ENOMEM, or 0: to be finished or dropped. */
int conf_draft_begin(struct conf_draft *d, struct conf_report *report);

/* The outermost section. */
struct conf_part conf_draft_file(struct conf_draft *d, struct conf_place place);

/* The row of a key that may be given now: NULL if it is unknown, or was given already; the report says
 * so. For those who read what others wrote. */
const struct conf_key *conf_draft_key(struct conf_draft *d, struct conf_part *in, const char *name,
				      struct conf_place place);

/* The section that is the value of a key. */
struct conf_part conf_draft_section(struct conf_draft *d, struct conf_part *in, const char *key,
				    struct conf_place place);

/* An optional section is not to be. */
void conf_draft_none(struct conf_draft *d, struct conf_part *in, const char *key);

/* One more of those that there are many of: "listen", "routes", "backend", "servers", "split". `name` with
 * "backend" only. */
struct conf_part conf_draft_add(struct conf_draft *d, struct conf_part *in, const char *key,
				const char *name, struct conf_place place);

/* A value, or one more item of a list, as a text. False: it is wrong, and the report says why. */
bool conf_draft_put(struct conf_draft *d, struct conf_part *in, const char *key, const char *text,
		    struct conf_place place);

/* Something in it was wrong, and the report says so: what is missing in it need not be told. */
void conf_draft_spoil(struct conf_part *in);

/* All has been put: what is missing? */
void conf_draft_close(struct conf_draft *d, const struct conf_part *part);

/* Check what belongs together, put the report in order, and end the draft. 0: *out is held once, for
 * conf_unref; -EINVAL: there are errors in the report; -ENOMEM. Warnings do no harm. */
int conf_draft_finish(struct conf_draft *d, const struct conf **out);

/* End it without a configuration. */
void conf_draft_drop(struct conf_draft *d);

/* All defaults, nothing to listen on, no backend; held once. NULL: no memory. */
const struct conf *conf_defaults(void);

#endif
