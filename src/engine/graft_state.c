/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/graft_state.h"

#include <assert.h>

static_assert((int)GD_COUNT <= (int)GRAFT_DECLINES_MOST, "room for all reasons");

static const char *const declines[GD_COUNT] = { [GD_NONE] = "none",
#define GD_TEXT(name, text, meaning) [name] = text,
						GRAFT_DECLINES(GD_TEXT)
#undef GD_TEXT
};

const char *graft_decline_text(enum graft_decline d)
{
	return (unsigned)d < GD_COUNT ? declines[d] : "unknown";
}

void graft_decline(struct shunt_graft *g, enum graft_decline why)
{
	__atomic_fetch_add(&g->kernel.declined[why], 1, __ATOMIC_RELAXED);
}
