/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_cmd.h — what `shunt graft` does: one function each, on the folders that were asked for
 *
 * Each returns enum cmd_exit; `f` are n folders, at `where` for texts.
 */
#ifndef CMD_GRAFT_CMD_H
#define CMD_GRAFT_CMD_H

#include <stdbool.h>

#include "engine/graft_folder.h"

int graft_status(const struct graft_folder *f, int n, bool json);
int graft_list(const struct graft_folder *f, int n, bool json);
/* force: also where grafts live, which are reset. */
int graft_detach(const struct graft_folder *f, int n, bool force);

#endif
