/* SPDX-License-Identifier: BSD-2-Clause */
/* tee() puts into a second pipe what the first one holds, without taking it from the first: the
 * same pages, not copies of them. Into an empty pipe of as many slots everything goes at once;
 * into a smaller one only as many slots as it has. The second pipe keeps its bytes when the first
 * is drained. tee has no offset: a prefix that is not wanted is spliced into /dev/null.
 */
#include "belief.h"

#include <sys/mman.h>
#include <sys/uio.h>

static ssize_t copy(int from, int to, size_t len)
{
	ssize_t n = tee(from, to, len, SPLICE_F_NONBLOCK);

	return n < 0 ? -errno : n;
}

static void keeps_the_first(void)
{
	char buf[32];
	int a[2], b[2];

	pipe_pair(a);
	pipe_pair(b);
	must(write(a[1], "0123456789", 10) == 10);
	believe_is(copy(a[0], b[1], 100), 10, "tee copies all that is there");
	believe_is(queued(a[0]), 10, "and takes nothing away");
	must(read(a[0], buf, 32) == 10);
	close_both(a);
	believe(read(b[0], buf, 32) == 10 && !memcmp(buf, "0123456789", 10),
		"the copy is whole after the first pipe was drained and closed");
	pipe_pair(a);
	believe_is(copy(a[0], b[1], 100), -EAGAIN, "an empty pipe has nothing to tee: EAGAIN");
	close_both(a);
	close_both(b);
}

static void same_pages(size_t page)
{
	struct iovec v = { .iov_len = 4 };
	int a[2], b[2];
	char buf[8];

	v.iov_base = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(v.iov_base != MAP_FAILED);
	memcpy(v.iov_base, "old!", 4);
	pipe_pair(a);
	pipe_pair(b);
	must(vmsplice(a[1], &v, 1, 0) == 4);
	must(copy(a[0], b[1], 100) == 4);
	memcpy(v.iov_base, "new!", 4);
	believe(read(a[0], buf, 8) == 4 && !memcmp(buf, "new!", 4),
		"a page given by reference and changed later is seen changed in the first pipe");
	believe(read(b[0], buf, 8) == 4 && !memcmp(buf, "new!", 4), "and in the copy: one page");
	munmap(v.iov_base, page);
	close_both(a);
	close_both(b);
}

static void all_or_nothing(size_t page)
{
	size_t full;
	int a[2], b[2], c[2];

	pipe_pair(a);
	pipe_pair(b);
	pipe_pair(c);
	if (fcntl(a[0], F_GETPIPE_SZ) != fcntl(b[0], F_GETPIPE_SZ))
		skip("pipes are born with different sizes: quota used up?");
	full = stuff(a[1], SIZE_MAX);
	believe_is(copy(a[0], b[1], full), full,
		   "a full pipe into an empty one of the same size: all %zu bytes", full);
	believe_is(copy(a[0], b[1], full), -EAGAIN, "into a full one: EAGAIN");
	need(fcntl(c[0], F_SETPIPE_SZ, 4 * (int)page));
	believe_is(copy(a[0], c[1], full), 4 * page, "into one of four slots: four slots");
	close_both(a);
	close_both(b);
	close_both(c);
}

static void drop_a_prefix(void)
{
	int null = need(open("/dev/null", O_WRONLY | O_CLOEXEC));
	char buf[32];
	int a[2];

	pipe_pair(a);
	must(write(a[1], "0123456789", 10) == 10);
	believe_is(push(a[0], null, 4), 4, "a splice to /dev/null takes four bytes");
	believe(read(a[0], buf, 32) == 6 && !memcmp(buf, "456789", 6), "and leaves the rest");
	believe_is(push(a[0], null, 4), -EAGAIN, "and finds nothing in an empty pipe");
	close_both(a);
	close(null);
}

int main(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	belief_begin();
	keeps_the_first();
	same_pages(page);
	all_or_nothing(page);
	drop_a_prefix();
	return belief_end();
}
