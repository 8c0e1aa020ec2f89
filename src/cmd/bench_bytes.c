/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/bench_bytes.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/sys.h"

#define BUFFER ((size_t)1 << 20)
#define FILES  ((size_t)32 << 20)
#define ALL    (BUFFER + FILES)
#define PAGE   ((size_t)4096)
#define ODD    0x9e3779b97f4a7c15u
#define UNDO   0xf1de83e19937733du /* ODD * UNDO == 1, modulo 2^64 */
#define WORD   sizeof(uint64_t)

/* Written, not mapped and stored: the faults of so many pages would take longer than all else. */
static int fill(int fd)
{
	uint64_t words[4096], n = 0;

	while (n < ALL / WORD) {
		for (size_t i = 0; i < sizeof(words) / WORD; i++)
			words[i] = htole64(++n * ODD);
		if (write(fd, words, sizeof(words)) != (ssize_t)sizeof(words))
			return errno ? -errno : -ENOSPC;
	}
	return 0;
}

int bench_bytes_make(struct bench_bytes *b)
{
	int fd = memfd_create("shunt-bench", MFD_CLOEXEC);
	int rc = fd < 0 ? -errno : fill(fd);
	const uint8_t *map = MAP_FAILED;

	if (rc == 0)
		map = mmap(NULL, ALL, PROT_READ, MAP_SHARED, fd, 0);
	if (rc == 0 && map == MAP_FAILED)
		rc = -errno;
	if (rc < 0) {
		sys_close(fd);
		return rc;
	}
	b->memfd = fd;
	b->map = map;
	return 0;
}

void bench_bytes_free(struct bench_bytes *b)
{
	union {
		const uint8_t *ours;
		void *theirs;
	} map = { .ours = b->map };

	if (!b->map)
		return;
	munmap(map.theirs, ALL);
	sys_close(b->memfd);
	b->map = NULL;
}

static struct bench_place place(enum bench_region region, size_t at)
{
	struct bench_place p = { .from = region == BENCH_FILE ? BUFFER : 0,
				 .size = region == BENCH_FILE ? FILES : BUFFER };

	p.at = at % p.size;
	return p;
}

/* 61 has no divisor with the number of pages in common: neighbours lie apart, and all pages serve. */
struct bench_place bench_bytes_begin(enum bench_region region, uint32_t number)
{
	return place(region, (size_t)number * 61 * PAGE);
}

/* Pages begin with the 512nd, 1024th… word: n + 1 ends with the byte 1. */
bool bench_bytes_begins(uint8_t first)
{
	return first == (uint8_t)ODD;
}

size_t bench_bytes_next(const struct bench_place *p, size_t want, size_t *offset)
{
	size_t left = p->size - p->at;

	*offset = p->from + p->at;
	return want < left ? want : left;
}

void bench_bytes_pass(struct bench_place *p, size_t n)
{
	p->at = (p->at + n) % p->size;
}

/* Whose first word is this? False: of no stream. */
static bool recognise(struct bench_place *p)
{
	uint64_t word, n;

	memcpy(&word, p->head, WORD);
	n = le64toh(word) * UNDO - 1;
	if (n >= ALL / WORD || n * WORD % PAGE != 0)
		return false;
	if (n * WORD < BUFFER)
		*p = place(BENCH_BUFFER, (size_t)n * WORD);
	else
		*p = place(BENCH_FILE, (size_t)n * WORD - BUFFER);
	p->heads = WORD;
	bench_bytes_pass(p, WORD);
	return true;
}

static size_t first_difference(const uint8_t *a, const uint8_t *b)
{
	size_t i = 0;

	while (a[i] == b[i])
		i++;
	return i;
}

size_t bench_bytes_check(const struct bench_bytes *b, struct bench_place *p, const uint8_t *bytes,
			 size_t n)
{
	size_t done = 0, part, offset;

	while (done < n && p->heads < WORD) {
		p->head[p->heads++] = bytes[done++];
		if (p->heads == WORD && !recognise(p))
			return 0;
	}
	for (; done < n; done += part) {
		part = bench_bytes_next(p, n - done, &offset);
		if (memcmp(b->map + offset, bytes + done, part) != 0)
			return done + first_difference(b->map + offset, bytes + done);
		bench_bytes_pass(p, part);
	}
	return n;
}
