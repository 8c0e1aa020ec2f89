/* SPDX-License-Identifier: BSD-2-Clause */
/* A TCX link goes with its last descriptor, unless it is pinned: then its program stays on the device
 * when the maker dies, by whatever death. The pin is all that is needed to find it again, to give it
 * another program in its place, or to end it: by detaching, which is at once, or by unlinking. It does not
 * hold the device: when that goes the link is there still, and leads nowhere.
 */
#include "belief_bpf.h"

#include <net/if.h>
#include <signal.h>
#include <sys/wait.h>

static char at[64], path[96];
static unsigned id[16];

/* A child makes the link, with or without a pin, and is killed. */
static void made_by_a_child(unsigned ifindex, bool keep)
{
	pid_t child = need(fork());

	if (child == 0) {
		int link = need(tcx_link(load_next(), ifindex, BELIEF_BEFORE));

		if (keep)
			need(pin(link, path));
		kill(getpid(), SIGKILL);
	}
	need(waitpid(child, NULL, 0));
}

int main(void)
{
	unsigned lo, va;
	int link, other;

	belief_begin();
	own_machine(at);
	lo = if_nametoindex("lo");
	want_tcx(lo, at);
	snprintf(path, sizeof(path), "%s/link", at);

	made_by_a_child(lo, false);
	believe(within(tcx_list(lo, id) == 0), "not pinned, it goes with its maker");
	made_by_a_child(lo, true);
	usleep(PATIENCE * 1000);
	believe_is(tcx_list(lo, id), 1, "pinned, it stays when its maker is killed");

	link = need(pinned(path));
	other = load_next();
	union bpf_attr update = { .link_update = { .link_fd = (unsigned)link,
						   .new_prog_fd = (unsigned)other } };

	believe_is(bpf_call(BPF_LINK_UPDATE, &update), 0,
		   "who finds the pin can change the program");
	believe_is(tcx_list(lo, id), 1, "one is there after it");
	believe_is(id[0], program_id(other), "and it is the new one");

	union bpf_attr detach = { .link_detach = { .link_fd = (unsigned)link } };

	believe_is(bpf_call(BPF_LINK_DETACH, &detach), 0, "or take it off");
	believe_is(tcx_list(lo, id), 0, "at once, pinned as it is");
	close(link);
	need(unlink(path));

	made_by_a_child(lo, true);
	need(unlink(path));
	believe(within(tcx_list(lo, id) == 0),
		"without pin and descriptor it goes, a moment later");

	if (shell("ip link add va type veth peer name vb")) {
		va = if_nametoindex("va");
		made_by_a_child(va, true);
		believe_is(tcx_list(va, id), 1, "it does not keep a device from being deleted");
		must(shell("ip link del va"));
		believe_is(tcx_list(va, id), -ENODEV, "that is gone");
		believe((link = pinned(path)) >= 0, "the pin is there, and leads nowhere");
		union bpf_attr again = { .link_update = { .link_fd = (unsigned)link,
							  .new_prog_fd = (unsigned)other } };

		believe_is(bpf_call(BPF_LINK_UPDATE, &again), -ENOLINK, "not to be used any more");
	}
	leave_machine(at);
	return belief_end();
}
