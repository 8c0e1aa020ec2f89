/* SPDX-License-Identifier: BSD-2-Clause */
/* host.h — the host out of "host", "host:port", "[v6]" and "[v6]:port" (RFC 3986 3.2.2) */
#ifndef LOOK_HOST_H
#define LOOK_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "look/name.h"

/* Copies the host in small letters, an IPv6 address in brackets and its shortest form, then a NUL.
 * False if the text is none, its port is none, or the host is longer than NAME_MOST. */
bool host_read(const char *text, size_t len, char host[NAME_MOST + 1], size_t *host_len);

/* Are these bytes the beginning of one, as far as single bytes can tell? Blanks may follow it. */
bool host_possible(const char *text, size_t len);

#endif
