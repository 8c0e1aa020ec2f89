/* SPDX-License-Identifier: BSD-2-Clause */
/* What is peeked at stays in its socket, and so does the sender stay where he is: when the receive buffer is
 * full he waits, for as long as we like. Taken without being read (MSG_TRUNC), it makes room, he is told, and
 * the stream goes on with the byte after it. SO_BUF_LOCK keeps the kernel from growing the
 * buffer meanwhile, and lets it go on growing afterwards.
 */
#include "belief.h"

#include <netinet/in.h>

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif

enum { RECEIVE_LOCKED = 2, ALL = 4 << 20 };

static char bytes[ALL], seen[ALL], again[ALL];

/* How much is there when nothing more comes. */
static int full(int fd)
{
	int was = -1, now;

	while ((now = queued(fd)) != was) {
		was = now;
		usleep(PATIENCE * 1000);
	}
	return now;
}

/* Take all that is there, again and again, until `most` have come. */
static size_t take_all(int fd, size_t came, size_t most)
{
	ssize_t n;

	while (came < most && (polled(fd, POLLIN, 5000) & POLLIN))
		while ((n = take(fd, seen + came, sizeof(seen) - came, 0)) > 0)
			came += (size_t)n;
	return came;
}

static void story(int family)
{
	int s[2];

	tcp_pair(family, s);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 31 + i / 251);
	option(s[1], SOL_SOCKET, SO_BUF_LOCK, RECEIVE_LOCKED);
	int size = option_of(s[1], SOL_SOCKET, SO_RCVBUF);
	size_t sent = 0;
	ssize_t gone;

	while ((gone = give(s[0], bytes + sent, sizeof(bytes) - sent, 0)) > 0)
		sent += (size_t)gone;
	int n = full(s[1]);

	believe(n > 0 && n <= size && unsent(s[0]) > 0, "%d bytes are there, %d are not sent on", n,
		unsent(s[0]));
	believe_is(take(s[1], seen, sizeof(seen), MSG_PEEK), n, "a peek shows all of them");
	believe_is(take(s[1], again, sizeof(again), MSG_PEEK), n, "and once more");
	believe_is(full(s[1]), n, "and brings no others");
	believe(!memcmp(seen, bytes, (size_t)n) && !memcmp(again, bytes, (size_t)n),
		"they are right");
	believe_is(take(s[1], NULL, (size_t)n, MSG_TRUNC), n, "taken unread");
	believe_is(take_all(s[1], (size_t)n, sent), sent, "all the others come");
	believe(!memcmp(seen + n, bytes + n, sent - (size_t)n), "in their places");
	believe_is(option_of(s[1], SOL_SOCKET, SO_RCVBUF), size, "the buffer did not grow");
	option(s[1], SOL_SOCKET, SO_BUF_LOCK, 0);
	believe_is(option_of(s[1], SOL_SOCKET, SO_BUF_LOCK), 0, "and may again");
	close_both(s);
}

int main(void)
{
	belief_begin();
	each_family(story);
	return belief_end();
}
