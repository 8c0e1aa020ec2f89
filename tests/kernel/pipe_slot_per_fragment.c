/* SPDX-License-Identifier: BSD-2-Clause */
/* A pipe is full when its slots are taken, whatever they hold: a slot holds one fragment, be it
 * one byte or many pages. So bytes say nothing about room, a short splice-in does not mean that
 * the socket is empty, and a partly drained slot stays taken.
 *
 * The fragments come from single bytes of different pages, given to the pipe by reference and
 * spliced into the sending socket.
 */
#include "belief.h"

#include <sys/mman.h>
#include <sys/uio.h>

#define BYTES 64

static char *pages;
static size_t page;

static ssize_t one_byte(int pipe, size_t i)
{
	struct iovec v = { .iov_base = pages + i * page, .iov_len = 1 };
	ssize_t n = vmsplice(pipe, &v, 1, SPLICE_F_NONBLOCK);

	return n < 0 ? -errno : n;
}

static void in_the_pipe(void)
{
	char buf[2];
	int p[2];
	size_t i = 0;

	pipe_pair(p);
	if (need(fcntl(p[0], F_GETPIPE_SZ)) != (int)(16 * page))
		skip("a pipe is not born with 16 slots: quota used up?");
	while (one_byte(p[1], i) == 1)
		i++;
	believe_is(i, 16, "a pipe of 16 slots is full after 16 fragments of one byte");
	believe_is(queued(p[0]), 16, "that is 16 bytes");
	must(read(p[0], buf, 1) == 1);
	believe_is(one_byte(p[1], 0), 1, "one drained slot is room for one fragment");
	close_both(p);
}

static void from_the_socket(int family)
{
	int s[2], feed[2], p[2];
	int rounds = 0, got = 0;
	ssize_t n;

	tcp_pair(family, s);
	pipe_pair(feed);
	option(s[0], SOL_SOCKET, SO_SNDBUF, 1 << 20);
	for (size_t i = 0; i < BYTES; i++) {
		must(one_byte(feed[1], i) == 1);
		must(push(feed[0], s[0], 1) == 1);
	}
	must(within(queued(s[1]) == BYTES));
	pipe_pair(p);
	n = pull(s[1], p[1], 65536);
	believe(n > 0 && n <= 16, "splice-in is short, %zd of %d bytes: slots ran out", n, BYTES);
	believe_is(pull(s[1], p[1], 65536), -EAGAIN, "and now says EAGAIN");
	believe_is(queued(s[1]), BYTES - n, "though the socket is far from empty");
	must(fcntl(p[0], F_SETPIPE_SZ, 32 * (int)page) == 32 * (int)page);
	believe(pull(s[1], p[1], 65536) > 0, "growing the pipe makes room at once");
	while (got < BYTES && rounds++ < 100) {
		char buf[BYTES];
		ssize_t r = read(p[0], buf, sizeof(buf));

		got += r > 0 ? (int)r : 0;
		pull(s[1], p[1], 65536);
	}
	believe_is(got, BYTES, "drained in between, all bytes come");
	close_both(s);
	close_both(feed);
	close_both(p);
}

int main(void)
{
	belief_begin();
	page = (size_t)sysconf(_SC_PAGESIZE);
	pages = mmap(NULL, BYTES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);
	must(pages != MAP_FAILED);
	for (size_t i = 0; i < BYTES; i++)
		pages[i * page] = (char)('0' + i);
	in_the_pipe();
	each_family(from_the_socket);
	return belief_end();
}
