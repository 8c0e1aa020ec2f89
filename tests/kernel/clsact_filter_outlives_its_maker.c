/* SPDX-License-Identifier: BSD-2-Clause */
/* A filter of clsact belongs to the device: it needs no pin, and stays when its maker is gone and its
 * program has no other owner. Of several with one priority the newest comes first; a change in place
 * leaves it there. It goes with the qdisc, which anybody with the right may delete.
 */
#include "belief_bpf.h"

static char at[64];

static void put(const char *verb, unsigned handle, const char *name)
{
	char path[96];
	int fd = load_next();

	snprintf(path, sizeof(path), "%s/%s", at, name);
	need(pin(fd, path));
	/* by tc, whose process is over then */
	must(shell("tc filter %s dev lo ingress protocol all prio 1 handle %u bpf da pinned %s",
		   verb, handle, path));
	need(unlink(path));
	close(fd);
}

/* The handle on line n of the filters. */
static bool nth(int n, unsigned handle)
{
	return shell(
		"tc filter show dev lo ingress | grep handle | sed -n %dp | grep -q 'handle 0x%x '",
		n, handle);
}

int main(void)
{
	belief_begin();
	if (!shell("tc -V > /dev/null 2>&1"))
		skip("needs tc");
	own_machine(at);
	if (!shell("tc qdisc add dev lo clsact")) {
		leave_machine(at);
		skip("this kernel has no clsact");
	}
	put("add", 1, "first");
	usleep(PATIENCE * 1000);
	believe(nth(1, 1), "a filter stays when nobody but it has the program");
	put("add", 2, "second");
	believe(nth(1, 2) && nth(2, 1), "a newer one of the same priority comes before it");
	put("replace", 1, "third");
	believe(nth(1, 2) && nth(2, 1) && !nth(3, 1), "one that is replaced keeps its place");
	believe(!shell("tc qdisc add dev lo clsact 2> /dev/null"), "there is one such qdisc");
	must(shell("tc qdisc del dev lo clsact"));
	believe(!nth(1, 2), "and all filters go with it");
	leave_machine(at);
	return belief_end();
}
