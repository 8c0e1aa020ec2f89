/* SPDX-License-Identifier: BSD-2-Clause */
#include "fault.h"

struct actor *fan_listener(struct world *w, const char *name, bool narrow)
{
	struct peer *p = peer_pair(w, name, narrow);

	peer_sends(p, 0, END_FIN);
	return actor_attach(w, p, SHUNT_NONE);
}

struct actor *fan_output(struct world *w, struct fan *f, const char *name, bool narrow)
{
	must(f->outputs < COUNT(f->output), "room for one more output");
	return f->output[f->outputs++] = fan_listener(w, name, narrow);
}

struct actor *fan_source(struct world *w, struct fan *f, size_t bytes)
{
	struct peer *p = peer_pair(w, "source", false);

	peer_sends(p, bytes, END_FIN);
	f->source = actor_attach(w, p, SHUNT_NONE);
	return f->source;
}

void fan_event(struct world *w, const struct fan *f, const struct shunt_event *ev,
	       const struct actor *a)
{
	if (a != f->source)
		return;
	if (ev->what == SHUNT_ENDED) {
		for (unsigned i = 0; i < f->outputs; i++)
			actor_finish(w, f->output[i]);
		actor_finish(w, f->source);
	}
	if (ev->what == SHUNT_GONE && ev->why != SHUNT_WHY_DONE)
		abort_all(w);
}

void fan_judge_tap(const struct actor *copy, const struct actor *a, const struct actor *b)
{
	if (!fault_is_single() || !copy->broken)
		return;
	if (a->why != SHUNT_WHY_DONE || b->why != SHUNT_WHY_DONE)
		wrong("%s broke by %s, and that was felt: %s, %s", copy->name,
		      shunt_why_text(copy->why), shunt_why_text(a->why), shunt_why_text(b->why));
}
