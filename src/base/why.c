/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/why.h"

static const struct {
	const char *text, *explain;
} reasons[WHYS] = {
	[WHY_NONE] = { "none", "it has not ended" },
#define WHY_TEXTS(name, text, explain) [WHY_##name] = { text, explain },
	WHY_LIST(WHY_TEXTS)
#undef WHY_TEXTS
};

const char *why_text(enum why why)
{
	return reasons[(unsigned)why < WHYS ? why : WHY_NONE].text;
}

const char *why_explain(enum why why)
{
	return reasons[(unsigned)why < WHYS ? why : WHY_NONE].explain;
}
