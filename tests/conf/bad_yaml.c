/* SPDX-License-Identifier: BSD-2-Clause */
/* bad_yaml.c — what is not YAML, or not the part of it that a file may use */
#include "file.h"

static const struct bad_file files[] = {
	{ "an empty file", "",
	  "x.conf:1:1: the file is empty: it needs `listen` and `backend` at least\n" },
	{ "comments alone",
	  "# nothing\n"
	  "\n",
	  "x.conf:1:1: the file is empty: it needs `listen` and `backend` at least\n" },
	{ "a list",
	  "- listen\n"
	  "- backend\n",
	  "x.conf:1:1: the file has to be keys with their values, like `listen:`\n" },
	{ "a text", "listen\n",
	  "x.conf:1:1: the file has to be keys with their values, like `listen:`\n" },
	{ "two documents",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n"
	  "---\n"
	  "listen: [{address: \":1\", default: b}]\n",
	  "x.conf:3:1: a second document begins here: a file has one\n" },
	{ "a bracket that stays open",
	  "listen: [{address: \":1\"\n"
	  "backend: {}\n",
	  "x.conf:2:1: this is not YAML: did not find expected ',' or '}', while parsing a flow mapping from line 1 on\n" },
	{ "a quote that stays open", "listen: \"x\n",
	  "x.conf:2:1: this is not YAML: found unexpected end of stream, while scanning a quoted scalar from line 1 on\n" },
	{ "a tab for a blank",
	  "listen:\n"
	  "\011- address: \":1\"\n",
	  "x.conf:2:1: this is not YAML: found character that cannot start any token, while scanning for the next token; lines are indented by blanks, not by tabs\n" },
	{ "a wrong indent",
	  "listen: 1\n"
	  " backend: 2\n",
	  "x.conf:2:9: this is not YAML: mapping values are not allowed in this context\n" },
	{ "a star without quotes",
	  "listen:\n"
	  "  - address: \":1\"\n"
	  "    look: [tls]\n"
	  "    routes: [{sni: [*.b.example], backend: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:4:22: this is not YAML: did not find expected alphabetic or numeric character, while scanning an alias; what begins with a star stands in quotes, like \"*.b.example\"\n" },
	{ "a colon without quotes",
	  "listen: [{address: :1, default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:1:20: this is not YAML: did not find expected node content, while parsing a flow node; an address like \":443\" or \"[::1]:443\" stands in quotes\n" },
	{ "IPv6 without quotes",
	  "listen:\n"
	  "  - address: [::1]:80\n"
	  "    default: b\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:2:15: this is not YAML: did not find expected node content, while parsing a flow node; an address like \":443\" or \"[::1]:443\" stands in quotes\n" },
	{ "IPv6 without quotes or port",
	  "listen:\n"
	  "  - address: [fe80]\n"
	  "    default: b\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:2:14: address: one text is wanted here, not a list; if it begins with a bracket, put it in quotes\n" },
	{ "bytes that are not UTF-8",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"\377:1\"]}}\n",
	  "x.conf:2:26: this is not YAML: invalid leading UTF-8 octet\n" },
	{ "a control character",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [a\001:1]}}\n",
	  "x.conf:2:26: this is not YAML: control characters are not allowed\n" },
	{ "an alias of nothing", "listen: *all\n",
	  "x.conf:1:9: this is not YAML: found undefined alias\n" },
	{ "an anchor twice",
	  "listen: &a x\n"
	  "backend: &a y\n",
	  "x.conf:2:10: this is not YAML: second occurrence, found duplicate anchor; first occurrence from line 1 on\n" },
	{ "a tag", "listen: !include other.conf\n",
	  "x.conf:1:9: a tag (!...) means nothing here\n" },
	{ "a tag of YAML that means something else", "listen: !!binary aGk=\n",
	  "x.conf:1:9: a tag (!...) means nothing here\n" },
	{ "a round alias",
	  "listen: &l [*l]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:1:9: listen: each of the list is a section\n" },
	{ "aliases of a section that lacks something",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: &b {balance: random}, c: *b}\n",
	  "x.conf:2:11: this backend lacks its \"servers\"\n"
	  "x.conf:2:36: this backend lacks its \"servers\"\n" },
	{ "a merge key",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: &b {servers: [\"10.0.0.1:1\"]}, c: {<<: *b}}\n",
	  "x.conf:2:44: this backend lacks its \"servers\"\n"
	  "x.conf:2:48: unknown key \"<<\"; a backend has servers, balance, send_proxy, check, max_connections\n" },
	{ "a NUL byte in a text",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"a\\0b:1\"]}}\n",
	  "x.conf:2:25: address: there is a NUL byte in this text\n" },
	{ "a control character by escape",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"a\\eb:1\"]}}\n",
	  "x.conf:2:25: address: control characters, or bytes that are not UTF-8\n" },
	{ "a key that is a list",
	  "[listen]: x\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:1:1: key: one text is wanted here, not a list; if it begins with a bracket, put it in quotes\n"
	  "x.conf:1:1: this configuration lacks its \"listen\"\n" },
	{ "a key that is empty",
	  "? : x\n"
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:1:3: this is not YAML: did not find expected key, while parsing a block mapping\n" },
	{ "a key that disturbs a terminal",
	  "\"\\e[2J\": 1\n"
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:1:1: unknown key \"\\x1b[2J\"; a configuration has listen, backend, split, timeouts, limits, log, engine, unit, receive_limit, copy_below, workers, graft, admin\n" },
	{ "a key that is very long",
	  "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk: 1\n"
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:1:1: unknown key \"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk...\"; a configuration has listen, backend, split, timeouts, limits, log, engine, unit, receive_limit, copy_below, workers, graft, admin\n" },
};

static void bad_files(void **state)
{
	(void)state;
	files_are_bad(files, sizeof(files) / sizeof(files[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
