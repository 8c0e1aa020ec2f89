/* SPDX-License-Identifier: BSD-2-Clause */
/* A socket on [::]:port with IPV6_V6ONLY = 0 serves IPv4 as well, so it collides with one on
 * 0.0.0.0:port or 127.0.0.1:port, whichever came first. With IPV6_V6ONLY = 1 both live together.
 * IPv4 clients of a dual-stack socket appear as ::ffff:a.b.c.d.
 */
#include "belief.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static int listen4(uint32_t addr, in_port_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = *port };
	socklen_t len = sizeof(a);
	int fd = tcp_socket(AF_INET), err;

	option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	a.sin_addr.s_addr = htonl(addr);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 8) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	need(getsockname(fd, (struct sockaddr *)&a, &len));
	*port = a.sin_port;
	return fd;
}

static int listen6(bool v6only, in_port_t *port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = *port };
	socklen_t len = sizeof(a);
	int fd = tcp_socket(AF_INET6), err;

	option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	option(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6only);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 8) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	need(getsockname(fd, (struct sockaddr *)&a, &len));
	*port = a.sin6_port;
	return fd;
}

/* A port that nobody holds in either family, be it only by a connection that has just ended; taken
 * by both side by side, which is the proof that they can be. */
static in_port_t free_port(uint32_t addr, const char *name)
{
	int tries = 0, v4 = -1;
	in_port_t port = 0;

	for (; v4 < 0 && tries < 500; tries++) {
		int v6;

		port = 0;
		v6 = need(listen6(true, &port));
		v4 = listen4(addr, &port);
		must(v4 >= 0 || v4 == -EADDRINUSE);
		close(v6);
	}
	believe(v4 >= 0, "IPv6-only [::] held: %s is not refused", name);
	if (v4 >= 0)
		close(v4);
	return port;
}

static void both_ways(uint32_t addr, const char *name)
{
	in_port_t port = free_port(addr, name);
	int v4 = need(listen4(addr, &port)), v6;

	believe_is(listen6(false, &port), -EADDRINUSE, "%s held: dual-stack [::] is refused", name);
	v6 = listen6(true, &port);
	believe(v6 >= 0, "%s held: IPv6-only [::] is not", name);
	close(v4);
	if (v6 >= 0)
		close(v6);

	v6 = need(listen6(false, &port));
	believe_is(listen4(addr, &port), -EADDRINUSE, "dual-stack [::] held: %s is refused", name);
	close(v6);
}

static void mapped(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct sockaddr_in6 from;
	socklen_t len = sizeof(from);
	char text[INET6_ADDRSTRLEN];
	in_port_t port = 0;
	int v6 = need(listen6(false, &port)), c = tcp_socket(AF_INET), s;

	to.sin_port = port;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(c, (struct sockaddr *)&to, sizeof(to)) < 0)
		must(errno == EINPROGRESS);
	must(polled(v6, POLLIN, 5000) & POLLIN);
	s = need(accept4(v6, (struct sockaddr *)&from, &len, SOCK_CLOEXEC));
	inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof(text));
	believe(!strcmp(text, "::ffff:127.0.0.1"), "an IPv4 client appears as %s", text);
	close(s);
	close(c);
	close(v6);
}

int main(void)
{
	belief_begin();
	if (!family_works(AF_INET6))
		skip("no IPv6 on this machine's loopback");
	both_ways(INADDR_ANY, "0.0.0.0");
	both_ways(INADDR_LOOPBACK, "127.0.0.1");
	mapped();
	return belief_end();
}
