/* SPDX-License-Identifier: BSD-2-Clause */
/* httpd.h — HTTP by libmicrohttpd: how it is started, and what every answer says */
#ifndef DAEMON_HTTPD_H
#define DAEMON_HTTPD_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

#define HTTPD_TEXT "text/plain; charset=utf-8"

struct httpd {
	MHD_AccessHandlerCallback handle;
	MHD_RequestCompletedCallback completed; /* or NULL */
	void *arg;                              /* of both */
	unsigned threads;                       /* 0: one */
	unsigned connections;                   /* at most; more wait in the backlog */
	unsigned idle_s;
	size_t memory; /* of a connection, for request line and headers */
	bool suspends; /* it lets connections sleep */
};

/* Serves who comes to the listening socket, from threads that take no signals. The socket is taken, in failure too.
 * 0, or -errno. */
int httpd_start(struct MHD_Daemon **out, int fd, const struct httpd *h);

/* Takes the response, which may be NULL: then the connection is closed, for lack of memory. */
enum MHD_Result httpd_answer(struct MHD_Connection *c, unsigned status, const char *type,
			     struct MHD_Response *r);
/* A response of this text, which is copied; or NULL. */
struct MHD_Response *httpd_text(const char *text);

#endif
