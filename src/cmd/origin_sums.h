/* SPDX-License-Identifier: BSD-2-Clause */
/* origin_sums.h — sha256 of very long periodic streams, computed aside
 *
 * A sum takes up to a minute, and the threads that serve must not wait for it: its connection
 * sleeps meanwhile. One thread computes all sums, a slice of each in turn, so a small one is never
 * stuck behind a large one, and however many are asked for, they take one processor.
 */
#ifndef CMD_ORIGIN_SUMS_H
#define CMD_ORIGIN_SUMS_H

#include <stddef.h>
#include <stdint.h>

/* 64 digits, two blanks, "-", newline: as sha256sum writes of its stdin. */
#define ORIGIN_SUM_TEXT 68

struct MHD_Connection;
struct origin_sums;
struct origin_sum;

/* period[0..length) must stay as it is until origin_sums_stop. */
int origin_sums_start(struct origin_sums **sums, const uint8_t *period, size_t length);

/* Wakes every connection that still sleeps; from now on origin_sums_add refuses. */
void origin_sums_stop(struct origin_sums *sums);

/* After origin_sums_stop and after the last origin_sums_add. NULL is allowed. */
void origin_sums_free(struct origin_sums *sums);

/* Suspends the connection until the sum is done, then its handler is called again. NULL: no memory,
 * or stopped; the connection is as it was. To be freed with free(3) once the connection has been
 * woken. */
struct origin_sum *origin_sums_add(struct origin_sums *sums, struct MHD_Connection *connection,
				   uint64_t size);

/* ORIGIN_SUM_TEXT characters; NULL: it was stopped before it was done. */
const char *origin_sum_text(const struct origin_sum *sum);

#endif
