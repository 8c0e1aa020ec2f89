/* SPDX-License-Identifier: BSD-2-Clause */
/* addr_name.c — from text to name, and from name to addresses
 *
 * Reading is strict: what could mean two things is refused, and the problem says how to write it.
 * The resolver of libc takes "127.1", "0x7f000001" and "010.0.0.1" for IPv4 addresses, the last one
 * for 8.0.0.1. Nobody who writes such a thing into a relay's command line means it, so what looks
 * like a number must be one in full, and only true names go to the resolver.
 */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define DIGITS       "0123456789"
#define LETTERS      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define UNIX_PREFIX  "unix:"
#define UNIX_LONGEST (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

/* -- text to name -- */

static int wrong(const char **problem, const char *text)
{
	*problem = text;
	return -EINVAL;
}

static int parse_port(const char *text, enum addr_use use, uint16_t *port, const char **problem)
{
	size_t n = strspn(text, DIGITS);
	unsigned long value;

	if (n == 0 || n > 5 || text[n] != '\0')
		return wrong(problem, "the port must be a number from 1 to 65535");
	value = strtoul(text, NULL, 10);
	if (value > 65535)
		return wrong(problem, "the port is too large: 65535 is the largest");
	if (value == 0 && use == ADDR_TARGET)
		return wrong(problem, "port 0 cannot be connected to: write one from 1 to 65535");
	*port = (uint16_t)value;
	return 0;
}

static int parse_unix(const char *path, struct addr_name *out, const char **problem)
{
	size_t n = strlen(path);

	if (path[0] != '/' && path[0] != '@')
		return wrong(problem,
			     "a Unix socket is written unix:/absolute/path or unix:@abstract-name");
	if (path[0] == '@' && n == 1)
		return wrong(problem, "an abstract Unix socket needs a name behind the '@'");
	if (n > UNIX_LONGEST)
		return wrong(problem, "the path of the Unix socket is longer than 107 bytes: "
				      "choose a shorter one");
	out->kind = ADDR_UNIX;
	memcpy(out->host, path, n + 1);
	return 0;
}

/* Reads "fe80::1%eth0" as far as it can be known without asking for interfaces. */
static int split_zone(const char *host, char digits[INET6_ADDRSTRLEN], const char **zone)
{
	const char *percent = strchr(host, '%');
	size_t n = percent ? (size_t)(percent - host) : strlen(host);

	if (n >= INET6_ADDRSTRLEN)
		return -EINVAL;
	memcpy(digits, host, n);
	digits[n] = '\0';
	*zone = percent ? percent + 1 : NULL;
	return 0;
}

static int check_v6(const char *host, const char **problem)
{
	char digits[INET6_ADDRSTRLEN];
	struct in6_addr in6;
	const char *zone;

	if (split_zone(host, digits, &zone) < 0 || inet_pton(AF_INET6, digits, &in6) != 1)
		return wrong(problem, "what stands in brackets is not an IPv6 address: "
				      "write it like [2001:db8::1]:80");
	if (!zone && IN6_IS_ADDR_LINKLOCAL(&in6))
		return wrong(problem, "a link-local address needs its interface: "
				      "write it like [fe80::1%eth0]:80");
	if (zone && !IN6_IS_ADDR_LINKLOCAL(&in6))
		return wrong(problem, "only a link-local address (fe80::) takes an interface: "
				      "leave the '%' and what follows out");
	if (zone && (*zone == '\0' || strlen(zone) >= IF_NAMESIZE))
		return wrong(problem, "what follows the '%' is not an interface: "
				      "write it like [fe80::1%eth0]:80");
	return 0;
}

static int parse_brackets(const char *text, enum addr_use use, struct addr_name *out,
			  const char **problem)
{
	const char *close = strchr(text, ']');
	size_t n = close ? (size_t)(close - text) - 1 : 0;
	int rc;

	if (!close || n >= sizeof(out->host))
		return wrong(problem, "the ']' is missing: write it like [2001:db8::1]:80");
	if (close[1] != ':')
		return wrong(problem, "the port is missing: write it like [2001:db8::1]:80");
	memcpy(out->host, text + 1, n);
	out->host[n] = '\0';
	rc = check_v6(out->host, problem);
	if (rc < 0)
		return rc;
	out->kind = ADDR_NUMBER;
	return parse_port(close + 2, use, &out->port, problem);
}

/* Would libc take it for a number? By its last part, before the dot that may end a name: digits, or
 * 0x and more. */
static bool looks_numeric(const char *host)
{
	size_t n = strlen(host), start;

	if (n > 0 && host[n - 1] == '.')
		n--;
	for (start = n; start > 0 && host[start - 1] != '.'; start--)
		;
	if (n - start >= 2 && host[start] == '0' && (host[start + 1] | 0x20) == 'x')
		return true;
	return n > start && strspn(host + start, DIGITS) >= n - start;
}

static int check_name(const char *host, const char **problem)
{
	size_t n = strlen(host), label;

	if (host[strspn(host, DIGITS LETTERS "._-")] != '\0')
		return wrong(problem, "a host name has letters, digits, '.', '-' and '_' only");
	if (n > 253)
		return wrong(problem, "the host name is longer than 253 characters");
	for (const char *p = host; *p; p += label + (p[label] == '.')) {
		label = strcspn(p, ".");
		if (label == 0)
			return wrong(problem, "the host name has an empty part: "
					      "one '.' too many, or nothing before it");
		if (label > 63)
			return wrong(problem,
				     "a part of the host name is longer than 63 characters");
	}
	return 0;
}

static int parse_host(const char *host, struct addr_name *out, const char **problem)
{
	struct in_addr in;

	if (host[0] == '\0') {
		out->kind = ADDR_EVERY;
		return 0;
	}
	if (strcmp(host, "*") == 0)
		return wrong(problem, "'*' is not an address: leave it out, as in :8080");
	if (inet_pton(AF_INET, host, &in) == 1) {
		out->kind = ADDR_NUMBER;
		return 0;
	}
	if (looks_numeric(host))
		return wrong(problem, "this is not an IPv4 address: "
				      "it has four numbers from 0 to 255, like 192.0.2.1");
	out->kind = ADDR_NAME;
	return check_name(host, problem);
}

/* Neither a Unix socket nor in brackets: host:port, the host perhaps empty. */
static int parse_plain(const char *text, enum addr_use use, struct addr_name *out,
		       const char **problem)
{
	const char *colon = strchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	int rc;

	if (strstr(text, "://"))
		return wrong(problem, "this is a URL: write HOST:PORT alone");
	if (strchr(text, '/') && !colon)
		return wrong(problem, "a Unix socket is written unix:/absolute/path");
	if (!colon && text[0] != '\0' && text[strspn(text, DIGITS)] == '\0')
		return wrong(problem, "a port alone is written with a colon, like :8080");
	if (!colon)
		return wrong(problem, "the port is missing: write HOST:PORT, :PORT or unix:/path");
	if (strchr(colon + 1, ':'))
		return wrong(problem, "an IPv6 address stands in brackets: "
				      "write it like [2001:db8::1]:80");
	if (n >= sizeof(out->host))
		return wrong(problem, "the host name is longer than 253 characters");
	memcpy(out->host, text, n);
	out->host[n] = '\0';
	rc = parse_host(out->host, out, problem);
	return rc < 0 ? rc : parse_port(colon + 1, use, &out->port, problem);
}

int addr_parse(const char *text, enum addr_use use, struct addr_name *out, const char **problem)
{
	*out = (struct addr_name){ .use = use };
	if (strncmp(text, UNIX_PREFIX, sizeof(UNIX_PREFIX) - 1) == 0)
		return parse_unix(text + sizeof(UNIX_PREFIX) - 1, out, problem);
	if (text[0] == '[')
		return parse_brackets(text, use, out, problem);
	return parse_plain(text, use, out, problem);
}

/* -- name to addresses -- */

static void set_v4(struct addr *a, struct in_addr in, uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = in };

	*a = (struct addr){ .len = sizeof(sin) };
	memcpy(&a->ss, &sin, sizeof(sin));
}

static void set_v6(struct addr *a, struct in6_addr in6, uint32_t scope, uint16_t port)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
				     .sin6_port = htons(port),
				     .sin6_addr = in6,
				     .sin6_scope_id = scope };

	*a = (struct addr){ .len = sizeof(sin6) };
	memcpy(&a->ss, &sin6, sizeof(sin6));
}

static void set_unix(struct addr *a, const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t n = strlen(path);

	memcpy(un.sun_path, path, n);
	if (path[0] == '@')
		un.sun_path[0] = '\0';
	*a = (struct addr){ 0 };
	/* An abstract name is as long as its length says, a path ends with its NUL. */
	a->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (path[0] != '@'));
	memcpy(&a->ss, &un, a->len);
}

/* A kernel without IPv6 has no [::] to listen on; there, every address is every IPv4 address. */
static bool have_v6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || errno != EAFNOSUPPORT;
}

static int resolve_every(const struct addr_name *name, struct addr *out, size_t max)
{
	if (name->use == ADDR_LISTEN) {
		if (have_v6())
			set_v6(&out[0], in6addr_any, 0, name->port);
		else
			set_v4(&out[0], (struct in_addr){ htonl(INADDR_ANY) }, name->port);
		return 1;
	}
	set_v4(&out[0], (struct in_addr){ htonl(INADDR_LOOPBACK) }, name->port);
	if (max < 2)
		return 1;
	set_v6(&out[1], in6addr_loopback, 0, name->port);
	return 2;
}

static int resolve_number(const struct addr_name *name, struct addr *out, const char **problem)
{
	char digits[INET6_ADDRSTRLEN];
	struct in6_addr in6;
	struct in_addr in;
	unsigned long scope = 0;
	const char *zone;

	if (inet_pton(AF_INET, name->host, &in) == 1) {
		set_v4(out, in, name->port);
		return 1;
	}
	if (split_zone(name->host, digits, &zone) < 0 || inet_pton(AF_INET6, digits, &in6) != 1)
		return wrong(problem, "this is not an address in digits");
	if (zone) {
		scope = if_nametoindex(zone);
		if (scope == 0 && zone[strspn(zone, DIGITS)] == '\0')
			scope = strtoul(zone, NULL, 10);
		if (scope == 0 || scope > UINT32_MAX) {
			*problem = "there is no such network interface: see `ip link`";
			return -ENODEV;
		}
	}
	set_v6(out, in6, (uint32_t)scope, name->port);
	return 1;
}

static int resolver_failed(int code, const char **problem)
{
	switch (code) {
	case EAI_NONAME:
	case EAI_NODATA:
		*problem = "there is no host of this name: check its spelling, or give its address";
		return -ENOENT;
	case EAI_AGAIN:
		*problem = "no name server answered: try again, or give the address in digits";
		return -EAGAIN;
	case EAI_MEMORY: *problem = "no memory was left to look the name up"; return -ENOMEM;
	case EAI_SYSTEM:
		*problem = "the system could not look the name up: give the address in digits";
		return errno > 0 ? -errno : -EIO;
	default:
		*problem = "the name server refused to answer: check /etc/resolv.conf, "
			   "or give the address in digits";
		return -EIO;
	}
}

static bool among(const struct addr *list, size_t n, const struct addr *a)
{
	for (size_t i = 0; i < n; i++)
		if (addr_same(&list[i], a))
			return true;
	return false;
}

/* Behind the n that are there already, if it is one of ours and new. Returns how many there are. */
static size_t take(const struct addrinfo *ai, uint16_t port, struct addr *out, size_t n)
{
	struct addr a;

	if (ai->ai_family == AF_INET) {
		struct sockaddr_in sin;

		memcpy(&sin, ai->ai_addr, sizeof(sin));
		set_v4(&a, sin.sin_addr, port);
	} else if (ai->ai_family == AF_INET6) {
		struct sockaddr_in6 sin6;

		memcpy(&sin6, ai->ai_addr, sizeof(sin6));
		set_v6(&a, sin6.sin6_addr, sin6.sin6_scope_id, port);
	} else {
		return n;
	}
	if (among(out, n, &a))
		return n;
	out[n] = a;
	return n + 1;
}

static int resolve_name(const struct addr_name *name, struct addr *out, size_t max,
			const char **problem)
{
	/* No AI_ADDRCONFIG: it forgets ::1 on machines whose only IPv6 address that is. */
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *all, *ai;
	size_t n = 0;
	int rc = getaddrinfo(name->host, NULL, &hints, &all);

	if (rc != 0)
		return resolver_failed(rc, problem);
	for (ai = all; ai && n < max; ai = ai->ai_next)
		n = take(ai, name->port, out, n);
	freeaddrinfo(all);
	return n > 0 ? (int)n : resolver_failed(EAI_NODATA, problem);
}

int addr_resolve(const struct addr_name *name, struct addr *out, size_t max, const char **problem)
{
	if (max == 0)
		return wrong(problem, "no room for an address");
	switch (name->kind) {
	case ADDR_EVERY: return resolve_every(name, out, max);
	case ADDR_NUMBER: return resolve_number(name, out, problem);
	case ADDR_UNIX: set_unix(out, name->host); return 1;
	case ADDR_NAME: return resolve_name(name, out, max, problem);
	}
	return wrong(problem, "this is not an address");
}
