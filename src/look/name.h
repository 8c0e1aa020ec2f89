/* SPDX-License-Identifier: BSD-2-Clause */
/* name.h — host names that a client said, against those of a route
 *
 * What a client says is counted, never ended by a NUL, and may hold any byte: "a.test\0.evil" is not
 * "a.test". A name that holds anything but letters, digits, '-', '_' and the dots between its labels
 * matches no pattern at all. One dot at its end is the root of the name system and changes nothing.
 * Case does not count.
 */
#ifndef LOOK_NAME_H
#define LOOK_NAME_H

#include <stdbool.h>
#include <stddef.h>

#define NAME_MOST 255             /* the longest name that is looked at */
#define NAME_TEXT (NAME_MOST + 1) /* room enough for every text of name_text */

/* Is it one of those which the pattern means? A pattern, of which name_check said 0, is
 *   "a.example"    that name
 *   "*.b.example"  what has one whole label or more before ".b.example": x.b.example and
 *                  y.x.b.example, but neither b.example nor xb.example
 *   "[2001:db8::1]"  that IPv6 address, as look_http and inet_ntop(3) write it, in brackets */
bool name_match(const char *pattern, const char *name, size_t len);

/* Can this be a pattern? 0, or -EINVAL with *problem: a static text that says what is wrong and fits
 * after "PATTERN: ". */
int name_check(const char *pattern, const char **problem);

/* The name as a text that disturbs no terminal and no log: odd bytes are '?', what is over NAME_MOST
 * is cut off. Into buf, which is returned. */
const char *name_text(const char *name, size_t len, char buf[NAME_TEXT]);

#endif
