/* SPDX-License-Identifier: BSD-2-Clause */
/* units.h — sizes and times as people write them
 *
 * Read strictly: no blanks, no sign, no unit that could mean two things. A bare number is a size in
 * bytes, but never a time: "--idle-timeout 10" may mean seconds to one and minutes to another.
 */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdint.h>

#define UNITS_TEXT 24 /* room enough for every text printed here */

/* "4096", "64k", "1M", "1.5G", "2TiB", "64KB": k, m, g, t in either case are powers of 1024, "B" or
 * "iB" may follow. What is less than a byte is cut off.
 * -EINVAL: not a size; -ERANGE: more than 64 bits hold, or not zero but less than one byte. */
int units_size(const char *text, uint64_t *bytes);

/* "500ms", "3s", "1.5m", "2h", "1d", and "0". What is less than a millisecond is cut off.
 * -EINVAL: not a time, or a number without its unit; -ERANGE as above. */
int units_time(const char *text, uint64_t *ms);

/* All three return buf. */

/* "0", "1000", "64K", "1.50G": powers of 1024 as units_size reads them, three digits of meaning. */
const char *units_size_text(uint64_t bytes, char buf[UNITS_TEXT]);

/* "0 B/s", "950 kB/s", "3.42 GB/s": bytes in ms milliseconds, powers of 1000 as networks count.
 * No time at all (ms 0) is "- B/s". */
const char *units_rate_text(uint64_t bytes, uint64_t ms, char buf[UNITS_TEXT]);

/* "0", "1500ms", "90s", "10m": the largest unit that divides it, so that units_time reads the very
 * same time back. */
const char *units_time_text(uint64_t ms, char buf[UNITS_TEXT]);

#endif
