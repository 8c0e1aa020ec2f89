/* SPDX-License-Identifier: BSD-2-Clause */
/* wire.h — packets as they are on the wire: built from what they should say, summed up from scratch */
#ifndef GRAFT_WIRE_H
#define GRAFT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WIRE_ROOM = 70000,
	ETH = 14,
	FIN = 0x01,
	SYN = 0x02,
	RST = 0x04,
	PSH = 0x08,
	ACK = 0x10,
	URG = 0x20,
	ECE = 0x40,
	CWR = 0x80,
};

/* A packet with its Ethernet header. */
struct wire {
	size_t len;
	uint8_t b[WIRE_ROOM];
};

/* Who sends it to whom: network order, an IPv4 address in [0]. */
struct tuple {
	bool v6;
	uint32_t from[4], to[4];
	uint16_t from_port, to_port;
};

/* A TCP packet in words. 0 for ttl means 64. */
struct seg {
	struct tuple way;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window, urgent;
	uint8_t options[40];
	unsigned options_len, payload;
	uint8_t ttl, tos;
	unsigned padding; /* bytes after its end, as Ethernet adds them to small ones */
};

/* Big-endian fields at a place. */
uint16_t get16(const uint8_t *p);
uint32_t get32(const uint8_t *p);
void put16(uint8_t *p, uint16_t value);
void put32(uint8_t *p, uint32_t value);

/* The ones' complement sum of n bytes, folded; `sum` is what was there before. */
uint16_t wire_sum(const void *data, size_t n, uint32_t sum);

void wire_tcp(struct wire *w, const struct seg *s);
/* Sums of the IP header, and of TCP, made new. */
void wire_fix(struct wire *w);
/* Where the TCP (ICMP) header begins, by the IP header. */
size_t wire_l4(const struct wire *w);
/* What the TCP packet, its checksum and the pseudo header sum up to: 0xffff if it is right. */
uint16_t wire_residue(const struct wire *w);
uint16_t wire_ip_residue(const struct wire *w);

/* Put into `field` what makes the sum of w this residue again: an error that came in goes out. */
void wire_seal(uint8_t *field, struct wire *w, uint16_t (*sum)(const struct wire *),
	       uint16_t residue);
/* The checksum that makes `residue` of `sum`. */
uint16_t wire_without(uint16_t residue, uint16_t sum);

/* An ICMP error from `router` (network order) to way.to, about the packet `about`, of which `quoted`
 * bytes from its IP header on are in it. */
struct icmp_error {
	bool v6;
	uint32_t router[4], to[4];
	uint8_t type, code, ttl;
	uint32_t info; /* MTU: the second word */
	unsigned quoted;
};
void wire_icmp(struct wire *w, const struct icmp_error *e, const struct wire *about);
uint16_t wire_icmp_residue(const struct wire *w);
void wire_icmp_fix(struct wire *w);

#endif
