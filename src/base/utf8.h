/* SPDX-License-Identifier: BSD-2-Clause */
/* utf8.h — where a character ends, and where there is none (RFC 3629) */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

#define UTF8_UNKNOWN "\xef\xbf\xbd" /* U+FFFD, in place of a byte that is of no character */

/* How many of the n bytes at s, n > 0, are the first character. 0: it is none: cut off, overlong, a surrogate,
 * or beyond U+10FFFF. */
size_t utf8_character(const unsigned char *s, size_t n);

#endif
