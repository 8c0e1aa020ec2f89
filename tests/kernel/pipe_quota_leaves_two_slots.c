/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes are counted by user, over all the user's processes. Above fs.pipe-user-pages-soft an
 * unprivileged user still gets pipes, but they are born with two slots and F_SETPIPE_SZ to more
 * gives EPERM. Such a pipe works, two fragments at a time. CAP_SYS_ADMIN and CAP_SYS_RESOURCE are
 * exempt. When pipes are closed, new ones are whole again.
 *
 * Run as root the story is told by an otherwise unused user, so that it disturbs nobody; run
 * as an ordinary user it spends that user's own quota for a moment.
 */
#include "belief.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <linux/capability.h>

#define STRANGER 64321 /* a uid nobody has */
#define MOST     2000  /* pipes we are ready to make */

static int held[MOST][2];
static int page;

static long soft_limit(void)
{
	FILE *f = fopen("/proc/sys/fs/pipe-user-pages-soft", "re");
	long pages = -1;

	if (!f || fscanf(f, "%ld", &pages) != 1)
		skip("cannot read fs.pipe-user-pages-soft");
	fclose(f);
	if (pages == 0)
		skip("fs.pipe-user-pages-soft is 0: no quota here");
	return pages;
}

static int slots(int fd)
{
	return need(fcntl(fd, F_GETPIPE_SZ)) / page;
}

/* Pages a pipe is grown to, and how many such pipes, and of 16 in what is left over, fill the quota. */
static int each_of(long soft)
{
	return soft / 256 > 16 ? 256 : 16;
}

static long enough(long soft)
{
	return soft / each_of(soft) + each_of(soft) / 16 + 8;
}

/* Grown pipes until growth is refused, then default ones until they are born small. */
static int use_up_quota(int each)
{
	int n = 0;

	for (; n < MOST; n++) {
		pipe_pair(held[n]);
		if (slots(held[n][0]) < 16)
			return n + 1;
		must(fcntl(held[n][0], F_SETPIPE_SZ, each * page) > 0 || errno == EPERM);
	}
	return n;
}

static void as_unprivileged(long soft)
{
	int n, p[2];

	pipe_pair(p);
	if (slots(p[0]) < 16)
		skip("this user's quota is used up already");
	n = use_up_quota(each_of(soft));
	must(n < MOST);
	close_both(held[--n]);

	for (int i = 0; i < 3; i++) {
		must(n < MOST);
		pipe_pair(held[n]);
		believe_is(slots(held[n][0]), 2, "above the quota a pipe is born with two slots");
		believe(fcntl(held[n][0], F_SETPIPE_SZ, 4 * page) < 0 && errno == EPERM,
			"and may not grow to four: EPERM");
		n++;
	}
	believe_is((long)stuff(held[n - 1][1], SIZE_MAX), 2L * page, "it holds two pages");
	believe(fcntl(p[0], F_SETPIPE_SZ, 2 * page) == 2 * page, "shrinking is always allowed");

	for (int i = 0; i < n; i++)
		close_both(held[i]);
	close_both(p);
	pipe_pair(p);
	believe_is(slots(p[0]), 16, "when they are closed, new pipes are whole again");
	close_both(p);
}

static void as_root(long soft)
{
	int n = (int)(soft / each_of(soft)) + 4, grown = 0;

	for (int i = 0; i < n; i++) {
		pipe_pair(held[i]);
		grown += fcntl(held[i][0], F_SETPIPE_SZ, each_of(soft) * page) > 0;
	}
	believe_is(grown, n, "root (with CAP_SYS_ADMIN): beyond the quota every pipe still grows");
	for (int i = 0; i < n; i++)
		close_both(held[i]);
}

static bool exempt(void)
{
	return prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN) == 1 && geteuid() == 0;
}

int main(void)
{
	struct rlimit files;
	long soft;
	pid_t child;
	int status;

	belief_begin();
	page = (int)sysconf(_SC_PAGESIZE);
	soft = soft_limit();
	need(getrlimit(RLIMIT_NOFILE, &files));
	files.rlim_cur = files.rlim_max;
	need(setrlimit(RLIMIT_NOFILE, &files));
	if (enough(soft) > MOST)
		skip("fs.pipe-user-pages-soft is too large (%ld) to be reached here", soft);
	if ((long)files.rlim_cur < 2 * enough(soft) + 16)
		skip("needs %ld file descriptors, may have %ld", 2 * enough(soft) + 16,
		     (long)files.rlim_cur);
	if (geteuid() != 0) {
		as_unprivileged(soft);
		return belief_end();
	}
	if (exempt())
		as_root(soft);
	fflush(stdout);
	child = need(fork());
	if (child == 0) {
		alarm(20);
		need(setresgid(STRANGER, STRANGER, STRANGER));
		need(setresuid(STRANGER, STRANGER, STRANGER));
		as_unprivileged(soft);
		exit(belief_end());
	}
	need(waitpid(child, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}
