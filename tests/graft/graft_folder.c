/* SPDX-License-Identifier: BSD-2-Clause */
/* Folders: what one process left is found by the next; a range belongs to one process at a time; what is
 * not as it should be is refused with words, and can be removed. */
#include "ground.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

static char problem[256];

static int try_open(uint16_t first, uint16_t last)
{
	struct graft_kernel k;
	int rc;

	problem[0] = '\0';
	rc = graft_kernel_open(&k, ground_bpffs, first, last, GROUND_SLOTS, problem,
			       sizeof(problem));
	if (rc == 0)
		graft_kernel_close(&k);
	return rc;
}

static void remove_all(const char *dir)
{
	struct graft_kernel k;

	assert_int_equal(graft_kernel_take(&k, dir, problem, sizeof(problem)), 0);
	graft_kernel_remove(&k);
	graft_kernel_close(&k);
}

static int left_in_bpffs(void)
{
	return ground_lines("shunt/", "find %s", ground_bpffs) +
	       ground_lines("shunt\n", "find %s", ground_bpffs);
}

static void is_found_again(void **state)
{
	struct graft_kernel k;
	struct graft_key4 key = { .from = 1 };
	uint32_t ref = 6, got = 0, slots;

	(void)state;
	ground_kernel(&k);
	assert_false(k.found);
	slots = ground_map_id(k.slots_fd);
	k.slot[3].state = SLOT_GRAFTED;
	k.slot[3].side[1].bytes = 77;
	k.strip[41000] = STRIP_SACK;
	assert_int_equal(bpf_map_update_elem(k.t4, &key, &ref, BPF_NOEXIST), 0);
	graft_kernel_close(&k);

	assert_int_equal(graft_kernel_open(&k, ground_bpffs, GROUND_FIRST, GROUND_LAST, 5000,
					   problem, sizeof(problem)),
			 0);
	assert_true(k.found);
	assert_int_equal(ground_map_id(k.slots_fd), slots);
	assert_int_equal(k.slots, GROUND_SLOTS); /* as it was made */
	assert_int_equal(graft_kernel_grafts(&k), 1);
	assert_int_equal(k.slot[3].side[1].bytes, 77);
	assert_int_equal(k.strip[41000], STRIP_SACK);
	assert_int_equal(bpf_map_lookup_elem(k.t4, &key, &got), 0);
	assert_int_equal(got, 6);
	graft_kernel_remove(&k);
	graft_kernel_close(&k);
	assert_true(ground_map_gone(slots));
	assert_int_equal(left_in_bpffs(), 0);
}

/* The process that has it is killed: the kernel lets go of the lock, the folder stays. */
static void survives_a_kill(void **state)
{
	struct graft_folder f[2];
	struct graft_kernel k;
	char byte, pid[32];
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	pid_t child = fork();

	if (child == 0) {
		ground_kernel(&k);
		k.slot[9].state = SLOT_CLOSED;
		(void)!write(p[1], "x", 1);
		pause();
	}
	assert_int_equal(read(p[0], &byte, 1), 1);
	assert_int_equal(graft_folders(ground_bpffs, f, 2), 1);
	assert_int_equal(f[0].user, child);
	assert_int_equal(f[0].first, GROUND_FIRST);
	assert_int_equal(f[0].last, GROUND_LAST);
	snprintf(pid, sizeof(pid), "process %d", (int)child);
	assert_int_equal(try_open(GROUND_FIRST, GROUND_LAST), -EADDRINUSE);
	assert_non_null(strstr(problem, pid));
	assert_int_equal(try_open(GROUND_LAST, GROUND_LAST + 10), -EADDRINUSE);
	assert_non_null(strstr(problem, pid));
	assert_int_equal(graft_kernel_take(&k, f[0].dir, problem, sizeof(problem)), -EADDRINUSE);
	assert_int_equal(graft_kernel_look(&k, f[0].dir, problem, sizeof(problem)), 0);
	assert_int_equal(graft_kernel_grafts(&k), 1);
	graft_kernel_close(&k);

	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(graft_folders(ground_bpffs, f, 2), 1);
	assert_int_equal(f[0].user, 0);
	ground_kernel(&k);
	assert_true(k.found);
	assert_int_equal(k.slot[9].state, SLOT_CLOSED);
	graft_kernel_remove(&k);
	graft_kernel_close(&k);
}

static void overlapping_ranges_are_refused(void **state)
{
	struct graft_kernel k, other;
	char two[80];

	(void)state;
	ground_kernel(&k);
	assert_int_equal(try_open(GROUND_FIRST - 10, GROUND_FIRST), -EADDRINUSE);
	assert_int_equal(try_open(GROUND_FIRST + 5, GROUND_FIRST + 6), -EADDRINUSE);
	ground_range(&other, GROUND_LAST + 1, GROUND_LAST + 100);
	graft_kernel_remove(&other);
	graft_kernel_close(&other);

	/* the ports are the namespace's, whatever bpffs one looks at */
	ground_sh("mkdir %s-2 && mount -t bpf bpf %s-2", ground_bpffs, ground_bpffs);
	snprintf(two, sizeof(two), "%s-2", ground_bpffs);
	assert_int_equal(graft_kernel_open(&other, two, GROUND_FIRST - 1, GROUND_FIRST,
					   GROUND_SLOTS, problem, sizeof(problem)),
			 -EADDRINUSE);
	ground_sh("umount %s && rmdir %s", two, two);

	k.slot[0].state = SLOT_GRAFTED;
	graft_kernel_close(&k);
	assert_int_equal(try_open(GROUND_FIRST + 5, GROUND_FIRST + 6), -EADDRINUSE);
	assert_non_null(strstr(problem, "1 graft"));
	ground_kernel(&k);
	k.slot[0].state = SLOT_FREE;
	graft_kernel_close(&k);
	assert_int_equal(try_open(GROUND_FIRST + 5, GROUND_FIRST + 6), -EADDRINUSE);
	assert_non_null(strstr(problem, "shunt graft detach"));
	remove_all(ground_dir());
}

/* A folder is made in steps; who dies between them leaves one that is not whole. */
static void begun_and_left(void **state)
{
	struct graft_kernel k;
	char dir[GRAFT_PATH];

	(void)state;
	ground_kernel(&k);
	snprintf(dir, sizeof(dir), "%s", ground_dir());
	graft_kernel_close(&k);

	ground_sh("rm %s/ports", dir); /* by hand, under programs that may be in use */
	assert_int_equal(try_open(GROUND_FIRST, GROUND_LAST), -EPROTO);
	assert_non_null(strstr(problem, "shunt graft detach"));
	ground_sh("rm %s/in-* %s/out-*", dir, dir); /* nothing was ever attached: made anew */
	ground_kernel(&k);
	assert_false(k.found);
	graft_kernel_close(&k);

	ground_sh("rm %s/t4", dir);
	remove_all(dir);
	assert_int_equal(left_in_bpffs(), 0);
}

static void other_layouts_are_refused(void **state)
{
	struct graft_kernel k;
	char dir[GRAFT_PATH], path[GRAFT_PATH];
	int map;

	(void)state;
	ground_kernel(&k);
	snprintf(dir, sizeof(dir), "%s", ground_dir());
	graft_kernel_close(&k);
	map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "odd", 4, 8, GROUND_SLOTS, NULL);
	assert_true(map >= 0);
	assert_int_equal(graft_pin_path(path, dir, "slots"), 0);
	assert_int_equal(graft_pin(map, path), 0);
	close(map);
	assert_int_equal(try_open(GROUND_FIRST, GROUND_LAST), -EPROTO);
	assert_non_null(strstr(problem, "another version"));
	assert_int_equal(graft_kernel_look(&k, dir, problem, sizeof(problem)), -EPROTO);
	remove_all(dir);

	/* the same ports under another layout's name */
	ground_kernel(&k);
	graft_kernel_close(&k);
	ground_sh("mv %s $(echo %s | sed s,/v2-,/v9-,)", dir, dir);
	assert_int_equal(try_open(GROUND_FIRST, GROUND_LAST), -EPROTO);
	assert_non_null(strstr(problem, "another version"));
}

static void says_what_is_missing(void **state)
{
	struct graft_kernel k;

	(void)state;
	assert_int_equal(graft_kernel_open(&k, "/tmp", GROUND_FIRST, GROUND_LAST, 1, problem,
					   sizeof(problem)),
			 -ENOENT);
	assert_non_null(strstr(problem, "mount -t bpf"));
	assert_int_equal(graft_kernel_open(&k, ground_bpffs, 5, 4, 1, problem, sizeof(problem)),
			 -EINVAL);
	assert_int_equal(left_in_bpffs(), 0);

	pid_t child = fork();

	if (child == 0) {
		int rc = setuid(65534) ? 0
				       : graft_kernel_probe(ground_bpffs, problem, sizeof(problem));

		_exit(rc == -EPERM && strstr(problem, "CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN") ? 0
											     : 1);
	}
	int status;

	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

static void strangers_folders_are_left_alone(void **state)
{
	struct graft_folder f[2];
	struct graft_kernel k;

	(void)state;
	ground_kernel(&k);
	ground_sh("mkdir %s/shunt/v2-1-40000-49999 %s/shunt/else", ground_bpffs, ground_bpffs);
	assert_int_equal(graft_folders(ground_bpffs, f, 2), 1);
	graft_kernel_remove(&k);
	graft_kernel_close(&k);
	assert_int_equal(ground_lines("shunt/", "find %s", ground_bpffs), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_found_again, ground_open, ground_close),
		cmocka_unit_test_setup_teardown(survives_a_kill, ground_open, ground_close),
		cmocka_unit_test_setup_teardown(overlapping_ranges_are_refused, ground_open,
						ground_close),
		cmocka_unit_test_setup_teardown(begun_and_left, ground_open, ground_close),
		cmocka_unit_test_setup_teardown(other_layouts_are_refused, ground_open,
						ground_close),
		cmocka_unit_test_setup_teardown(says_what_is_missing, ground_open, ground_close),
		cmocka_unit_test_setup_teardown(strangers_folders_are_left_alone, ground_open,
						ground_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
