/* SPDX-License-Identifier: BSD-2-Clause */
/* origin.h — the small HTTP server inside `shunt demo`: for a relay to stand in front of
 *
 *	GET /            a page that tells what to try
 *	GET /bytes/N     N bytes, always the same; N as units_size reads it, up to ORIGIN_BYTES_MAX
 *	GET /sha256/N    the sha256 of what /bytes/N gives, written as sha256sum writes it
 *
 * Byte i of /bytes/N is byte i mod ORIGIN_PERIOD of the outputs of splitmix64 from the state 0,
 * each laid down little-endian. The period is a prime, so blocks of any usual size never fall on
 *it: lose one, repeat one or swap two, and the hash tells.
 */
#ifndef CMD_ORIGIN_H
#define CMD_ORIGIN_H

#include <stdint.h>
#include <sys/socket.h>

#define ORIGIN_PERIOD     4194301u
#define ORIGIN_BYTES_MAX  ((uint64_t)1 << 40)
#define ORIGIN_SHA256_MAX ((uint64_t)64 << 30)

struct origin;

/* Serves from threads of its own, which take no signals, until origin_stop. -EADDRINUSE: the
 * address is someone else's; other -errno as of socket(2), bind(2) and listen(2), -ENOMEM, -EAGAIN:
 * no threads. */
int origin_start(struct origin **out, const struct sockaddr *addr, socklen_t len);

/* Cuts off what is under way. NULL is allowed. */
void origin_stop(struct origin *o);

/* Since the start, by any thread. Bytes of /bytes/N are counted as they are handed to the sending
 * side, at most one block per connection ahead of what the kernel has taken. */
uint64_t origin_bytes(const struct origin *o);
uint64_t origin_requests(const struct origin *o);

/* The port it really has when 0 was asked for; 0 for a Unix socket. */
unsigned origin_port(const struct origin *o);

#endif
