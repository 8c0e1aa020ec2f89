/* SPDX-License-Identifier: BSD-2-Clause */
/* belief_bpf.h — small calls of bpf(2), and a machine of our own to make them on
 *
 * A program here may be carried to another machine as it is, so it brings what headers of older systems
 * do not have yet.
 */
#ifndef BELIEF_BPF_H
#define BELIEF_BPF_H

#include "belief.h"

#include <linux/bpf.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>

enum { BELIEF_TCX_INGRESS = 46, BELIEF_BEFORE = 1 << 3 };

static inline long bpf_call(int what, union bpf_attr *attr)
{
	long rc = syscall(SYS_bpf, what, attr, sizeof(*attr));

	return rc < 0 ? -errno : rc;
}

/* A network namespace with lo up, and a bpffs at *at that goes with us; or the program is skipped. */
static inline void own_machine(char at[64])
{
	if (geteuid() != 0)
		skip("needs root");
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0)
		skip("no namespaces of our own: %s", strerror(errno));
	mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	snprintf(at, 64, "/tmp/belief-XXXXXX");
	must(mkdtemp(at) != NULL);
	if (mount("bpf", at, "bpf", 0, NULL) < 0) {
		rmdir(at);
		skip("no bpffs: %s", strerror(errno));
	}
}

static inline void leave_machine(const char *at)
{
	need(umount2(at, MNT_DETACH));
	rmdir(at);
}

/* What the shell makes of it; false: it failed. */
static inline bool shell(const char *format, ...) PRINTF(1, 2);
static inline bool shell(const char *format, ...)
{
	char command[512];
	va_list more;

	va_start(more, format);
	vsnprintf(command, sizeof(command), format, more);
	va_end(more);
	return system(command) == 0;
}

static inline int load(enum bpf_prog_type type, const struct bpf_insn *code, unsigned count)
{
	static char log[4096];
	union bpf_attr attr = { .prog_type = type,
				.insn_cnt = count,
				.insns = (uintptr_t)code,
				.license = (uintptr_t) "GPL",
				.log_level = 1,
				.log_buf = (uintptr_t)log,
				.log_size = sizeof(log) };
	long fd = bpf_call(BPF_PROG_LOAD, &attr);

	if (fd == -EPERM || fd == -ENOSYS)
		skip("programs cannot be loaded: %s", strerror((int)-fd));
	return need((int)fd);
}

/* A program on packets that leaves each to the next one: TC_ACT_UNSPEC. */
static inline int load_next(void)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return load(BPF_PROG_TYPE_SCHED_CLS, code, 2);
}

static inline unsigned program_id(int fd)
{
	struct bpf_prog_info info = { 0 };
	union bpf_attr attr = { .info = { .bpf_fd = (unsigned)fd,
					  .info_len = sizeof(info),
					  .info = (uintptr_t)&info } };

	must(bpf_call(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0);
	return info.id;
}

static inline int map_create(enum bpf_map_type type, unsigned key, unsigned value, unsigned entries,
			     unsigned flags)
{
	union bpf_attr attr = { .map_type = type,
				.key_size = key,
				.value_size = value,
				.max_entries = entries,
				.map_flags = flags };
	long fd = bpf_call(BPF_MAP_CREATE, &attr);

	if (fd == -EPERM || fd == -ENOSYS)
		skip("maps cannot be made: %s", strerror((int)-fd));
	return need((int)fd);
}

static inline int pin(int fd, const char *path)
{
	union bpf_attr attr = { .pathname = (uintptr_t)path, .bpf_fd = (unsigned)fd };

	return (int)bpf_call(BPF_OBJ_PIN, &attr);
}

static inline int pinned(const char *path)
{
	union bpf_attr attr = { .pathname = (uintptr_t)path };

	return (int)bpf_call(BPF_OBJ_GET, &attr);
}

/* A link to the way in of a device: a descriptor or -errno. */
static inline int tcx_link(int program, unsigned ifindex, unsigned flags)
{
	union bpf_attr attr = { .link_create = { .prog_fd = (unsigned)program,
						 .target_ifindex = ifindex,
						 .attach_type = BELIEF_TCX_INGRESS,
						 .flags = flags } };

	return (int)bpf_call(BPF_LINK_CREATE, &attr);
}

/* Numbers of the programs there, in their order: how many, or -errno. */
static inline int tcx_list(unsigned ifindex, unsigned id[16])
{
	struct {
		unsigned ifindex, type, flags, attach;
		uint64_t ids;
		unsigned count, pad;
		uint64_t more[12];
	} q = { .ifindex = ifindex, .type = BELIEF_TCX_INGRESS, .ids = (uintptr_t)id, .count = 16 };

	if (syscall(SYS_bpf, BPF_PROG_QUERY, &q, sizeof(q)) < 0)
		return errno == ENOENT ? 0 : -errno;
	return (int)q.count;
}

static inline void want_tcx(unsigned ifindex, const char *at)
{
	unsigned id[16];

	if (tcx_list(ifindex, id) >= 0)
		return;
	leave_machine(at);
	skip("this kernel has no TCX (Linux 6.6)");
}

#endif
