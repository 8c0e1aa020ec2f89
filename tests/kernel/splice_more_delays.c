/* SPDX-License-Identifier: BSD-2-Clause */
/* A relay that splices small messages without SPLICE_F_MORE into TCP_NODELAY sockets adds no
 * delay. Without TCP_NODELAY a message in two writes waits for the delayed ACK, 40 ms. With
 * SPLICE_F_MORE a small message sits in the socket, TCP_NODELAY or not, for about 200 ms.
 *
 * Told by counting stalls of more than 30 ms, which is behaviour and not speed; a loaded machine
 * is allowed some.
 */
#include "belief.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#define STALL 30 /* ms */

struct path {
	int client[2], server[2], up[2], down[2]; /* client ═ [0] [1] ═ relay ═ [0] [1] ═ server */
	unsigned flags;
};

static bool one(int from, int pipe[2], int to, unsigned flags)
{
	must(polled(from, POLLIN, 2000) & POLLIN);
	must(pull(from, pipe[1], 65536) == 1);
	return splice(pipe[0], NULL, to, NULL, 1, SPLICE_F_NONBLOCK | flags) == 1;
}

/* `bytes` requests of one byte each, one answer. Returns its time in ms. */
static long round_trip(struct path *way, int bytes)
{
	long start = now_ms();
	char c;

	for (int i = 0; i < bytes; i++) {
		must(give(way->client[0], "?", 1, 0) == 1);
		must(one(way->client[1], way->up, way->server[0], way->flags));
	}
	for (int i = 0; i < bytes; i++) {
		must(polled(way->server[1], POLLIN, 2000) & POLLIN);
		must(take(way->server[1], &c, 1, 0) == 1);
	}
	must(give(way->server[1], "!", 1, 0) == 1);
	must(one(way->server[0], way->down, way->client[1], way->flags));
	must(polled(way->client[0], POLLIN, 2000) & POLLIN);
	must(take(way->client[0], &c, 1, 0) == 1);
	return now_ms() - start;
}

static int stalls(int family, int rounds, int bytes, bool nodelay, unsigned flags, long *worst)
{
	struct path way = { .flags = flags };
	int n = 0;

	tcp_pair(family, way.client);
	tcp_pair(family, way.server);
	option(way.client[1], IPPROTO_TCP, TCP_NODELAY, nodelay);
	option(way.server[0], IPPROTO_TCP, TCP_NODELAY, nodelay);
	pipe_pair(way.up);
	pipe_pair(way.down);
	*worst = 0;
	for (int i = 0; i < rounds; i++) {
		long ms = round_trip(&way, bytes);

		n += ms > STALL;
		*worst = ms > *worst ? ms : *worst;
	}
	close_both(way.client);
	close_both(way.server);
	close_both(way.up);
	close_both(way.down);
	return n;
}

static void story(int family)
{
	long worst;
	int n = stalls(family, 200, 1, true, 0, &worst);

	believe(n < 20, "one byte there, one back: %d of 200 stalled (worst %ld ms)", n, worst);
	n = stalls(family, 200, 2, true, 0, &worst);
	believe(n < 20, "two bytes there, one back: %d of 200 stalled (worst %ld ms)", n, worst);
	n = stalls(family, 10, 2, false, 0, &worst);
	note("the same without TCP_NODELAY: %d of 10 stalled (worst %ld ms)", n, worst);
	n = stalls(family, 2, 1, true, SPLICE_F_MORE, &worst);
	believe(n > 0, "with SPLICE_F_MORE: %d of 2 stalled (worst %ld ms)", n, worst);
}

int main(void)
{
	belief_begin();
	each_family(story);
	return belief_end();
}
