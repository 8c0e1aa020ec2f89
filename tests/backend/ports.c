/* SPDX-License-Identifier: BSD-2-Clause */
/* ports.c — the ports that checks connect from: one that meets itself, and none that is left */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/ask.h"
#include "ward.h"
#include "zone.h"

#define ONLY 50000 /* the only port that connections are given */

static void only_one_port(void)
{
	int fd = open("/proc/sys/net/ipv4/ip_local_port_range", O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "50000 50000", 11), 11);
	close(fd);
}

static enum ask_answer asked(const char *to, char why[64])
{
	int epfd = epoll_create1(EPOLL_CLOEXEC);
	struct addr addr = address(to);
	struct ask_question q = { .to = &addr };
	struct epoll_event e;
	struct ask a;
	enum ask_answer is = ask_begin(&a, &q, epfd, 7);

	while (is == ASK_WAIT && epoll_wait(epfd, &e, 1, 5000) == 1) {
		assert_int_equal(e.data.u64, 7);
		is = ask_go_on(&a, 7);
	}
	ask_end(&a);
	close(epfd);
	memcpy(why, a.why, sizeof(a.why));
	return is;
}

static void nobody_is_well_who_is_ourselves(void **state)
{
	char why[64];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(asked("127.0.0.1:50000", why), ASK_BAD);
		assert_string_equal(why, "Connection refused");
		assert_int_equal(asked("[::1]:50000", why), ASK_BAD);
		assert_string_equal(why, "Connection refused");
	}
	close(ward_listen(ONLY, NULL)); /* and the port is free again */
}

static void no_port_of_ours_is_not_their_fault(void **state)
{
	int listening = ward_listen(7, NULL), held;
	struct addr addr = address("127.0.0.1:7");
	char why[64];

	(void)state;
	assert_int_equal(asked("127.0.0.1:7", why), ASK_GOOD);
	held = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(held, (struct sockaddr *)&addr.ss, addr.len), 0);
	assert_int_equal(asked("127.0.0.1:7", why), ASK_LACK);
	assert_string_equal(why, "Cannot assign requested address");
	close(held);
	close(listening);
}

/* The same errno, and it is not ports that are missing. */
static void a_network_that_is_not_there_is_bad(void **state)
{
	int fd = open("/proc/sys/net/ipv6/conf/all/disable_ipv6", O_WRONLY | O_CLOEXEC);
	char why[64];

	(void)state;
	if (fd < 0)
		skip();
	assert_int_equal(write(fd, "1", 1), 1);
	close(fd);
	assert_int_equal(asked("[::1]:7", why), ASK_BAD);
	assert_string_equal(why, "Cannot assign requested address");
	assert_int_equal(asked("192.0.2.1:7", why), ASK_BAD);
	assert_string_equal(why, "Network is unreachable");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_is_well_who_is_ourselves),
		cmocka_unit_test(no_port_of_ours_is_not_their_fault),
		cmocka_unit_test(a_network_that_is_not_there_is_bad),
	};
	int failed;

	if (!zone_enter()) {
		fprintf(stderr, "a network, user or mount namespace of its own is missing\n");
		return 77;
	}
	only_one_port();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	zone_leave();
	return failed;
}
