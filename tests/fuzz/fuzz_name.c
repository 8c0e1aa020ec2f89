/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_name.c — any text as a pattern, any bytes as a name: up to the first '/' the one, after it the other */
#include "fuzz.h"
#include "look/host.h"
#include "look/name.h"

/* What a host is read from is a name, an address, or nothing that matches. */
static void as_a_host(const char *text, size_t n)
{
	char host[NAME_MOST + 1];
	size_t len = 0;

	if (!host_read(text, n, host, &len))
		return;
	PROMISED(host_possible(text, n));
	PROMISED(len > 0 && len <= NAME_MOST && strlen(host) == len);
	if (host[0] == '[')
		PROMISED(name_match(host, host, len));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char *text = fuzz_text(bytes, n), buf[NAME_TEXT];
	const uint8_t *slash = memchr(bytes, '/', n);
	size_t at = slash ? (size_t)(slash - bytes) : n;
	const char *name = text + (slash ? at + 1 : at), *problem = NULL;
	size_t len = n - (size_t)(name - text);

	text[at] = '\0';
	if (name_check(text, &problem) < 0)
		PROMISED(problem && *problem);
	else if (name_match(text, name, len))
		PROMISED(!memchr(name, '\0', len) && len >= strlen(text) - 1);
	PROMISED(strlen(name_text(name, len, buf)) <= NAME_MOST);
	as_a_host(name, len);
	free(text);
	return 0;
}
