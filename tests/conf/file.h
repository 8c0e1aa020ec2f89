/* SPDX-License-Identifier: BSD-2-Clause */
/* file.h — configuration files, written in the tests themselves */
#ifndef CONF_FILE_H
#define CONF_FILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/conf_load.h"

/* Its name in messages is x.conf. */
struct bad_file {
	const char *what, *text;
	const char *says; /* all messages; files with warnings alone are read all the same */
};

/* Fails the test at the first file that is not bad in the very way told. */
void files_are_bad(const struct bad_file *files, size_t n);

/* Read without a message, or the test fails. To be let go of with conf_unref. */
const struct conf *good_file(const char *text);

/* All messages as one text; to be freed. */
char *report_text(const struct conf_report *report);

/* As it would be dumped; to be freed. */
char *dump_text(const struct conf *c);

/* A file of one listener and the backend "b" that is complete, to put something behind. */
#define LISTEN_B  "listen: [{address: \":1\", default: b}]\n"
#define BACKEND_B "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n"

#endif
