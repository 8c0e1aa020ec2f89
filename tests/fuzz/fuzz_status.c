/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_status.c — any bytes as the answer of an HTTP/1 server */
#include "fuzz_look.h"
#include "look/status.h"

static struct look tell(const uint8_t *bytes, size_t n, size_t seen, char told[FUZZ_TOLD])
{
	unsigned status;
	struct look l = look_status((const char *)bytes, n, &status);

	(void)seen;
	if (l.verdict != LOOK_YES) {
		PROMISED(status == 0);
		return l;
	}
	PROMISED(status == 101 || (status >= 200 && status <= 999));
	snprintf(told, FUZZ_TOLD, "%u", status);
	return l;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	fuzz_watch(tell, bytes, n);
	return 0;
}
