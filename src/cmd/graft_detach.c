/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_detach.c — `shunt graft detach`: the machine as it was before
 *
 * A folder that a process uses is left alone: what it has in the kernel is its own to remove. Of one
 * that nobody uses, the programs go first; from then on every packet meets the kernel, which has no
 * sockets for it. Only then are live grafts reset, with the numbers that nobody moves any more: so both
 * peers hear of it, the silent ones as well. The ports are given back when nobody sends to them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/graft_cmd.h"
#include "cmd/graft_view.h"
#include "engine/graft_device.h"
#include "engine/graft_reserve.h"
#include "engine/graft_reset.h"

static void say(const struct graft_folder *f, const char *problem)
{
	fprintf(stderr, "shunt graft: ports %u-%u: %s\n", f->first, f->last, problem);
}

static int tell_user(const struct graft_folder *f)
{
	char user[32], problem[160];

	if (f->user > 0)
		snprintf(problem, sizeof(problem),
			 "process %d uses them (end it first: kill %d; live grafts stay when it "
			 "does)",
			 (int)f->user, (int)f->user);
	else
		snprintf(problem, sizeof(problem), "%s uses them (end it first)",
			 view_user(f, user));
	say(f, problem);
	return CMD_BIND;
}

/* May it go? Says why not. */
static bool may_go(const struct graft_kernel *k, const struct graft_folder *f, bool force)
{
	char problem[160];
	unsigned n[VIEW_STATES];
	const bool known = view_count(k, n);
	const unsigned live = n[VIEW_LIVE] + n[VIEW_DRAINING];

	if (force || (known && !live) || (!known && graft_devices_attached(k) == 0))
		return true;
	if (known)
		snprintf(problem, sizeof(problem),
			 "%u %s there, and would be reset (--force does it; a relay with these "
			 "ports would adopt %s)",
			 live, live == 1 ? "graft lives" : "grafts live",
			 live == 1 ? "it" : "them");
	else
		snprintf(problem, sizeof(problem),
			 "another version of shunt made them, or pins are missing, and grafts may "
			 "live there (--force ends them)");
	say(f, problem);
	return false;
}

static bool reset_both(const struct graft_slot *slot)
{
	const int client = graft_reset(slot, 0), server = graft_reset(slot, 1);

	return client == 0 && server == 0;
}

/* All that live; *failed: how many of them could not be told. */
static unsigned reset_all(const struct graft_kernel *k, unsigned *failed)
{
	unsigned n = 0;
	struct view v;

	*failed = 0;
	for (uint32_t i = 0; k->slot && i < k->slots; i++) {
		if (!view_graft(&v, &k->slot[i]) ||
		    (v.state != VIEW_LIVE && v.state != VIEW_DRAINING))
			continue;
		n++;
		*failed += !reset_both(&k->slot[i]);
	}
	return n;
}

/* The pins go last: by them the rest is known to be ours. */
static int take_apart(struct graft_kernel *k, const struct graft_folder *f)
{
	unsigned failed, resets;
	const char *step = "taking the programs off";
	char problem[160];
	int rc, programs = rc = graft_devices_detach(k);

	if (rc >= 0) {
		resets = reset_all(k, &failed);
		step = "giving the ports back (net.ipv4.ip_local_reserved_ports)";
		rc = graft_unreserve(f->first, f->last, k->notes);
	}
	if (rc < 0) {
		snprintf(problem, sizeof(problem), "%s: %s", step, strerror(-rc));
		say(f, problem);
		return rc == -EPERM || rc == -EACCES ? CMD_BIND : CMD_FATAL;
	}
	graft_kernel_remove(k);
	printf("ports %u-%u: removed; %d programs were taken off, %u grafts reset\n", f->first,
	       f->last, programs, resets);
	if (failed) {
		snprintf(problem, sizeof(problem),
			 "%u grafts could not be reset: their peers notice when they send next",
			 failed);
		say(f, problem);
	}
	return CMD_FINE;
}

static int detach_one(const struct graft_folder *f, bool force)
{
	struct graft_kernel k;
	char problem[512];
	int rc;

	if (f->user)
		return tell_user(f);
	rc = graft_kernel_take(&k, f->dir, problem, sizeof(problem));
	if (rc < 0) {
		say(f, problem);
		return rc == -EADDRINUSE || rc == -EPERM || rc == -EACCES ? CMD_BIND : CMD_FATAL;
	}
	rc = may_go(&k, f, force) ? take_apart(&k, f) : CMD_BIND;
	graft_kernel_close(&k);
	return rc;
}

int graft_detach(const struct graft_folder *f, int n, bool force)
{
	int worst = CMD_FINE;

	for (int i = 0; i < n; i++) {
		const int rc = detach_one(&f[i], force);

		worst = rc > worst ? rc : worst;
	}
	return worst;
}
