/* SPDX-License-Identifier: BSD-2-Clause */
/* lend.h — bytes go on to `out` and stay in `in`, until `out`'s peer has acknowledged them
 *
 *   in ──▶ [ lent │ not yet ] ──▶ out        lend:     what is not yet sent is sent, none is taken
 *            └─ in its socket                way_take: what is lent is taken, and its room given back
 *
 * A socket that is emptied tells its peer of the room, and he sends more: by the time `out`'s peer has
 * acknowledged what was in it, there is something new. Left full, he waits. So it can be emptied at a moment of
 * our choice, when nothing else is under way; what he sends then is the first packet of a new page.
 *
 * It costs a copy, so it is for moments. No more than a block is lent, of which the socket must be able to
 * hold all that its peer was allowed (window_narrow).
 */
#ifndef ENGINE_LEND_H
#define ENGINE_LEND_H

#include "engine/pump.h"

/* FLOW_DRY: all that has come is sent. FLOW_FULL, FLOW_NO_MEMORY, FLOW_IN_BROKEN, FLOW_OUT_BROKEN as pump
 * says. FLOW_TURN: not so (an end, an urgent byte, too much): pump it. */
enum flow lend(struct kit *k, struct way *w, int *error);

#endif
