/* SPDX-License-Identifier: BSD-2-Clause */
/* Unix stream sockets have an urgent byte as well, where the kernel was built with it. There it
 * does not stop splice: splice ends before it, and the next splice steps over it in silence, and
 * the byte is lost, unless recv(MSG_OOB) fetched it before. FIONREAD counts it among the others.
 * SIOCATMARK tells when it is next; with SO_OOBINLINE one recv of one byte then gets it in its
 * place, and splice takes it along by itself.
 */
#include "belief.h"

#include <sys/ioctl.h>

#include <linux/sockios.h>

static int at_mark(int fd)
{
	int yes = -1;

	need(ioctl(fd, SIOCATMARK, &yes));
	return yes;
}

static void urgent(int s[2], const char *behind)
{
	ssize_t n;

	unix_pair(s);
	must(give(s[0], "ab", 2, 0) == 2);
	n = give(s[0], "!", 1, MSG_OOB);
	if (n == -EOPNOTSUPP)
		skip("this kernel's Unix sockets know no MSG_OOB");
	must(n == 1);
	if (*behind)
		must(give(s[0], behind, strlen(behind), 0) == (ssize_t)strlen(behind));
}

static void skipped(void)
{
	char buf[16];
	int s[2], p[2];

	urgent(s, "cd");
	pipe_pair(p);
	believe(epolled(s[1], EPOLLIN | EPOLLPRI, 0) == (EPOLLIN | EPOLLPRI),
		"epoll says IN and PRI");
	believe_is(queued(s[1]), 5, "FIONREAD counts the urgent byte, and does not stop at it");
	believe_is(pull(s[1], p[1], 65536), 2, "splice ends before the urgent byte");
	believe_is(pull(s[1], p[1], 65536), 2, "the next one goes on behind it");
	believe_is(take(s[1], buf, 1, MSG_OOB), -EINVAL, "and the urgent byte is lost");
	must(read(p[0], buf, 16) == 4);
	believe(!memcmp(buf, "abcd", 4), "the others come in order");
	close_both(s);
	close_both(p);
}

static void fetched(void)
{
	char buf[16];
	int s[2], p[2];

	urgent(s, "cd");
	pipe_pair(p);
	must(pull(s[1], p[1], 65536) == 2);
	believe(take(s[1], buf, 1, MSG_OOB) == 1 && buf[0] == '!',
		"recv(MSG_OOB) gets it, if asked before the next splice");
	believe_is(pull(s[1], p[1], 65536), 2, "and splice goes on");
	close_both(s);
	close_both(p);
}

static void nothing_behind(void)
{
	int s[2], p[2];

	urgent(s, "");
	pipe_pair(p);
	must(pull(s[1], p[1], 65536) == 2);
	believe(epolled(s[1], EPOLLIN | EPOLLPRI, 0) == (EPOLLIN | EPOLLPRI),
		"nothing behind it: epoll says IN and PRI");
	believe_is(pull(s[1], p[1], 65536), -EAGAIN, "splice says EAGAIN");
	believe(epolled(s[1], EPOLLIN | EPOLLPRI, 0) == 0, "and has dropped it: no spin");
	close_both(s);
	close_both(p);
}

static void fetched_last(void)
{
	char buf[16];
	int s[2], p[2];

	urgent(s, "");
	pipe_pair(p);
	must(pull(s[1], p[1], 65536) == 2);
	must(take(s[1], buf, 1, MSG_OOB) == 1);
	believe_is(pull(s[1], p[1], 65536), -EAGAIN, "nothing behind it, fetched: EAGAIN");
	believe(epolled(s[1], EPOLLIN | EPOLLPRI, 0) == 0, "and epoll is silent");
	close_both(s);
	close_both(p);
}

static void in_its_place(void)
{
	char buf[16];
	int s[2], p[2];

	urgent(s, "cd");
	pipe_pair(p);
	believe_is(at_mark(s[1]), 0, "SIOCATMARK says 0 before it");
	must(pull(s[1], p[1], 65536) == 2);
	believe_is(at_mark(s[1]), 1, "and 1 when it is next");
	option(s[1], SOL_SOCKET, SO_OOBINLINE, 1);
	believe(take(s[1], buf, 1, 0) == 1 && buf[0] == '!', "SO_OOBINLINE: recv gets the byte");
	option(s[1], SOL_SOCKET, SO_OOBINLINE, 0);
	believe_is(at_mark(s[1]), 0, "and has left the mark behind");
	believe_is(pull(s[1], p[1], 65536), 2, "splice goes on");
	close_both(s);
	close_both(p);
}

static void inlined(void)
{
	char buf[16];
	int s[2], p[2], got = 0;

	urgent(s, "cd");
	pipe_pair(p);
	option(s[1], SOL_SOCKET, SO_OOBINLINE, 1);
	for (int i = 0; i < 5; i++) {
		ssize_t n = pull(s[1], p[1], 65536);

		got += n > 0 ? (int)n : 0;
	}
	must(got == 0 || read(p[0], buf, 16) == got);
	believe(got == 5 && !memcmp(buf, "ab!cd", 5),
		"SO_OOBINLINE: splice brings it in its place");
	close_both(s);
	close_both(p);
}

int main(void)
{
	belief_begin();
	skipped();
	fetched();
	nothing_behind();
	fetched_last();
	in_its_place();
	inlined();
	return belief_end();
}
