/* SPDX-License-Identifier: BSD-2-Clause */
/* make.h — backends for the tests, from a line of configuration */
#ifndef BACKEND_MAKE_H
#define BACKEND_MAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/backend.h"

/* The text is what stands in `backend: {b: {...}}`. */
const struct conf *made_conf(const char *text);
struct backends *made(const char *text, struct backends *previous);

/* Of the only backend of a configuration. */
struct backend *the_one(struct backends *bs);

/* In digits, with a port. */
struct addr address(const char *text);

/* Chosen for a client, or NULL; tries may be NULL. It has to be given back. */
struct server *picked(struct backend *b, const char *client, const struct backend_tries *tries,
		      uint64_t now);

/* The text of the one that is chosen, which is given back at once; or what is answered instead. */
const char *pick_text(struct backend *b, uint64_t now);

/* A connection is chosen for and fails. */
void fail_once(struct backend *b, uint64_t now);

#endif
