/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports: the kernel gives none of ours to others, others' reservations stay, and what we added is given
 * back, by whoever comes to do it. */
#include "ground.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/graft_note.h"
#include "engine/graft_port.h"
#include "engine/graft_reserve.h"

#define RESERVED "/proc/sys/net/ipv4/ip_local_reserved_ports"

static char problem[1024];

static void set(const char *name, const char *value)
{
	ground_sh("echo '%s' > /proc/sys/net/ipv4/%s", value, name);
}

static void list_is(const char *want)
{
	char got[256] = "";
	FILE *f = fopen(RESERVED, "re");

	assert_non_null(f);
	if (fgets(got, sizeof(got), f))
		got[strcspn(got, "\n")] = '\0';
	fclose(f);
	assert_string_equal(got, want);
}

static int notes(void)
{
	int fd;

	ground_sh("mkdir -p %s/shunt", ground_bpffs);
	fd = graft_notes_open(ground_dir());
	assert_true(fd >= 0);
	return fd;
}

static int reserve(uint16_t first, uint16_t last, int fd)
{
	return graft_reserve(first, last, fd, problem, sizeof(problem));
}

static void given_back(void **state)
{
	int fd = notes();

	(void)state;
	set("ip_local_port_range", "32768 60999");
	assert_int_equal(reserve(40000, 49999, fd), 1);
	list_is("40000-49999");
	close(fd);

	/* after a crash: it is there already, and still ours */
	fd = notes();
	assert_int_equal(reserve(40000, 49999, fd), 1);
	assert_int_equal(graft_unreserve(40000, 49999, fd), 0);
	list_is("");
	assert_int_equal(graft_unreserve(40000, 49999, fd), 0);
	close(fd);
}

static void others_stay(void **state)
{
	int fd = notes();

	(void)state;
	set("ip_local_port_range", "32768 60999");
	set("ip_local_reserved_ports", "8080,39990-40010,45000,49999-50005");
	assert_int_equal(reserve(40000, 49999, fd), 1);
	list_is("8080,39990-50005");
	assert_int_equal(reserve(52000, 52001, fd), 1);                      /* another shunt's */
	set("ip_local_reserved_ports", "8080,9090,39990-50005,52000-52001"); /* somebody adds his */
	assert_int_equal(graft_unreserve(40000, 49999, fd), 0);
	list_is("8080,9090,39990-40010,45000,49999-50005,52000-52001");
	close(fd);
}

static void not_needed(void **state)
{
	int fd = notes();

	(void)state;
	set("ip_local_port_range", "32768 39999");
	assert_int_equal(reserve(40000, 49999, fd), 0); /* the kernel does not choose there */
	list_is("");
	set("ip_local_port_range", "32768 60999");
	set("ip_local_reserved_ports", "40000-49999");
	assert_int_equal(reserve(40000, 49999, fd), 0); /* by somebody else, who keeps it */
	assert_int_equal(graft_unreserve(40000, 49999, fd), 0);
	list_is("40000-49999");
	close(fd);
}

/* The kernel gives the list in one read, and takes it a page at a time. */
static int entries(void)
{
	return ground_lines("", "dd if=" RESERVED " bs=256k status=none | tr , '\\n'");
}

static void long_lists(void **state)
{
	int fd = notes();

	(void)state;
	set("ip_local_port_range", "32768 60999");
	ground_sh("seq -s, 10001 2 16001 | dd of=" RESERVED
		  " bs=256k iflag=fullblock status=none"); /* 18 KB */
	assert_int_equal(entries(), 3001);
	assert_int_equal(reserve(40000, 49999, fd), 1);
	assert_int_equal(entries(), 3002);
	assert_int_equal(graft_unreserve(40000, 49999, fd), 0);
	assert_int_equal(entries(), 3001);
	close(fd);
}

static void refused_with_the_remedy(void **state)
{
	int fd = notes();

	(void)state;
	set("ip_local_port_range", "32768 60999");
	set("ip_local_reserved_ports", "8080");
	ground_sh("mount --bind " RESERVED " " RESERVED " && mount -o remount,bind,ro " RESERVED);
	assert_int_equal(reserve(40000, 49999, fd), -EPERM);
	assert_non_null(strstr(problem, "net.ipv4.ip_local_reserved_ports=8080,40000-49999"));
	ground_sh("umount " RESERVED);
	assert_int_equal(graft_unreserve(40000, 49999, fd), 0);
	list_is("8080");
	assert_int_equal(reserve(80, 99, fd), -EINVAL);
	close(fd);
}

static void taken_once(void **state)
{
	static struct graft_ports p;

	(void)state;
	assert_int_equal(graft_ports_open(&p, 2000, 2099, -1, problem, sizeof(problem)), 0);
	assert_true(graft_port_mark(&p, 2050));
	assert_false(graft_port_mark(&p, 2050));
	assert_false(graft_port_mark(&p, 2100));
	for (int i = 0; i < 99; i++) {
		const uint16_t port = graft_port_take(&p);

		assert_in_range(port, 2000, 2099);
		assert_int_not_equal(port, 2050);
	}
	assert_int_equal(graft_ports_used(&p), 100);
	assert_int_equal(graft_port_take(&p), 0);
	graft_port_give(&p, 2007);
	assert_int_equal(graft_port_take(&p), 2007);
}

static void *take_many(void *arg)
{
	struct graft_ports *p = arg;
	uintptr_t n = 0;

	while (graft_port_take(p))
		n++;
	return (void *)n;
}

static void taken_by_threads(void **state)
{
	static struct graft_ports p;
	pthread_t thread[4];
	uintptr_t sum = 0;
	void *n;

	(void)state;
	assert_int_equal(graft_ports_open(&p, 2000, 9999, -1, problem, sizeof(problem)), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, take_many, &p), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], &n);
		sum += (uintptr_t)n;
	}
	assert_int_equal(sum, 8000);
	assert_int_equal(graft_ports_used(&p), 8000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, ground_open, ground_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(given_back),
		TEST(others_stay),
		TEST(not_needed),
		TEST(long_lists),
		TEST(refused_with_the_remedy),
		TEST(taken_once),
		TEST(taken_by_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
