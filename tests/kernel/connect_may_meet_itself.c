/* SPDX-License-Identifier: BSD-2-Clause */
/* A TCP socket that connects to a port of its own address where nobody listens, and has that very port, is
 * connected to itself: both SYNs cross (RFC 9293 3.5). The kernel may choose the port so, if it is one of
 * ip_local_port_range. What is sent comes back, and until it is closed nobody can listen there.
 */
#include "belief.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

static void story(int family)
{
	struct sockaddr_storage addr, self, peer;
	socklen_t len, self_len = sizeof(self), peer_len = sizeof(peer);
	int fd = tcp_listener(family, &addr, &len), other;
	char buf[8];

	close(fd); /* now nobody listens at addr */
	fd = tcp_socket(family);
	need(bind(fd, (struct sockaddr *)&addr, len));
	believe(connect(fd, (struct sockaddr *)&addr, len) == 0 || errno == EINPROGRESS,
		"nobody listens, and yet it is not refused");
	believe(within(tcp_state(fd) == TCP_ESTABLISHED), "it is connected");
	believe_is(so_error(fd), 0, "without an error");
	need(getsockname(fd, (struct sockaddr *)&self, &self_len));
	need(getpeername(fd, (struct sockaddr *)&peer, &peer_len));
	believe(self_len == peer_len && memcmp(&self, &peer, self_len) == 0,
		"its peer's address is its own");
	must(give(fd, "echo", 4, 0) == 4);
	believe(within(queued(fd) == 4), "what it says");
	believe_is(take(fd, buf, sizeof(buf), 0), 4, "it hears");
	other = tcp_socket(family);
	believe(bind(other, (struct sockaddr *)&addr, len) < 0 && errno == EADDRINUSE,
		"and nobody else can have the port");
	close_reset(fd);
	believe_is(bind(other, (struct sockaddr *)&addr, len), 0, "until it is reset");
	close(other);
}

int main(void)
{
	belief_begin();
	each_family(story);
	return belief_end();
}
