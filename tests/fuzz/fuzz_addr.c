/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_addr.c — any text as an address: refused with a reason, or read, printed and read back the same */
#include "base/addr.h"
#include "fuzz.h"

static void printed_and_read_back(const struct addr *a, enum addr_use use)
{
	char text[ADDR_TEXT];
	const char *problem = NULL;
	struct addr_name name;
	struct addr again;

	addr_text(a, text);
	for (const char *p = text; *p; p++)
		PROMISED(*p >= ' ' && *p <= '~');
	if (a->ss.ss_family == AF_UNIX)
		return; /* bytes that would disturb a terminal are not printed as they are */
	PROMISED(addr_parse(text, use, &name, &problem) == 0);
	PROMISED(addr_resolve(&name, &again, 1, &problem) == 1);
	PROMISED(addr_same(a, &again) && addr_port(a) == addr_port(&again));
}

static void one(const char *text, enum addr_use use)
{
	const char *problem = NULL;
	struct addr_name name;
	struct addr all[4];
	int n;

	if (addr_parse(text, use, &name, &problem) < 0) {
		PROMISED(problem && *problem);
		return;
	}
	PROMISED(memchr(name.host, '\0', sizeof(name.host)));
	if (name.kind == ADDR_NAME)
		return; /* nothing asks the resolver here */
	n = addr_resolve(&name, all, 4, &problem);
	PROMISED(n > 0 || (n < 0 && problem && strchr(name.host, '%')));
	for (int i = 0; i < n; i++)
		printed_and_read_back(&all[i], use);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char *text = fuzz_text(bytes, n);

	one(text, ADDR_LISTEN);
	one(text, ADDR_TARGET);
	free(text);
	return 0;
}
