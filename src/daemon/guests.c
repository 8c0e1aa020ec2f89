/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/guests.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/sys.h"

enum { BUCKETS = 4096 };

struct guest {
	struct guest *next;
	unsigned count;
	unsigned char address[16];
};

struct guests {
	pthread_mutex_t lock;
	uint64_t key; /* nobody else knows it, so nobody can choose addresses of one bucket */
	struct guest *bucket[BUCKETS];
};

struct guests *guests_new(void)
{
	struct guests *g = sys_alloc(sizeof(*g));

	if (!g)
		return NULL;
	pthread_mutex_init(&g->lock, NULL);
	if (getrandom(&g->key, sizeof(g->key), 0) < 0)
		g->key = clock_ns();
	return g;
}

void guests_free(struct guests *g)
{
	for (size_t i = 0; g && i < BUCKETS; i++)
		while (g->bucket[i]) {
			struct guest *one = g->bucket[i];

			g->bucket[i] = one->next;
			free(one);
		}
	if (g)
		pthread_mutex_destroy(&g->lock);
	free(g);
}

/* IPv4 as it is mapped into IPv6. False: it has none. */
static bool address_of(const struct addr *a, unsigned char out[16])
{
	const void *ss = &a->ss;

	if (a->ss.ss_family == AF_INET6) {
		memcpy(out, &((const struct sockaddr_in6 *)ss)->sin6_addr, 16);
		return true;
	}
	memset(out, 0, 10);
	memset(out + 10, 0xff, 2);
	memcpy(out + 12, &((const struct sockaddr_in *)ss)->sin_addr, 4);
	return a->ss.ss_family == AF_INET;
}

/* Where it stands, or would. */
static struct guest **find(struct guests *g, const unsigned char address[16])
{
	unsigned char keyed[sizeof(g->key) + 16];

	memcpy(keyed, &g->key, sizeof(g->key));
	memcpy(keyed + sizeof(g->key), address, 16);

	struct guest **at = &g->bucket[hash_bytes(keyed, sizeof(keyed)) % BUCKETS];

	while (*at && memcmp((*at)->address, address, 16) != 0)
		at = &(*at)->next;
	return at;
}

static bool enter(struct guest **at, const unsigned char address[16], unsigned most, bool *counted)
{
	if (*at && (*at)->count >= most)
		return false;
	if (!*at) {
		*at = sys_alloc(sizeof(**at));
		if (!*at)
			return true;
		memcpy((*at)->address, address, 16);
	}
	(*at)->count++;
	*counted = true;
	return true;
}

bool guests_enter(struct guests *g, const struct addr *client, unsigned most, bool *counted)
{
	unsigned char address[16];
	bool in;

	*counted = false;
	if (!address_of(client, address))
		return true;
	pthread_mutex_lock(&g->lock);
	in = enter(find(g, address), address, most, counted);
	pthread_mutex_unlock(&g->lock);
	return in;
}

void guests_leave(struct guests *g, const struct addr *client)
{
	unsigned char address[16];
	struct guest **at, *one;

	if (!address_of(client, address))
		return;
	pthread_mutex_lock(&g->lock);
	at = find(g, address);
	one = *at;
	if (one && --one->count == 0) {
		*at = one->next;
		free(one);
	}
	pthread_mutex_unlock(&g->lock);
}
