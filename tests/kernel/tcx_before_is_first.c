/* SPDX-License-Identifier: BSD-2-Clause */
/* BPF_F_BEFORE that names no other program puts a TCX link before all there are. Who comes later the
 * same way is before us: being first is no property, one has to look. A program is taken once on each
 * hook, so that the way back to the front is a second copy of it. A change of its program leaves a link
 * in its place.
 */
#include "belief_bpf.h"

#include <net/if.h>

int main(void)
{
	int ours, theirs, second, link[3];
	unsigned id[16], lo;
	char at[64];

	belief_begin();
	own_machine(at);
	lo = if_nametoindex("lo");
	want_tcx(lo, at);
	ours = load_next();
	theirs = load_next();
	second = load_next();

	link[0] = need(tcx_link(theirs, lo, 0));
	link[1] = need(tcx_link(ours, lo, BELIEF_BEFORE));
	believe_is(tcx_list(lo, id), 2, "two programs on one hook");
	believe_is(id[0], program_id(ours), "BPF_F_BEFORE: first, though it came later");
	close(link[0]);
	must(within(tcx_list(lo, id) == 1));
	link[0] = need(tcx_link(theirs, lo, BELIEF_BEFORE));
	tcx_list(lo, id);
	believe_is(id[0], program_id(theirs), "until somebody else does the same");
	believe_is(tcx_link(ours, lo, BELIEF_BEFORE), -EEXIST, "one program is not taken twice");
	link[2] = need(tcx_link(second, lo, BELIEF_BEFORE));
	believe_is(tcx_list(lo, id), 3, "a copy of it is");
	believe_is(id[0], program_id(second), "and comes first");

	union bpf_attr update = { .link_update = { .link_fd = (unsigned)link[0],
						   .new_prog_fd = (unsigned)load_next() } };

	must(bpf_call(BPF_LINK_UPDATE, &update) == 0);
	tcx_list(lo, id);
	believe(id[0] == program_id(second) && id[1] != program_id(theirs) &&
			id[2] == program_id(ours),
		"a link keeps its place when its program is changed");
	leave_machine(at);
	return belief_end();
}
