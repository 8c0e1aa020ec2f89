/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/engine.h"

/* Best first. */
static const struct engine *const engines[] = { &engine_splice, &engine_copy };

const struct engine *engine_pick(enum shunt_engine wanted, const char **why)
{
	*why = "no such engine";
	if (wanted == SHUNT_GRAFT) /* it takes nothing: joins become grafts, and until then … */
		wanted = SHUNT_AUTO;
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		const struct engine *e = engines[i];

		if (wanted != SHUNT_AUTO && wanted != e->id)
			continue;
		const char *cannot = e->cannot();

		if (!cannot)
			return e;
		*why = cannot;
	}
	return NULL;
}

const char *engine_text(enum shunt_engine id)
{
	if (id == SHUNT_AUTO || id == SHUNT_GRAFT)
		return id == SHUNT_AUTO ? "auto" : "graft";
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++)
		if (engines[i]->id == id)
			return engines[i]->name;
	return "none";
}
