/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel chooses no port that stands in ip_local_reserved_ports, neither for connect(2) nor for
 * bind(2) to port 0; when nothing else is left it gives none. Who names such a port gets it. The list is
 * the network namespace's, and is read and written whole: one read gives all of it, a second one nothing.
 */
#include "belief.h"

#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>

#define SYSCTL "/proc/sys/net/ipv4/"

enum { FIRST = 40000, LAST = 40009, FREE = 40009 };

static void set(const char *file, const char *text)
{
	int fd = need(open(file, O_WRONLY | O_CLOEXEC));

	must(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static struct sockaddr_in local(unsigned port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int port_of(int fd)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	need(getsockname(fd, (struct sockaddr *)&a, &len));
	return ntohs(a.sin_port);
}

static int bound(unsigned port)
{
	struct sockaddr_in a = local(port);
	int fd = tcp_socket(AF_INET);

	return bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? -errno : fd;
}

static int connected(const struct sockaddr_in *to)
{
	int fd = tcp_socket(AF_INET);

	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0 && errno != EINPROGRESS)
		return -errno;
	return fd;
}

int main(void)
{
	struct sockaddr_in to;
	char text[64];
	int fd, listener;

	belief_begin();
	if (unshare(CLONE_NEWNET) < 0)
		skip("needs root, for a network namespace of its own");
	if (system("ip link set lo up") != 0)
		skip("needs ip");
	set(SYSCTL "ip_local_port_range", "40000 40009");
	set(SYSCTL "ip_local_reserved_ports", "40000-40008");
	fd = need(open(SYSCTL "ip_local_reserved_ports", O_RDONLY | O_CLOEXEC));
	believe_is(read(fd, text, 5), 5, "a read that is too short gives a part");
	believe_is(read(fd, text, 60), 0, "and the next one nothing");
	close(fd);

	must((listener = bound(9)) >= 0);
	need(listen(listener, 8));
	to = local(9);
	fd = connected(&to);
	must(fd >= 0);
	believe_is(port_of(fd), FREE, "connect takes the one port that is not reserved");
	believe_is(connected(&to), -EADDRNOTAVAIL, "and none when that is in use");
	close_reset(fd);
	fd = bound(0);
	must(fd >= 0);
	believe_is(port_of(fd), FREE, "bind to port 0 does the same");
	believe_is(bound(0), -EADDRINUSE, "and fails then");
	believe(bound(FIRST) >= 0, "a reserved port is had by name");
	return belief_end();
}
