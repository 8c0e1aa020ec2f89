/* SPDX-License-Identifier: BSD-2-Clause */
/* care.h — who looks after the backends: asks servers how they are, and names for their addresses
 *
 * One thread beside those that serve, which is there only while there is something to do: a
 * backend with `check`, a server that is a name. Any thread may call what is here.
 *
 *	care_open(&care);
 *	care_follow(care, backends);            at the start, and after each reload
 *	care_answered(care, 5000);              so that first clients find names resolved
 *	care_close(care);
 */
#ifndef DAEMON_CARE_H
#define DAEMON_CARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/backend.h"

struct care;

/* 0 or -ENOMEM. Nothing runs yet. */
int care_open(struct care **out);

/* Nobody is asked any more; servers stay as they are. NULL is fine. */
void care_close(struct care *c);

/* From now on these, and no others; they are held. What names stand for is asked anew, whom to ask is read
 * anew; names that are known keep their addresses meanwhile. 0; or -errno: memory, descriptors or a thread were
 * missing, and names, checks or both are those from before. */
int care_follow(struct care *c, struct backends *bs);

/* Waits until every name has been answered once since it is known here, or has failed, but no
 * longer than that. False: some have not. */
bool care_answered(struct care *c, uint64_t timeout_ms);

/* Why the index-th server of b has no address: "no such host", in words that stay; NULL: it has one. b is of
 * the backends that are followed. */
const char *care_problem(struct care *c, const struct backend *b, size_t index);

#endif
