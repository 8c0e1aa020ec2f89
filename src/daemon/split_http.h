/* SPDX-License-Identifier: BSD-2-Clause */
/* split_http.h — what an HTTP client is told who asks for the stream
 *
 * One resource, "/", which is live and has no length: it ends with the connection. Everything else is
 * refused, and the connection ends as well. Nothing here touches a socket.
 */
#ifndef DAEMON_SPLIT_HTTP_H
#define DAEMON_SPLIT_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "look/look.h"

struct split_answer {
	unsigned status;
	bool live; /* the stream follows; else nothing does */
	size_t length;
	char head[512];
};

/* The request at the beginning of these bytes. LOOK_MORE as look_http; else the answer is filled in, also
 * when it is no request: 400. `seen` is what was there at the last LOOK_MORE. */
struct look split_http_ask(const char *bytes, size_t n, size_t seen, const char *type,
			   struct split_answer *a);

/* An answer without a question: 408, 503. */
void split_http_refuse(struct split_answer *a, unsigned status);

#endif
