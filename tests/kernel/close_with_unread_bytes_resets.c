/* SPDX-License-Identifier: BSD-2-Clause */
/* close() of a TCP socket that holds unread bytes sends a reset instead of a FIN, and throws away
 * what it had still to send. The peer keeps what it had received. SHUT_WR, then reading to the
 * end, then close() ends cleanly. Bytes that were peeked at or that sit in a pipe: the first count
 * as unread, the second do not.
 */
#include "belief.h"

#include <netinet/tcp.h>

static void resets(int family)
{
	char buf[16];
	int s[2];

	tcp_pair(family, s);
	must(give(s[0], "answer", 6, 0) == 6);
	must(give(s[1], "x", 1, 0) == 1);
	must(within(queued(s[0]) == 1 && queued(s[1]) == 6));
	must(take(s[0], buf, 1, MSG_PEEK) == 1);
	need(close(s[0]));
	must(polled(s[1], POLLRDHUP, 5000) & POLLRDHUP);
	believe(polled(s[1], POLLRDHUP, 0) & POLLERR, "one unread (though peeked) byte: a reset");
	believe_is(take(s[1], buf, sizeof(buf), 0), 6, "the peer keeps what it had received");
	believe_is(take(s[1], buf, sizeof(buf), 0), -ECONNRESET, "then ECONNRESET");
	close(s[1]);
}

static size_t read_out(int fd, int *end)
{
	static char buf[65536];
	size_t sum = 0;

	for (;;) {
		ssize_t n = take(fd, buf, sizeof(buf), 0);

		if (n > 0) {
			sum += (size_t)n;
			continue;
		}
		*end = (int)n;
		if (n != -EAGAIN || !(polled(fd, POLLIN, 2000) & POLLIN))
			return sum;
	}
}

static void drops_unsent(int family)
{
	size_t sent, came;
	int s[2], end;

	tcp_pair(family, s);
	sent = stuff(s[0], SIZE_MAX);
	must(give(s[1], "x", 1, 0) == 1);
	must(within(queued(s[0]) == 1));
	must(unsent(s[0]) > 0);
	need(close(s[0]));
	came = read_out(s[1], &end);
	believe(came < sent, "bytes still to be sent are lost: %zu of %zu came", came, sent);
	believe_is(end, -ECONNRESET, "and the peer ends with ECONNRESET");
	close(s[1]);
}

static void clean(int family)
{
	char buf[16];
	int s[2], p[2];

	tcp_pair(family, s);
	must(give(s[0], "answer", 6, 0) == 6);
	must(give(s[1], "x", 1, 0) == 1);
	must(within(queued(s[0]) == 1));
	need(shutdown(s[0], SHUT_WR));
	must(take(s[0], buf, sizeof(buf), 0) == 1);
	need(close(s[0]));
	must(polled(s[1], POLLRDHUP, 5000) & POLLRDHUP);
	believe_is(take(s[1], buf, sizeof(buf), 0), 6, "SHUT_WR, read, close: all bytes");
	believe_is(take(s[1], buf, sizeof(buf), 0), 0, "and a clean end");
	believe_is(so_error(s[1]), 0, "no error");
	close(s[1]);

	tcp_pair(family, s);
	pipe_pair(p);
	must(give(s[1], "x", 1, 0) == 1);
	must(within(pull(s[0], p[1], 100) == 1));
	need(close(s[0]));
	must(polled(s[1], POLLRDHUP, 5000) & POLLRDHUP);
	believe_is(take(s[1], buf, sizeof(buf), 0), 0, "bytes spliced into a pipe count as read");
	close(s[1]);
	close_both(p);
}

static void arrives_later(int family)
{
	char buf[16];
	int s[2];

	tcp_pair(family, s);
	must(give(s[0], "answer", 6, 0) == 6);
	must(within(queued(s[1]) == 6));
	need(close(s[0]));
	must(within(tcp_state(s[1]) == TCP_CLOSE_WAIT));
	must(give(s[1], "x", 1, 0) == 1);
	believe(within(tcp_state(s[1]) == TCP_CLOSE),
		"a byte sent to a closed socket is answered by a reset");
	believe_is(take(s[1], buf, sizeof(buf), 0), 6, "which leaves what came before it");
	believe_is(take(s[1], buf, sizeof(buf), 0), 0, "and its end");
	close(s[1]);
}

static void story(int family)
{
	resets(family);
	drops_unsent(family);
	clean(family);
	arrives_later(family);
}

int main(void)
{
	belief_begin();
	each_family(story);
	return belief_end();
}
