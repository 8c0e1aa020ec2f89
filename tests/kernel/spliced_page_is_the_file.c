/* SPDX-License-Identifier: BSD-2-Clause */
/* What splice hands on are pages, not copies of them: a file sent with sendfile and changed
 * afterwards is seen changed in the pipe of a receiver on the same machine, long after it left the
 * sender. So bytes that were given away by reference must not be written again by whoever
 * owns them; and a relay cannot promise more than the sender kept.
 */
#include "belief.h"

#include <sys/mman.h>
#include <sys/sendfile.h>

static void story(int family)
{
	int file = need(memfd_create("page", MFD_CLOEXEC)), s[2], p[2];
	char old[4096], buf[4096];
	off_t from = 0;

	memset(old, 'o', sizeof(old));
	must(pwrite(file, old, sizeof(old), 0) == (ssize_t)sizeof(old));
	tcp_pair(family, s);
	pipe_pair(p);
	must(sendfile(s[0], file, &from, sizeof(old)) == (ssize_t)sizeof(old));
	must(within(queued(s[1]) == (int)sizeof(old)));
	must(pull(s[1], p[1], 65536) == (ssize_t)sizeof(old));
	must(within(unsent(s[0]) == 0));
	must(pwrite(file, "new", 3, 0) == 3);
	must(read(p[0], buf, sizeof(buf)) == (ssize_t)sizeof(buf));
	believe(!memcmp(buf, "new", 3), "sendfile, splice, then a write: the pipe shows the write");

	must(pwrite(file, old, sizeof(old), 0) == (ssize_t)sizeof(old));
	from = 0;
	must(sendfile(s[0], file, &from, sizeof(old)) == (ssize_t)sizeof(old));
	must(within(queued(s[1]) == (int)sizeof(old)));
	must(pull(s[1], p[1], 65536) == (ssize_t)sizeof(old));
	need(ftruncate(file, 0));
	must(read(p[0], buf, sizeof(buf)) == (ssize_t)sizeof(buf));
	note("the file cut to nothing meanwhile: the pipe shows %s",
	     memcmp(buf, old, sizeof(buf)) ? "other bytes" : "the old bytes");

	must(pwrite(file, old, sizeof(old), 0) == (ssize_t)sizeof(old));
	must(give(s[0], old, sizeof(old), 0) == (ssize_t)sizeof(old));
	must(within(queued(s[1]) == (int)sizeof(old)));
	must(pull(s[1], p[1], 65536) == (ssize_t)sizeof(old));
	memcpy(old, "new", 3);
	must(read(p[0], buf, sizeof(buf)) == (ssize_t)sizeof(buf));
	believe(!memcmp(buf, "ooo", 3), "send copies: what came from a send never changes");
	close_both(s);
	close_both(p);
	close(file);
}

int main(void)
{
	belief_begin();
	each_family(story);
	return belief_end();
}
