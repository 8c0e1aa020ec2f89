/* SPDX-License-Identifier: BSD-2-Clause */
/* example.c — examples/shunt.conf is right, and has every key
 *
 *     conf-example FILE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "daemon/conf_keys.h"
#include "daemon/conf_load.h"

static yaml_document_t tree;

static const struct conf_key *seen[256];
static size_t seen_keys;

static void walk(const yaml_node_t *node, const struct conf_section *s);

/* Those that there are many of: each item, or each value. */
static void walk_many(const yaml_node_t *many, const struct conf_section *s)
{
	if (many->type == YAML_SEQUENCE_NODE)
		for (yaml_node_item_t *i = many->data.sequence.items.start;
		     i < many->data.sequence.items.top; i++)
			walk(yaml_document_get_node(&tree, *i), s);
	if (many->type == YAML_MAPPING_NODE)
		for (yaml_node_pair_t *p = many->data.mapping.pairs.start;
		     p < many->data.mapping.pairs.top; p++)
			walk(yaml_document_get_node(&tree, p->value), s);
}

/* Notes the rows of the table that this section of the file uses, and those of what lies in it. */
static void walk(const yaml_node_t *node, const struct conf_section *s)
{
	if (node->type != YAML_MAPPING_NODE)
		return;
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
	     p++) {
		const yaml_node_t *name = yaml_document_get_node(&tree, p->key);
		const yaml_node_t *value = yaml_document_get_node(&tree, p->value);
		const struct conf_key *k = conf_key_find(s, (const char *)name->data.scalar.value);

		if (!k || seen_keys == sizeof(seen) / sizeof(seen[0]))
			exit(1);
		seen[seen_keys++] = k;
		if (k->section && k->section->many == CONF_ONE)
			walk(value, k->section);
		else if (k->section)
			walk_many(value, k->section);
	}
}

static bool is_seen(const struct conf_key *k)
{
	for (size_t i = 0; i < seen_keys; i++)
		if (seen[i] == k)
			return true;
	return false;
}

/* How many rows of a section, and of those below, the file does not use. */
static unsigned missing(const struct conf_section *s, const char *path)
{
	unsigned n = 0;

	for (const struct conf_key *k = s->keys; k->name; k++) {
		char deeper[128];

		snprintf(deeper, sizeof(deeper), "%s%s.", path, k->name);
		if (!is_seen(k))
			printf("missing: %s%s\n", path, k->name);
		n += !is_seen(k);
		if (k->section)
			n += missing(k->section, deeper);
	}
	return n;
}

static bool is_right(const char *path)
{
	struct conf_report report = { 0 };
	const struct conf *c = NULL;
	bool right;

	if (conf_load(path, &c, &report) == 0)
		conf_unref(c);
	conf_report_print(&report, stdout);
	right = report.errors + report.warnings == 0;
	conf_report_clear(&report);
	return right;
}

int main(int argc, char **argv)
{
	FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;
	yaml_parser_t parser;
	unsigned n;

	if (!f || !is_right(argv[1]) || !yaml_parser_initialize(&parser))
		return 1;
	yaml_parser_set_input_file(&parser, f);
	if (!yaml_parser_load(&parser, &tree))
		return 1;
	walk(yaml_document_get_root_node(&tree), &conf_file);
	n = missing(&conf_file, "");
	printf("%s: %u keys are missing\n", argv[1], n);
	yaml_document_delete(&tree);
	yaml_parser_delete(&parser);
	fclose(f);
	return n > 0;
}
