/* SPDX-License-Identifier: BSD-2-Clause */
#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf_dump.h"

char *report_text(const struct conf_report *report)
{
	char *text;
	size_t n;
	FILE *to = open_memstream(&text, &n);

	assert_non_null(to);
	conf_report_print(report, to);
	fclose(to);
	return text;
}

char *dump_text(const struct conf *c)
{
	char *text;
	size_t n;
	FILE *to = open_memstream(&text, &n);

	assert_non_null(to);
	conf_dump(c, to);
	fclose(to);
	return text;
}

static void file_is_bad(const struct bad_file *file)
{
	static const struct conf untouched;
	struct conf_report report = { 0 };
	const struct conf *c = &untouched;
	int r = conf_load_bytes("x.conf", file->text, strlen(file->text), &c, &report);
	char *says = report_text(&report);

	if (strcmp(says, file->says) != 0)
		fail_msg("%s: it says\n%sinstead of\n%s", file->what, says, file->says);
	if (r != (report.errors ? -EINVAL : 0))
		fail_msg("%s: %d, with %zu errors", file->what, r, report.errors);
	if ((c != &untouched) != (r == 0))
		fail_msg("%s: %d, and a configuration that does not fit", file->what, r);
	if (r == 0)
		conf_unref(c);
	free(says);
	conf_report_clear(&report);
}

void files_are_bad(const struct bad_file *files, size_t n)
{
	for (size_t i = 0; i < n; i++)
		file_is_bad(&files[i]);
}

const struct conf *good_file(const char *text)
{
	struct conf_report report = { 0 };
	const struct conf *c = NULL;
	int r = conf_load_bytes("x.conf", text, strlen(text), &c, &report);
	char *says = report_text(&report);

	if (r != 0 || *says)
		fail_msg("%d: %s\n%s", r, says, text);
	free(says);
	conf_report_clear(&report);
	return c;
}
