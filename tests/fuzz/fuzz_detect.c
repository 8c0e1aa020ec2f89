/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_detect.c — any bytes as the beginning of some protocol: of one at the most */
#include "fuzz_look.h"
#include "look/detect.h"

static struct look tell(const uint8_t *bytes, size_t n, size_t seen, char told[FUZZ_TOLD])
{
	enum look_protocol p = LOOK_PROTOCOLS, one;
	struct look l = look_detect(bytes, n, LOOK_SET(LOOK_PROTOCOLS) - 1, &p);
	unsigned yes = 0;

	(void)seen;
	for (unsigned i = 0; i < LOOK_PROTOCOLS; i++)
		yes += look_detect(bytes, n, LOOK_SET(i), &one).verdict == LOOK_YES;
	PROMISED(yes == (l.verdict == LOOK_YES));
	if (n >= 34)
		PROMISED(l.verdict != LOOK_MORE); /* so few bytes are enough for each of them */
	if (l.verdict == LOOK_YES)
		snprintf(told, FUZZ_TOLD, "%s", look_protocol_text(p));
	return l;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	fuzz_watch(tell, bytes, n);
	return 0;
}
