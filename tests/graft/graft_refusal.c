/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_refusal.c — one condition of the cut is not met: it is refused for that reason. Mended: it is cut */
#include "pair.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct wire packet;

static void numbers_off(unsigned x)
{
	for (unsigned i = 0; i < 4; i++) {
		struct seg s = pair_next(x, 10);

		*(i < 2 ? &s.seq : &s.ack) += i & 1 ? 1 : (uint32_t)-1;
		pair_refused(&s, i < 2 ? GC_DISORDER : GC_UNACKED);
	}
}

static void another_cookie(unsigned x)
{
	for (unsigned i = 0; i < 2; i++) {
		struct seg s = pair_next(x, 10);

		rig.slot[0].side[i].cookie++;
		pair_refused(&s, GC_OTHER_SOCKET);
		rig.slot[0].side[i].cookie--;
	}
}

static void a_byte_unread(unsigned x)
{
	for (unsigned i = 0; i < 2; i++) {
		char byte;
		int our = pair[i ? B : A];
		struct seg s;

		assert_int_equal(send(pair[i ? S : C], "x", 1, 0), 1);
		pair_came(our, POLLIN);
		s = pair_next(x, 10);
		pair_refused(&s, GC_UNREAD);
		assert_int_equal(read(our, &byte, 1), 1);
	}
}

static void an_urgent_byte(unsigned x)
{
	for (unsigned i = 0; i < 2; i++) {
		char byte;
		int our = pair[i ? B : A];
		struct seg s;

		assert_int_equal(send(pair[i ? S : C], "x", 1, MSG_OOB), 1);
		pair_came(our, POLLPRI);
		s = pair_next(x, 10);
		pair_refused(&s, GC_URGENT);
		assert_int_equal(recv(our, &byte, 1, MSG_OOB), 1);
		/* the mark goes with the next byte that is read */
		assert_int_equal(send(pair[i ? S : C], "y", 1, 0), 1);
		pair_came(our, POLLIN);
		assert_int_equal(read(our, &byte, 1), 1);
	}
}

/* Nothing of the other peer came by as our socket knows him: he may be translated, or come another way. */
static void one_sided(unsigned x)
{
	struct seg s = pair_next(x, 10);

	rig.slot[0].side[!x].seen = 0;
	pair_refused(&s, GC_ONE_SIDED);
	s = pair_next(!x, 0);
	s.flags |= ECE; /* one that cannot cut, but is of his */
	pair_stays(&s);
	assert_int_equal(rig.slot[0].side[!x].seen, SIDE_MET);
}

static void no_device(unsigned x)
{
	struct seg s = pair_next(x, 10);

	rig_device(LO, false);
	pair_refused(&s, GC_NO_DEVICE);
	rig_device(LO, true);
}

static void no_route(unsigned x)
{
	for (unsigned i = 0; i < 2; i++) {
		int our = pair[i ? B : A], peer = pair[i ? S : C];
		struct seg s;
		char byte;

		pair_option(our, SOL_SOCKET, SO_MARK, (int)(i + 1)); /* it forgets its route */
		s = pair_next(x, 10);
		pair_refused(&s, GC_NO_ROUTE);
		assert_int_equal(send(our, "x", 1, 0), 1); /* and looks for it anew */
		assert_int_equal(read(peer, &byte, 1), 1);
		while (pair_next(x, 0).seq == 0)
			;
	}
}

/* Peer i's socket does not answer to what we send. */
static void unacknowledged(unsigned x)
{
	struct sock_filter none = { .code = BPF_RET | BPF_K, .k = 0 };
	struct sock_fprog filter = { 1, &none };
	struct seg s;
	char byte;

	assert_int_equal(
		setsockopt(pair[x ? C : S], SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)),
		0);
	assert_int_equal(send(pair[x ? A : B], "x", 1, 0), 1);
	s = pair_next(x, 10);
	pair_refused(&s, GC_UNACKED);
	pair_option(pair[x ? C : S], SOL_SOCKET, SO_DETACH_FILTER, 0);
	assert_int_equal(read(pair[x ? C : S], &byte, 1), 1); /* it comes again */
	usleep(100000);                                       /* a delayed acknowledgement */
}

/* A packet that leaves a hole before it. */
static void out_of_order(unsigned x)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(pair_v6 ? 0x86dd : 0x0800),
				  .sll_ifindex = LO };
	int raw = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	for (unsigned i = 0; i < 2; i++) {
		struct seg s = pair_next(i, 10);
		char bytes[20];

		s.seq += 10;
		wire_tcp(&packet, &s);
		assert_int_equal(
			sendto(raw, packet.b, packet.len, 0, (struct sockaddr *)&to, sizeof(to)),
			packet.len);
		s = pair_next(x, 10);
		pair_refused(&s, GC_DISORDER);
		s = pair_next(i, 10); /* the hole is filled */
		wire_tcp(&packet, &s);
		sendto(raw, packet.b, packet.len, 0, (struct sockaddr *)&to, sizeof(to));
		assert_int_equal(recv(pair[i ? B : A], bytes, 20, MSG_WAITALL), 20);
	}
	close(raw);
}

/* -- a socket's lock is held: by send(), which waits for a page of what it shall send -- */

struct holder {
	int fd;
	char *page;
};

static void *hold(void *arg)
{
	struct holder *h = arg;

	assert_int_equal(send(h->fd, h->page, 1, 0), 1);
	return NULL;
}

static int missing_page(char **page)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register r = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int u = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	*page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	r.range.start = (uintptr_t)*page;
	r.range.len = 4096;
	if (u < 0 || ioctl(u, UFFDIO_API, &api) || ioctl(u, UFFDIO_REGISTER, &r))
		return -1;
	return u;
}

static void a_backlog(unsigned x)
{
	struct holder h = { .fd = pair[x ? B : A] };
	int u = missing_page(&h.page);
	struct uffdio_zeropage z = { .range = { (uintptr_t)h.page, 4096 } };
	struct seg s = pair_next(x, 10);
	pthread_t t;
	char byte;

	if (u < 0) {
		print_message("userfaultfd is not to be had: no backlog\n");
		return;
	}
	pthread_create(&t, NULL, hold, &h);
	pair_came(u, POLLIN);
	assert_int_equal(send(pair[x ? S : C], "x", 1, 0), 1); /* waits for the lock */
	usleep(20000);
	pair_refused(&s, GC_BACKLOG);
	assert_int_equal(ioctl(u, UFFDIO_ZEROPAGE, &z), 0);
	pthread_join(t, NULL);
	close(u);
	munmap(h.page, 4096);
	assert_int_equal(read(pair[x ? B : A], &byte, 1), 1);
	assert_int_equal(read(pair[x ? S : C], &byte, 1), 1);
	usleep(100000);
}

static void one_thing_is_wrong(void **state)
{
	static void (*const wrong[])(unsigned) = { numbers_off,    another_cookie, a_byte_unread,
						   an_urgent_byte, one_sided,      no_device,
						   no_route,       unacknowledged, out_of_order,
						   a_backlog };

	pair_v6 = *(bool *)*state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		for (unsigned x = 0; x < 2; x++) {
			struct seg s;

			pair_meet(true);
			wrong[i](x);
			rig_put();
			s = pair_next(x, 10);
			pair_cuts(&s);
		}
}

int main(void)
{
	static bool no = false, yes = true;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(one_thing_is_wrong, &no),
		cmocka_unit_test_prestate(one_thing_is_wrong, &yes),
	};

	return cmocka_run_group_tests(tests, pair_open, rig_close);
}
