/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_place.h — where something was said, and the addresses that were said there */
#ifndef DAEMON_CONF_PLACE_H
#define DAEMON_CONF_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"

enum { CONF_ADDRESSES = 16 }; /* of one list */

/* Line and column of a file, from 1; or line 0: on the command line, where `source` is the option. */
struct conf_place {
	const char *source;
	unsigned line, column;
	bool wrong; /* what stands here was, in some part: never so in a configuration that came out */
};

/* Where to listen. */
struct conf_address {
	struct conf_place place;
	const char *text; /* as it was written */
	struct addr_name name;
	int fd; /* a listening socket that we were born with ("fd:3"); -1: name says where */
};

struct conf_addresses {
	struct conf_address *item[CONF_ADDRESSES];
	size_t count;
};

/* Where a stream comes from. */
struct conf_source {
	struct conf_address at; /* text is all of it */
	bool comes;             /* "listen:ADDR": it connects to us there */
};

#endif
