/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/graft_route.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <bpf/bpf.h>

#include "base/clock.h"
#include "engine/graft_netlink.h"

enum {
	CACHE = 2048, /* ways that are remembered within a part */
	PROBES = 8,
	AT_ONCE = 64, /* slots, before one looks at the clock */
};

struct way {
	bool known, found;
	int family;
	uint32_t peer[4], self[4];
	uint32_t ifindex, hop_family, hop[4];
};

static void take_via(struct way *w, const struct rtattr *a)
{
	const struct rtvia *via = rt_value(a);

	if (rt_size(a) < sizeof(*via) + 16 || via->rtvia_family != AF_INET6)
		return;
	w->hop_family = AF_INET6;
	memcpy(w->hop, via->rtvia_addr, 16);
}

static void see_route(void *to, const struct nlmsghdr *h)
{
	const struct rtmsg *r = rt_fixed(h);
	const size_t len = r->rtm_family == AF_INET ? 4 : 16;
	const struct rtattr *at[RTA_MAX + 1];
	struct way *w = to;

	if (h->nlmsg_type != RTM_NEWROUTE ||
	    (r->rtm_type != RTN_UNICAST && r->rtm_type != RTN_LOCAL))
		return;
	rt_attrs(h, sizeof(*r), at, RTA_MAX);
	w->ifindex = rt_u32(at[RTA_OIF]);
	w->found = w->ifindex != 0;
	w->hop_family = r->rtm_family;
	memcpy(w->hop, w->peer, sizeof(w->hop));
	if (at[RTA_GATEWAY] && rt_size(at[RTA_GATEWAY]) >= len)
		memcpy(w->hop, rt_value(at[RTA_GATEWAY]), len);
	else if (at[RTA_VIA])
		take_via(w, at[RTA_VIA]);
}

static void look_up(struct way *w, int rt, uint32_t lo)
{
	const size_t len = w->family == AF_INET ? 4 : 16;
	const struct rtmsg r = { .rtm_family = (unsigned char)w->family,
				 .rtm_dst_len = (unsigned char)(len * 8),
				 .rtm_src_len = (unsigned char)(len * 8) };
	struct rt_message m;

	w->found = false;
	rt_begin(&m, RTM_GETROUTE, 0, &r, sizeof(r));
	rt_put(&m, RTA_DST, w->peer, len);
	rt_put(&m, RTA_SRC, w->self, len);
	if (rt_ask(rt, &m, see_route, w) < 0)
		w->found = false;
	if (w->found && w->ifindex == lo)
		w->hop_family =
			0; /* the kernel attaches a local route to the packet, and needs it */
}

static bool is_ours(const struct graft_kernel *k, uint32_t ifindex)
{
	uint32_t one;

	return bpf_map_lookup_elem(k->devices, &ifindex, &one) == 0;
}

static bool is_of(const struct way *w, const struct graft_side *side, int family)
{
	return w->known && w->family == family && !memcmp(w->peer, side->peer, sizeof(w->peer)) &&
	       !memcmp(w->self, side->self, sizeof(w->self));
}

/* Addresses lie in network order: those of one net differ in the highest bits alone, until mixed. */
static uint32_t mixed(const struct graft_side *side)
{
	uint32_t mix = side->peer[0] ^ side->peer[1] ^ side->peer[2] ^ side->peer[3];

	mix = (mix ^ mix >> 16) * 0x7feb352du;
	mix = (mix ^ mix >> 15) * 0x846ca68bu;
	return mix ^ mix >> 16;
}

static const struct way *way_of(struct way *cache, const struct graft_kernel *k, int rt,
				uint32_t lo, const struct graft_side *side, int family)
{
	const uint32_t first = mixed(side);
	struct way *w = NULL;

	for (uint32_t i = 0; i < PROBES; i++) {
		w = &cache[(first + i) % CACHE];
		if (is_of(w, side, family))
			return w;
		if (!w->known)
			break;
	}
	memset(w, 0, sizeof(*w));
	w->known = true;
	w->family = family;
	memcpy(w->peer, side->peer, sizeof(w->peer));
	memcpy(w->self, side->self, sizeof(w->self));
	look_up(w, rt, lo);
	w->found = w->found && is_ours(k, w->ifindex);
	return w;
}

/* The program reads these while we write. Without a hop the kernel looks for itself: that is never
 * wrong, so it comes first, and the hop's family last. */
static bool set_way(struct graft_side *side, const struct way *w)
{
	const size_t len = w->hop_family == AF_INET ? 4 : 16;

	if (side->ifindex == w->ifindex && side->hop_family == w->hop_family &&
	    (!w->hop_family || !memcmp(side->hop, w->hop, len)))
		return false;
	__atomic_store_n(&side->hop_family, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&side->ifindex, w->ifindex, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 4; i++)
		__atomic_store_n(&side->hop[i], w->hop[i], __ATOMIC_SEQ_CST);
	__atomic_store_n(&side->hop_family, w->hop_family, __ATOMIC_SEQ_CST);
	return true;
}

static unsigned follow(struct graft_slot *slot, const struct graft_kernel *k, struct way *cache,
		       int rt, uint32_t lo)
{
	const uint32_t state = __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);
	unsigned changed = 0;

	if (state != SLOT_GRAFTED && state != SLOT_CLOSED)
		return 0;
	for (int x = 0; x < 2; x++) {
		const struct way *w = way_of(cache, k, rt, lo, &slot->side[x],
					     slot->flags & SLOT_V6 ? AF_INET6 : AF_INET);

		if (w->found)
			changed += set_way(&slot->side[x], w);
	}
	return changed;
}

bool graft_route_part(struct graft_route *r, struct graft_kernel *k, int rt, uint32_t lo,
		      uint64_t until)
{
	struct way *cache = calloc(CACHE, sizeof(*cache));

	if (!cache) /* the next pass, then */
		r->at = k->slots;
	while (r->at < k->slots) {
		r->changed += follow(&k->slot[r->at++], k, cache, rt, lo);
		if (r->at % AT_ONCE == 0 && clock_ms() >= until)
			break;
	}
	free(cache);
	if (r->at < k->slots)
		return false;
	r->at = 0;
	return true;
}
