/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_yaml.h — bytes to YAML's tree of nodes, each with its line and column */
#ifndef DAEMON_CONF_YAML_H
#define DAEMON_CONF_YAML_H

#include <stddef.h>
#include <yaml.h>

#include "daemon/conf.h"
#include "daemon/conf_report.h"

#define CONF_FILE_MOST ((size_t)1 << 20) /* bytes */

/* The one document of a file, whose root is a mapping; for yaml_document_delete. -EINVAL: it is not
 * that, and the report says why; -ENOMEM. */
int conf_yaml_parse(const char *source, const void *bytes, size_t n, yaml_document_t *tree,
		    struct conf_report *report);

/* As people count: from 1. */
struct conf_place conf_yaml_place(const char *source, const yaml_mark_t *mark);

#endif
