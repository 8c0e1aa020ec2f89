/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/sys.h"
#include "daemon/holder.h"

enum share { ONLY, FIRST, ANOTHER };

static const char *unix_path(const struct addr *a)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)(const void *)&a->ss;

	return a->ss.ss_family == AF_UNIX && un->sun_path[0] ? un->sun_path : NULL;
}

/* A socket that listens at `a`. With SO_REUSEADDR two may bind as long as nobody listens, and both
 * could share the port from then on if they set SO_REUSEPORT before: so the FIRST of many sets it
 * only when the port is surely ours, and an ONLY one never. */
static int listening_socket(const struct addr *a, enum share share, mode_t mode)
{
	int fd = sys_socket(a->ss.ss_family, SOCK_STREAM, 0);
	bool ip = a->ss.ss_family != AF_UNIX;
	int r = 0;

	if (fd < 0)
		return fd;
	if (ip)
		r = sys_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (r == 0 && a->ss.ss_family == AF_INET6) /* "::" takes IPv4 as well */
		r = sys_setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, !addr_is_every(a));
	if (r == 0 && share == ANOTHER)
		r = sys_setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (r == 0 && !ip && mode && fchmod(fd, mode) < 0) /* its file is made with this mode */
		r = -errno;
	if (r == 0 &&
	    (bind(fd, (const struct sockaddr *)&a->ss, a->len) < 0 || listen(fd, SOMAXCONN) < 0))
		r = -errno;
	if (r == 0 && share == FIRST && ip)
		r = sys_setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (r == 0)
		return fd;
	sys_close(fd);
	return r;
}

/* Does nobody answer at this socket file? Who is seen to listen need not be asked: for him it would be
 * one more client. */
static bool is_stale(const struct addr *a)
{
	char holder[HOLDER_TEXT];

	if (holder_of(a, holder, sizeof(holder)) == 0)
		return false;
	int fd = sys_socket(AF_UNIX, SOCK_STREAM, 0);
	int r = fd < 0 ? fd : sys_connect(fd, (const struct sockaddr *)&a->ss, a->len);

	sys_close(fd);
	return r == -ECONNREFUSED;
}

static int first_socket(const struct addr *a, enum share share, mode_t mode)
{
	const char *path = unix_path(a);
	struct stat st;
	int fd = listening_socket(a, share, mode);

	if (fd != -EADDRINUSE || !path || lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode) ||
	    !is_stale(a))
		return fd;
	if (unlink(path) < 0)
		return -errno;
	return listening_socket(a, share, mode);
}

static int explain(const struct addr *a, int error, char *problem, size_t size)
{
	char text[ADDR_TEXT], holder[HOLDER_TEXT];

	addr_text(a, text);
	if (error == -EADDRINUSE && holder_of(a, holder, sizeof(holder)) == 0)
		snprintf(problem, size, "cannot listen on %s: held by %s", text, holder);
	else if (error == -EADDRINUSE)
		snprintf(problem, size, "cannot listen on %s: the address is in use", text);
	else if (error == -EACCES && unix_path(a))
		snprintf(problem, size, "cannot listen on %s: no permission to create it there",
			 text);
	else if (error == -EACCES)
		snprintf(
			problem, size,
			"cannot listen on %s: ports below net.ipv4.ip_unprivileged_port_start need "
			"CAP_NET_BIND_SERVICE (run as root, or setcap cap_net_bind_service=ep)",
			text);
	else if (error == -ENOENT && unix_path(a))
		snprintf(problem, size, "cannot listen on %s: its directory does not exist", text);
	else if (error == -EADDRNOTAVAIL)
		snprintf(problem, size, "cannot listen on %s: not an address of this machine",
			 text);
	else
		snprintf(problem, size, "cannot listen on %s: %s", text, strerror(-error));
	return error;
}

/* The umask has taken from the mode what it takes. The file is ours: its directory lets us make it there. */
static int restore_mode(const struct addr *a, mode_t mode)
{
	return mode && unix_path(a) && chmod(unix_path(a), mode) < 0 ? -errno : 0;
}

static int open_all(struct listener *l, const struct addr *a, unsigned workers, mode_t mode)
{
	int fd = first_socket(a, workers > 1 ? FIRST : ONLY, mode);
	struct stat st;

	if (fd < 0)
		return fd;
	l->fd[l->count++] = fd;
	if (addr_of_self(fd, &l->addr) < 0)
		l->addr = *a;
	if (unix_path(a) && lstat(unix_path(a), &st) == 0)
		l->inode = st.st_ino;
	int r = restore_mode(a, mode);

	if (r < 0)
		return r;
	while (l->count < workers) {
		fd = a->ss.ss_family == AF_UNIX ? l->fd[0] : listening_socket(&l->addr, ANOTHER, 0);
		if (fd < 0)
			return fd;
		l->fd[l->count++] = fd;
	}
	return 0;
}

int listen_open_as(struct listener *l, const struct addr_name *name, unsigned workers,
		   unsigned mode, char *problem, size_t size)
{
	struct addr a;
	const char *wrong;

	*l = (struct listener){ .count = 0 };
	int r = addr_resolve(name, &a, 1, &wrong);

	if (r < 0) {
		snprintf(problem, size, "cannot listen on %s: %s", name->host, wrong);
		return r;
	}
	r = open_all(l, &a, workers, mode);
	if (r < 0) {
		explain(&a, r, problem, size);
		listen_close(l);
		return r;
	}
	addr_text(&l->addr, l->text);
	return 0;
}

int listen_open(struct listener *l, const struct addr_name *name, unsigned workers, char *problem,
		size_t size)
{
	return listen_open_as(l, name, workers, 0, problem, size);
}

static int is_listening(int fd)
{
	int listens = 0, type = 0;
	int r = sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type);

	if (r == 0)
		r = sys_getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens);
	return r < 0 ? r : listens && type == SOCK_STREAM ? 0 : -EINVAL;
}

int listen_inherit(struct listener *l, int fd, unsigned workers, char *problem, size_t size)
{
	int r = is_listening(fd);

	*l = (struct listener){ .count = 0 };
	if (r == 0)
		r = sys_nonblock(fd);
	if (r == 0)
		r = addr_of_self(fd, &l->addr);
	if (r < 0) {
		snprintf(problem, size,
			 "cannot listen on fd:%d: it is not a listening stream socket: the service "
			 "manager has to hand it over (ListenStream= in a .socket unit)",
			 fd);
		return r;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	while (l->count < workers)
		l->fd[l->count++] = fd;
	addr_text(&l->addr, l->text);
	return 0;
}

void listen_close(struct listener *l)
{
	const char *path = unix_path(&l->addr);
	struct stat st;

	if (path && l->inode && lstat(path, &st) == 0 && st.st_ino == l->inode)
		unlink(path);
	for (unsigned i = 0; i < l->count; i++)
		if (i == 0 || l->fd[i] != l->fd[0])
			sys_close(l->fd[i]);
	l->count = 0;
	l->inode = 0;
}
