/* SPDX-License-Identifier: BSD-2-Clause */
/* origin_sums.h — sha256 of very long periodic streams, computed aside
 *
 * A sum takes up to a minute, and the threads that serve must not wait for it: its connection
 * sleeps meanwhile, the head of the answer being sent. One thread computes all sums, a slice of
 * each in turn, so a small one is never stuck behind a large one, and however many are asked for,
 * they take one processor.
 */
#ifndef CMD_ORIGIN_SUMS_H
#define CMD_ORIGIN_SUMS_H

#include <stddef.h>
#include <stdint.h>

struct MHD_Connection;
struct MHD_Response;
struct origin_sums;

/* period[0..length) must stay as it is until origin_sums_stop. */
int origin_sums_start(struct origin_sums **out, const uint8_t *period, size_t length);

/* Wakes every connection that still sleeps; its answer is cut off, as are later ones. */
void origin_sums_stop(struct origin_sums *sums);

/* After origin_sums_stop, when no response lives any more. NULL is allowed. */
void origin_sums_free(struct origin_sums *sums);

/* The sum of the stream's first size bytes, as sha256sum writes of its stdin. Computed when the
 * body is wanted, so not for HEAD. For this connection alone; NULL: no memory. */
struct MHD_Response *origin_sums_response(struct origin_sums *sums,
					  struct MHD_Connection *connection, uint64_t size);

#endif
