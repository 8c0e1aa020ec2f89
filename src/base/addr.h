/* SPDX-License-Identifier: BSD-2-Clause */
/* addr.h — addresses: from text to name to socket address, and back to text
 *
 *   "host:port" "v4:port" "[v6]:port" ":port" "unix:/path" "unix:@abstract"
 *        │ addr_parse: strict, touches nothing outside
 *   struct addr_name
 *        │ addr_resolve: only a host name asks the resolver
 *   struct addr (one or more)
 *        │ addr_text
 *   "1.2.3.4:80" "[::1]:80" "unix:/path"
 *
 * Whatever is refused is refused with a `problem`: a static text which names what is wrong and what
 * to write instead. It fits after "LISTEN ADDRESS: ".
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDR_TEXT 128 /* room enough for every text of addr_text */
#define ADDR_HOST 256 /* a host name has at most 253 characters, a Unix path 107 */

struct addr {
	struct sockaddr_storage ss;
	socklen_t len;
};

/* What the address is for decides what ":port" means, and whether port 0 makes sense. */
enum addr_use {
	ADDR_LISTEN, /* ":port" is every address of this machine, IPv4 and IPv6; port 0: kernel's choice */
	ADDR_TARGET, /* ":port" is this machine: 127.0.0.1, then [::1] */
};

enum addr_kind {
	ADDR_EVERY,  /* ":port" */
	ADDR_NAME,   /* a host name: has to be resolved */
	ADDR_NUMBER, /* IPv4 or IPv6 in digits */
	ADDR_UNIX,   /* a path, or '@' and an abstract name */
};

struct addr_name {
	enum addr_use use;
	enum addr_kind kind;
	uint16_t port;        /* host order; 0 with ADDR_UNIX */
	char host[ADDR_HOST]; /* without brackets; path with ADDR_UNIX; "" with ADDR_EVERY */
};

/* Split text and check it, without resolving anything. -EINVAL with *problem; else 0. */
int addr_parse(const char *text, enum addr_use use, struct addr_name *out, const char **problem);

/* The socket addresses of a name, at most max of them, in the order of the resolver, each once.
 * Returns how many (at least 1), or, with *problem: -ENOENT: no such host; -EAGAIN: no name server
 * answered; -ENOMEM; -EINVAL; or what the system said. May block as long as the resolver does,
 * with ADDR_NAME only. */
int addr_resolve(const struct addr_name *name, struct addr *out, size_t max, const char **problem);

/* As text, into buf, which is returned. An IPv4 address mapped into IPv6 is printed as IPv4, a Unix
 * socket without a name as "unix:". No byte of it can disturb a terminal or a log. */
const char *addr_text(const struct addr *a, char buf[ADDR_TEXT]);

/* Of a socket: its peer's address, its own. -errno as getpeername(2), getsockname(2). */
int addr_of_peer(int fd, struct addr *out);
int addr_of_self(int fd, struct addr *out);

/* The same place? IPv4 mapped into IPv6 is the IPv4 address. */
bool addr_same(const struct addr *a, const struct addr *b);

/* In host order; 0 if the family knows no ports. */
uint16_t addr_port(const struct addr *a);

/* In host order. Nothing happens if the family knows no ports. */
void addr_set_port(struct addr *a, uint16_t port);

/* Is it "every address of this machine": 0.0.0.0 or ::? */
bool addr_is_every(const struct addr *a);

#endif
