/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/guess.h"

#include <stdint.h>
#include <string.h>

#define LONGEST 40 /* words longer than this are not guessed */

static size_t least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* How many letters have to be added, left out, replaced or swapped with their neighbour. */
static size_t distance(const char *a, const char *b)
{
	size_t before[LONGEST + 1], above[LONGEST + 1], row[LONGEST + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > LONGEST || m > LONGEST)
		return SIZE_MAX;
	for (size_t j = 0; j <= m; j++)
		above[j] = j;
	for (size_t i = 1; i <= n; i++) {
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			row[j] = least(above[j] + 1, row[j - 1] + 1,
				       above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		memcpy(before, above, sizeof(before));
		memcpy(above, row, sizeof(above));
	}
	return above[m];
}

void guess_try(struct guess *g, const char *candidate)
{
	size_t n = strlen(g->word), d = distance(g->word, candidate);

	/* A beginning is as good as a slip of one finger. */
	if (n >= 2 && strncmp(g->word, candidate, n) == 0)
		d = 1;
	if (d > (n < 6 ? 1 + n / 4 : n / 3))
		return;
	if (!g->best || d < g->distance) {
		g->best = candidate;
		g->distance = d;
	}
}
