/* SPDX-License-Identifier: BSD-2-Clause */
/* hello.h — ClientHellos made to measure */
#ifndef HELLO_H
#define HELLO_H

#include <stddef.h>
#include <stdint.h>

#define HELLO_ROOM 131072

/* A run of bytes that grows at its end. */
struct hello {
	uint8_t bytes[HELLO_ROOM];
	size_t n;
};

void hello_put(struct hello *h, const void *bytes, size_t n);
void hello_number(struct hello *h, unsigned bytes, size_t value);

/* A length comes here; hello_close puts it in when what it counts is there. Returns the mark for it. */
size_t hello_open(struct hello *h);
void hello_close(struct hello *h, size_t mark, unsigned bytes);

/* A message (not a record) up to its extensions, with the length of those opened; the marks are for
 * hello_end. */
struct hello_marks {
	size_t message, extensions;
};
struct hello_marks hello_begin(struct hello *h, unsigned version);
void hello_end(struct hello *h, struct hello_marks marks);

void hello_extension(struct hello *h, unsigned type, const void *data, size_t n);
void hello_name(struct hello *h, const char *name, size_t n); /* server_name with that name */

/* The message in records of `piece` bytes each. */
void hello_records(struct hello *out, const uint8_t *message, size_t n, size_t piece);

#endif
