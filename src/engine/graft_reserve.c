/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/graft_reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/graft_note.h"

#define RESERVED "/proc/sys/net/ipv4/ip_local_reserved_ports"
#define RANGE    "/proc/sys/net/ipv4/ip_local_port_range"
#define SYSCTL   "net.ipv4.ip_local_reserved_ports"

enum {
	PORTS = 65536,
	LIST = PORTS / 2 * 6 + 2, /* every second port */
	LEAST = 1024,
};

struct list {
	bool has[PORTS];
	char text[LIST];
};

/* -- the list -- */

static int read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0 && len < size - 1) {
		n = read(fd, text + len, size - 1 - len);
		if (n > 0)
			len += (size_t)n;
	}
	int rc = n < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	while (len && text[len - 1] == '\n')
		len--;
	text[len] = '\0';
	return rc;
}

static int list_read(struct list *l)
{
	int rc = read_text(RESERVED, l->text, sizeof(l->text));
	unsigned long a, b;
	char *p = l->text;

	memset(l->has, 0, sizeof(l->has));
	while (rc == 0 && *p) {
		a = b = strtoul(p, &p, 10);
		if (*p == '-')
			b = strtoul(p + 1, &p, 10);
		if (*p == ',')
			p++;
		else if (*p)
			return -EINVAL;
		for (; a <= b && a < PORTS; a++)
			l->has[a] = true;
	}
	return rc;
}

/* The first run of ports from *at on for which has[] is `is`, within `last`. False: none. */
static bool next_run(const struct list *l, bool is, unsigned *at, unsigned last, unsigned *end)
{
	while (*at <= last && l->has[*at] != is)
		++*at;
	for (*end = *at; *end < last && l->has[*end + 1] == is;)
		++*end;
	return *at <= last;
}

static void list_print(struct list *l)
{
	size_t len = 0;
	unsigned end;

	l->text[0] = '\0';
	for (unsigned at = 0; next_run(l, true, &at, PORTS - 1, &end); at = end + 1)
		len += (size_t)snprintf(l->text + len, sizeof(l->text) - len,
					at == end ? "%s%u" : "%s%u-%u", len ? "," : "", at, end);
}

static int list_write(struct list *l)
{
	int fd = open(RESERVED, O_WRONLY | O_CLOEXEC), rc = 0;
	size_t len, done = 0;

	if (fd < 0)
		return -errno;
	list_print(l);
	len = strlen(l->text);
	l->text[len++] = '\n';
	/* The kernel takes a page at a time, and adds what follows to what it has. */
	while (done < len && rc == 0) {
		ssize_t n = write(fd, l->text + done, len - done);

		if (n <= 0)
			rc = n < 0 ? -errno : -EIO;
		else
			done += (size_t)n;
	}
	close(fd);
	l->text[len - 1] = '\0';
	return rc;
}

/* -- ours in it -- */

static bool noted_inside(uint16_t first, uint16_t last, int notes, uint32_t *note)
{
	for (uint32_t at = 0; graft_note_next(notes, NOTE_PORTS, at, note); at = *note)
		if (*note >> 16 >= first && (*note & 0xffff) <= last)
			return true;
	return false;
}

static int add_missing(struct list *l, unsigned first, unsigned last, int notes)
{
	unsigned end;
	int rc = 0;

	for (unsigned at = first; rc == 0 && next_run(l, false, &at, last, &end); at = end + 1)
		rc = graft_note(notes, NOTE_PORTS, at << 16 | end);
	memset(l->has + first, true, last - first + 1);
	return rc < 0 ? rc : list_write(l);
}

static int refuse(struct list *l, uint16_t first, uint16_t last, int rc, char *problem, size_t size)
{
	list_print(l);
	snprintf(problem, size,
		 "the kernel may give ports of %u-%u to others, and reserving them failed: %s "
		 "(sysctl -w " SYSCTL "=%.400s)",
		 first, last, strerror(-rc), l->text);
	return rc == -EACCES || rc == -EROFS ? -EPERM : rc;
}

static int reserve(struct list *l, uint16_t first, uint16_t last, int notes, char *problem,
		   size_t size)
{
	uint32_t note;
	unsigned at = first, end;
	int rc = list_read(l);

	if (rc < 0) {
		snprintf(problem, size, "reading %s: %s", RESERVED, strerror(-rc));
		return rc;
	}
	if (next_run(l, false, &at, last, &end)) {
		const bool had = noted_inside(first, last, notes, &note);

		rc = add_missing(l, first, last, notes);
		if (rc < 0) {
			while (!had && noted_inside(first, last, notes, &note))
				graft_note_clear(notes, NOTE_PORTS, note);
			return refuse(l, first, last, rc, problem, size);
		}
		return 1;
	}
	return noted_inside(first, last, notes, &note);
}

int graft_reserve(uint16_t first, uint16_t last, int notes, char *problem, size_t size)
{
	unsigned from = 0, to = 0;
	struct list *l;
	char text[64];
	int rc;

	if (first > last || first < LEAST) {
		snprintf(problem, size, "%u-%u is no range of ports above %d", first, last,
			 LEAST - 1);
		return -EINVAL;
	}
	rc = read_text(RANGE, text, sizeof(text));
	if (rc < 0 || sscanf(text, "%u %u", &from, &to) != 2) {
		snprintf(problem, size, "reading %s: %s", RANGE, strerror(rc ? -rc : EINVAL));
		return rc ? rc : -EINVAL;
	}
	if (from > last || to < first)
		return 0;
	l = malloc(sizeof(*l));
	if (!l)
		return -ENOMEM;
	rc = reserve(l, first, last, notes, problem, size);
	free(l);
	return rc;
}

int graft_unreserve(uint16_t first, uint16_t last, int notes)
{
	struct list *l;
	uint32_t note;
	int rc;

	if (!noted_inside(first, last, notes, &note))
		return 0;
	l = malloc(sizeof(*l));
	rc = l ? list_read(l) : -ENOMEM;
	for (uint32_t at = 0; rc == 0 && graft_note_next(notes, NOTE_PORTS, at, &note); at = note)
		for (uint32_t p = note >> 16; p <= (note & 0xffff); p++)
			if (p >= first && p <= last)
				l->has[p] = false;
	if (rc == 0)
		rc = list_write(l);
	while (rc == 0 && noted_inside(first, last, notes, &note))
		graft_note_clear(notes, NOTE_PORTS, note);
	free(l);
	return rc;
}
