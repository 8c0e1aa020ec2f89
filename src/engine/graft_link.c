/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/graft_link.h"

#include <linux/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/graft_netlink.h"

enum { LARGEST = 65536 };

bool graft_link_read(const struct nlmsghdr *h, struct graft_link *l)
{
	const struct ifinfomsg *i = rt_fixed(h);
	const struct rtattr *at[IFLA_MAX + 1];

	/* A bridge tells of its ports in the same words, as AF_BRIDGE. */
	if ((h->nlmsg_type != RTM_NEWLINK && h->nlmsg_type != RTM_DELLINK) ||
	    i->ifi_family != AF_UNSPEC || i->ifi_index <= 0)
		return false;
	memset(l, 0, sizeof(*l));
	l->ifindex = (uint32_t)i->ifi_index;
	l->loopback = i->ifi_flags & IFF_LOOPBACK;
	l->ethernet = i->ifi_type == ARPHRD_ETHER || i->ifi_type == ARPHRD_LOOPBACK;
	rt_attrs(h, sizeof(*i), at, IFLA_MAX);
	/* what gathers more than an IP header can tell gives it a header that is on no wire (BIG TCP) */
	if (at[IFLA_GRO_MAX_SIZE] && *(const uint32_t *)rt_value(at[IFLA_GRO_MAX_SIZE]) > LARGEST)
		l->ethernet = false;
	snprintf(l->name, sizeof(l->name), "%s",
		 at[IFLA_IFNAME] ? (const char *)rt_value(at[IFLA_IFNAME]) : "?");
	return true;
}

struct each {
	void (*each)(void *to, const struct graft_link *l);
	void *to;
};

static void see(void *to, const struct nlmsghdr *h)
{
	const struct each *e = to;
	struct graft_link l;

	if (h->nlmsg_type == RTM_NEWLINK && graft_link_read(h, &l))
		e->each(e->to, &l);
}

int graft_link_each(int rt, void (*each)(void *to, const struct graft_link *l), void *to)
{
	const struct ifinfomsg i = { .ifi_family = AF_UNSPEC };
	struct each e = { .each = each, .to = to };
	struct rt_message m;

	rt_begin(&m, RTM_GETLINK, NLM_F_DUMP, &i, sizeof(i));
	return rt_ask(rt, &m, see, &e);
}
