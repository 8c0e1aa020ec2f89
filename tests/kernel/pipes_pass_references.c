/* SPDX-License-Identifier: BSD-2-Clause */
/* splice() from pipe to pipe moves the same pages, behind what the second pipe holds already, a part of
 * a page as well as whole ones; when its slots have run out it moves less, then says EAGAIN. What is
 * written into a pipe goes on in its last page, and who had that page by tee sees nothing of it.
 */
#include "belief.h"

#include <sys/mman.h>
#include <sys/uio.h>

static void same_page_behind_others(size_t page)
{
	struct iovec v = { .iov_len = 4 };
	int a[2], b[2];
	char buf[16];

	v.iov_base = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(v.iov_base != MAP_FAILED);
	memcpy(v.iov_base, "old!", 4);
	pipe_pair(a);
	pipe_pair(b);
	must(write(b[1], "front ", 6) == 6);
	must(vmsplice(a[1], &v, 1, 0) == 4);
	believe_is(push(a[0], b[1], 3), 3, "three of four bytes move behind those that are there");
	believe_is(queued(a[0]), 1, "and one stays");
	memcpy(v.iov_base, "new!", 4);
	believe(read(b[0], buf, 16) == 9 && !memcmp(buf, "front new", 9),
		"what moved is the page itself: changed later, it is seen changed");
	believe(read(a[0], buf, 16) == 1 && buf[0] == '!', "and so is what stayed");
	munmap(v.iov_base, page);
	close_both(a);
	close_both(b);
}

static void until_slots_run_out(size_t page)
{
	int a[2], b[2];

	pipe_pair(a);
	pipe_pair(b);
	need(fcntl(b[0], F_SETPIPE_SZ, 4 * (int)page));
	for (int i = 0; i < 4; i++)
		must(write(a[1], "x", 1) == 1); /* one slot, for they are joined */
	must(stuff(a[1], 6 * page) == 6 * page);
	believe_is(push(a[0], b[1], 6 * page), 3 * page + 4,
		   "four slots take the four bytes and three pages");
	believe_is(push(a[0], b[1], page), -EAGAIN, "and then nothing: EAGAIN");
	close_both(a);
	close_both(b);
}

static void written_behind_a_copy(void)
{
	int a[2], b[2];
	char buf[16];

	pipe_pair(a);
	pipe_pair(b);
	must(write(a[1], "one", 3) == 3);
	must(tee(a[0], b[1], 100, SPLICE_F_NONBLOCK) == 3);
	must(write(a[1], "two", 3) == 3);
	believe(read(b[0], buf, 16) == 3 && !memcmp(buf, "one", 3),
		"what is written later is not in the copy");
	believe(read(a[0], buf, 16) == 6 && !memcmp(buf, "onetwo", 6), "but in the first pipe");
	close_both(a);
	close_both(b);
}

int main(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	belief_begin();
	same_page_behind_others(page);
	until_slots_run_out(page);
	written_behind_a_copy();
	return belief_end();
}
