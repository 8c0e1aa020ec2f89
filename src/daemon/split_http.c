/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/split_http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "look/http1.h"
#include "shunt.h"

static const char *reason(unsigned status)
{
	switch (status) {
	case 200: return "OK";
	case 400: return "Bad Request";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 408: return "Request Timeout";
	case 503: return "Service Unavailable";
	case 505: return "HTTP Version Not Supported";
	default: return "Error";
	}
}

static void begin(struct split_answer *a, unsigned status)
{
	*a = (struct split_answer){ .status = status };
	a->length =
		(size_t)snprintf(a->head, sizeof(a->head),
				 "HTTP/1.1 %u %s\r\nServer: shunt/%s\r\nCache-Control: no-store\r\n"
				 "Connection: close\r\n",
				 status, reason(status), shunt_version());
}

static void add(struct split_answer *a, const char *name, const char *value)
{
	a->length += (size_t)snprintf(a->head + a->length, sizeof(a->head) - a->length,
				      "%s%s%s\r\n", name, *name ? ": " : "", value);
}

void split_http_refuse(struct split_answer *a, unsigned status)
{
	begin(a, status);
	if (status == 405)
		add(a, "Allow", "GET, HEAD");
	if (status == 503)
		add(a, "Retry-After", "5");
	add(a, "Content-Length", "0");
	add(a, "", "");
}

/* "/", "/?anything", "http://host/": the one thing there is. */
static bool is_root(const char *target, size_t n)
{
	if (n > 7 && strncasecmp(target, "http://", 7) == 0) {
		const char *path = memchr(target + 7, '/', n - 7);
		const char *query = memchr(target + 7, '?', n - 7);

		if (!path || (query && query < path)) /* "http://host" names it as well */
			return true;
		n -= (size_t)(path - target);
		target = path;
	}
	return n > 0 && target[0] == '/' && (n == 1 || target[1] == '?');
}

struct look split_http_ask(const char *bytes, size_t n, size_t seen, const char *type,
			   struct split_answer *a)
{
	struct http_facts f;
	struct look l = look_http(bytes, n, seen, &f);

	if (l.verdict == LOOK_MORE)
		return l;
	if (l.verdict == LOOK_NO) {
		split_http_refuse(a, 400);
	} else if (f.http2) {
		split_http_refuse(a, 505);
	} else if (!is_root(f.target, f.target_len)) {
		split_http_refuse(a, 404);
	} else if (strcmp(f.method, "GET") != 0 && strcmp(f.method, "HEAD") != 0) {
		split_http_refuse(a, 405);
	} else {
		begin(a, 200);
		a->live = f.method[0] == 'G';
		add(a, "Content-Type", type);
		add(a, "", "");
	}
	return l;
}
