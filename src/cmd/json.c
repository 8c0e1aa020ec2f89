/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/json.h"

#include <stdio.h>

void json_text(const char *text)
{
	if (!text) {
		fputs("null", stdout);
		return;
	}
	putchar('"');
	for (; *text; text++)
		if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			printf("\\u%04x", (unsigned)*text);
		else
			putchar(*text);
	putchar('"');
}

void json_field(const char *before, const char *text)
{
	fputs(before, stdout);
	json_text(text);
}
