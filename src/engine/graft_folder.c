/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/graft_folder.h"

#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "engine/graft_map.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* As the abstract name begins, and as /proc/net/unix shows it. */
#define LOCK       "shunt-graft/"
#define LOCK_SHOWN "@" LOCK

uint64_t graft_folder_netns(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) < 0)
		cookie = 0;
	if (fd >= 0)
		close(fd);
	return cookie;
}

static int fits(int len)
{
	return len < GRAFT_PATH ? 0 : -ENAMETOOLONG;
}

int graft_folder_name(char dir[GRAFT_PATH], const char *bpffs, uint16_t first, uint16_t last)
{
	return fits(snprintf(dir, GRAFT_PATH, "%s/shunt/v%u-%llu-%u-%u",
			     bpffs ? bpffs : GRAFT_BPFFS, GRAFT_LAYOUT,
			     (unsigned long long)graft_folder_netns(), first, last));
}

int graft_folder_parse(const char *dir, struct graft_folder *f)
{
	const char *slash = strrchr(dir, '/'), *name = slash ? slash + 1 : dir;
	unsigned long long netns;
	unsigned first, last;
	int end = 0;

	memset(f, 0, sizeof(*f));
	if (sscanf(name, "v%u-%llu-%u-%u%n", &f->layout, &netns, &first, &last, &end) != 4 ||
	    name[end])
		return -EINVAL;
	if (netns != graft_folder_netns() || first < 1 || first > last || last > UINT16_MAX)
		return -EINVAL;
	f->first = (uint16_t)first;
	f->last = (uint16_t)last;
	return fits(snprintf(f->dir, sizeof(f->dir), "%s", dir));
}

/* Each folder of this namespace in BPFFS/shunt, which is `all`, until one says true. How many were shown,
 * or -errno. */
static int walk(const char *all, bool (*show)(void *to, const struct graft_folder *f), void *to)
{
	char path[GRAFT_PATH];
	struct graft_folder f;
	struct dirent *e;
	bool enough = false;
	int n = 0;
	DIR *d = opendir(all);

	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while (!enough && (e = readdir(d))) {
		if (graft_pin_path(path, all, e->d_name) < 0 || graft_folder_parse(path, &f) < 0)
			continue;
		n++;
		enough = show(to, &f);
	}
	closedir(d);
	return n;
}

struct list {
	struct graft_folder *f;
	int most, n;
};

static bool into_list(void *to, const struct graft_folder *f)
{
	struct list *l = to;

	if (l->n < l->most) {
		l->f[l->n] = *f;
		l->f[l->n].user = graft_folder_user(f->first, f->last);
	}
	l->n++;
	return false;
}

int graft_folders(const char *bpffs, struct graft_folder *f, int most)
{
	struct list l = { .f = f, .most = most };
	char all[GRAFT_PATH];
	int rc = graft_pin_path(all, bpffs ? bpffs : GRAFT_BPFFS, "shunt");

	return rc < 0 ? rc : walk(all, into_list, &l);
}

static void above(char all[GRAFT_PATH], const char *dir)
{
	char *slash;

	snprintf(all, GRAFT_PATH, "%s", dir);
	slash = strrchr(all, '/');
	if (slash)
		*slash = '\0';
}

struct pin {
	const char *name;
	bool found;
};

static bool has_pin(void *to, const struct graft_folder *f)
{
	struct pin *p = to;
	char path[GRAFT_PATH];

	p->found =
		!p->name || (graft_pin_path(path, f->dir, p->name) == 0 && access(path, F_OK) == 0);
	return p->found;
}

bool graft_folder_any(const char *dir, const char *pin)
{
	struct pin p = { .name = pin };
	char all[GRAFT_PATH];

	above(all, dir);
	walk(all, has_pin, &p);
	return p.found;
}

void graft_folder_remove_top(const char *dir)
{
	char all[GRAFT_PATH];

	above(all, dir);
	rmdir(all); /* goes when it is empty, and only then */
}

int graft_folder_check(const char *bpffs, char *problem, size_t size)
{
	const char *at = bpffs ? bpffs : GRAFT_BPFFS;
	struct statfs s;

	if (statfs(at, &s) == 0 && (unsigned long)s.f_type == BPF_FS_MAGIC)
		return 0;
	snprintf(problem, size, "there is no BPF file system at %s (mount -t bpf bpf %s)", at, at);
	return -ENOENT;
}

int graft_folder_make(const char *dir)
{
	char all[GRAFT_PATH];

	above(all, dir);
	if (mkdir(all, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (mkdir(dir, 0700) == 0)
		return 0;
	return errno == EEXIST ? 1 : -errno;
}

void graft_folder_remove(const char *dir)
{
	char path[GRAFT_PATH];
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (graft_pin_path(path, dir, e->d_name) == 0)
			unlink(path); /* "." and ".." refuse */
	if (d)
		closedir(d);
	rmdir(dir);
}

/* -- the lock -- */

static socklen_t lock_name(struct sockaddr_un *a, uint16_t first, uint16_t last)
{
	int len = snprintf(a->sun_path + 1, sizeof(a->sun_path) - 1, LOCK "%u-%u", first, last);

	a->sun_family = AF_UNIX;
	a->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
}

pid_t graft_folder_user(uint16_t first, uint16_t last)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un a;
	socklen_t len = lock_name(&a, first, last), got;
	struct ucred who = { .pid = -1 };
	pid_t user = -1;

	if (fd < 0)
		return -1;
	got = sizeof(who);
	if (connect(fd, (struct sockaddr *)&a, len) < 0)
		user = errno == ECONNREFUSED ? 0
					     : -1; /* nobody has the name, or its queue is full */
	else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &got) == 0 && who.pid > 0)
		user = who.pid;
	close(fd);
	return user;
}

/* Another range that is in use and overlaps with ours? Its user in *user. */
static bool overlaps(uint16_t first, uint16_t last, pid_t *user)
{
	FILE *f = fopen("/proc/thread-self/net/unix", "re");
	unsigned a, b;
	char line[512];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		const char *name = strstr(line, LOCK_SHOWN);

		if (!name || sscanf(name + strlen(LOCK_SHOWN), "%u-%u", &a, &b) != 2)
			continue;
		if (a > UINT16_MAX || b > UINT16_MAX || (a == first && b == last))
			continue;
		found = a <= last && b >= first;
		if (found)
			*user = graft_folder_user((uint16_t)a, (uint16_t)b);
	}
	if (f)
		fclose(f);
	return found;
}

int graft_folder_lock(uint16_t first, uint16_t last, pid_t *user)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), rc = 0;
	struct sockaddr_un a;
	socklen_t len = lock_name(&a, first, last);

	*user = 0;
	if (fd < 0)
		return -errno;
	/* Bound first, then looked round: of two who come at once at least one sees the other. */
	if (bind(fd, (struct sockaddr *)&a, len) < 0 || listen(fd, SOMAXCONN) < 0) {
		rc = -errno;
		*user = rc == -EADDRINUSE ? graft_folder_user(first, last) : 0;
	} else if (overlaps(first, last, user)) {
		rc = -EADDRINUSE;
	}
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

void graft_folder_answer(int lock)
{
	int fd;

	while ((fd = accept4(lock, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		close(fd);
}

/* -- pins -- */

void graft_folder_each(const char *dir, const char *prefix,
		       void (*each)(void *to, const char *path, uint32_t number), void *to)
{
	const size_t len = strlen(prefix);
	char path[GRAFT_PATH], *end;
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		unsigned long number;

		if (strncmp(e->d_name, prefix, len) != 0 || e->d_name[len] < '0' ||
		    e->d_name[len] > '9')
			continue;
		number = strtoul(e->d_name + len, &end, 10);
		if (!*end && number <= UINT32_MAX && graft_pin_path(path, dir, e->d_name) == 0)
			each(to, path, (uint32_t)number);
	}
	if (d)
		closedir(d);
}

int graft_pin_path(char path[GRAFT_PATH], const char *dir, const char *name)
{
	return fits(snprintf(path, GRAFT_PATH, "%s/%s", dir, name));
}

int graft_pin_number(char path[GRAFT_PATH], const char *dir, const char *prefix, uint32_t number)
{
	return fits(snprintf(path, GRAFT_PATH, "%s/%s%u", dir, prefix, number));
}

int graft_pin(int fd, const char *path)
{
	char fresh[GRAFT_PATH];

	if (fits(snprintf(fresh, sizeof(fresh), "%s-new", path)) < 0)
		return -ENAMETOOLONG;
	unlink(fresh); /* of one who died just there */
	if (bpf_obj_pin(fd, fresh) < 0)
		return -errno;
	if (rename(fresh, path) == 0)
		return 0;
	int rc = -errno;

	unlink(fresh);
	return rc;
}

int graft_pinned(const char *path)
{
	int fd = bpf_obj_get(path);

	return fd < 0 ? -errno : fd;
}
