/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz.h — what a fuzz target has: one door, and a way to say that a promise was broken
 *
 * A target is linked twice: with libFuzzer by `make fuzz`, which makes up the bytes, and with
 * replay.c in every build, which takes those of tests/fuzz/corpus.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#define PROMISED(what)                                                                             \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #what);         \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* The bytes as a text of their own, so that one byte read too far is noticed. To be freed. */
static inline char *fuzz_text(const uint8_t *bytes, size_t n)
{
	char *text = malloc(n + 1);

	PROMISED(text);
	if (n > 0)
		memcpy(text, bytes, n);
	text[n] = '\0';
	return text;
}

#endif
