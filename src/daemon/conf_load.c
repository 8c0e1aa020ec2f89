/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_load.c — from YAML's tree to the draft
 *
 *	bytes ── conf_yaml ──▶ tree of nodes ── here ──▶ conf_draft ──▶ struct conf
 *
 * The tree says what was written and where; the table of keys says what it may be. Here the two are laid
 * side by side: is a section where one is wanted, a list, a text? The table's depth is the depth of all
 * walking, however deep or round the tree may be: sections that were met wait in a queue until their
 * turn comes, and nothing calls itself. What a value means is the draft's business.
 *
 * An alias is the node that it stands for, so one node may be met more than once; how many are met in
 * all is limited.
 */
#include "daemon/conf_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

#include "daemon/conf_draft.h"
#include "daemon/conf_yaml.h"

#define ITEMS_MOST 4096   /* of one list or section */
#define NODES_MOST 200000 /* met in all */

/* A section that waits to be read. */
struct waiting {
	yaml_node_t *node;
	struct conf_part part;
};

struct load {
	const char *source;
	yaml_document_t *tree;
	struct conf_draft draft;
	struct waiting *queue;
	size_t queued, room;
	size_t met;
};

static struct conf_place place_of(const struct load *l, const yaml_node_t *node)
{
	return conf_yaml_place(l->source, &node->start_mark);
}

static void wrong(struct load *l, struct conf_part *in, const yaml_node_t *node, const char *key,
		  const char *what)
{
	struct conf_place place = place_of(l, node);

	conf_error(l->draft.report, &place, "%s: %s", key, what);
	conf_draft_spoil(in);
}

static void later(struct load *l, yaml_node_t *node, struct conf_part part)
{
	if (l->queued == l->room) {
		size_t room = l->room ? 2 * l->room : 64;
		struct waiting *queue = reallocarray(l->queue, room, sizeof(*queue));

		if (!queue) {
			l->draft.no_memory = true;
			return;
		}
		l->queue = queue;
		l->room = room;
	}
	l->queue[l->queued++] = (struct waiting){ node, part };
}

/* The node of that number, if we may meet one more. */
static yaml_node_t *meet(struct load *l, int number)
{
	if (++l->met > NODES_MOST)
		return NULL;
	return yaml_document_get_node(l->tree, number);
}

static size_t items_of(const yaml_node_t *node)
{
	return (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
}

static size_t pairs_of(const yaml_node_t *node)
{
	return (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
}

static bool is_few(struct load *l, struct conf_part *in, const yaml_node_t *node, const char *key)
{
	size_t n = node->type == YAML_SEQUENCE_NODE ? items_of(node) : pairs_of(node);

	if (n > ITEMS_MOST)
		wrong(l, in, node, key, "more than 4096 are too many");
	return n <= ITEMS_MOST;
}

/* The text of a node; NULL: it has none, and the report says what was wanted instead. */
static const char *text_of(struct load *l, struct conf_part *in, const yaml_node_t *node,
			   const char *key)
{
	const char *text;

	if (node->type == YAML_SEQUENCE_NODE) {
		wrong(l, in, node, key,
		      "one text is wanted here, not a list; "
		      "if it begins with a bracket, put it in quotes");
		return NULL;
	}
	if (node->type != YAML_SCALAR_NODE) {
		wrong(l, in, node, key, "one text is wanted here, not a section");
		return NULL;
	}
	text = (const char *)node->data.scalar.value;
	if (strlen(text) != node->data.scalar.length)
		wrong(l, in, node, key, "there is a NUL byte in this text");
	else if (!*text && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		wrong(l, in, node, key, "a value is missing");
	else
		return text;
	return NULL;
}

static void read_text(struct load *l, struct conf_part *in, const char *key, yaml_node_t *node)
{
	const char *text = text_of(l, in, node, key);

	if (text)
		conf_draft_put(&l->draft, in, key, text, place_of(l, node));
}

/* May there be none of many? */
static bool may_be_empty(const struct conf_key *k)
{
	return k->def && !k->unless;
}

/* A list of texts; a single one is a list of one. */
static void read_texts(struct load *l, struct conf_part *in, const struct conf_key *k,
		       yaml_node_t *node)
{
	if (node->type != YAML_SEQUENCE_NODE) {
		read_text(l, in, k->name, node);
		return;
	}
	if (!may_be_empty(k) && items_of(node) == 0)
		wrong(l, in, node, k->name, "one at least is needed");
	if (!is_few(l, in, node, k->name))
		return;
	for (size_t i = 0; i < items_of(node); i++) {
		yaml_node_t *item = meet(l, node->data.sequence.items.start[i]);

		if (item)
			read_text(l, in, k->name, item);
	}
}

static void read_section(struct load *l, struct conf_part *in, const struct conf_key *k,
			 yaml_node_t *node)
{
	bool none = node->type == YAML_SCALAR_NODE &&
		    strcmp((const char *)node->data.scalar.value, "none") == 0;

	if (node->type == YAML_MAPPING_NODE)
		later(l, node, conf_draft_section(&l->draft, in, k->name, place_of(l, node)));
	else if (k->optional && none)
		conf_draft_none(&l->draft, in, k->name);
	else
		wrong(l, in, node, k->name,
		      k->optional ? "a section is wanted here, or none"
				  : "a section is wanted here");
}

/* One of a list of sections, or a text that stands for one. */
static void read_listed_one(struct load *l, struct conf_part *in, const struct conf_key *k,
			    yaml_node_t *node)
{
	const char *bare = k->section->bare;
	struct conf_part part;

	if (node->type != YAML_MAPPING_NODE && !(bare && node->type == YAML_SCALAR_NODE)) {
		wrong(l, in, node, k->name,
		      bare ? "each of the list is a text or a section"
			   : "each of the list is a section");
		return;
	}
	part = conf_draft_add(&l->draft, in, k->name, NULL, place_of(l, node));
	if (node->type == YAML_MAPPING_NODE)
		later(l, node, part);
	else
		read_text(l, &part, bare, node);
}

static void read_listed(struct load *l, struct conf_part *in, const struct conf_key *k,
			yaml_node_t *node)
{
	if (node->type == YAML_SCALAR_NODE && k->section->bare) {
		read_listed_one(l, in, k, node);
		return;
	}
	if (node->type != YAML_SEQUENCE_NODE) {
		wrong(l, in, node, k->name, "a list is wanted here: begin each item with \"- \"");
		return;
	}
	if (!may_be_empty(k) && items_of(node) == 0)
		wrong(l, in, node, k->name, "one at least is needed");
	if (!is_few(l, in, node, k->name))
		return;
	for (size_t i = 0; i < items_of(node); i++) {
		yaml_node_t *item = meet(l, node->data.sequence.items.start[i]);

		if (item)
			read_listed_one(l, in, k, item);
	}
}

static void read_named(struct load *l, struct conf_part *in, const struct conf_key *k,
		       yaml_node_t *node)
{
	if (node->type != YAML_MAPPING_NODE) {
		wrong(l, in, node, k->name,
		      "names are wanted here, each with its section: NAME: {...}");
		return;
	}
	if (!may_be_empty(k) && pairs_of(node) == 0)
		wrong(l, in, node, k->name, "one at least is needed");
	if (!is_few(l, in, node, k->name))
		return;
	for (size_t i = 0; i < pairs_of(node); i++) {
		yaml_node_t *name = meet(l, node->data.mapping.pairs.start[i].key);
		yaml_node_t *value = meet(l, node->data.mapping.pairs.start[i].value);
		const char *text = name ? text_of(l, in, name, "name") : NULL;
		struct conf_part part;

		if (!text || !value)
			continue;
		part = conf_draft_add(&l->draft, in, k->name, text, place_of(l, name));
		if (value->type == YAML_MAPPING_NODE)
			later(l, value, part);
		else
			wrong(l, &part, value, k->name, "a section is wanted here");
	}
}

static void read_pair(struct load *l, struct conf_part *in, yaml_node_t *name, yaml_node_t *value)
{
	const char *text = text_of(l, in, name, "key");
	const struct conf_key *k =
		text ? conf_draft_key(&l->draft, in, text, place_of(l, name)) : NULL;

	if (!k)
		return;
	if (k->type && k->type->list)
		read_texts(l, in, k, value);
	else if (k->type)
		read_text(l, in, k->name, value);
	else if (k->section->many == CONF_LISTED)
		read_listed(l, in, k, value);
	else if (k->section->many == CONF_NAMED)
		read_named(l, in, k, value);
	else
		read_section(l, in, k, value);
}

static void read_mapping(struct load *l, const struct waiting *w)
{
	struct conf_part part = w->part;

	for (size_t i = 0; i < pairs_of(w->node); i++) {
		yaml_node_t *name = meet(l, w->node->data.mapping.pairs.start[i].key);
		yaml_node_t *value = meet(l, w->node->data.mapping.pairs.start[i].value);

		if (name && value)
			read_pair(l, &part, name, value);
	}
	conf_draft_close(&l->draft, &part);
}

static int load_tree(const char *source, yaml_document_t *tree, const struct conf **out,
		     struct conf_report *report)
{
	struct load l = { .source = source, .tree = tree };
	yaml_node_t *root = yaml_document_get_root_node(tree);

	if (conf_draft_begin(&l.draft, report) < 0)
		return -ENOMEM;
	/* The configuration knows where it comes from longer than the caller keeps his text. */
	l.source = conf_copy(l.draft.conf, source);
	if (!l.source) {
		conf_draft_drop(&l.draft);
		return -ENOMEM;
	}
	later(&l, root, conf_draft_file(&l.draft, place_of(&l, root)));
	for (size_t i = 0; i < l.queued; i++) {
		struct waiting w = l.queue[i]; /* the queue may move */

		read_mapping(&l, &w);
	}
	free(l.queue);
	if (l.met > NODES_MOST) {
		conf_report_clear(report); /* of what was not met, all would be missing */
		conf_error(report, &(struct conf_place){ .source = l.source },
			   "its aliases stand for too much");
	}
	return conf_draft_finish(&l.draft, out);
}

int conf_load_bytes(const char *name, const void *bytes, size_t n, const struct conf **out,
		    struct conf_report *report)
{
	yaml_document_t tree;
	const struct conf_place place = { .source = name };
	int r = conf_yaml_parse(name, bytes, n, &tree, report);

	if (r == 0) {
		r = load_tree(name, &tree, out, report);
		yaml_document_delete(&tree);
	}
	if (r == -ENOMEM)
		conf_error(report, &place, "%s", strerror(ENOMEM));
	return r;
}

/* All bytes of a file, into a buffer of CONF_FILE_MOST + 1. Returns how many, or -errno. */
static ssize_t read_file(const char *path, char *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t r = 1;

	if (fd < 0)
		return -errno;
	while (r > 0 && n < CONF_FILE_MOST + 1) {
		r = read(fd, bytes + n, CONF_FILE_MOST + 1 - n);
		if (r < 0 && errno == EINTR)
			r = 1;
		else if (r > 0)
			n += (size_t)r;
	}
	r = r < 0 ? -errno : (ssize_t)n;
	close(fd);
	return r;
}

int conf_load(const char *path, const struct conf **out, struct conf_report *report)
{
	const struct conf_place place = { .source = path };
	char *bytes = malloc(CONF_FILE_MOST + 1);
	ssize_t n = bytes ? read_file(path, bytes) : -ENOMEM;
	int r = (int)n;

	if (n < 0)
		conf_error(report, &place, "%s", strerror(-r));
	else
		r = conf_load_bytes(path, bytes, (size_t)n, out, report);
	free(bytes);
	return r;
}
