/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/balance.h"

#include <math.h>
#include <netinet/in.h>
#include <string.h>

#include "base/hash.h"

/* -- numbers -- */

/* Below `limit`, which is at least 1: the bias is one in 2^64 / limit. */
static uint64_t random_below(uint64_t *random, uint64_t limit)
{
	*random += 0x9e3779b97f4a7c15;
	return hash_mix(*random) % limit;
}

/* Of a client's address without its port; an IPv4 address is the same in IPv6's clothing. False: it has none. */
static bool hash_client(const struct addr *a, uint64_t *h)
{
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;

	if (a->ss.ss_family == AF_INET) {
		memcpy(&sin, &a->ss, sizeof(sin));
		*h = hash_bytes(&sin.sin_addr, 4);
		return true;
	}
	if (a->ss.ss_family != AF_INET6)
		return false;
	memcpy(&sin6, &a->ss, sizeof(sin6));
	if (IN6_IS_ADDR_V4MAPPED(&sin6.sin6_addr))
		*h = hash_bytes(&sin6.sin6_addr.s6_addr[12], 4);
	else
		*h = hash_bytes(&sin6.sin6_addr, 16);
	return true;
}

/* -- the four ways -- */

/* Smooth weighted round robin: all get their weight, who then has most is chosen and pays for all. */
static size_t round_robin(struct balance_seat *seat, size_t count)
{
	size_t best = count;
	int64_t total = 0;

	for (size_t i = 0; i < count; i++) {
		if (!seat[i].may)
			continue;
		total += seat[i].weight;
		seat[i].standing += seat[i].weight;
		if (best == count || seat[i].standing > seat[best].standing)
			best = i;
	}
	if (best < count)
		seat[best].standing -= total;
	return best;
}

static uint64_t load_of(const struct balance_seat *s)
{
	return atomic_load_explicit(&s->server->counts.now, memory_order_relaxed);
}

/* -1, 0, 1: with one connection more, a would have less for its weight than b, as much, or more. */
static int compare_load(uint64_t load_a, const struct balance_seat *a, uint64_t load_b,
			const struct balance_seat *b)
{
	uint64_t x = (load_a + 1) * b->weight, y = (load_b + 1) * a->weight;

	return x < y ? -1 : x > y;
}

/* Those that have equally little take turns: `may` is left to them alone. */
static size_t least_connections(struct balance_seat *seat, size_t count)
{
	size_t best = count;
	uint64_t least = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t load = load_of(&seat[i]);
		int order;

		if (!seat[i].may)
			continue;
		order = best == count ? -1 : compare_load(load, &seat[i], least, &seat[best]);
		if (order > 0)
			seat[i].may = false;
		if (order >= 0)
			continue;
		for (size_t k = 0; k < i; k++)
			seat[k].may = false;
		best = i;
		least = load;
	}
	return round_robin(seat, count);
}

/* Each in proportion to its weight, `except` not at all. */
static size_t random_one(const struct balance_seat *seat, size_t count, size_t except,
			 uint64_t *random)
{
	uint64_t total = 0, point;

	for (size_t i = 0; i < count; i++)
		if (seat[i].may && i != except)
			total += seat[i].weight;
	if (total == 0)
		return count;
	point = random_below(random, total);
	for (size_t i = 0; i < count; i++) {
		if (!seat[i].may || i == except)
			continue;
		if (point < seat[i].weight)
			return i;
		point -= seat[i].weight;
	}
	return count;
}

/* The better of two. */
static size_t two_choices(const struct balance_seat *seat, size_t count, uint64_t *random)
{
	size_t a = random_one(seat, count, count, random);
	size_t b = a < count ? random_one(seat, count, a, random) : count;

	if (b == count)
		return a;
	return compare_load(load_of(&seat[b]), &seat[b], load_of(&seat[a]), &seat[a]) < 0 ? b : a;
}

/* Rendezvous: client and server throw a die that always falls the same way for the two of them, the best throw wins.
 * Who loses a server throws among the rest as before; nobody else is touched. A throw is an exponential variable
 * of rate weight, the least one wins: as often as its share. */
static size_t rendezvous(const struct balance_seat *seat, size_t count, uint64_t client)
{
	size_t best = count;
	double least = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t h = hash_mix(client ^ hash_mix(seat[i].server->hash + 0x9e3779b97f4a7c15));
		double uniform = ((double)(h >> 11) + 0.5) * 0x1p-53; /* between 0 and 1, neither */
		double throw = -log(uniform) / seat[i].weight;

		if (seat[i].may && (best == count || throw < least)) {
			best = i;
			least = throw;
		}
	}
	return best;
}

size_t balance_choose(enum conf_balance how, struct balance_seat *seat, size_t count,
		      const struct addr *client, uint64_t *random)
{
	uint64_t h;

	switch (how) {
	case CONF_LEAST_CONNECTIONS: return least_connections(seat, count);
	case CONF_RANDOM: return two_choices(seat, count, random);
	case CONF_SOURCE_HASH:
		if (hash_client(client, &h))
			return rendezvous(seat, count, h);
		break;
	default: break;
	}
	return round_robin(seat, count);
}
