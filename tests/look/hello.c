/* SPDX-License-Identifier: BSD-2-Clause */
/* hello.c — ClientHellos made to measure */
#include "hello.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hello_put(struct hello *h, const void *bytes, size_t n)
{
	if (h->n + n > sizeof(h->bytes)) {
		fprintf(stderr, "hello.c: no room\n");
		abort();
	}
	memcpy(h->bytes + h->n, bytes, n);
	h->n += n;
}

void hello_number(struct hello *h, unsigned bytes, size_t value)
{
	while (bytes-- > 0) {
		uint8_t b = (uint8_t)(value >> 8 * bytes);

		hello_put(h, &b, 1);
	}
}

size_t hello_open(struct hello *h)
{
	return h->n;
}

void hello_close(struct hello *h, size_t mark, unsigned bytes)
{
	size_t len = h->n - mark;

	hello_number(h, bytes, 0);
	memmove(h->bytes + mark + bytes, h->bytes + mark, len);
	for (unsigned i = 0; i < bytes; i++)
		h->bytes[mark + i] = (uint8_t)(len >> 8 * (bytes - 1 - i));
}

struct hello_marks hello_begin(struct hello *h, unsigned version)
{
	struct hello_marks marks;

	hello_number(h, 1, 1);
	marks.message = hello_open(h);
	hello_number(h, 2, version);
	for (unsigned i = 0; i < 32; i++)
		hello_number(h, 1, 0x40 + i);
	hello_number(h, 1, 0);      /* no session */
	hello_number(h, 2, 2);      /* one cipher */
	hello_number(h, 2, 0x1301); /* TLS_AES_128_GCM_SHA256 */
	hello_number(h, 2, 0x0100); /* one compression: none */
	marks.extensions = hello_open(h);
	return marks;
}

void hello_end(struct hello *h, struct hello_marks marks)
{
	hello_close(h, marks.extensions, 2);
	hello_close(h, marks.message, 3);
}

void hello_extension(struct hello *h, unsigned type, const void *data, size_t n)
{
	hello_number(h, 2, type);
	hello_number(h, 2, n);
	hello_put(h, data, n);
}

void hello_name(struct hello *h, const char *name, size_t n)
{
	size_t extension, list;

	hello_number(h, 2, 0);
	extension = hello_open(h);
	list = hello_open(h);
	hello_number(h, 1, 0);
	hello_number(h, 2, n);
	hello_put(h, name, n);
	hello_close(h, list, 2);
	hello_close(h, extension, 2);
}

void hello_records(struct hello *out, const uint8_t *message, size_t n, size_t piece)
{
	out->n = 0;
	for (size_t at = 0; at < n; at += piece) {
		size_t len = n - at < piece ? n - at : piece;

		hello_number(out, 1, 22);
		hello_number(out, 2, 0x0301);
		hello_number(out, 2, len);
		hello_put(out, message + at, len);
	}
}
