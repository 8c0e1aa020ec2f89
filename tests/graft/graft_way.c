/* SPDX-License-Identifier: BSD-2-Clause */
/* Ways out: when routes change, grafts leave by the new ones. */
#include "ground.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/graft_netlink.h"
#include "engine/graft_route.h"

static struct graft_kernel k;
static struct graft_devices d;

static int open_all(void **state)
{
	ground_open(state);
	ground_kernel(&k);
	ground_devices(&d, &k, GRAFT_BEST);
	ground_follow(&d, GROUND_DEVICES);
	return 0;
}

static int close_all(void **state)
{
	graft_devices_close(&d);
	graft_devices_detach(&k);
	graft_kernel_remove(&k);
	graft_kernel_close(&k);
	return ground_close(state);
}

/* A graft whose peers are these, with no way out yet. */
static struct graft_slot *graft(uint32_t i, const char *self, const char *peer0, const char *peer1)
{
	struct graft_slot *s = &k.slot[i];
	const int family = strchr(self, ':') ? AF_INET6 : AF_INET;

	memset(s, 0, sizeof(*s));
	s->flags = family == AF_INET6 ? SLOT_V6 : 0;
	for (int x = 0; x < 2; x++) {
		assert_int_equal(inet_pton(family, x ? peer1 : peer0, s->side[x].peer), 1);
		assert_int_equal(inet_pton(family, self, s->side[x].self), 1);
	}
	s->state = i % 2 ? SLOT_CLOSED : SLOT_GRAFTED;
	return s;
}

/* Until the pass is over, which may wait for its time. */
static void news(void)
{
	struct pollfd p = { .fd = d.netlink, .events = POLLIN };

	while (poll(&p, 1, 300) > 0)
		graft_devices_follow(&d);
}

static void leaves(const struct graft_side *side, const char *device, const char *hop)
{
	const int family = !hop ? 0 : strchr(hop, ':') ? AF_INET6 : AF_INET;
	uint32_t want[4] = { 0 };

	assert_int_equal(side->ifindex, if_nametoindex(device));
	assert_int_equal(side->hop_family, family);
	if (!hop)
		return;
	assert_int_equal(inet_pton(family, hop, want), 1);
	assert_memory_equal(side->hop, want, family == AF_INET ? 4 : 16);
}

static void follow_v4(void **state)
{
	struct graft_slot *s = graft(0, "10.1.0.1", "10.9.0.1", "10.1.0.7"), *lo;
	const struct graft_side was = s->side[0];

	(void)state;
	lo = graft(1, "127.0.0.1", "127.0.0.1", "10.2.0.1");
	news();
	ground_sh("ip route add 10.77.0.0/16 via 10.1.0.2"); /* nobody's: but a pass is made */
	news();
	assert_memory_equal(&s->side[0], &was, sizeof(was)); /* no way: left as it was */
	leaves(&s->side[1], "va", "10.1.0.7");
	leaves(&lo->side[0], "lo", NULL);
	leaves(&lo->side[1], "lo", NULL); /* an address of our own */

	ground_sh("ip route add 10.9.0.0/24 via 10.1.0.2");
	news();
	leaves(&s->side[0], "va", "10.1.0.2");
	ground_sh("ip route replace 10.9.0.0/24 via 10.2.0.2");
	news();
	leaves(&s->side[0], "vc", "10.2.0.2");
	ground_sh("ip route replace 10.9.0.0/24 via inet6 fd01::9 dev va");
	news();
	leaves(&s->side[0], "va", "fd01::9");
	ground_sh("ip route replace 10.9.0.0/24 dev vc");
	news();
	leaves(&s->side[0], "vc", "10.9.0.1");
	ground_sh("ip route replace unreachable 10.9.0.0/24");
	news();
	leaves(&s->side[0], "vc", "10.9.0.1"); /* it may come back */
	assert_true(d.moved >= 6);
}

static void follow_v6(void **state)
{
	struct graft_slot *s = graft(2, "fd01::1", "fd09::1", "fd01::7");

	(void)state;
	ground_sh("ip -6 route add fd09::/64 via fd01::2");
	news();
	leaves(&s->side[0], "va", "fd01::2");
	leaves(&s->side[1], "va", "fd01::7");
	ground_sh("ip -6 route replace fd09::/64 via fd02::2");
	news();
	leaves(&s->side[0], "vc", "fd02::2");
}

/* The device goes down: the kernel tells of the device, not of each route. */
static void follow_a_link(void **state)
{
	struct graft_slot *s = graft(0, "10.1.0.1", "10.9.0.1", "10.1.0.7");

	(void)state;
	ground_sh("ip route add 10.9.0.0/24 via 10.1.0.2 metric 1");
	ground_sh("ip route add 10.9.0.0/24 via 10.2.0.2 metric 2");
	news();
	leaves(&s->side[0], "va", "10.1.0.2");
	ground_sh("ip link set va down");
	news();
	leaves(&s->side[0], "vc", "10.2.0.2");
}

/* Rules and next hops as objects change ways without a word about routes. */
static void follow_rules(void **state)
{
	struct graft_slot *s = graft(0, "10.1.0.1", "10.9.0.1", "10.8.0.1");

	(void)state;
	ground_sh("ip route add 10.9.0.0/24 via 10.1.0.2");
	ground_sh("ip route add 10.9.0.0/24 via 10.2.0.2 table 77");
	ground_sh("echo 0 > /proc/sys/net/ipv4/nexthop_compat_mode");
	ground_sh("ip nexthop add id 1 via 10.1.0.3 dev va && ip route add 10.8.0.0/24 nhid 1");
	news();
	leaves(&s->side[0], "va", "10.1.0.2");
	leaves(&s->side[1], "va", "10.1.0.3");
	ground_sh("ip rule add from 10.1.0.1 table 77");
	news();
	leaves(&s->side[0], "vc", "10.2.0.2");
	ground_sh("ip nexthop replace id 1 via 10.2.0.3 dev vc");
	news();
	leaves(&s->side[1], "vc", "10.2.0.3");
}

/* A burst of changes is one or two passes, and what is no graft any more is left alone. */
static void bursts_and_the_dead(void **state)
{
	struct graft_slot *s = graft(0, "10.1.0.1", "10.9.0.1", "10.1.0.7");

	(void)state;
	s->state = SLOT_PAUSED;
	ground_sh(
		"for i in $(seq 1 60); do ip route add 10.9.0.0/24 via 10.1.0.$((i+1)) metric $i; done");
	news();
	assert_int_equal(d.moved, 0);
	s->state = SLOT_GRAFTED;
	ground_sh("for i in $(seq 1 59); do ip route del 10.9.0.0/24 metric $i; done");
	news();
	leaves(&s->side[0], "va", "10.1.0.61");
}

/* A pass over many is made in parts. */
static void in_parts(void **state)
{
	struct graft_route r = { 0 };
	struct graft_slot *s = NULL;
	int rt = rt_open(), parts = 1;

	(void)state;
	news();
	for (uint32_t i = 0; i < GROUND_SLOTS; i++) {
		s = graft(i, "10.1.0.1", "10.1.0.7", "10.2.0.7");
		s->side[0].peer[0] += htonl(i % 100);
	}
	while (!graft_route_part(&r, &k, rt, 1, 0))
		parts++;
	assert_int_equal(parts, 4);
	assert_int_equal(r.changed, 2 * GROUND_SLOTS);
	leaves(&s->side[0], "va", "10.1.0.106");
	leaves(&s->side[1], "vc", "10.2.0.7");
	leaves(&k.slot[0].side[0], "va", "10.1.0.7");
	close(rt);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(follow_v4),    TEST(follow_v6),           TEST(follow_a_link),
		TEST(follow_rules), TEST(bursts_and_the_dead), TEST(in_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
