/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_yaml.c — libyaml, and what we do not take from it
 *
 * libyaml takes a time that grows with the square of how deep brackets are nested, and of how many
 * anchors there are: a megabyte of "[" keeps it busy for minutes. So the bytes are first run through as
 * events, which come one at a time and can be stopped: too deep, too many anchors, a second document.
 * What passes is then read again as a tree.
 *
 * A tag (!!binary, !include) would silently mean something else to us than to whoever wrote it, and is
 * refused, but for those that say what is so anyway.
 */
#include "daemon/conf_yaml.h"

#include <errno.h>
#include <string.h>

#define DEEPEST      16 /* our own depth is seven */
#define ANCHORS_MOST 100

struct yaml {
	const char *source;
	const unsigned char *bytes;
	size_t n;
	yaml_parser_t parser;
	struct conf_report *report;
};

struct conf_place conf_yaml_place(const char *source, const yaml_mark_t *mark)
{
	return (struct conf_place){ .source = source,
				    .line = (unsigned)mark->line + 1,
				    .column = (unsigned)mark->column + 1 };
}

static int refuse(const struct yaml *y, const yaml_mark_t *mark, const char *what)
{
	struct conf_place place = conf_yaml_place(y->source, mark);

	conf_error(y->report, &place, "%s", what);
	return -EINVAL;
}

/* -- what libyaml says, in words that help -- */

static const char *hint(const struct yaml *y)
{
	const yaml_parser_t *p = &y->parser;
	/* Counted in characters: right as long as the file is ASCII up to here, and only a hint. */
	unsigned char at = p->problem_mark.index < y->n ? y->bytes[p->problem_mark.index] : 0;
	const char *context = p->context ? p->context : "";

	if (at == '\t')
		return "; lines are indented by blanks, not by tabs";
	if (strcmp(context, "while scanning an alias") == 0)
		return "; what begins with a star stands in quotes, like \"*.b.example\"";
	if (strcmp(context, "while parsing a flow node") == 0 && at == ':')
		return "; an address like \":443\" or \"[::1]:443\" stands in quotes";
	return "";
}

/* Where in the bytes the reader gave up: it has no mark. */
static yaml_mark_t mark_of_byte(const struct yaml *y, size_t offset)
{
	yaml_mark_t mark = { 0, 0, 0 };

	for (size_t i = 0; i < offset && i < y->n; i++) {
		if (y->bytes[i] == '\n') {
			mark.line++;
			mark.column = 0;
		} else if ((y->bytes[i] & 0xc0) != 0x80) {
			mark.column++;
		}
	}
	return mark;
}

static int explain(const struct yaml *y)
{
	const yaml_parser_t *p = &y->parser;
	struct conf_place place = conf_yaml_place(y->source, &p->problem_mark);

	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (p->error == YAML_READER_ERROR) {
		yaml_mark_t mark = mark_of_byte(y, p->problem_offset);

		place = conf_yaml_place(y->source, &mark);
		conf_error(y->report, &place, "this is not YAML: %s", p->problem);
	} else if (p->context && p->context_mark.line != p->problem_mark.line) {
		conf_error(y->report, &place, "this is not YAML: %s, %s from line %u on%s",
			   p->problem, p->context, (unsigned)p->context_mark.line + 1, hint(y));
	} else {
		conf_error(y->report, &place, "this is not YAML: %s%s%s%s", p->problem,
			   p->context ? ", " : "", p->context ? p->context : "", hint(y));
	}
	return -EINVAL;
}

/* -- once as events -- */

struct counts {
	unsigned depth, anchors, documents;
};

static int count_anchor(const struct yaml *y, struct counts *c, const yaml_char_t *anchor,
			const yaml_mark_t *mark)
{
	if (anchor && ++c->anchors > ANCHORS_MOST)
		return refuse(y, mark, "more than 100 anchors are too many");
	return 0;
}

static int count(const struct yaml *y, struct counts *c, const yaml_event_t *e)
{
	const yaml_char_t *anchor = NULL;

	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (++c->documents > 1)
			return refuse(y, &e->start_mark,
				      "a second document begins here: a file has one");
		break;
	case YAML_SCALAR_EVENT: anchor = e->data.scalar.anchor; break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = e->data.sequence_start.anchor;
		c->depth++;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = e->data.mapping_start.anchor;
		c->depth++;
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT: c->depth--; break;
	default: break;
	}
	if (c->depth > DEEPEST)
		return refuse(y, &e->start_mark, "lists and sections lie too deep in one another");
	return count_anchor(y, c, anchor, &e->start_mark);
}

static int run_through(struct yaml *y)
{
	struct counts c = { 0 };
	yaml_event_t e;
	int r = 0;
	bool more = true;

	while (r == 0 && more) {
		if (!yaml_parser_parse(&y->parser, &e))
			return explain(y);
		more = e.type != YAML_STREAM_END_EVENT;
		r = count(y, &c, &e);
		yaml_event_delete(&e);
	}
	return r;
}

/* -- then as a tree -- */

static bool is_plain_tag(const yaml_char_t *tag)
{
	static const char *const plain[] = { YAML_STR_TAG, YAML_INT_TAG, YAML_BOOL_TAG,
					     YAML_SEQ_TAG, YAML_MAP_TAG, YAML_NULL_TAG };

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (!tag || strcmp((const char *)tag, plain[i]) == 0)
			return true;
	return false;
}

static int check_tree(const struct yaml *y, const yaml_document_t *tree)
{
	const yaml_node_t *root = tree->nodes.start;
	const yaml_mark_t start = { 0, 0, 0 };

	if (root == tree->nodes.top)
		return refuse(y, &start,
			      "the file is empty: it needs `listen` and `backend` at least");
	if (root->type != YAML_MAPPING_NODE)
		return refuse(y, &root->start_mark,
			      "the file has to be keys with their values, like `listen:`");
	for (const yaml_node_t *node = root; node < tree->nodes.top; node++)
		if (!is_plain_tag(node->tag))
			return refuse(y, &node->start_mark, "a tag (!...) means nothing here");
	return 0;
}

static bool begin(struct yaml *y)
{
	if (!yaml_parser_initialize(&y->parser))
		return false;
	yaml_parser_set_input_string(&y->parser, y->bytes, y->n);
	return true;
}

static int load_tree(struct yaml *y, yaml_document_t *tree)
{
	int r;

	if (!yaml_parser_load(&y->parser, tree))
		return explain(y);
	r = check_tree(y, tree);
	if (r < 0)
		yaml_document_delete(tree);
	return r;
}

int conf_yaml_parse(const char *source, const void *bytes, size_t n, yaml_document_t *tree,
		    struct conf_report *report)
{
	struct yaml y = { .source = source, .bytes = bytes, .n = n, .report = report };
	const struct conf_place whole = { .source = source };
	int r;

	if (n > CONF_FILE_MOST) {
		conf_error(report, &whole, "the file is larger than 1M");
		return -EINVAL;
	}
	if (!begin(&y))
		return -ENOMEM;
	r = run_through(&y);
	yaml_parser_delete(&y.parser);
	if (r < 0)
		return r;
	if (!begin(&y))
		return -ENOMEM;
	r = load_tree(&y, tree);
	yaml_parser_delete(&y.parser);
	return r;
}
