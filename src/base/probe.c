/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/sys.h"

static const char sample[] = "some bytes";

int probe_kernel(char release[PROBE_RELEASE], unsigned *major, unsigned *minor)
{
	struct utsname u;

	if (uname(&u) < 0)
		return -errno;
	snprintf(release, PROBE_RELEASE, "%s", u.release);
	return sscanf(release, "%u.%u", major, minor) == 2 ? 0 : -EINVAL;
}

int probe_sysctl(const char *name, uint64_t *value)
{
	char path[128], text[32] = "", *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	for (char *p = path; *p; p++)
		if (*p == '.')
			*p = '/';
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = sys_read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		return (int)n;
	*value = strtoull(text, &end, 10);
	return end == text || (*end != '\n' && *end != '\0') ? -EINVAL : 0;
}

static int bind_loopback(int fd, int family)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	int rc = 0;

	if (family == AF_INET)
		rc = bind(fd, (const struct sockaddr *)&sin, sizeof(sin));
	else if (family == AF_INET6)
		rc = bind(fd, (const struct sockaddr *)&sin6, sizeof(sin6));
	return rc < 0 ? -errno : 0;
}

int probe_family(int family)
{
	int fd = sys_socket(family, SOCK_STREAM, 0);
	int rc = fd < 0 ? fd : bind_loopback(fd, family);

	sys_close(fd);
	return rc;
}

int probe_epoll(void)
{
	int fd = sys_epoll_create();

	sys_close(fd);
	return fd < 0 ? fd : 0;
}

/* Is the sample what can be read from fd now? */
static int same_bytes(int fd)
{
	char got[sizeof(sample)];
	ssize_t n = sys_read(fd, got, sizeof(got));

	if (n < 0)
		return (int)n;
	return n == sizeof(sample) && memcmp(got, sample, sizeof(sample)) == 0 ? 0 : -EIO;
}

/* Two pairs of sockets, and a pipe between them: a[1] -> a[0] -> pipe -> b[0] -> b[1]. */
static int splice_through(const int a[2], const int pipe[2], const int b[2])
{
	ssize_t n = sys_send(a[1], sample, sizeof(sample), 0);

	if (n >= 0)
		n = sys_splice(a[0], pipe[1], sizeof(sample), SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	if (n >= 0)
		n = sys_splice(pipe[0], b[0], sizeof(sample), SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	return n < 0 ? (int)n : same_bytes(b[1]);
}

static void close_pair(const int fds[2])
{
	sys_close(fds[0]);
	sys_close(fds[1]);
}

int probe_splice(void)
{
	int a[2] = { -1, -1 }, b[2] = { -1, -1 }, pipe[2] = { -1, -1 };
	const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
	int rc;

	if (socketpair(AF_UNIX, type, 0, a) < 0 || socketpair(AF_UNIX, type, 0, b) < 0)
		rc = -errno;
	else
		rc = sys_pipe(pipe);
	if (rc == 0)
		rc = splice_through(a, pipe, b);
	close_pair(a);
	close_pair(b);
	close_pair(pipe);
	return rc;
}

static int tee_through(const int from[2], const int to[2])
{
	ssize_t n = write(from[1], sample, sizeof(sample));
	int rc;

	if (n < 0)
		return -errno;
	n = sys_tee(from[0], to[1], sizeof(sample));
	if (n < 0)
		return (int)n;
	rc = same_bytes(to[0]);
	return rc < 0 ? rc : same_bytes(from[0]);
}

int probe_tee(void)
{
	int from[2] = { -1, -1 }, to[2] = { -1, -1 };
	int rc = sys_pipe(from);

	if (rc == 0)
		rc = sys_pipe(to);
	if (rc == 0)
		rc = tee_through(from, to);
	close_pair(from);
	close_pair(to);
	return rc;
}

int probe_pipe(size_t want)
{
	int fds[2], size, rc = sys_pipe(fds);

	if (rc < 0)
		return rc;
	size = sys_pipe_size(fds[1], want);
	if (size < 0)
		size = sys_pipe_size(fds[1], 0);
	close_pair(fds);
	return size;
}

/* Can the option be set to `value`, and is it that then? */
static int probe_option(int name, int value)
{
	int fd = sys_socket(AF_INET, SOCK_STREAM, 0), got = 0, rc;

	if (fd == -EAFNOSUPPORT)
		fd = sys_socket(AF_INET6, SOCK_STREAM, 0);
	if (fd < 0)
		return fd;
	rc = sys_setsockopt(fd, SOL_SOCKET, name, value);
	if (rc == 0)
		rc = sys_getsockopt(fd, SOL_SOCKET, name, &got);
	sys_close(fd);
	return rc < 0 ? rc : got == value ? 0 : -ENOPROTOOPT;
}

int probe_reuseport(void)
{
	return probe_option(SO_REUSEPORT, 1);
}

int probe_rcvlowat(void)
{
	return probe_option(SO_RCVLOWAT, 512);
}

int probe_io_uring(void)
{
	struct io_uring_params params = { 0 };
	long fd = syscall(SYS_io_uring_setup, 2, &params);

	if (fd < 0)
		return -errno;
	close((int)fd);
	return 0;
}

int probe_bpf(void)
{
	union bpf_attr attr;
	long fd;

	/* Whole: the kernel refuses what is not zero behind the fields that it knows. */
	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = 8;
	attr.max_entries = 1;
	fd = syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
	if (fd < 0)
		return -errno;
	close((int)fd);
	return 0;
}

int probe_bpffs(void)
{
	struct statfs s;

	if (statfs("/sys/fs/bpf", &s) < 0)
		return -errno;
	return (unsigned long)s.f_type == BPF_FS_MAGIC ? 0 : -ENOENT;
}

int probe_btf(void)
{
	return access("/sys/kernel/btf/vmlinux", R_OK) < 0 ? -errno : 0;
}
