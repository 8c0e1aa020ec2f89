/* SPDX-License-Identifier: BSD-2-Clause */
/* holder.h — who listens on an address that we could not have */
#ifndef DAEMON_HOLDER_H
#define DAEMON_HOLDER_H

#include <stddef.h>

#include "base/addr.h"

#define HOLDER_TEXT 128 /* room enough for every text of holder_of */

/* Who listens on a, or on an address that overlaps with it (0.0.0.0 and :: overlap with all)?
 * "nginx (pid 123)", or "another process (not visible to this user)" where the socket is seen but
 * not its owner. 0: text filled; -ENOENT: nobody is seen listening there, text is "". Reads /proc,
 * which may take some milliseconds: for messages, not for decisions. */
int holder_of(const struct addr *a, char *text, size_t n);

#endif
