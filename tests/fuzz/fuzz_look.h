/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_look.h — the promises of look/look.h, asked of any bytes
 *
 * A target for a looker says which one, and how to tell its facts as a text; the bytes are then told
 * whole and cut at one place, which the bytes themselves decide.
 */
#ifndef FUZZ_LOOK_H
#define FUZZ_LOOK_H

#include "fuzz.h"
#include "look/look.h"

#define FUZZ_TOLD 2048

typedef struct look fuzz_looker(const uint8_t *bytes, size_t n, size_t seen, char told[FUZZ_TOLD]);

static inline struct look fuzz_tell(fuzz_looker *look, const uint8_t *bytes, size_t n, size_t seen,
				    char told[FUZZ_TOLD])
{
	uint8_t *own = malloc(n + (n == 0)); /* to the byte: AddressSanitizer stands behind it */
	struct look l;

	PROMISED(own);
	memcpy(own, bytes, n);
	told[0] = '\0';
	l = look(own, n, seen, told);
	PROMISED(l.verdict == LOOK_MORE || l.verdict == LOOK_NO || l.verdict == LOOK_YES);
	PROMISED(l.verdict == LOOK_MORE ? l.need > n : l.need == 0);
	PROMISED((l.verdict == LOOK_NO) == (l.why != NULL));
	free(own);
	return l;
}

static inline void fuzz_watch(fuzz_looker *look, const uint8_t *bytes, size_t n)
{
	static char whole[FUZZ_TOLD], part[FUZZ_TOLD];
	size_t sum = 0, cut;
	struct look w, p;

	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++)
		sum = sum * 31 + bytes[i];
	cut = sum % n;
	w = fuzz_tell(look, bytes, n, 0, whole);
	p = fuzz_tell(look, bytes, cut, 0, part);
	if (p.verdict != LOOK_MORE) {
		PROMISED(w.verdict == p.verdict);
		PROMISED(strcmp(whole, part) == 0);
		return;
	}
	if (w.verdict == LOOK_YES)
		PROMISED(p.need <= n);
	/* Having seen a part before never hides a YES, and makes none. */
	p = fuzz_tell(look, bytes, n, cut, part);
	PROMISED((p.verdict == LOOK_YES) == (w.verdict == LOOK_YES));
	PROMISED(strcmp(whole, part) == 0);
}

#endif
