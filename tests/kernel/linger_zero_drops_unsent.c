/* SPDX-License-Identifier: BSD-2-Clause */
/* close() with SO_LINGER {1,0} sends a reset at once and throws away what is in the send queue:
 * the peer gets less than was sent. When SIOCOUTQ says 0 the peer's kernel has everything, and
 * nothing is lost: it reads all the bytes, then ECONNRESET. So a reset waits for SIOCOUTQ == 0.
 * A reset sent after a FIN of our own still goes out, but the peer's reads show a clean end.
 */
#include "belief.h"

#include <netinet/tcp.h>

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

static void at_once(int family)
{
	size_t sent, came;
	int s[2], end, left;

	tcp_pair(family, s);
	sent = stuff(s[0], SIZE_MAX);
	must(within(queued(s[1]) > 0));
	left = unsent(s[0]);
	must(left > 0);
	close_reset(s[0]);
	came = read_out(s[1], &end);
	believe(came < sent, "SIOCOUTQ said %d: %zu of %zu bytes came", left, came, sent);
	believe_is(end, -ECONNRESET, "then ECONNRESET");
	close(s[1]);
}

static void waited(int family, size_t size)
{
	size_t sent, came;
	int s[2], end;

	tcp_pair(family, s);
	sent = stuff(s[0], size);
	must(sent == size);
	must(within(unsent(s[0]) == 0));
	close_reset(s[0]);
	must(within(tcp_state(s[1]) == TCP_CLOSE));
	came = read_out(s[1], &end);
	believe_is(came, sent, "SIOCOUTQ said 0: all %zu bytes came", sent);
	believe_is(end, -ECONNRESET, "then ECONNRESET");
	close(s[1]);
}

/* The peer reads a little; the queue empties only when it does. */
static void slow_reader(int family)
{
	static char buf[65536];
	size_t sent, came = 0;
	int s[2], end, rounds = 0;

	tcp_pair(family, s);
	sent = stuff(s[0], SIZE_MAX);
	while (unsent(s[0]) > 0 && rounds++ < 10000) {
		ssize_t n = take(s[1], buf, sizeof(buf), 0);

		if (n > 0)
			came += (size_t)n;
		else
			polled(s[1], POLLIN, 10);
	}
	believe_is(unsent(s[0]), 0, "SIOCOUTQ comes down to 0 as a slow reader goes on");
	close_reset(s[0]);
	came += read_out(s[1], &end);
	believe_is(came, sent, "then a reset loses nothing of %zu bytes", sent);
	believe_is(end, -ECONNRESET, "then ECONNRESET");
	close(s[1]);
}

static void after_fin(int family)
{
	char buf[16];
	int s[2];

	tcp_pair(family, s);
	must(give(s[0], "abc", 3, 0) == 3);
	must(within(unsent(s[0]) == 0));
	need(shutdown(s[0], SHUT_WR));
	must(within(tcp_state(s[0]) == TCP_FIN_WAIT2));
	believe_is(unsent(s[0]), 0, "a FIN that was acknowledged leaves SIOCOUTQ at 0");
	close_reset(s[0]);
	believe(within(tcp_state(s[1]) == TCP_CLOSE), "after our own FIN a reset still goes out");
	believe_is(take(s[1], buf, sizeof(buf), 0), 3, "the peer reads the bytes");
	believe_is(take(s[1], buf, sizeof(buf), 0), 0, "and a clean end: the reset came too late");
	close(s[1]);
}

static void story(int family)
{
	at_once(family);
	waited(family, 1);
	waited(family, 30000);
	slow_reader(family);
	after_fin(family);
}

int main(void)
{
	belief_begin();
	each_family(story);
	return belief_end();
}
