/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_link.h — the devices of this network namespace, as rtnetlink tells of them */
#ifndef ENGINE_GRAFT_LINK_H
#define ENGINE_GRAFT_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include <linux/netlink.h>

struct graft_link {
	uint32_t ifindex;
	char name[IFNAMSIZ];
	bool ethernet; /* its packets have Ethernet headers, and are no larger than IP allows */
	bool loopback;
};

/* What RTM_NEWLINK or RTM_DELLINK says. False: it is not about a device as such. */
bool graft_link_read(const struct nlmsghdr *h, struct graft_link *l);
/* Each device there is; `rt` by rt_open(). 0 or -errno. */
int graft_link_each(int rt, void (*each)(void *to, const struct graft_link *l), void *to);

#endif
