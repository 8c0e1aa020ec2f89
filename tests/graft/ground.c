/* SPDX-License-Identifier: BSD-2-Clause */
#include "ground.h"

#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

enum { TCX_INGRESS = 46, BEFORE = 1 << 3 };

char ground_bpffs[64];

static void no_ground(const char *why)
{
	printf("skip: %s\n", why);
	fflush(stdout);
	_exit(77);
}

int ground_open(void **state)
{
	char problem[256];

	(void)state;
	if (geteuid() != 0)
		no_ground("needs root: it makes namespaces and loads programs into the kernel");
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0)
		no_ground("no namespaces of our own");
	mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	snprintf(ground_bpffs, sizeof(ground_bpffs), "/tmp/ground-XXXXXX");
	assert_non_null(mkdtemp(ground_bpffs));
	if (mount("bpf", ground_bpffs, "bpf", 0, NULL) < 0) {
		rmdir(ground_bpffs);
		no_ground("no bpffs can be mounted");
	}
	if (graft_kernel_probe(ground_bpffs, problem, sizeof(problem)) < 0) {
		ground_close(NULL);
		no_ground(problem);
	}
	ground_sh("ip link set lo up");
	ground_sh("ip link add va type veth peer name vb && ip link add vc type veth peer name vd");
	ground_sh("for d in va vb vc vd; do ip link set $d up; done");
	ground_sh("ip addr add 10.1.0.1/24 dev va && ip addr add fd01::1/64 dev va nodad");
	ground_sh("ip addr add 10.2.0.1/24 dev vc && ip addr add fd02::1/64 dev vc nodad");
	return 0;
}

int ground_close(void **state)
{
	(void)state;
	umount2(ground_bpffs, MNT_DETACH);
	rmdir(ground_bpffs);
	return 0;
}

void ground_sh(const char *format, ...)
{
	char command[512];
	va_list more;

	va_start(more, format);
	vsnprintf(command, sizeof(command), format, more);
	va_end(more);
	if (system(command) != 0)
		fail_msg("%s", command);
}

int ground_lines(const char *word, const char *format, ...)
{
	char command[512], line[512];
	va_list more;
	int n = 0;

	va_start(more, format);
	vsnprintf(command, sizeof(command), format, more);
	va_end(more);
	FILE *f = popen(command, "re");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		n += strstr(line, word) != NULL;
	pclose(f);
	return n;
}

void ground_range(struct graft_kernel *k, uint16_t first, uint16_t last)
{
	char problem[256] = "";

	if (graft_kernel_open(k, ground_bpffs, first, last, GROUND_SLOTS, problem,
			      sizeof(problem)) < 0)
		fail_msg("open: %s", problem);
}

void ground_kernel(struct graft_kernel *k)
{
	ground_range(k, GROUND_FIRST, GROUND_LAST);
}

const char *ground_dir(void)
{
	static char dir[GRAFT_PATH];

	assert_int_equal(graft_folder_name(dir, ground_bpffs, GROUND_FIRST, GROUND_LAST), 0);
	return dir;
}

void ground_devices(struct graft_devices *d, struct graft_kernel *k, enum graft_how how)
{
	char problem[256] = "";

	if (graft_devices_open(d, k, how, problem, sizeof(problem)) < 0)
		fail_msg("devices: %s", problem);
}

void ground_follow(struct graft_devices *d, unsigned count)
{
	struct pollfd p = { .fd = d->netlink, .events = POLLIN };

	for (int i = 0; i < 50; i++) {
		if (poll(&p, 1, 100) > 0)
			graft_devices_follow(d);
		else if (d->count == count)
			break;
	}
	assert_int_equal(d->count, count);
}

void ground_wants_tcx(void)
{
	uint32_t id[16];

	if (ground_tcx("lo", GRAFT_IN, id) == -EINVAL)
		skip();
}

int ground_tcx(const char *device, enum graft_way way, uint32_t id[16])
{
	struct {
		uint32_t ifindex, type, flags, attach;
		uint64_t ids;
		uint32_t count, pad;
		uint64_t more[12];
	} q = { .ifindex = if_nametoindex(device),
		.type = TCX_INGRESS + (uint32_t)way,
		.ids = (uintptr_t)id,
		.count = 16 };

	if (syscall(SYS_bpf, BPF_PROG_QUERY, &q, sizeof(q)) < 0)
		return errno == ENOENT ? 0 : -errno;
	return (int)q.count;
}

int ground_filters(const char *device)
{
	return ground_lines("handle", "tc filter show dev %s ingress | grep shunt_graft_in",
			    device) +
	       ground_lines("handle", "tc filter show dev %s egress | grep shunt_graft_out",
			    device);
}

int ground_stranger(const char *device, enum graft_way way, bool clsact)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_link_create_opts, first, .flags = BEFORE);
	LIBBPF_OPTS(bpf_tc_opts, filter, .priority = 1);
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex(device),
		    .attach_point = way == GRAFT_IN ? BPF_TC_INGRESS : BPF_TC_EGRESS);
	int program = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "stranger", "GPL", code, 2, NULL), rc;

	assert_true(program >= 0);
	filter.prog_fd = program;
	if (clsact)
		rc = bpf_tc_attach(&hook, &filter);
	else
		rc = bpf_link_create(program, hook.ifindex,
				     (enum bpf_attach_type)(TCX_INGRESS + (int)way), &first);
	assert_true(rc >= 0);
	close(program);
	return rc;
}

static bool gone(int (*get)(__u32 id), uint32_t id)
{
	int fd = 0;

	for (int i = 0; fd >= 0 && i < 500; i++) {
		fd = get(id);
		if (fd >= 0) {
			close(fd);
			usleep(10000);
		}
	}
	return fd == -ENOENT;
}

bool ground_map_gone(uint32_t id)
{
	return gone(bpf_map_get_fd_by_id, id);
}

bool ground_program_gone(uint32_t id)
{
	return gone(bpf_prog_get_fd_by_id, id);
}

uint32_t ground_map_id(int fd)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	return info.id;
}
