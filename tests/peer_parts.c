/* SPDX-License-Identifier: BSD-2-Clause */
/* peer_parts.c — see peer.h */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "peer.h"

void fail(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("peer: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* splitmix64: the n-th word needs no word before it */
static uint64_t word_at(uint64_t seed, uint64_t n)
{
	uint64_t z = (seed + 1) * 0xd1342543de82ef95u + (n + 1) * 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

void pattern(uint64_t seed, uint64_t at, unsigned char *buf, size_t len)
{
	while (len) {
		uint64_t w = word_at(seed, at / 8);
		size_t skip = at % 8;
		size_t n = 8 - skip < len ? 8 - skip : len;

		memcpy(buf, (const unsigned char *)&w + skip, n);
		buf += n;
		at += n;
		len -= n;
	}
}

long pattern_differs(uint64_t seed, uint64_t at, const unsigned char *buf, size_t len)
{
	unsigned char want[4096];
	size_t done = 0;

	while (done < len) {
		size_t n = len - done < sizeof(want) ? len - done : sizeof(want);
		size_t i;

		pattern(seed, at + done, want, n);
		if (memcmp(want, buf + done, n) != 0) {
			for (i = 0; want[i] == buf[done + i]; i++)
				;
			return (long)(done + i);
		}
		done += n;
	}
	return -1;
}

uint64_t number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);

	if (end == text)
		fail("'%s' is no number", text);
	switch (*end) {
	case 'g':
	case 'G': n <<= 10; /* fall through */
	case 'm':
	case 'M': n <<= 10; /* fall through */
	case 'k':
	case 'K': n <<= 10; end++;
	}
	if (*end)
		fail("'%s' is no number", text);
	return n;
}

static void addr_unix(struct peer_addr *a, const char *path)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&a->ss;

	if (strlen(path) >= sizeof(un->sun_path))
		fail("path too long: %s", path);
	un->sun_family = AF_UNIX;
	strcpy(un->sun_path, path);
	a->len = sizeof(*un);
}

void addr_read(struct peer_addr *a, const char *text)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	char host[128];
	const char *colon = strrchr(text, ':');
	size_t len;

	memset(a, 0, sizeof(*a));
	if (strncmp(text, "unix:", 5) == 0) {
		addr_unix(a, text + 5);
		return;
	}
	if (!colon || (size_t)(colon - text) >= sizeof(host))
		fail("bad address '%s'", text);
	len = (size_t)(colon - text);
	memcpy(host, text, len);
	host[len] = '\0';
	if (host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		memmove(host, host + 1, len - 1);
	}
	if (getaddrinfo(host, colon + 1, &hints, &found))
		fail("bad address '%s'", text);
	memcpy(&a->ss, found->ai_addr, found->ai_addrlen);
	a->len = found->ai_addrlen;
	freeaddrinfo(found);
}

void addr_print(int fd, char *out, size_t size)
{
	struct sockaddr_storage ss;
	struct sockaddr_un *un = (struct sockaddr_un *)&ss;
	socklen_t len = sizeof(ss);
	char host[64], port[16];

	if (getsockname(fd, (struct sockaddr *)&ss, &len))
		fail("getsockname: %s", strerror(errno));
	if (ss.ss_family == AF_UNIX) {
		snprintf(out, size, "unix:%s", un->sun_path);
		return;
	}
	if (getnameinfo((struct sockaddr *)&ss, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		fail("getnameinfo");
	snprintf(out, size, ss.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

void nonblocking(int fd)
{
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
		fail("O_NONBLOCK: %s", strerror(errno));
}

int listen_at(const char *text, int backlog, int rcvbuf, int sndbuf)
{
	struct peer_addr a;
	char name[160];
	int one = 1;
	int fd;

	addr_read(&a, text);
	fd = socket(a.ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		fail("socket: %s", strerror(errno));
	if (a.ss.ss_family != AF_UNIX)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (rcvbuf)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	if (sndbuf)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));
	if (bind(fd, (struct sockaddr *)&a.ss, a.len) || listen(fd, backlog))
		fail("listen at %s: %s", text, strerror(errno));
	addr_print(fd, name, sizeof(name));
	printf("listening %s\n", name);
	fflush(stdout);
	return fd;
}
