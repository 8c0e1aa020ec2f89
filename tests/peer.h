/* SPDX-License-Identifier: BSD-2-Clause */
/* peer.h — what the scripted peer and the swarm share: a stream of bytes anybody can foretell,
 * addresses, a clock, and one way to give up
 *
 * Byte number `at` of stream `seed` is always the same, whoever makes it and in whatever pieces.
 * So a receiver can say at once which byte is wrong, and a prefix of a stream that was cut off can
 * be told from a stream that lost something in its middle.
 */
#ifndef SHUNT_TESTS_PEER_H
#define SHUNT_TESTS_PEER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct peer_addr {
	struct sockaddr_storage ss;
	socklen_t len;
};

/* Fill `buf` with the bytes of stream `seed` from offset `at` on. */
void pattern(uint64_t seed, uint64_t at, unsigned char *buf, size_t len);

/* Where `buf` first differs from the stream, or -1. */
long pattern_differs(uint64_t seed, uint64_t at, const unsigned char *buf, size_t len);

uint64_t now_ms(void);
uint64_t number(const char *text); /* 10, 64k, 300m, 1g; anything else ends the program */

void addr_read(struct peer_addr *a, const char *text); /* host:port [v6]:port unix:/path */
void addr_print(int fd, char *out, size_t size);       /* where a socket is bound */
int listen_at(const char *text, int backlog, int rcvbuf, int sndbuf);
void nonblocking(int fd);

/* Say why on stderr and leave with 1. */
void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

int swarm_main(int argc, char **argv); /* many connections, told what to do on stdin */
int echo_main(int argc, char **argv);  /* a server that sends back what it gets */
int mixed_main(int argc, char **argv); /* connections of mixed kinds (swarm_mixed.c) */
int mixed_server_main(int argc, char **argv);

#endif
