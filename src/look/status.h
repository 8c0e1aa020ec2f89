/* SPDX-License-Identifier: BSD-2-Clause */
/* status.h — what does this HTTP server answer? */
#ifndef LOOK_STATUS_H
#define LOOK_STATUS_H

#include <stddef.h>

#include "look/look.h"

/* The answer of an HTTP/1 server at the beginning of the view? YES when its status line is all there, with
 * the status, 200 to 999 or 101. Answers that go before the true one (100, 103) are read over. */
struct look look_status(const char *bytes, size_t n, unsigned *status);

#endif
