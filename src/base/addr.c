/* SPDX-License-Identifier: BSD-2-Clause */
/* addr.c — addresses that are addresses already: printed, compared, asked of sockets
 *
 * A struct sockaddr_storage is copied into the type that it holds before anything is read from it:
 * the compiler may assume that two pointers of different types never meet.
 */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define UNIX_PREFIX "unix:"

/* As IPv4, if it is that in either clothing. */
static bool as_v4(const struct addr *a, struct sockaddr_in *sin)
{
	struct sockaddr_in6 sin6;

	if (a->ss.ss_family == AF_INET) {
		memcpy(sin, &a->ss, sizeof(*sin));
		return true;
	}
	if (a->ss.ss_family != AF_INET6)
		return false;
	memcpy(&sin6, &a->ss, sizeof(sin6));
	if (!IN6_IS_ADDR_V4MAPPED(&sin6.sin6_addr))
		return false;
	*sin = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = sin6.sin6_port };
	memcpy(&sin->sin_addr, &sin6.sin6_addr.s6_addr[12], sizeof(sin->sin_addr));
	return true;
}

/* How many bytes of sun_path are its name; 0: it has none. A path ends with its NUL, which the
 * length may count or not. */
static size_t unix_name(const struct addr *a, struct sockaddr_un *un)
{
	size_t n = a->len;

	*un = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (n <= offsetof(struct sockaddr_un, sun_path))
		return 0;
	if (n > sizeof(*un))
		n = sizeof(*un);
	memcpy(un, &a->ss, n);
	n -= offsetof(struct sockaddr_un, sun_path);
	return un->sun_path[0] == '\0' ? n : strnlen(un->sun_path, n);
}

static void unix_text(const struct addr *a, char buf[ADDR_TEXT])
{
	struct sockaddr_un un;
	size_t n = unix_name(a, &un);
	char *p = buf + sizeof(UNIX_PREFIX) - 1;

	memcpy(buf, UNIX_PREFIX, sizeof(UNIX_PREFIX));
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)un.sun_path[i];

		*p++ = c == '\0' ? '@' : c < 0x20 || c > 0x7e ? '?' : (char)c;
	}
	*p = '\0';
}

const char *addr_text(const struct addr *a, char buf[ADDR_TEXT])
{
	char digits[INET6_ADDRSTRLEN], scope[16] = "";
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;

	if (as_v4(a, &sin)) {
		inet_ntop(AF_INET, &sin.sin_addr, digits, sizeof(digits));
		snprintf(buf, ADDR_TEXT, "%s:%u", digits, ntohs(sin.sin_port));
	} else if (a->ss.ss_family == AF_INET6) {
		memcpy(&sin6, &a->ss, sizeof(sin6));
		inet_ntop(AF_INET6, &sin6.sin6_addr, digits, sizeof(digits));
		/* By number: the name would cost a socket and two system calls per line of log. */
		if (sin6.sin6_scope_id)
			snprintf(scope, sizeof(scope), "%%%u", sin6.sin6_scope_id);
		snprintf(buf, ADDR_TEXT, "[%s%s]:%u", digits, scope, ntohs(sin6.sin6_port));
	} else if (a->ss.ss_family == AF_UNIX) {
		unix_text(a, buf);
	} else {
		snprintf(buf, ADDR_TEXT, "family-%u", (unsigned)a->ss.ss_family);
	}
	return buf;
}

static int ask(int (*call)(int, struct sockaddr *, socklen_t *), int fd, struct addr *out)
{
	*out = (struct addr){ .len = sizeof(out->ss) };
	if (call(fd, (struct sockaddr *)&out->ss, &out->len) < 0)
		return -errno;
	/* The kernel tells the true length, even where it had to cut. */
	if (out->len > sizeof(out->ss))
		out->len = sizeof(out->ss);
	return 0;
}

int addr_of_peer(int fd, struct addr *out)
{
	return ask(getpeername, fd, out);
}

int addr_of_self(int fd, struct addr *out)
{
	return ask(getsockname, fd, out);
}

static bool same_v6(const struct addr *a, const struct addr *b)
{
	struct sockaddr_in6 x, y;

	memcpy(&x, &a->ss, sizeof(x));
	memcpy(&y, &b->ss, sizeof(y));
	return x.sin6_port == y.sin6_port && x.sin6_scope_id == y.sin6_scope_id &&
	       IN6_ARE_ADDR_EQUAL(&x.sin6_addr, &y.sin6_addr);
}

static bool same_unix(const struct addr *a, const struct addr *b)
{
	struct sockaddr_un x, y;
	size_t n = unix_name(a, &x);

	return n == unix_name(b, &y) && memcmp(x.sun_path, y.sun_path, n) == 0;
}

bool addr_same(const struct addr *a, const struct addr *b)
{
	struct sockaddr_in x, y;
	bool ax = as_v4(a, &x), by = as_v4(b, &y);

	if (ax || by)
		return ax && by && x.sin_port == y.sin_port &&
		       x.sin_addr.s_addr == y.sin_addr.s_addr;
	if (a->ss.ss_family != b->ss.ss_family)
		return false;
	if (a->ss.ss_family == AF_INET6)
		return same_v6(a, b);
	return a->ss.ss_family == AF_UNIX && same_unix(a, b);
}

uint16_t addr_port(const struct addr *a)
{
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;

	if (as_v4(a, &sin))
		return ntohs(sin.sin_port);
	if (a->ss.ss_family != AF_INET6)
		return 0;
	memcpy(&sin6, &a->ss, sizeof(sin6));
	return ntohs(sin6.sin6_port);
}

void addr_set_port(struct addr *a, uint16_t port)
{
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;

	if (a->ss.ss_family == AF_INET) {
		memcpy(&sin, &a->ss, sizeof(sin));
		sin.sin_port = htons(port);
		memcpy(&a->ss, &sin, sizeof(sin));
	} else if (a->ss.ss_family == AF_INET6) {
		memcpy(&sin6, &a->ss, sizeof(sin6));
		sin6.sin6_port = htons(port);
		memcpy(&a->ss, &sin6, sizeof(sin6));
	}
}

bool addr_is_every(const struct addr *a)
{
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;

	if (as_v4(a, &sin))
		return sin.sin_addr.s_addr == htonl(INADDR_ANY);
	if (a->ss.ss_family != AF_INET6)
		return false;
	memcpy(&sin6, &a->ss, sizeof(sin6));
	return IN6_IS_ADDR_UNSPECIFIED(&sin6.sin6_addr);
}
