/* SPDX-License-Identifier: BSD-2-Clause */
/* records.h — the bytes of a TLS handshake message, out of the records in which they came
 *
 *     view:    [22 3.x len|........][22 3.x len|....][22 3.x len|..      ran dry
 *     message:             ########             ####             ##------
 *                          ^ at: taken so far                            ^ whole
 *
 * All bounds are looked after here: whoever takes bytes reads straight down as the RFC does, and asks
 * once at the end. The first thing that goes wrong sticks; from then on every number is 0 and every
 * take does nothing.
 */
#ifndef LOOK_RECORDS_H
#define LOOK_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "look/look.h"

#define RECORDS_HEADER 5 /* what each record has before its bytes */

struct records {
	const uint8_t *bytes;
	size_t n;       /* of the view; what lies beyond LOOK_MOST is not looked at */
	size_t pos;     /* the next byte of the view */
	size_t left;    /* bytes of the present record that are not taken yet */
	size_t at;      /* bytes of the message taken so far */
	size_t whole;   /* how long the message is, or is at least */
	size_t need;    /* not 0: the view ran dry; how long it must be at least */
	const char *no; /* not NULL: what cannot be */
};

/* A view, and how long the message in it is at the least. */
void records_open(struct records *r, const uint8_t *bytes, size_t n, size_t whole);

/* How long the message really is; it cannot be if it ends beyond LOOK_MOST. */
void records_whole(struct records *r, size_t whole);

/* The next k bytes of the message to `out`, or past them if out is NULL. k <= whole - at. */
void records_take(struct records *r, uint8_t *out, size_t k);

/* A number of so many bytes. Refused with `why` at the first of them that leaves no value from min
 * to max possible. */
size_t records_number(struct records *r, unsigned bytes, size_t min, size_t max, const char *why);

/* It cannot be, because of `why`: unless something went wrong before. */
void records_refuse(struct records *r, const char *why);

/* Did it go wrong, or run dry? */
static inline bool records_stopped(const struct records *r)
{
	return r->no || r->need > 0;
}

#endif
