/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_dump.h — all values in force, as a file that can be loaded */
#ifndef DAEMON_CONF_DUMP_H
#define DAEMON_CONF_DUMP_H

#include <stdio.h>

#include "daemon/conf_keys.h"

/* As YAML, defaults included; loading it gives the same configuration. Whether all was written is for
 * the caller to ask of `to`. */
void conf_dump(const struct conf *c, FILE *to);

/* Would two of a section, which has values alone, be written the same? */
bool conf_dump_same(const struct conf_section *s, const void *one, const void *other);

#endif
