/* SPDX-License-Identifier: BSD-2-Clause */
/* A splice length above SSIZE_MAX is EINVAL, whatever there is to move: "as much as there is"
 * cannot be said with SIZE_MAX. SSIZE_MAX itself is fine. A length of 0 returns 0 at once, which
 * must not be taken for an end of stream.
 */
#include "belief.h"

#include <limits.h>

static void lengths(int s[2], const char *what)
{
	int p[2];

	pipe_pair(p);
	must(give(s[0], "abc", 3, 0) == 3);
	must(within(queued(s[1]) == 3));
	believe_is(pull(s[1], p[1], SIZE_MAX), -EINVAL, "%s in, SIZE_MAX: EINVAL", what);
	believe_is(pull(s[1], p[1], (size_t)SSIZE_MAX + 1), -EINVAL, "%s in, SSIZE_MAX + 1: EINVAL",
		   what);
	believe_is(pull(s[1], p[1], 0), 0, "%s in, 0: 0 though bytes wait", what);
	believe_is(pull(s[1], p[1], SSIZE_MAX), 3, "%s in, SSIZE_MAX: what is there", what);
	believe_is(push(p[0], s[0], SIZE_MAX), -EINVAL, "%s out, SIZE_MAX: EINVAL", what);
	believe_is(push(p[0], s[0], 0), 0, "%s out, 0: 0", what);
	believe_is(push(p[0], s[0], SSIZE_MAX), 3, "%s out, SSIZE_MAX: what is there", what);
	believe_is(pull(s[1], p[1], 0), 0, "%s in, 0, nothing there: still 0, not EAGAIN", what);
	close_both(p);
	close_both(s);
}

static void story(int family)
{
	int s[2];

	tcp_pair(family, s);
	lengths(s, "tcp");
}

int main(void)
{
	int s[2];

	belief_begin();
	each_family(story);
	unix_pair(s);
	lengths(s, "unix");
	return belief_end();
}
