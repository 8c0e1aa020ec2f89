/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/survey.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST = 64 };

/* There is room for a power of two of them. */
static int is_full(size_t count)
{
	return count < FIRST ? count == 0 : (count & (count - 1)) == 0;
}

struct survey_item *survey_add(struct survey *s)
{
	if (s->count < s->most && is_full(s->count)) {
		size_t room = s->count < FIRST ? FIRST : s->count * 2;
		struct survey_item *more = realloc(s->item, room * sizeof(*more));

		if (more)
			s->item = more;
		else
			s->most = s->count;
	}
	if (s->count >= s->most) {
		s->left_out++;
		return NULL;
	}
	memset(&s->item[s->count], 0, sizeof(s->item[0]));
	return &s->item[s->count++];
}
