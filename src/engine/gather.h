/* SPDX-License-Identifier: BSD-2-Clause */
/* gather.h — small runs become a large one
 *
 * What arrives little by little and is held for long would take a pipe or a block for each arrival. A
 * run that gathers is moved behind another, from pipe to pipe by reference. Slots may run out long
 * before bytes do: a pipe whose slots are all taken and that holds less than a quarter of its room is
 * folded into memory, where a byte takes a byte. Behind bytes in memory only little is copied.
 */
#ifndef ENGINE_GATHER_H
#define ENGINE_GATHER_H

#include "engine/run.h"

/* Move at most n bytes from the front of `from` behind those of `to`, neither of them empty. Returns how
 * many went over: fewer than n when `to` has a unit, or no place left. -ENOMEM, or the error that the
 * kernel gave, and nothing has moved; then a run that could not be saved is empty. */
ssize_t gather(struct kit *k, struct run *to, struct run *from, size_t n);

/* Bytes of memory that the run takes, a pipe's slots counted as the pages they may be. */
size_t gather_footprint(const struct run *r);

#endif
