/* SPDX-License-Identifier: BSD-2-Clause */
/* slots.c — a place for each end, and a bit for each descriptor
 *
 *   ticket {END, 2, 7} ──▶ slots  0        1        2        3
 *                                 end      free ──▶ end      free ──▶ …
 *                                 gen 3    gen 0    gen 7    gen 1
 *
 * Epoll is given a slot's number and generation, never a pointer: who leaves makes the slot's generation one
 * higher, so what epoll still says of him finds nobody. Ends themselves never move, slots do when they grow.
 *
 * Two ends on one descriptor would close each other's; the bits tell which are taken.
 */
#include "lib/slots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "base/ticket.h"

enum { SLOTS_FIRST = 64, SLOTS_MOST = 1 << 24, WORDS_FIRST = 16 };

static int grow_slots(struct shunt *s)
{
	uint32_t count = s->slot_count ? s->slot_count * 2 : SLOTS_FIRST;

	if (count > SLOTS_MOST)
		return -ENOSPC;
	struct slot *slots = sys_alloc(count * sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		slots[i] = i < s->slot_count ? s->slots[i] : (struct slot){ .next_free = i + 1 };
	free(s->slots);
	s->slots = slots;
	s->slot_free = s->slot_count;
	s->slot_count = count;
	return 0;
}

static int grow_fds(struct shunt *s, uint32_t word)
{
	uint32_t words = s->fd_words ? s->fd_words : WORDS_FIRST;

	while (words <= word)
		words *= 2;
	if (words == s->fd_words)
		return 0;
	uint64_t *fds = sys_alloc(words * sizeof(*fds));

	if (!fds)
		return -ENOMEM;
	if (s->fd_words)
		memcpy(fds, s->fds, s->fd_words * sizeof(*fds));
	free(s->fds);
	s->fds = fds;
	s->fd_words = words;
	return 0;
}

static uint64_t bit_of(int fd)
{
	return UINT64_C(1) << (fd % 64);
}

static int claim_fd(struct shunt *s, int fd)
{
	int r = grow_fds(s, (uint32_t)fd / 64);

	if (r < 0)
		return r;
	if (s->fds[fd / 64] & bit_of(fd))
		return -EEXIST;
	s->fds[fd / 64] |= bit_of(fd);
	return 0;
}

int slots_enter(struct shunt_end *e, int fd)
{
	struct shunt *s = e->s;
	int r = s->slot_free == s->slot_count ? grow_slots(s) : 0;

	if (r == 0)
		r = claim_fd(s, fd);
	if (r < 0)
		return r;
	e->src.fd = fd;
	e->slot = s->slot_free;
	s->slot_free = s->slots[e->slot].next_free;
	s->slots[e->slot].end = e;
	s->ends++;
	return 0;
}

void slots_leave(struct shunt_end *e)
{
	struct shunt *s = e->s;
	struct slot *slot = &s->slots[e->slot];

	slots_lend(e);
	slot->end = NULL;
	slot->generation++;
	slot->next_free = s->slot_free;
	s->slot_free = e->slot;
	s->ends--;
}

int slots_lend(struct shunt_end *e)
{
	int fd = e->src.fd;

	if (fd >= 0)
		e->s->fds[fd / 64] &= ~bit_of(fd);
	e->src.fd = -1;
	return fd;
}

void slots_take_back(struct shunt_end *e, int fd)
{
	claim_fd(e->s, fd); /* there was room for it before */
	e->src.fd = fd;
}

uint64_t slots_ticket(const struct shunt_end *e)
{
	return ticket_make(TICKET_END, e->slot, e->s->slots[e->slot].generation);
}

struct shunt_end *slots_find(const struct shunt *s, uint64_t ticket)
{
	const struct slot *slot = &s->slots[ticket_index(ticket)];

	return slot->generation == ticket_generation(ticket) ? slot->end : NULL;
}

void slots_free(struct shunt *s)
{
	free(s->slots);
	free(s->fds);
}
