/* SPDX-License-Identifier: BSD-2-Clause */
/* look.h — the answer that every looker gives
 *
 * A looker is a pure function: bytes and how many there are go in, facts come out, or "more", or
 * "no". It has no descriptor, no memory, no clock, and keeps nothing between two calls.
 *
 * The bytes are the stream from its first byte on, in one piece. After MORE the same looker is asked
 * again with a longer view of the same stream, best when `need` bytes are there: with less than that
 * it can only say MORE or NO, so a caller that waits for them (SO_RCVLOWAT) is not woken in vain and
 * an honest client never waits for him.
 *
 * Promised by every looker, and watched by tests/look:
 *   - not one byte after the n-th is read
 *   - a view that got YES gets the same YES and the same facts however it grows
 *   - a view that got NO gets NO however it grows. It is said at the first byte that cannot be; where
 *     a field has to be complete to be judged (an address, a host), at its end
 *   - MORE never asks for more than the shortest stream that may still get a YES: need > n
 */
#ifndef LOOK_LOOK_H
#define LOOK_LOOK_H

#include <stddef.h>

/* No head is longer than this; a looker says NO as soon as it is clear that one will be. */
#define LOOK_MOST 65536

enum look_verdict {
	LOOK_MORE, /* not enough to say: ask again when there are `need` bytes in all */
	LOOK_NO,   /* it is not that, and never will be: `why` */
	LOOK_YES,  /* it is; the facts are filled in */
};

struct look {
	enum look_verdict verdict;
	size_t need;     /* with MORE: bytes counted from the first one of the stream; else 0 */
	const char *why; /* with NO: a static text for a line of log; else NULL */
};

static inline struct look look_yes(void)
{
	return (struct look){ .verdict = LOOK_YES };
}

static inline struct look look_more(size_t need)
{
	return (struct look){ .verdict = LOOK_MORE, .need = need };
}

static inline struct look look_no(const char *why)
{
	return (struct look){ .verdict = LOOK_NO, .why = why };
}

#endif
