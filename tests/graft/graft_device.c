/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices: each gets both programs, once, in front; keeps them over restarts; gets them back when they
 * are lost or overtaken; and detaching leaves nothing. By TCX and by clsact. */
#include "ground.h"

#include <net/if.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/graft_note.h"

/* Both programs of k are on the device, once each, and first. */
static void has(const struct graft_kernel *k, const char *device, bool clsact)
{
	uint32_t id[16];

	if (clsact) {
		assert_int_equal(ground_filters(device), 2);
		return;
	}
	for (enum graft_way w = GRAFT_IN; w <= GRAFT_OUT; w++) {
		const int n = ground_tcx(device, w, id);

		assert_true(n >= 1);
		assert_int_equal(id[0], k->id[w]);
		for (int i = 1; i < n; i++)
			assert_false(graft_kernel_owns(k, w, id[i]));
	}
}

static void all_have(const struct graft_kernel *k, bool clsact)
{
	static const char *const device[] = { "lo", "va", "vb", "vc", "vd" };

	for (size_t i = 0; i < sizeof(device) / sizeof(device[0]); i++)
		has(k, device[i], clsact);
	assert_int_equal(graft_devices_attached(k), GROUND_DEVICES);
}

static void nothing_is_left(const uint32_t id[2], uint32_t map)
{
	uint32_t ignored[16];

	for (enum graft_way w = GRAFT_IN; w <= GRAFT_OUT; w++) {
		assert_true(ground_tcx("va", w, ignored) <= 0);
		assert_true(ground_program_gone(id[w]));
	}
	assert_true(ground_map_gone(map));
	assert_int_equal(ground_filters("va"), 0);
	assert_int_equal(ground_lines("clsact", "tc qdisc show"), 0);
	assert_int_equal(ground_lines("shunt", "find %s/", ground_bpffs), 0);
}

/* By whoever comes after: nobody's descriptors are needed. */
static int detach(const char *dir)
{
	struct graft_kernel k;
	char problem[256];
	int n;

	assert_int_equal(graft_kernel_take(&k, dir, problem, sizeof(problem)), 0);
	n = graft_devices_detach(&k);
	assert_int_equal(graft_devices_attached(&k), 0);
	graft_kernel_remove(&k);
	graft_kernel_close(&k);
	return n;
}

static void life(enum graft_how first, enum graft_how then)
{
	struct graft_devices d;
	struct graft_kernel k;
	char dir[GRAFT_PATH];
	uint32_t id[2], map;

	ground_kernel(&k);
	snprintf(dir, sizeof(dir), "%s", k.dir);
	ground_devices(&d, &k, first);
	assert_int_equal(d.count, GROUND_DEVICES);
	all_have(&k, first == GRAFT_CLSACT);
	graft_devices_close(&d);
	graft_kernel_close(&k);

	/* the next process finds them, and puts its own in their place */
	ground_kernel(&k);
	assert_int_equal(graft_devices_attached(&k), GROUND_DEVICES);
	ground_devices(&d, &k, then);
	assert_int_equal(d.count, GROUND_DEVICES);
	assert_int_equal(d.mended, 0);
	all_have(&k, then == GRAFT_CLSACT);
	assert_int_equal(ground_lines("/in-", "find %s", dir), 1); /* the old ones are forgotten */
	assert_int_equal(ground_lines("/out-", "find %s", dir), 1);
	assert_int_equal(ground_lines("link-", "find %s", dir),
			 then == GRAFT_CLSACT ? 0 : 2 * GROUND_DEVICES);
	assert_int_equal(ground_lines("clsact", "tc qdisc show"),
			 then == GRAFT_CLSACT ? GROUND_DEVICES : 0);
	memcpy(id, k.id, sizeof(id));
	map = ground_map_id(k.slots_fd);
	graft_devices_close(&d);
	graft_kernel_close(&k);
	assert_int_equal(detach(dir), 2 * GROUND_DEVICES);
	nothing_is_left(id, map);
}

static void life_by_tcx(void **state)
{
	(void)state;
	ground_wants_tcx();
	life(GRAFT_TCX, GRAFT_BEST);
}

static void life_by_clsact(void **state)
{
	(void)state;
	life(GRAFT_CLSACT, GRAFT_CLSACT);
}

static void from_clsact_to_tcx(void **state)
{
	(void)state;
	ground_wants_tcx();
	life(GRAFT_CLSACT, GRAFT_TCX);
}

static void from_tcx_to_clsact(void **state)
{
	(void)state;
	ground_wants_tcx();
	life(GRAFT_TCX, GRAFT_CLSACT);
}

static void coming_and_going(enum graft_how how)
{
	struct graft_devices d;
	struct graft_kernel k;
	char dir[GRAFT_PATH];

	ground_kernel(&k);
	snprintf(dir, sizeof(dir), "%s", k.dir);
	ground_devices(&d, &k, how);
	ground_sh("ip link add vx type veth peer name vy");
	ground_follow(&d, GROUND_DEVICES + 2);
	has(&k, "vx", how == GRAFT_CLSACT);
	has(&k, "vy", how == GRAFT_CLSACT);
	ground_sh(
		"ip link set vx name vz && ip link add br0 type bridge && ip link set vy master br0");
	ground_follow(&d, GROUND_DEVICES + 3);
	has(&k, "vz", how == GRAFT_CLSACT);
	ground_sh("ip link del vz && ip link del br0");
	ground_follow(&d, GROUND_DEVICES);
	assert_int_equal(d.mended, 0);
	assert_int_equal(ground_lines("link-", "find %s", dir),
			 how == GRAFT_CLSACT ? 0 : 2 * GROUND_DEVICES);
	assert_int_equal(ground_lines("key", "bpftool map dump pinned %s/devices", dir),
			 GROUND_DEVICES);

	/* while nobody looks: one goes, one comes */
	graft_devices_close(&d);
	graft_kernel_close(&k);
	ground_sh("ip link del vc && ip link add vx type veth peer name vy");
	ground_kernel(&k);
	ground_devices(&d, &k, how);
	assert_int_equal(d.count, GROUND_DEVICES);
	has(&k, "vy", how == GRAFT_CLSACT);
	assert_int_equal(ground_lines("link-", "find %s", dir),
			 how == GRAFT_CLSACT ? 0 : 2 * GROUND_DEVICES);
	assert_int_equal(ground_lines("key", "bpftool map dump pinned %s/devices", dir),
			 GROUND_DEVICES);
	graft_devices_close(&d);
	graft_kernel_close(&k);
	detach(dir);
}

static void coming_and_going_by_tcx(void **state)
{
	(void)state;
	ground_wants_tcx();
	coming_and_going(GRAFT_TCX);
}

static void coming_and_going_by_clsact(void **state)
{
	(void)state;
	coming_and_going(GRAFT_CLSACT);
}

/* Put back, in front, counted; and nobody else's is touched. */
static void mended_by_tcx(void **state)
{
	struct graft_devices d;
	struct graft_kernel k;
	uint32_t id[16], before;
	int stranger;

	(void)state;
	ground_wants_tcx();
	ground_kernel(&k);
	ground_devices(&d, &k, GRAFT_TCX);
	ground_sh("rm %s/link-in-%u", k.dir, if_nametoindex("va"));
	for (int i = 0; i < 500 && ground_tcx("va", GRAFT_IN, id) > 0; i++)
		usleep(10000);
	graft_devices_check(&d);
	assert_int_equal(d.mended, 1);
	has(&k, "va", false);

	before = k.id[GRAFT_OUT];
	stranger = ground_stranger("va", GRAFT_OUT, false);
	graft_devices_check(&d);
	assert_int_equal(d.mended, 2);
	assert_int_equal(ground_tcx("va", GRAFT_OUT, id), 2);
	all_have(&k, false);
	assert_int_not_equal(k.id[GRAFT_OUT], before); /* the same one is not taken twice */
	assert_true(ground_program_gone(before));

	/* one that insists as we do is left in front for a while */
	close(stranger);
	close(ground_stranger("va", GRAFT_OUT, false)); /* gone again at once */
	stranger = ground_stranger("va", GRAFT_OUT, false);
	graft_devices_check(&d);
	assert_int_equal(d.mended, 2);
	assert_int_equal(d.count, GROUND_DEVICES);
	close(stranger);
	graft_devices_close(&d);
	graft_kernel_close(&k);
	detach(ground_dir());
}

static void mended_by_clsact(void **state)
{
	struct graft_devices d;
	struct graft_kernel k;

	(void)state;
	ground_kernel(&k);
	ground_devices(&d, &k, GRAFT_CLSACT);
	ground_follow(&d, GROUND_DEVICES);
	ground_sh("tc qdisc del dev va clsact");
	ground_follow(&d, GROUND_DEVICES);
	assert_int_equal(d.mended, 2);
	has(&k, "va", true);
	ground_sh("tc filter del dev vb ingress");
	graft_devices_check(&d);
	assert_int_equal(d.mended, 3);
	has(&k, "vb", true);

	ground_stranger("va", GRAFT_IN, true);
	ground_follow(&d, GROUND_DEVICES);
	assert_int_equal(d.mended, 4);
	has(&k, "va", true);
	ground_sh("tc filter show dev va ingress | grep handle | head -1 | grep -q shunt_graft_in");
	assert_int_equal(ground_lines("stranger", "tc filter show dev va ingress"), 1);
	graft_devices_close(&d);
	graft_kernel_close(&k);
	detach(ground_dir());
	assert_int_equal(ground_lines("stranger", "tc filter show dev va ingress"), 1);
}

/* An administrator's qdisc and filters stay what they are. */
static void others_are_left_alone(void **state)
{
	struct graft_devices d;
	struct graft_kernel k;

	(void)state;
	ground_sh(
		"tc qdisc add dev va clsact && tc qdisc add dev vb ingress && tc qdisc add dev vc clsact");
	ground_sh(
		"tc filter add dev vc ingress protocol ip prio 1 u32 match u32 0 0 classid ffff:1");
	ground_kernel(&k);
	ground_devices(&d, &k, GRAFT_CLSACT);
	assert_int_equal(d.count, 3); /* not vb and vc, and the log says why */
	has(&k, "va", true);
	ground_sh("tc qdisc del dev vb ingress && tc filter del dev vc ingress");
	graft_devices_check(&d);
	assert_int_equal(d.count, GROUND_DEVICES);
	graft_devices_close(&d);
	graft_kernel_close(&k);
	assert_int_equal(detach(ground_dir()), 2 * GROUND_DEVICES);
	assert_int_equal(ground_lines("clsact", "tc qdisc show"), 2); /* va, vc */
}

/* Two shunts: neither moves the other, and the qdisc goes with the second. */
static void two_on_one_machine(enum graft_how how)
{
	struct graft_devices d[2];
	struct graft_kernel k[2];
	char dir[2][GRAFT_PATH];

	ground_range(&k[0], 40000, 44999);
	ground_range(&k[1], 45000, 49999);
	for (int i = 0; i < 2; i++) {
		snprintf(dir[i], sizeof(dir[i]), "%s", k[i].dir);
		ground_devices(&d[i], &k[i], how);
	}
	for (int i = 0; i < 4; i++) {
		graft_devices_check(&d[i % 2]);
		assert_int_equal(d[i % 2].mended, 0);
		assert_int_equal(graft_devices_attached(&k[i % 2]), GROUND_DEVICES);
	}
	graft_devices_close(&d[0]);
	graft_kernel_close(&k[0]);
	assert_int_equal(detach(dir[0]), 2 * GROUND_DEVICES);
	graft_devices_check(&d[1]);
	assert_int_equal(d[1].mended, 0);
	graft_devices_close(&d[1]);
	graft_kernel_close(&k[1]);
	assert_int_equal(detach(dir[1]), 2 * GROUND_DEVICES);
	assert_int_equal(ground_lines("clsact", "tc qdisc show"), 0);
	assert_int_equal(ground_lines("shunt", "find %s/", ground_bpffs), 0);
}

static void two_by_tcx(void **state)
{
	(void)state;
	ground_wants_tcx();
	two_on_one_machine(GRAFT_TCX);
}

static void two_by_clsact(void **state)
{
	(void)state;
	two_on_one_machine(GRAFT_CLSACT);
}

/* -- never a moment without -- */

static atomic_bool stop;
static atomic_int without, asked;

static void *watch(void *arg)
{
	uint32_t id[16];

	while (!atomic_load(&stop)) {
		const int n = ground_tcx(arg, GRAFT_IN, id);

		atomic_fetch_add(&asked, 1);
		if (n < 1)
			atomic_fetch_add(&without, 1);
	}
	return NULL;
}

static void no_gap(void **state)
{
	static char device[] = "va";
	struct graft_devices d;
	struct graft_kernel k;
	pthread_t thread;

	(void)state;
	ground_wants_tcx();
	ground_kernel(&k);
	ground_devices(&d, &k, GRAFT_TCX);
	assert_int_equal(pthread_create(&thread, NULL, watch, device), 0);
	for (int i = 0; i < 5; i++) {
		graft_devices_close(&d);
		graft_kernel_close(&k);
		ground_kernel(&k);
		ground_devices(&d, &k, GRAFT_TCX);
	}
	int stranger = ground_stranger("vb", GRAFT_IN, false); /* a reload, for all devices */

	graft_devices_check(&d);
	assert_int_equal(d.mended, 1);
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	print_message("asked %d times\n", atomic_load(&asked));
	assert_true(asked > 100);
	assert_int_equal(without, 0);
	close(stranger);
	graft_devices_close(&d);
	graft_kernel_close(&k);
	detach(ground_dir());
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, ground_open, ground_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(life_by_tcx),
		TEST(life_by_clsact),
		TEST(from_clsact_to_tcx),
		TEST(from_tcx_to_clsact),
		TEST(coming_and_going_by_tcx),
		TEST(coming_and_going_by_clsact),
		TEST(mended_by_tcx),
		TEST(mended_by_clsact),
		TEST(others_are_left_alone),
		TEST(two_by_tcx),
		TEST(two_by_clsact),
		TEST(no_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
