/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/timer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"

void timers_init(struct timers *ts)
{
	*ts = (struct timers){ 0 };
}

void timers_free(struct timers *ts)
{
	for (size_t i = 1; i <= ts->armed; i++)
		ts->heap[i]->place = 0;
	free(ts->heap);
	timers_init(ts);
}

int timers_reserve(struct timers *ts, size_t count)
{
	size_t room = ts->room < 32 ? 32 : ts->room, bytes;
	struct timer **heap;

	if (count <= ts->room)
		return 0;
	while (room < count)
		if (__builtin_mul_overflow(room, 2u, &room))
			return -ENOMEM;
	if (__builtin_add_overflow(room, 1u, &bytes) ||
	    __builtin_mul_overflow(bytes, sizeof(*heap), &bytes))
		return -ENOMEM;
	heap = sys_alloc(bytes);
	if (!heap)
		return -ENOMEM;
	if (ts->armed > 0)
		memcpy(heap, ts->heap, (ts->armed + 1) * sizeof(*heap));
	free(ts->heap);
	ts->heap = heap;
	ts->room = room;
	return 0;
}

static void put(struct timers *ts, size_t place, struct timer *t)
{
	ts->heap[place] = t;
	t->place = place;
}

/* t belongs at `place` or nearer to the top. */
static void rise(struct timers *ts, struct timer *t, size_t place)
{
	while (place > 1 && ts->heap[place / 2]->due > t->due) {
		put(ts, place, ts->heap[place / 2]);
		place /= 2;
	}
	put(ts, place, t);
}

/* t belongs at `place` or further from the top. */
static void sink(struct timers *ts, struct timer *t, size_t place)
{
	for (;;) {
		size_t child = place * 2;

		if (child < ts->armed && ts->heap[child + 1]->due < ts->heap[child]->due)
			child++;
		if (child > ts->armed || ts->heap[child]->due >= t->due)
			break;
		put(ts, place, ts->heap[child]);
		place = child;
	}
	put(ts, place, t);
}

/* t stands, or is to stand, at `place`, but its time may be wrong for it. */
static void settle(struct timers *ts, struct timer *t, size_t place)
{
	if (place > 1 && ts->heap[place / 2]->due > t->due)
		rise(ts, t, place);
	else
		sink(ts, t, place);
}

int timer_arm(struct timers *ts, struct timer *t, uint64_t due)
{
	if (!timer_armed(t)) {
		int rc = timers_reserve(ts, ts->armed + 1);

		if (rc < 0)
			return rc;
		put(ts, ++ts->armed, t);
	}
	t->due = due;
	settle(ts, t, t->place);
	return 0;
}

void timer_disarm(struct timers *ts, struct timer *t)
{
	size_t place = t->place;
	struct timer *last;

	if (place == 0)
		return;
	t->place = 0;
	last = ts->heap[ts->armed--];
	if (last != t)
		settle(ts, last, place);
}

uint64_t timers_next(const struct timers *ts)
{
	return ts->armed ? ts->heap[1]->due : UINT64_MAX;
}

struct timer *timers_due(struct timers *ts, uint64_t now)
{
	struct timer *t = ts->armed ? ts->heap[1] : NULL;

	if (!t || t->due > now)
		return NULL;
	timer_disarm(ts, t);
	return t;
}
