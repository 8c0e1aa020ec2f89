/* SPDX-License-Identifier: BSD-2-Clause */
/* records.c — a handshake message across any number of TLS records (RFC 8446 5.1, RFC 5246 6.2.1) */
#include "look/records.h"

#include <string.h>

#define HANDSHAKE 22
#define MAJOR     3 /* of SSL 3.0 and of every TLS; the minor one means nothing in a first record */
#define FULLEST   16384 /* what a record holds at most before there are keys */

void records_refuse(struct records *r, const char *why)
{
	if (!records_stopped(r))
		r->no = why;
}

/* The length of the shortest view that has the whole message, as far as one knows by now: what is
 * not in the present record comes in records as full as can be. */
static size_t shortest(const struct records *r)
{
	size_t rest = r->whole - r->at;
	size_t beyond = rest > r->left ? rest - r->left : 0;

	return r->pos + rest + (beyond + FULLEST - 1) / FULLEST * RECORDS_HEADER;
}

static void refuse_if_too_long(struct records *r)
{
	if (shortest(r) > LOOK_MOST)
		records_refuse(r, "a ClientHello longer than 64 KB");
}

static void run_dry(struct records *r)
{
	refuse_if_too_long(r); /* whoever has LOOK_MOST bytes and wants more comes to an end here */
	if (!r->no)
		r->need = shortest(r);
}

/* A record begins at pos. Each byte of its header is judged as soon as it is there. */
static void record(struct records *r)
{
	const uint8_t *h = r->bytes + r->pos;
	size_t have = r->n - r->pos;

	if (have > 0 && h[0] != HANDSHAKE)
		records_refuse(r, r->at == 0
					  ? "not a TLS handshake"
					  : "a ClientHello broken off by another kind of record");
	if (have > 1 && h[1] != MAJOR)
		records_refuse(r, "not a record of any TLS version");
	if (have > 3 && h[3] > FULLEST / 256)
		records_refuse(r, "a TLS record longer than 16 KB");
	if (r->no)
		return;
	if (have < RECORDS_HEADER) {
		run_dry(r);
		return;
	}
	r->left = (size_t)h[3] << 8 | h[4];
	if (r->left == 0)
		records_refuse(r, "an empty TLS record");
	if (r->left > FULLEST)
		records_refuse(r, "a TLS record longer than 16 KB");
	r->pos += RECORDS_HEADER;
	refuse_if_too_long(r);
}

void records_open(struct records *r, const uint8_t *bytes, size_t n, size_t whole)
{
	*r = (struct records){ .bytes = bytes, .n = n < LOOK_MOST ? n : LOOK_MOST, .whole = whole };
}

void records_whole(struct records *r, size_t whole)
{
	if (records_stopped(r))
		return;
	r->whole = whole;
	refuse_if_too_long(r);
}

void records_take(struct records *r, uint8_t *out, size_t k)
{
	while (k > 0 && !records_stopped(r)) {
		size_t m = k;

		if (r->left == 0) {
			record(r);
			continue;
		}
		if (m > r->left)
			m = r->left;
		if (m > r->n - r->pos)
			m = r->n - r->pos;
		if (m == 0) {
			run_dry(r);
			return;
		}
		if (out) {
			memcpy(out, r->bytes + r->pos, m);
			out += m;
		}
		r->pos += m;
		r->left -= m;
		r->at += m;
		k -= m;
	}
}

size_t records_number(struct records *r, unsigned bytes, size_t min, size_t max, const char *why)
{
	size_t value = 0;

	while (bytes-- > 0) {
		size_t open = ((size_t)1 << 8 * bytes) - 1; /* what the bytes to come may add */
		uint8_t b = 0;

		records_take(r, &b, 1);
		value = value << 8 | b;
		if ((value << 8 * bytes) > max || (value << 8 * bytes) + open < min)
			records_refuse(r, why);
		if (records_stopped(r))
			return 0;
	}
	return value;
}
