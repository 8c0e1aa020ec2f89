/* SPDX-License-Identifier: BSD-2-Clause */
/* An array with BPF_F_MMAPABLE is memory that two who map it share, and that outlives both when it is
 * pinned. A pinned ring buffer keeps what programs wrote while nobody was there to read it.
 */
#include "belief_bpf.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

static char at[64], path[96];

static int *mapped(int fd)
{
	int *m = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		      0);

	must(m != MAP_FAILED);
	return m;
}

static void array(void)
{
	pid_t child = need(fork());

	if (child == 0) {
		int fd = map_create(BPF_MAP_TYPE_ARRAY, 4, 8, 100, BPF_F_MMAPABLE);

		mapped(fd)[42] = 4711;
		need(pin(fd, path));
		kill(getpid(), SIGKILL);
	}
	need(waitpid(child, NULL, 0));
	int a = need(pinned(path)), b = need(pinned(path));
	int *one = mapped(a), *two = mapped(b);

	believe_is(one[42], 4711, "what one wrote who is dead is there");
	two[43] = 4712;
	believe_is(one[43], 4712, "two who open the pin share the memory");

	unsigned key = 21;
	int value[2] = { 0, 0 };
	union bpf_attr look = { .map_fd = (unsigned)a,
				.key = (uintptr_t)&key,
				.value = (uintptr_t)value };

	must(bpf_call(BPF_MAP_LOOKUP_ELEM, &look) == 0);
	believe(value[0] == 4711 && value[1] == 4712, "and the map is the same memory");
	close(a);
	close(b);
	need(unlink(path));
	believe_is(one[42], 4711, "a mapping holds it after the last descriptor and the pin");
}

/* A program that writes eight bytes to the ring. */
static int writer(int ring)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .off = -8, .imm = 99 },
		{ .code = BPF_LD | BPF_IMM | BPF_DW,
		  .dst_reg = BPF_REG_1,
		  .src_reg = BPF_PSEUDO_MAP_FD,
		  .imm = ring },
		{ 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X,
		  .dst_reg = BPF_REG_2,
		  .src_reg = BPF_REG_10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_2, .imm = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3, .imm = 8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_4, .imm = 0 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_ringbuf_output },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return load(BPF_PROG_TYPE_SCHED_CLS, code, sizeof(code) / sizeof(code[0]));
}

static void ring(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char packet[64] = { 0 };
	int fd = map_create(BPF_MAP_TYPE_RINGBUF, 0, 0, (unsigned)page, 0);
	union bpf_attr run = { .test = { .prog_fd = (unsigned)writer(fd),
					 .data_size_in = sizeof(packet),
					 .data_in = (uintptr_t)packet } };

	need(pin(fd, path));
	close(fd);
	for (int i = 0; i < 3; i++)
		must(bpf_call(BPF_PROG_TEST_RUN, &run) == 0);
	fd = need(pinned(path));
	believe(polled(fd, POLLIN, 1000) & POLLIN,
		"who opens the ring later is told that it holds something");
	const char *m = mmap(NULL, 2 * page, PROT_READ, MAP_SHARED, fd, (off_t)page);

	must(m != MAP_FAILED);
	const unsigned long written = *(const unsigned long *)(const void *)m;

	believe_is(written, 48, "three records of eight bytes, with their heads");
	believe_is(*(const long *)(const void *)(m + page + 16 + 8), 99, "as they were written");
	close(fd);
}

int main(void)
{
	belief_begin();
	own_machine(at);
	snprintf(path, sizeof(path), "%s/map", at);
	array();
	ring();
	leave_machine(at);
	return belief_end();
}
