/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_http1.c — any bytes as the head of an HTTP/1 request */
#include "fuzz_look.h"
#include "look/http1.h"

static struct look tell(const uint8_t *bytes, size_t n, size_t seen, char told[FUZZ_TOLD])
{
	struct look begins = look_http_begins((const char *)bytes, n);
	struct http_facts f;
	struct look l = look_http((const char *)bytes, n, seen, &f);
	char host[NAME_TEXT];

	if (l.verdict == LOOK_YES)
		PROMISED(begins.verdict == LOOK_YES);
	if (begins.verdict == LOOK_NO && seen == 0)
		PROMISED(l.verdict == LOOK_NO);
	if (l.verdict != LOOK_YES)
		return l;
	PROMISED(f.size <= n && f.host_len <= NAME_MOST && strlen(f.host) == f.host_len);
	PROMISED(bytes[f.size - 1] == '\n');
	if (!f.http2)
		PROMISED(f.target_len > 0 && f.target > (const char *)bytes &&
			 f.target + f.target_len < (const char *)bytes + f.size);
	snprintf(told, FUZZ_TOLD, "%s %zu 1.%u %s %zu %d", f.method, f.target_len, f.minor,
		 name_text(f.host, f.host_len, host), f.size, f.http2);
	return l;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	fuzz_watch(tell, bytes, n);
	return 0;
}
