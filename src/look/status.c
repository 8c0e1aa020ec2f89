/* SPDX-License-Identifier: BSD-2-Clause */
/* status.c — looker: the first line of what an HTTP/1 server answers; llhttp reads it */
#include "look/status.h"

#include <llhttp.h>
#include <stdbool.h>

enum { SWITCHING = 101, FIRST_FINAL = 200 };

static bool goes_before(const llhttp_t *p)
{
	return p->status_code < FIRST_FINAL && p->status_code != SWITCHING;
}

static int on_status_complete(llhttp_t *p)
{
	if (p->http_major != 1 || p->http_minor > 1 || p->status_code < 100)
		return -1;
	return goes_before(p) ? 0 : HPE_PAUSED;
}

/* Only what goes before comes this far: it has no body, whatever it says. */
static int on_headers_complete(llhttp_t *p)
{
	(void)p;
	return 1;
}

static const llhttp_settings_t settings = {
	.on_status_complete = on_status_complete,
	.on_headers_complete = on_headers_complete,
};

struct look look_status(const char *bytes, size_t n, unsigned *status)
{
	llhttp_errno_t rc;
	llhttp_t p;

	*status = 0;
	if (n > LOOK_MOST)
		n = LOOK_MOST;
	llhttp_init(&p, HTTP_RESPONSE, &settings);
	rc = llhttp_execute(&p, bytes, n);
	if (rc == HPE_OK && n == LOOK_MOST)
		return look_no("an answer longer than 64 KB before the true one");
	if (rc == HPE_OK)
		return look_more(n + 1);
	if (rc != HPE_PAUSED)
		return look_no("not an answer of HTTP");
	*status = p.status_code;
	return look_yes();
}
