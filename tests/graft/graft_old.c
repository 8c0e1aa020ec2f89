/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_old.c — what the programs ask of a kernel: no instruction, helper or function of the kernel that Linux 6.1
 * does not have, and a small part of what its verifier goes through at most. What cannot be seen here is whether
 * the verifier of that time follows them as today's does. */
#include "rig.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <engine/graft.skel.h>
#pragma GCC diagnostic pop

enum {
	HELPER_LAST = 209,      /* user_ringbuf_drain: the last one of 6.1 */
	VERIFIED_MOST = 100000, /* a tenth of the verifier's limit */
	MEMSX = 0x80,           /* loads that extend the sign: 6.6, as are the next two */
	KIND = 0xf0,
	POISON =
		195896080, /* 0xbad2310, by libbpf: reads a field that this kernel lacks, and is never reached */
};

/* Is it one of those that came with -mcpu=v4, Linux 6.6? */
static bool is_new(const struct bpf_insn *i)
{
	const unsigned class = i->code & 7, op = i->code & KIND;

	if (class == BPF_LDX)
		return (i->code & 0xe0) == MEMSX;
	if (class == BPF_JMP32)
		return op == BPF_JA;
	if (class != BPF_ALU && class != BPF_ALU64)
		return false;
	if (op == BPF_END)
		return class == BPF_ALU64; /* bswap */
	return i->off != 0;                /* signed moves, divisions, remainders */
}

static void nothing_new(const struct bpf_program *p)
{
	const struct bpf_insn *i = bpf_program__insns(p);
	const size_t n = bpf_program__insn_cnt(p);
	unsigned helpers = 0;

	assert_true(n > 100);
	for (size_t at = 0; at < n; at++) {
		if (i[at].code == (BPF_LD | BPF_IMM | BPF_DW)) {
			at++; /* its second half is a number */
			continue;
		}
		if (is_new(&i[at]))
			fail_msg("%s: instruction %zu is newer than Linux 6.1",
				 bpf_program__name(p), at);
		if (i[at].code != (BPF_JMP | BPF_CALL))
			continue;
		if (i[at].src_reg != 0 && i[at].src_reg != BPF_PSEUDO_CALL)
			fail_msg("%s: instruction %zu calls a function of the kernel",
				 bpf_program__name(p), at);
		if (i[at].src_reg == 0 && i[at].imm != POISON) {
			assert_in_range(i[at].imm, 1, HELPER_LAST);
			helpers++;
		}
	}
	assert_true(helpers > 0);
}

static void little_work(const struct bpf_program *p)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(p), &info, &len), 0);
	if (info.verified_insns)
		assert_in_range(info.verified_insns, 1, VERIFIED_MOST);
}

static void an_older_kernel_has_it_all(void **state)
{
	struct shunt_prog *prog = shunt_prog__open();
	struct bpf_program *p;

	(void)state;
	assert_non_null(prog);
	assert_int_equal(shunt_prog__load(prog), 0);
	bpf_object__for_each_program(p, prog->obj)
	{
		nothing_new(p);
		little_work(p);
	}
	shunt_prog__destroy(prog);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(an_older_kernel_has_it_all) };

	return cmocka_run_group_tests(tests, rig_open, rig_close);
}
