/* SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/probe.h"
#include "base/sys.h"

static int open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static int inet(void)
{
	return probe_family(AF_INET);
}

static int pipe_of_64k(void)
{
	int size = probe_pipe(65536);

	return size < 0 ? size : 0;
}

/* Those that this kernel must say yes to, or nothing of shunt would run here; and then the others. */
static int (*const sure[])(void) = { probe_epoll,    probe_splice, probe_tee,  probe_reuseport,
				     probe_rcvlowat, inet,         pipe_of_64k };
static int (*const open_questions[])(void) = { probe_io_uring, probe_bpf, probe_bpffs, probe_btf };
#define SURE           (sizeof(sure) / sizeof(sure[0]))
#define OPEN_QUESTIONS (sizeof(open_questions) / sizeof(open_questions[0]))

static void what_every_kernel_has_is_found(void **state)
{
	int before = open_fds();

	(void)state;
	for (size_t i = 0; i < SURE; i++)
		assert_int_equal(sure[i](), 0);
	assert_int_equal(open_fds(), before);
}

static void open_questions_are_answered_and_leave_nothing(void **state)
{
	int before = open_fds();

	(void)state;
	for (size_t i = 0; i < OPEN_QUESTIONS; i++)
		assert_true(open_questions[i]() <= 0);
	assert_int_equal(open_fds(), before);
}

static void a_family_that_is_none_is_refused(void **state)
{
	(void)state;
	assert_int_equal(probe_family(AF_MAX), -EAFNOSUPPORT);
	assert_int_equal(probe_family(AF_UNIX), 0);
}

static void the_kernel_names_itself(void **state)
{
	char release[PROBE_RELEASE];
	unsigned major = 0, minor = 0;
	struct utsname u;

	(void)state;
	assert_int_equal(uname(&u), 0);
	assert_int_equal(probe_kernel(release, &major, &minor), 0);
	assert_string_equal(release, u.release);
	assert_true(major >= 4);
}

static void sysctls_are_numbers_or_told_why_not(void **state)
{
	uint64_t value = 4711;

	(void)state;
	assert_int_equal(probe_sysctl("kernel.nosuchthing", &value), -ENOENT);
	assert_int_equal(value, 4711);
	assert_int_equal(probe_sysctl("kernel.ostype", &value), -EINVAL);
	assert_int_equal(probe_sysctl("net.ipv4.ip_local_port_range", &value), -EINVAL);
	assert_int_equal(probe_sysctl("fs.pipe-max-size", &value), 0);
	assert_true(value >= 4096);
}

static void pipes_are_granted_as_asked_or_smaller(void **state)
{
	(void)state;
	assert_int_equal(probe_pipe(4096), 4096);
	assert_int_equal(probe_pipe(65536), 65536);
	/* More than any limit is for nobody, and then it is what pipes are born with. */
	assert_in_range(probe_pipe((size_t)1 << 31), 4096, 1 << 20);
}

/* Makes the n-th call fail in its way-th way. False: there is no such call, or it has no such way. */
static bool survives(int (*probe)(void), unsigned long n, unsigned way)
{
	int before = open_fds(), rc;

	sys_fault_at(n, way, 0);
	rc = probe();
	assert_int_equal(open_fds(), before);
	if (!sys_fault_name(0))
		return false;
	/* A pipe that may not grow is still a pipe. */
	assert_true(rc < 0 || probe == pipe_of_64k);
	return true;
}

/* Every call in turn fails: no probe says yes to a failure that it saw, and none leaks. */
static void failures_are_handed_up_and_leave_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < SURE; i++) {
		unsigned long n = 1;

		for (; survives(sure[i], n, 0); n++)
			for (unsigned way = 1; survives(sure[i], n, way);)
				way++;
		assert_in_range(n, 2, 20);
	}
	sys_fault_at(0, 0, 0);
}

/* No descriptor is left: that is what is said, and not that the kernel cannot. */
static void no_descriptors_is_what_is_said(void **state)
{
	struct rlimit limit, none;
	int answers[SURE];

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	for (size_t i = 0; i < SURE; i++)
		answers[i] = sure[i]();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (size_t i = 0; i < SURE; i++)
		assert_int_equal(answers[i], -EMFILE);
}

/* From now on the kernel answers this call with ENOSYS, as an old one or a sandbox would. */
static int refuse(unsigned call)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}

static void refused(unsigned call, int (*probe)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(refuse(call) == 0 && probe() == -ENOSYS ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void a_sandbox_that_refuses_is_seen(void **state)
{
	(void)state;
	refused(SYS_splice, probe_splice);
	refused(SYS_tee, probe_tee);
	refused(SYS_epoll_create1, probe_epoll);
	refused(SYS_io_uring_setup, probe_io_uring);
	refused(SYS_bpf, probe_bpf);
	refused(SYS_socketpair, probe_splice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_every_kernel_has_is_found),
		cmocka_unit_test(open_questions_are_answered_and_leave_nothing),
		cmocka_unit_test(a_family_that_is_none_is_refused),
		cmocka_unit_test(the_kernel_names_itself),
		cmocka_unit_test(sysctls_are_numbers_or_told_why_not),
		cmocka_unit_test(pipes_are_granted_as_asked_or_smaller),
		cmocka_unit_test(failures_are_handed_up_and_leave_nothing),
		cmocka_unit_test(no_descriptors_is_what_is_said),
		cmocka_unit_test(a_sandbox_that_refuses_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
