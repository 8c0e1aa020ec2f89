/* SPDX-License-Identifier: BSD-2-Clause */
/* guess.h — "did you mean": which of the words we know was meant by one that we don't */
#ifndef BASE_GUESS_H
#define BASE_GUESS_H

#include <stddef.h>

/* Try each candidate; best stays NULL if none is near. The texts stay the caller's.
 *
 *	struct guess g = { .word = word };
 *	for (...)
 *		guess_try(&g, known[i]);
 */
struct guess {
	const char *word;
	const char *best;
	size_t distance;
};

void guess_try(struct guess *g, const char *candidate);

#endif
