/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/graft_load.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "engine/graft_map.h"

/* Made by bpftool, and not by our rules. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <engine/graft.skel.h>
#pragma GCC diagnostic pop

#define BTF "/sys/kernel/btf/vmlinux"

const char *graft_map_name(enum graft_map m)
{
	static const char *const name[] = {
#define GM_TEXT(name, text) text,
		GRAFT_MAPS(GM_TEXT)
#undef GM_TEXT
	};

	return name[m];
}

/* -- rights -- */

static bool has(const struct __user_cap_data_struct cap[2], unsigned which)
{
	return cap[which / 32].effective & 1u << which % 32;
}

int graft_load_may(char *problem, size_t size)
{
	static const struct {
		unsigned cap;
		bool admin; /* CAP_SYS_ADMIN does as well */
		const char *name;
	} want[] = {
		{ 39, true, "CAP_BPF" },
		{ 38, true, "CAP_PERFMON" },
		{ CAP_NET_ADMIN, false, "CAP_NET_ADMIN" },
	};
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct cap[2] = { 0 };
	char names[64] = "";

	if (syscall(SYS_capget, &head, cap) < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		if (!has(cap, want[i].cap) && !(want[i].admin && has(cap, CAP_SYS_ADMIN)))
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
				 names[0] ? ", " : "", want[i].name);
	if (names[0]) {
		snprintf(problem, size, "this process lacks %s (run it as root, or give it these)",
			 names);
		return -EPERM;
	}
	if (access(BTF, R_OK) < 0) {
		snprintf(problem, size,
			 "this kernel does not tell its types: no %s "
			 "(it must be built with CONFIG_DEBUG_INFO_BTF)",
			 BTF);
		return -ENOENT;
	}
	return 0;
}

/* -- maps -- */

static struct bpf_map *map_of(struct shunt_prog *p, enum graft_map m)
{
	struct bpf_map *const map[GM_COUNT] = {
		[GM_T4] = p->maps.shunt_t4,         [GM_T6] = p->maps.shunt_t6,
		[GM_SLOTS] = p->maps.shunt_slots,   [GM_EVENTS] = p->maps.shunt_events,
		[GM_COUNTS] = p->maps.shunt_counts, [GM_DEVICES] = p->maps.shunt_devices,
		[GM_PORTS] = p->maps.shunt_ports,   [GM_DECLINES] = p->maps.shunt_declines,
	};

	return map[m];
}

/* Which depends on the number of slots, how many of them for each. */
static uint32_t per_slot(enum graft_map m)
{
	return m == GM_T4 || m == GM_T6 ? 2 : m == GM_SLOTS ? 1 : 0;
}

static int fits(struct shunt_prog *p, int fd, enum graft_map m, uint32_t *entries)
{
	const struct bpf_map *ours = map_of(p, m);
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return -errno;
	*entries = info.max_entries;
	if (info.type != bpf_map__type(ours) || info.key_size != bpf_map__key_size(ours) ||
	    info.value_size != bpf_map__value_size(ours) ||
	    info.map_flags != bpf_map__map_flags(ours))
		return -EPROTO;
	return per_slot(m) || info.max_entries == bpf_map__max_entries(ours) ? 0 : -EPROTO;
}

int graft_load_fits(int fd, enum graft_map m, uint32_t *entries)
{
	struct shunt_prog *p = shunt_prog__open();
	int rc = p ? fits(p, fd, m, entries) : -errno;

	shunt_prog__destroy(p);
	return rc;
}

/* -- what differs between kernels -- */

#ifndef BPF_F_IPV6
#define BPF_F_IPV6 (1u << 7)
#endif

/* Does bpf_l4_csum_replace know that the address is one of IPv6? Older kernels would spoil the sum of
 * a CHECKSUM_COMPLETE packet without it, and refuse any flag that they do not know: so it is tried. */
static bool knows_ipv6_flag(void)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 16 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3, .imm = 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_4, .imm = 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K,
		  .dst_reg = BPF_REG_5,
		  .imm = (int)(BPF_F_PSEUDO_HDR | BPF_F_IPV6) },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_l4_csum_replace },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	uint8_t packet[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = packet, .data_size_in = sizeof(packet));
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "shunt_graft_try", "Dual BSD/GPL", code,
			       sizeof(code) / sizeof(code[0]), NULL);
	bool knows = fd >= 0 && bpf_prog_test_run_opts(fd, &run) == 0 && run.retval == 0;

	if (fd >= 0)
		close(fd);
	return knows;
}

/* -- loading -- */

/* The last thing that libbpf warned of while we loaded: it tells more than an errno. */
static _Thread_local char warned[160];

static int keep_warning(enum libbpf_print_level level, const char *fmt, va_list args)
{
	if (level == LIBBPF_WARN && !warned[0])
		vsnprintf(warned, sizeof(warned), fmt, args);
	warned[strcspn(warned, "\n")] = '\0';
	return 0;
}

static int prepare(struct shunt_prog *p, const int map[GM_COUNT], uint32_t slots, char *problem,
		   size_t size)
{
	uint32_t entries;
	int rc = 0;

	p->rodata->sum6_flags = BPF_F_PSEUDO_HDR | (knows_ipv6_flag() ? BPF_F_IPV6 : 0);
	for (enum graft_map m = 0; m < GM_COUNT && rc == 0; m++) {
		if (map[m] < 0) {
			if (per_slot(m))
				rc = bpf_map__set_max_entries(map_of(p, m), per_slot(m) * slots);
			continue;
		}
		rc = fits(p, map[m], m, &entries);
		if (rc == 0)
			rc = bpf_map__reuse_fd(map_of(p, m), map[m]);
		else
			snprintf(problem, size,
				 "the map %s is not as this version of shunt knows it",
				 graft_map_name(m));
	}
	return rc;
}

static int own(int fd)
{
	int mine = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return mine < 0 ? -errno : mine;
}

static int id_of(int program, uint32_t *id)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(program, &info, &len) < 0)
		return -errno;
	*id = info.id;
	return 0;
}

/* Our own descriptors, for those of p go with it. */
static int take_over(struct shunt_prog *p, int map[GM_COUNT], int program[2], uint32_t id[2])
{
	int rc = 0, fd;

	program[GRAFT_IN] = own(bpf_program__fd(p->progs.shunt_graft_in));
	program[GRAFT_OUT] = own(bpf_program__fd(p->progs.shunt_graft_out));
	for (int i = 0; i < 2 && rc == 0; i++)
		rc = program[i] < 0 ? program[i] : id_of(program[i], &id[i]);
	for (enum graft_map m = 0; m < GM_COUNT && rc == 0; m++) {
		if (map[m] >= 0)
			continue;
		fd = own(bpf_map__fd(map_of(p, m)));
		if (fd < 0)
			rc = fd;
		else
			map[m] = fd;
	}
	return rc;
}

int graft_load(int map[GM_COUNT], int program[2], uint32_t id[2], uint32_t slots, char *problem,
	       size_t size)
{
	libbpf_print_fn_t before = libbpf_set_print(keep_warning);
	struct shunt_prog *p;
	int rc;

	warned[0] = '\0';
	problem[0] = '\0';
	program[GRAFT_IN] = program[GRAFT_OUT] = -1;
	p = shunt_prog__open();
	rc = p ? prepare(p, map, slots, problem, size) : -errno;
	if (rc == 0)
		rc = shunt_prog__load(p);
	if (rc == 0)
		rc = take_over(p, map, program, id);
	shunt_prog__destroy(p);
	libbpf_set_print(before);
	if (rc < 0 && !problem[0])
		snprintf(problem, size, "the kernel does not take the programs: %s%s%s",
			 strerror(-rc), warned[0] ? "; " : "", warned);
	return rc;
}
