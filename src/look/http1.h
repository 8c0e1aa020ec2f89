/* SPDX-License-Identifier: BSD-2-Clause */
/* http1.h — which host does this HTTP client want? */
#ifndef LOOK_HTTP1_H
#define LOOK_HTTP1_H

#include <stdbool.h>
#include <stddef.h>

#include "look/look.h"
#include "look/name.h"

/* Filled in when look_http says YES, and of no meaning else. */
struct http_facts {
	const char *method; /* "GET": a static text */
	const char *target; /* as it stands in the request line: points into the view */
	size_t target_len;
	char host[NAME_MOST +
		  1];    /* without its port, in small letters, an IPv6 address as "[::1]"; then
				   * a NUL. From the target where that names one, else from Host */
	size_t host_len; /* 0: the client names nobody, as he may with HTTP/1.0 */
	unsigned minor;  /* of the version: HTTP/1.0 or HTTP/1.1 */
	bool http2;      /* no HTTP/1 at all but HTTP/2's preface ("PRI * HTTP/2.0..."): nothing
				   * of the above is known, and a method of "PRI" is all that is said */
	size_t size;     /* of the head, its last empty line counted in; or of the preface */
};

/* The head of an HTTP/1 request at the beginning of the view? YES when all of it is there.
 *
 * `seen` is the length of the last view of this stream that got MORE, 0 if there was none. A long
 * head that arrives byte by byte is then parsed once in a while and at its end, not at every byte. */
struct look look_http(const char *bytes, size_t n, size_t seen, struct http_facts *out);

/* Does it begin as one? YES after the method and what shows the form of the target; decides on the
 * first 32 bytes. Whatever look_http says YES to, this says YES to. */
struct look look_http_begins(const char *bytes, size_t n);

#endif
