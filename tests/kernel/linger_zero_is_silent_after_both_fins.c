/* SPDX-License-Identifier: BSD-2-Clause */
/* When the peer has finished and our FIN is on its way as well (LAST_ACK, CLOSING), close() with
 * SO_LINGER {1,0} sends no reset if all was transmitted, and forgets the connection: what is lost on the
 * way is not sent again, and a peer that waits for the end waits for ever. A plain close brings
 * everything. Loss is played by a socket filter at the peer.
 */
#include "belief.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <string.h>

static void deaf(int fd)
{
	struct sock_filter nothing = { .code = BPF_RET | BPF_K, .k = 0 };
	struct sock_fprog f = { .len = 1, .filter = &nothing };

	int r = setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &f, sizeof(f));

	if (r < 0 && errno == EPERM) /* a locked-down machine keeps filters from ordinary users */
		skip("a socket can't be made deaf here: %s", strerror(errno));
	need(r);
}

static void hearing(int fd)
{
	option(fd, SOL_SOCKET, SO_DETACH_FILTER, 0);
}

/* The peer s[1] has finished; our bytes and our FIN were sent and got lost. */
static void both_finished(int family, int s[2])
{
	tcp_pair(family, s);
	need(shutdown(s[1], SHUT_WR));
	must(within(tcp_state(s[0]) == TCP_CLOSE_WAIT));
	must(within(tcp_state(s[1]) == TCP_FIN_WAIT2));
	deaf(s[1]);
	must(give(s[0], "abcd", 4, 0) == 4);
	need(shutdown(s[0], SHUT_WR));
	must(tcp_state(s[0]) == TCP_LAST_ACK);
	must(unsent(s[0]) > 0);
}

static void silent(int family)
{
	int s[2];

	both_finished(family, s);
	close_reset(s[0]);
	hearing(s[1]);
	believe(!(polled(s[1], POLLIN, 1000) & POLLIN), "neither bytes nor an end come any more");
	believe_is(tcp_state(s[1]), TCP_FIN_WAIT2, "the peer waits");
	close(s[1]);
}

static void plain(int family)
{
	char buf[16];
	int s[2];

	both_finished(family, s);
	close(s[0]);
	hearing(s[1]);
	must(polled(s[1], POLLIN, 5000) & POLLIN);
	believe_is(take(s[1], buf, sizeof(buf), 0), 4,
		   "after a plain close the bytes are sent again");
	must(polled(s[1], POLLIN, 5000) & POLLIN);
	believe_is(take(s[1], buf, sizeof(buf), 0), 0, "and the FIN");
	close(s[1]);
}

static void one_fin(int family)
{
	int s[2];

	tcp_pair(family, s);
	need(shutdown(s[0], SHUT_WR));
	must(within(tcp_state(s[0]) == TCP_FIN_WAIT2));
	close_reset(s[0]);
	believe(within(tcp_state(s[1]) == TCP_CLOSE), "before the peer's FIN there is a reset");
	close(s[1]);
}

static void story(int family)
{
	silent(family);
	plain(family);
	one_fin(family);
}

int main(void)
{
	belief_begin();
	each_family(story);
	return belief_end();
}
