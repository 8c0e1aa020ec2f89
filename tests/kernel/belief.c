/* SPDX-License-Identifier: BSD-2-Clause */
#include "belief.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>

#include <linux/sockios.h>

static int untrue;

void belief_begin(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	alarm(20);
}

int belief_end(void)
{
	return untrue ? 1 : 0;
}

static void say(const char *how, const char *text, va_list more)
{
	printf("%s ", how);
	vprintf(text, more);
}

void belief_say(bool holds, const char *file, int line, const char *text, ...)
{
	va_list more;

	va_start(more, text);
	say(holds ? "true " : "FALSE", text, more);
	va_end(more);
	if (holds) {
		putchar('\n');
		return;
	}
	printf("   (%s:%d)\n", file, line);
	untrue++;
}

void belief_is(long got, long want, const char *file, int line, const char *text, ...)
{
	va_list more;

	va_start(more, text);
	say(got == want ? "true " : "FALSE", text, more);
	va_end(more);
	if (got == want) {
		putchar('\n');
		return;
	}
	printf("   (%s:%d: got %ld%s%s, believed %ld)\n", file, line, got, got < 0 ? " " : "",
	       got < 0 ? strerror((int)-got) : "", want);
	untrue++;
}

void note(const char *text, ...)
{
	va_list more;

	va_start(more, text);
	say("     ", text, more);
	va_end(more);
	putchar('\n');
}

void skip(const char *reason, ...)
{
	va_list more;

	va_start(more, reason);
	say("skip ", reason, more);
	va_end(more);
	putchar('\n');
	exit(untrue ? 1 : 77);
}

void belief_die(const char *file, int line, const char *what)
{
	printf("broke %s:%d: %s: %s\n", file, line, what, strerror(errno));
	fflush(stdout);
	_exit(99);
}

int belief_need(int result, const char *file, int line, const char *what)
{
	if (result < 0)
		belief_die(file, line, what);
	return result;
}

void each_family(void (*story)(int family))
{
	static const int family[] = { AF_INET, AF_INET6 };

	for (size_t i = 0; i < 2; i++) {
		const char *name = family[i] == AF_INET ? "IPv4" : "IPv6";

		if (!family_works(family[i])) {
			note("-- no %s on this machine's loopback", name);
			continue;
		}
		note("-- %s", name);
		story(family[i]);
	}
}

static socklen_t loopback(int family, struct sockaddr_storage *addr)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)addr;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)addr;

	memset(addr, 0, sizeof(*addr));
	addr->ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(*v4);
	}
	v6->sin6_addr = in6addr_loopback;
	return sizeof(*v6);
}

bool family_works(int family)
{
	struct sockaddr_storage addr;
	socklen_t len = loopback(family, &addr);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool works;

	if (fd < 0)
		return false;
	works = bind(fd, (struct sockaddr *)&addr, len) == 0;
	close(fd);
	return works;
}

int tcp_socket(int family)
{
	return need(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

int tcp_listener(int family, struct sockaddr_storage *addr, socklen_t *len)
{
	int fd = tcp_socket(family);

	*len = loopback(family, addr);
	need(bind(fd, (struct sockaddr *)addr, *len));
	need(listen(fd, 64));
	need(getsockname(fd, (struct sockaddr *)addr, len));
	return fd;
}

void tcp_pair(int family, int fd[2])
{
	struct sockaddr_storage addr;
	socklen_t len;
	int listener = tcp_listener(family, &addr, &len);

	fd[0] = tcp_socket(family);
	if (connect(fd[0], (struct sockaddr *)&addr, len) < 0)
		must(errno == EINPROGRESS);
	must(polled(listener, POLLIN, 5000) & POLLIN);
	fd[1] = need(accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
	must(polled(fd[0], POLLOUT, 5000) & POLLOUT);
	must(so_error(fd[0]) == 0);
	must(within(tcp_state(fd[1]) == TCP_ESTABLISHED));
	option(fd[0], IPPROTO_TCP, TCP_NODELAY, 1);
	option(fd[1], IPPROTO_TCP, TCP_NODELAY, 1);
	close(listener);
}

void unix_pair(int fd[2])
{
	need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd));
}

void pipe_pair(int p[2])
{
	need(pipe2(p, O_CLOEXEC | O_NONBLOCK));
}

void blocking(int fd, bool yes)
{
	int flags = need(fcntl(fd, F_GETFL));

	need(fcntl(fd, F_SETFL, yes ? flags & ~O_NONBLOCK : flags | O_NONBLOCK));
}

void option(int fd, int level, int name, int value)
{
	need(setsockopt(fd, level, name, &value, sizeof(value)));
}

int option_of(int fd, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	need(getsockopt(fd, level, name, &value, &len));
	return value;
}

void close_both(int fd[2])
{
	need(close(fd[0]));
	need(close(fd[1]));
}

void close_reset(int fd)
{
	struct linger off = { .l_onoff = 1, .l_linger = 0 };

	need(setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off)));
	need(close(fd));
}

static ssize_t told(ssize_t n)
{
	return n < 0 ? -errno : n;
}

ssize_t give(int fd, const void *data, size_t len, int flags)
{
	return told(send(fd, data, len, flags | MSG_NOSIGNAL));
}

ssize_t take(int fd, void *data, size_t len, int flags)
{
	return told(recv(fd, data, len, flags));
}

ssize_t pull(int sock, int pipe, size_t len)
{
	return told(splice(sock, NULL, pipe, NULL, len, SPLICE_F_NONBLOCK));
}

ssize_t push(int pipe, int sock, size_t len)
{
	return told(splice(pipe, NULL, sock, NULL, len, SPLICE_F_NONBLOCK));
}

size_t stuff(int fd, size_t most)
{
	static char some[65536];
	size_t sum = 0;

	while (sum < most) {
		size_t len = most - sum < sizeof(some) ? most - sum : sizeof(some);
		ssize_t n = write(fd, some, len);

		if (n < 0) {
			must(errno == EAGAIN);
			break;
		}
		sum += (size_t)n;
	}
	return sum;
}

int queued(int fd)
{
	int n = 0;

	need(ioctl(fd, FIONREAD, &n));
	return n;
}

int unsent(int fd)
{
	int n = 0;

	need(ioctl(fd, SIOCOUTQ, &n));
	return n;
}

int so_error(int fd)
{
	return option_of(fd, SOL_SOCKET, SO_ERROR);
}

int tcp_state(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	memset(&info, 0, sizeof(info));
	need(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len));
	return info.tcpi_state;
}

short polled(int fd, short events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	need(poll(&p, 1, ms));
	return p.revents;
}

uint32_t epolled(int fd, uint32_t events, int ms)
{
	struct epoll_event ev = { .events = events };
	int ep = need(epoll_create1(EPOLL_CLOEXEC));
	int n;

	need(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	n = need(epoll_wait(ep, &ev, 1, ms));
	need(close(ep));
	return n ? ev.events : 0;
}

long now_ms(void)
{
	struct timespec t;

	need(clock_gettime(CLOCK_MONOTONIC, &t));
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
