/* SPDX-License-Identifier: BSD-2-Clause */
#include "tap.h"

#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct tap tap[2];

static void address(int s, const char *name, const char *text)
{
	struct ifreq r = { 0 };
	struct sockaddr_in *a = (struct sockaddr_in *)&r.ifr_addr;

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	a->sin_family = AF_INET;
	inet_pton(AF_INET, text, &a->sin_addr);
	assert_int_equal(ioctl(s, SIOCSIFADDR, &r), 0);
	inet_pton(AF_INET, "255.255.255.0", &a->sin_addr);
	assert_int_equal(ioctl(s, SIOCSIFNETMASK, &r), 0);
}

static void attach(unsigned index, enum bpf_tc_attach_point where, int program)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)index, .attach_point = where);
	LIBBPF_OPTS(bpf_tc_opts, o, .prog_fd = program, .handle = 1, .priority = 1);

	assert_int_equal(bpf_tc_attach(&hook, &o), 0);
}

static void attach_both(unsigned index)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)index,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	assert_int_equal(bpf_tc_hook_create(&hook), 0);
	attach(index, BPF_TC_INGRESS, rig.in);
	attach(index, BPF_TC_EGRESS, rig.out);
}

static void make(struct tap *t, const char *name, const char *ip)
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	t->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (t->fd < 0 || ioctl(t->fd, TUNSETIFF, &r)) {
		print_message("skipped: a tap device: %s\n", strerror(errno));
		_exit(77);
	}
	assert_int_equal(ioctl(s, SIOCGIFHWADDR, &r), 0);
	memcpy(t->mac, r.ifr_hwaddr.sa_data, 6);
	r.ifr_flags = IFF_UP | IFF_NOARP;
	assert_int_equal(ioctl(s, SIOCSIFFLAGS, &r), 0);
	t->index = if_nametoindex(name);
	address(s, name, ip);
	close(s);
	attach_both(t->index);
}

void tap_offload(struct tap *t, bool yes)
{
	unsigned long what = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

	assert_int_equal(ioctl(t->fd, TUNSETOFFLOAD, yes ? what : 0), 0);
}

int tap_open(void **state)
{
	rig_open(state);
	make(&tap[0], "tap0", "10.7.0.1");
	make(&tap[1], "tap1", "10.7.1.1");
	return 0;
}

void tap_put(struct tap *t, struct frame *f)
{
	memcpy(f->w.b, t->mac, 6);
	static uint8_t all[sizeof(f->v) + WIRE_ROOM];

	memcpy(all, &f->v, sizeof(f->v));
	memcpy(all + sizeof(f->v), f->w.b, f->w.len);
	assert_int_equal(write(t->fd, all, sizeof(f->v) + f->w.len), sizeof(f->v) + f->w.len);
}

bool tap_take(struct tap *t, struct frame *f)
{
	static uint8_t all[sizeof(f->v) + WIRE_ROOM];

	for (unsigned tries = 0; tries < 20;) {
		ssize_t n = read(t->fd, all, sizeof(all));

		if (n < 0) {
			usleep(500);
			tries++;
			continue;
		}
		memcpy(&f->v, all, sizeof(f->v));
		f->w.len = (size_t)n - sizeof(f->v);
		memcpy(f->w.b, all + sizeof(f->v), f->w.len);
		if ((get16(f->w.b + 12) == 0x0800 && f->w.b[ETH + 9] == 6) ||
		    (get16(f->w.b + 12) == 0x86dd && f->w.b[ETH + 6] == 6))
			return true;
	}
	return false;
}
