/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_load.h — a configuration from a file */
#ifndef DAEMON_CONF_LOAD_H
#define DAEMON_CONF_LOAD_H

#include <stddef.h>

#include "daemon/conf.h"
#include "daemon/conf_report.h"

/* 0: *out is the configuration, held once, for conf_unref; there may be warnings in the report.
 * -errno: the report says all that is wrong, each line with its place, and *out is as it was:
 * -EINVAL: the contents; -ENOMEM; or what open(2) and read(2) said. The report is the caller's, zeroed
 * before, and to be cleared. Asks nothing of the network. */
int conf_load(const char *path, const struct conf **out, struct conf_report *report);

/* The same of bytes, which are called `name` in messages. */
int conf_load_bytes(const char *name, const void *bytes, size_t n, const struct conf **out,
		    struct conf_report *report);

#endif
