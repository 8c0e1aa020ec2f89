/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire.h"

#include <string.h>

enum { V4_HEADER = 20, V6_HEADER = 40, TCP_HEADER = 20, TCP = 6, ICMP4 = 1, ICMP6 = 58 };

uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

void put16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

void put32(uint8_t *p, uint32_t value)
{
	put16(p, (uint16_t)(value >> 16));
	put16(p + 2, (uint16_t)value);
}

uint16_t wire_sum(const void *data, size_t n, uint32_t sum)
{
	const uint8_t *p = data;
	uint64_t total = sum;

	for (size_t i = 0; i + 1 < n; i += 2)
		total += get16(p + i);
	if (n & 1)
		total += (uint64_t)p[n - 1] << 8;
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)total;
}

static bool is_v6(const struct wire *w)
{
	return get16(w->b + 12) == 0x86dd;
}

size_t wire_l4(const struct wire *w)
{
	return is_v6(w) ? ETH + V6_HEADER : ETH + (size_t)(w->b[ETH] & 15) * 4;
}

/* Bytes of what the IP header carries. */
static size_t l4_len(const struct wire *w)
{
	if (is_v6(w))
		return get16(w->b + ETH + 4);
	return get16(w->b + ETH + 2) - (size_t)(w->b[ETH] & 15) * 4;
}

static uint16_t l4_sum(const struct wire *w, uint8_t protocol, bool pseudo)
{
	uint32_t sum = 0;

	if (pseudo && is_v6(w))
		sum = wire_sum(w->b + ETH + 8, 32, (uint32_t)l4_len(w) + protocol);
	else if (pseudo)
		sum = wire_sum(w->b + ETH + 12, 8, (uint32_t)l4_len(w) + protocol);
	return wire_sum(w->b + wire_l4(w), l4_len(w), sum);
}

uint16_t wire_residue(const struct wire *w)
{
	return l4_sum(w, TCP, true);
}

uint16_t wire_ip_residue(const struct wire *w)
{
	return is_v6(w) ? 0xffff : wire_sum(w->b + ETH, (size_t)(w->b[ETH] & 15) * 4, 0);
}

static void fix_ip(struct wire *w)
{
	if (is_v6(w))
		return;
	put16(w->b + ETH + 10, 0);
	put16(w->b + ETH + 10, (uint16_t)~wire_ip_residue(w));
}

void wire_fix(struct wire *w)
{
	size_t l4 = wire_l4(w);

	fix_ip(w);
	put16(w->b + l4 + 16, 0);
	put16(w->b + l4 + 16, (uint16_t)~wire_residue(w));
}

uint16_t wire_without(uint16_t residue, uint16_t sum)
{
	uint32_t check = (uint32_t)residue + (uint16_t)~sum;

	check = (check & 0xffff) + (check >> 16);
	return check == 0xffff ? 0 : (uint16_t)check;
}

void wire_seal(uint8_t *field, struct wire *w, uint16_t (*sum)(const struct wire *),
	       uint16_t residue)
{
	put16(field, 0);
	put16(field, wire_without(residue, sum(w)));
}

/* Ethernet and IP headers around `len` bytes. Returns where those begin. */
static size_t envelope(struct wire *w, const struct tuple *way, uint8_t protocol, size_t len,
		       uint8_t ttl, uint8_t tos)
{
	uint8_t *ip = w->b + ETH;

	memset(w->b, 0, ETH + V6_HEADER);
	put16(w->b + 12, way->v6 ? 0x86dd : 0x0800);
	if (way->v6) {
		put32(ip, 6u << 28 | (uint32_t)tos << 20 | 0x12345);
		put16(ip + 4, (uint16_t)len);
		ip[6] = protocol;
		ip[7] = ttl ? ttl : 64;
		memcpy(ip + 8, way->from, 16);
		memcpy(ip + 24, way->to, 16);
		return ETH + V6_HEADER;
	}
	ip[0] = 0x45;
	ip[1] = tos;
	put16(ip + 2, (uint16_t)(V4_HEADER + len));
	put16(ip + 4, 0xbeef);
	put16(ip + 6, 0x4000);
	ip[8] = ttl ? ttl : 64;
	ip[9] = protocol;
	memcpy(ip + 12, way->from, 4);
	memcpy(ip + 16, way->to, 4);
	return ETH + V4_HEADER;
}

void wire_tcp(struct wire *w, const struct seg *s)
{
	size_t header = TCP_HEADER + (s->options_len + 3u) / 4 * 4, len = header + s->payload;
	uint8_t *tcp = w->b + envelope(w, &s->way, TCP, len, s->ttl, s->tos);

	memcpy(tcp, &s->way.from_port, 2);
	memcpy(tcp + 2, &s->way.to_port, 2);
	put32(tcp + 4, s->seq);
	put32(tcp + 8, s->ack);
	tcp[12] = (uint8_t)(header / 4 << 4);
	tcp[13] = s->flags;
	put16(tcp + 14, s->window);
	put16(tcp + 16, 0);
	put16(tcp + 18, s->urgent);
	memset(tcp + TCP_HEADER, 0, header - TCP_HEADER);
	memcpy(tcp + TCP_HEADER, s->options, s->options_len);
	for (size_t i = 0; i < s->payload + s->padding; i++)
		tcp[header + i] = (uint8_t)((s->seq + i) * 167 + 13);
	w->len = (size_t)(tcp - w->b) + len + s->padding;
	wire_fix(w);
}

void wire_icmp_fix(struct wire *w)
{
	size_t l4 = wire_l4(w);

	fix_ip(w);
	put16(w->b + l4 + 2, 0);
	put16(w->b + l4 + 2, (uint16_t)~wire_icmp_residue(w));
}

uint16_t wire_icmp_residue(const struct wire *w)
{
	return is_v6(w) ? l4_sum(w, ICMP6, true) : l4_sum(w, ICMP4, false);
}

void wire_icmp(struct wire *w, const struct icmp_error *e, const struct wire *about)
{
	struct tuple way = { .v6 = e->v6 };
	uint8_t *icmp;

	memcpy(way.from, e->router, sizeof(way.from));
	memcpy(way.to, e->to, sizeof(way.to));
	icmp = w->b + envelope(w, &way, e->v6 ? ICMP6 : ICMP4, 8 + e->quoted, e->ttl, 0xc0);
	icmp[0] = e->type;
	icmp[1] = e->code;
	put32(icmp + 4, e->info);
	memcpy(icmp + 8, about->b + ETH, e->quoted);
	w->len = (size_t)(icmp - w->b) + 8 + e->quoted;
	wire_icmp_fix(w);
}
