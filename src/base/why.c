/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/why.h"

#define WHY_TEXT(name, text, explain)    [WHY_##name] = text,
#define WHY_EXPLAIN(name, text, explain) [WHY_##name] = explain,

static const char *const texts[WHYS] = { [WHY_NONE] = "none", WHY_LIST(WHY_TEXT) };
static const char *const explains[WHYS] = { [WHY_NONE] = "it has not ended",
					    WHY_LIST(WHY_EXPLAIN) };

const char *why_text(enum why why)
{
	return texts[(unsigned)why < WHYS ? why : WHY_NONE];
}

const char *why_explain(enum why why)
{
	return explains[(unsigned)why < WHYS ? why : WHY_NONE];
}
