/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 64, MOST = 65535, BY_UDP = 512, HEADER = 12 };

/* Shared with the child. */
static struct zone {
	unsigned rows;
	struct zone_row row[ROWS];
	atomic_uint asked, by_tcp;
} * zone;

static pid_t child;

/* -- a message -- */

struct message {
	uint8_t bytes[MOST + 1];
	size_t n;
};

static void put(struct message *m, const void *bytes, size_t n)
{
	if (m->n + n > MOST)
		abort();
	memcpy(m->bytes + m->n, bytes, n);
	m->n += n;
}

static void number(struct message *m, unsigned n)
{
	put(m, (uint8_t[]){ (uint8_t)(n >> 8), (uint8_t)n }, 2);
}

static void name(struct message *m, const char *text)
{
	while (*text && strcmp(text, ".") != 0) {
		size_t n = strcspn(text, ".");

		put(m, &(uint8_t){ (uint8_t)n }, 1);
		put(m, text, n);
		text += n + (text[n] == '.');
	}
	put(m, "", 1);
}

static void data(struct message *m, const struct zone_row *r, unsigned i)
{
	unsigned priority, weight, port;
	struct in6_addr in6;
	struct in_addr in;
	char target[256];

	if (r->type == ZONE_A && inet_pton(AF_INET, r->data, &in) == 1) {
		in.s_addr = htonl(ntohl(in.s_addr) + i);
		put(m, &in, sizeof(in));
	} else if (r->type == ZONE_AAAA && inet_pton(AF_INET6, r->data, &in6) == 1) {
		in6.s6_addr[15] = (uint8_t)(in6.s6_addr[15] + i);
		put(m, &in6, sizeof(in6));
	} else if (r->type == ZONE_SRV &&
		   sscanf(r->data, "%u %u %u %255s", &priority, &weight, &port, target) == 4) {
		number(m, priority);
		number(m, weight);
		number(m, port);
		name(m, target);
	} else {
		name(m, r->data);
	}
}

static void record(struct message *m, const struct zone_row *r, unsigned i)
{
	size_t length;

	name(m, r->name);
	number(m, r->type);
	number(m, 1);
	number(m, r->ttl >> 16);
	number(m, r->ttl & 0xffff);
	length = m->n;
	number(m, 0);
	data(m, r, i);
	m->bytes[length] = (uint8_t)((m->n - length - 2) >> 8);
	m->bytes[length + 1] = (uint8_t)(m->n - length - 2);
	if (r->way == ZONE_TORN && i + 1 == r->count)
		m->bytes[length + 1]++;
}

/* -- answering -- */

/* The name and type that are asked for; 0: it is no question. */
static size_t question(const uint8_t *q, size_t n, char asked[256], unsigned *type)
{
	size_t at = HEADER, len = 0;

	while (at < n && q[at] != 0) {
		size_t label = q[at++];

		if (label > 63 || at + label >= n || len + label + 1 >= 256)
			return 0;
		if (len)
			asked[len++] = '.';
		memcpy(asked + len, q + at, label);
		len += label;
		at += label;
	}
	asked[len] = '\0';
	if (at + 5 > n)
		return 0;
	*type = (unsigned)(q[at + 1] << 8 | q[at + 2]);
	return at + 5;
}

/* The rows of that name, and of those that it is another name for. False: nothing is said. */
static bool records(struct message *m, const char *asked, unsigned type, unsigned *count,
		    unsigned *code)
{
	bool known = false, fails = false, silent = false;

	for (unsigned i = 0; i < zone->rows; i++) {
		struct zone_row *r = &zone->row[i];

		if (strcasecmp(r->name, asked) != 0)
			continue;
		known = true;
		if (r->type != type && r->type != ZONE_CNAME)
			continue;
		atomic_fetch_add(&r->asked, 1);
		fails = fails || r->way == ZONE_FAILS;
		silent = silent || r->way == ZONE_SILENT;
		for (unsigned k = 0; k < r->count; k++, ++*count)
			record(m, r, k);
		if (r->type == ZONE_CNAME)
			records(m, r->data, type, count, code);
	}
	*code = fails ? 2 : known ? 0 : 3;
	return !silent;
}

static bool answer(const uint8_t *q, size_t n, struct message *m, bool tcp)
{
	unsigned type, count = 0, code = 0;
	char asked[256];
	size_t end = n > HEADER ? question(q, n, asked, &type) : 0;

	m->n = 0;
	if (end == 0)
		return false;
	put(m, q, end);
	if (!records(m, asked, type, &count, &code))
		return false;
	if (code)
		m->n = end, count = 0;
	m->bytes[2] = 0x81;
	m->bytes[3] = (uint8_t)(0x80 | code);
	memset(m->bytes + 4, 0, 8);
	m->bytes[5] = 1;
	if (!tcp && m->n > BY_UDP) {
		m->bytes[2] |= 2; /* truncated */
		m->n = end;
		count = 0;
	}
	m->bytes[6] = (uint8_t)(count >> 8);
	m->bytes[7] = (uint8_t)count;
	return true;
}

static void by_udp(int fd)
{
	static struct message m;
	uint8_t q[BY_UDP];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(fd, q, sizeof(q), 0, (struct sockaddr *)&from, &len);

	if (n <= 0)
		return;
	atomic_fetch_add(&zone->asked, 1);
	if (answer(q, (size_t)n, &m, false))
		sendto(fd, m.bytes, m.n, 0, (struct sockaddr *)&from, len);
}

static void by_tcp(int listening)
{
	static struct message m;
	int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	uint8_t q[BY_UDP], length[2];

	while (fd >= 0 && recv(fd, length, 2, MSG_WAITALL) == 2) {
		size_t n = (size_t)(length[0] << 8 | length[1]);

		if (n > sizeof(q) || recv(fd, q, n, MSG_WAITALL) != (ssize_t)n)
			break;
		atomic_fetch_add(&zone->by_tcp, 1);
		if (!answer(q, n, &m, true))
			break;
		length[0] = (uint8_t)(m.n >> 8);
		length[1] = (uint8_t)m.n;
		send(fd, length, 2, MSG_NOSIGNAL | MSG_MORE);
		send(fd, m.bytes, m.n, MSG_NOSIGNAL);
	}
	if (fd >= 0)
		close(fd);
}

static int opened(int type)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(53),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 16) < 0)) {
		perror("127.0.0.1:53");
		exit(1);
	}
	return fd;
}

static void serve(int udp, int tcp)
{
	struct pollfd p[] = { { .fd = udp, .events = POLLIN }, { .fd = tcp, .events = POLLIN } };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		if (poll(p, 2, -1) <= 0)
			continue;
		if (p[0].revents)
			by_udp(udp);
		if (p[1].revents)
			by_tcp(tcp);
	}
}

/* -- its world -- */

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

static bool become_root(void)
{
	unsigned uid = geteuid(), gid = getegid();
	char map[64];

	if (uid == 0)
		return unshare(CLONE_NEWNS | CLONE_NEWNET) == 0;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) < 0)
		return false;
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", gid);
	write_file("/proc/self/gid_map", map);
	snprintf(map, sizeof(map), "0 %u 1", uid);
	return write_file("/proc/self/uid_map", map);
}

static bool loopback_up(void)
{
	struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool done = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &up) == 0;

	if (fd >= 0)
		close(fd);
	return done;
}

void zone_resolv_conf(const char *text)
{
	if (!write_file("/etc/resolv.conf", text))
		abort();
}

void zone_hosts(const char *text)
{
	if (!write_file("/etc/hosts", text))
		abort();
}

bool zone_enter(void)
{
	int udp, tcp;

	if (!become_root() || !loopback_up() ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("zone", "/etc", "tmpfs", 0, "mode=755") < 0)
		return false;
	zone_resolv_conf("nameserver 127.0.0.1\n");
	zone_hosts("127.0.0.1 localhost\n::1 localhost\n");
	zone = mmap(NULL, sizeof(*zone), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (zone == MAP_FAILED)
		return false;
	udp = opened(SOCK_DGRAM);
	tcp = opened(SOCK_STREAM);
	child = fork();
	if (child == 0)
		serve(udp, tcp);
	close(udp);
	close(tcp);
	return child > 0;
}

void zone_leave(void)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* -- what is told -- */

void zone_clear(void)
{
	memset(zone, 0, sizeof(*zone));
}

struct zone_row *zone_add(const char *text, uint16_t type, enum zone_way way, uint32_t ttl,
			  const char *what, unsigned count)
{
	struct zone_row *r = &zone->row[zone->rows];

	if (zone->rows == ROWS)
		abort();
	snprintf(r->name, sizeof(r->name), "%s", text);
	snprintf(r->data, sizeof(r->data), "%s", what);
	r->type = type;
	r->way = way;
	r->ttl = ttl;
	r->count = count;
	zone->rows++;
	return r;
}

unsigned zone_asked(void)
{
	return atomic_load(&zone->asked);
}

unsigned zone_asked_by_tcp(void)
{
	return atomic_load(&zone->by_tcp);
}
