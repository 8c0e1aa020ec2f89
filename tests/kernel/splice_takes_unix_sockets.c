/* SPDX-License-Identifier: BSD-2-Clause */
/* splice works on Unix stream sockets, in and out: all bytes of many arrive in order. What needs
 * care is the same as with TCP: EAGAIN when empty, 0 at the end.
 */
#include "belief.h"

#define ALL (1 << 20)

static char sent[ALL], came[ALL];

/* source → in[1] → pipe → out[0] → out[1] → sink, as a relay would, all in one thread. */
static size_t relay(int in[2], int out[2], int p[2])
{
	size_t gone = 0, got = 0, held = 0;
	int idle = 0;
	ssize_t n;

	while (got < ALL && idle < 1000) {
		bool moved = false;

		if (gone < ALL && (n = give(in[0], sent + gone, ALL - gone, 0)) > 0) {
			gone += (size_t)n;
			moved = true;
		}
		if (!held && (n = pull(in[1], p[1], ALL)) > 0) {
			held += (size_t)n;
			moved = true;
		}
		if (held && (n = push(p[0], out[0], held)) > 0) {
			held -= (size_t)n;
			moved = true;
		}
		if ((n = take(out[1], came + got, ALL - got, 0)) > 0) {
			got += (size_t)n;
			moved = true;
		}
		if (!moved) {
			polled(out[1], POLLIN, 1);
			idle++;
		} else {
			idle = 0;
		}
	}
	return got;
}

static void through(int in[2], int out[2], const char *what)
{
	int p[2];

	memset(came, 0, sizeof(came));
	pipe_pair(p);
	believe_is(pull(in[1], p[1], 65536), -EAGAIN, "%s: nothing there: EAGAIN", what);
	believe(relay(in, out, p) == ALL && !memcmp(sent, came, ALL), "%s: 1 MiB, byte for byte",
		what);
	need(shutdown(in[0], SHUT_WR));
	must(polled(in[1], POLLRDHUP, 5000) & POLLRDHUP);
	believe_is(pull(in[1], p[1], 65536), 0, "%s: the end is 0", what);
	close_both(p);
	close_both(in);
	close_both(out);
}

static void with_tcp(int family)
{
	int in[2], out[2];

	unix_pair(in);
	tcp_pair(family, out);
	through(in, out, "unix to tcp");
	tcp_pair(family, in);
	unix_pair(out);
	through(in, out, "tcp to unix");
}

int main(void)
{
	int in[2], out[2];

	belief_begin();
	for (size_t i = 0; i < ALL; i++)
		sent[i] = (char)(i * 2654435761U >> 24);
	unix_pair(in);
	unix_pair(out);
	through(in, out, "unix to unix");
	each_family(with_tcp);
	return belief_end();
}
