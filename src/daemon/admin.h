/* SPDX-License-Identifier: BSD-2-Clause */
/* admin.h — a door for those who look after a program: a few pages over HTTP, to be read and no more
 *
 *	static const struct admin_page pages[] = {
 *		{ "/healthz", ADMIN_TEXT, write_health },
 *		{ NULL },
 *	};
 *
 *	admin_open(&a, &name, pages, arg, problem, size);      listens: clients wait
 *	admin_start(a, most, problem, size);                   a thread of its own answers them
 *	admin_close(a);
 *
 * GET and HEAD of a page in the table are answered, one request for each connection; all else is refused. Who is
 * let in and then does nothing is sent away after some seconds; who does not read holds nothing but his answer,
 * and all that are held so together are limited.
 *
 * Nobody is asked who he is: whoever reaches the address may read. A Unix socket's file is for its user and group.
 */
#ifndef DAEMON_ADMIN_H
#define DAEMON_ADMIN_H

#include <stddef.h>
#include <stdio.h>

#include "base/addr.h"

#define ADMIN_TEXT "text/plain; charset=utf-8"

struct admin;
struct admin_request;

struct admin_page {
	const char *path; /* "/metrics"; NULL from the last one on */
	const char *type; /* of a good answer; others are ADMIN_TEXT */
	/* Write it. Returns the HTTP status: 200 for a good one. Called by the door's thread, one page at a time;
	 * two doors are two threads. */
	unsigned (*write)(void *arg, const struct admin_request *r, FILE *to);
};

/* What stands behind NAME= in the request, decoded; NULL: it is not there. */
const char *admin_argument(const struct admin_request *r, const char *name);

/* The table stays the caller's, and is needed as long as the door. 0, or -errno with a sentence for people in
 * problem. */
int admin_open(struct admin **out, const struct addr_name *name, const struct admin_page *pages,
	       void *arg, char *problem, size_t size);

/* Let in as many as `most` at once. Once. 0, or -errno with a sentence; admin_close is due even then. */
int admin_start(struct admin *a, unsigned most, char *problem, size_t size);

/* Where it listens, as it was bound. */
const struct addr *admin_addr(const struct admin *a);
const char *admin_text(const struct admin *a);

/* Its thread is over, its address free, its file away. NULL is fine. */
void admin_close(struct admin *a);

#endif
