/* SPDX-License-Identifier: BSD-2-Clause */
/* holder.c — who has what we wanted
 *
 *   /proc/net/tcp, tcp6, unix      which listening sockets overlap with the address: their inodes
 *   /proc/PID/fd/N -> socket:[I]   which process has one of them open
 *
 * The kernel has no shorter way for an ordinary user. Other users' descriptors are not shown to us,
 * and processes in other pid namespaces not at all: then it is known that there is a holder, but not
 * who. All loops are bounded, since the tables are as long as the machine is busy.
 */
#include "daemon/holder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOCKETS_MOST 16      /* that overlap */
#define LINES_MOST   100000  /* of a table; listening sockets stand first in those of TCP */
#define FDS_MOST     1000000 /* of all processes together */
#define ACCEPTS      0x10000 /* Flags in /proc/net/unix: __SO_ACCEPTCON */
#define LISTENS      10      /* st in /proc/net/tcp: TCP_LISTEN */
#define NO_MORE      ULONG_MAX

struct search {
	const struct addr *a;
	unsigned long inodes[SOCKETS_MOST];
	size_t count;
	long fds_left;
};

/* -- which sockets -- */

static bool is_v4(const struct addr *a)
{
	struct sockaddr_in6 sin6;

	if (a->ss.ss_family != AF_INET6)
		return a->ss.ss_family == AF_INET;
	memcpy(&sin6, &a->ss, sizeof(sin6));
	return IN6_IS_ADDR_V4MAPPED(&sin6.sin6_addr);
}

/* [::] takes IPv4 as well. A socket may have said that it does not, which the tables do not tell;
 * but we are asked only where something is in the way. */
static bool covers(const struct addr *x, const struct addr *y)
{
	return addr_is_every(x) && (!is_v4(x) || is_v4(y) || addr_is_every(y));
}

static bool overlap(const struct addr *x, const struct addr *y)
{
	return addr_port(x) == addr_port(y) && (addr_same(x, y) || covers(x, y) || covers(y, x));
}

/* "0100007F" or four of these, as the kernel prints the words of an address. */
static bool hex_addr(const char *hex, unsigned port, struct addr *out)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
	size_t words = strlen(hex) / 8;
	char word[9] = "";
	uint32_t value[4];

	if (strlen(hex) != 8 && strlen(hex) != 32)
		return false;
	for (size_t i = 0; i < words; i++) {
		memcpy(word, hex + 8 * i, 8);
		value[i] = (uint32_t)strtoul(word, NULL, 16);
	}
	*out = (struct addr){ .len = words == 1 ? sizeof(sin) : sizeof(sin6) };
	sin.sin_port = sin6.sin6_port = htons((uint16_t)port);
	if (words == 1) {
		memcpy(&sin.sin_addr, value, sizeof(sin.sin_addr));
		memcpy(&out->ss, &sin, sizeof(sin));
	} else {
		memcpy(&sin6.sin6_addr, value, sizeof(sin6.sin6_addr));
		memcpy(&out->ss, &sin6, sizeof(sin6));
	}
	return true;
}

/* sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode */
static unsigned long tcp_line(const struct addr *a, const char *line)
{
	unsigned long inode;
	unsigned port, state;
	struct addr local;
	char hex[33];

	if (sscanf(line, " %*d: %32[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*s %*s %lu", hex, &port,
		   &state, &inode) != 4)
		return 0;
	if (state !=
	    LISTENS) /* the tables begin with those that listen; tens of thousands may follow */
		return NO_MORE;
	return hex_addr(hex, port, &local) && overlap(a, &local) ? inode : 0;
}

/* Num: RefCount Protocol Flags Type St Inode Path; the path as addr_text prints it, '@' for NUL. */
static unsigned long unix_line(const struct addr *a, const char *line)
{
	unsigned long inode;
	char text[ADDR_TEXT];
	unsigned flags;
	int path = 0;

	if (sscanf(line, "%*[^:]: %*x %*x %x %*x %*x %lu %n", &flags, &inode, &path) != 2 ||
	    path == 0)
		return 0;
	addr_text(a, text);
	if (!(flags & ACCEPTS) || strcmp(line + path, text + strlen("unix:")) != 0)
		return 0;
	return inode;
}

/* Collects the inodes that `pick` finds in the lines of a table. */
static void search_table(struct search *s, const char *path,
			 unsigned long (*pick)(const struct addr *, const char *))
{
	FILE *f = fopen(path, "re");
	char line[512];

	if (!f)
		return;
	for (int n = 0; n < LINES_MOST && s->count < SOCKETS_MOST && fgets(line, sizeof(line), f);
	     n++) {
		unsigned long inode;

		line[strcspn(line, "\n")] = '\0';
		inode = pick(s->a, line);
		if (inode == NO_MORE)
			break;
		if (inode != 0)
			s->inodes[s->count++] = inode;
	}
	fclose(f);
}

/* -- whose -- */

static bool is_number(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

static bool wanted(const struct search *s, const char *link)
{
	unsigned long inode;

	if (sscanf(link, "socket:[%lu]", &inode) != 1)
		return false;
	for (size_t i = 0; i < s->count; i++)
		if (s->inodes[i] == inode)
			return true;
	return false;
}

/* Has the process at proc/pid one of the sockets open? */
static bool has_one(struct search *s, int proc, const char *pid)
{
	char path[32], link[64];
	struct dirent *e;
	bool found = false;
	DIR *d;
	int fd;

	snprintf(path, sizeof(path), "%.10s/fd", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (!found && s->fds_left-- > 0 && (e = readdir(d))) {
		ssize_t n = readlinkat(fd, e->d_name, link, sizeof(link) - 1);

		if (n <= 0)
			continue;
		link[n] = '\0';
		found = wanted(s, link);
	}
	closedir(d);
	return found;
}

/* A process may call itself anything: only what cannot disturb a terminal is taken. */
static void describe(int proc, const char *pid, char *text, size_t n)
{
	char path[32], name[32] = "";
	ssize_t len = 0;
	int fd;

	snprintf(path, sizeof(path), "%.10s/comm", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		len = read(fd, name, sizeof(name) - 1);
		close(fd);
	}
	name[len > 0 ? len : 0] = '\0';
	name[strcspn(name, "\n")] = '\0';
	for (char *p = name; *p; p++)
		if (!isprint((unsigned char)*p))
			*p = '?';
	snprintf(text, n, "%s (pid %s)", *name ? name : "a process", pid);
}

/* Writes who has one of the sockets. Ourselves only if nobody else has: a socket of ours is rarely
 * what is in our way. */
static bool search_processes(struct search *s, char *text, size_t n)
{
	DIR *d = opendir("/proc");
	bool other = false, self = false;
	struct dirent *e;

	if (!d)
		return false;
	while (!other && s->fds_left > 0 && (e = readdir(d))) {
		if (!is_number(e->d_name) || !has_one(s, dirfd(d), e->d_name))
			continue;
		if (strtol(e->d_name, NULL, 10) == getpid()) {
			self = true;
			continue;
		}
		other = true;
		describe(dirfd(d), e->d_name, text, n);
	}
	closedir(d);
	if (self && !other)
		snprintf(text, n, "this very process (pid %ld)", (long)getpid());
	return other || self;
}

int holder_of(const struct addr *a, char *text, size_t n)
{
	struct search s = { .a = a, .fds_left = FDS_MOST };

	if (n > 0)
		text[0] = '\0';
	if (a->ss.ss_family == AF_UNIX) {
		search_table(&s, "/proc/net/unix", unix_line);
	} else {
		search_table(&s, "/proc/net/tcp", tcp_line);
		search_table(&s, "/proc/net/tcp6", tcp_line);
	}
	if (s.count == 0)
		return -ENOENT;
	if (!search_processes(&s, text, n))
		snprintf(text, n, "another process (not visible to this user)");
	return 0;
}
