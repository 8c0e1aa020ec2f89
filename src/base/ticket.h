/* SPDX-License-Identifier: BSD-2-Clause */
/* ticket.h — what the kernel hands back to us with an event: kind, index, generation in 64 bits
 *
 * Never a pointer: an event that is late, for a socket that is gone, finds another generation in
 * its place and falls away.
 */
#ifndef BASE_TICKET_H
#define BASE_TICKET_H

#include <stdint.h>

enum ticket_kind { TICKET_END = 1, TICKET_TIMER, TICKET_POST };

static inline uint64_t ticket_make(enum ticket_kind kind, uint32_t index, uint32_t generation)
{
	return (uint64_t)kind << 60 | (uint64_t)(index & 0x0fffffff) << 32 | generation;
}

static inline enum ticket_kind ticket_kind(uint64_t ticket)
{
	return (enum ticket_kind)(ticket >> 60);
}

static inline uint32_t ticket_index(uint64_t ticket)
{
	return (uint32_t)(ticket >> 32) & 0x0fffffff;
}

static inline uint32_t ticket_generation(uint64_t ticket)
{
	return (uint32_t)ticket;
}

#endif
