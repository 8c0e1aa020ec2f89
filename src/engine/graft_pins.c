/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/graft_pins.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { DECLINES_SIZE = GRAFT_DECLINES_MOST * sizeof(uint64_t) };

/* "in-" and "out-" */
const char *graft_pins_prefix(enum graft_way way)
{
	return way == GRAFT_IN ? "in-" : "out-";
}

int *graft_pins_fd(struct graft_kernel *k, enum graft_map m)
{
	int *const fd[GM_COUNT] = {
		[GM_T4] = &k->t4,          [GM_T6] = &k->t6,
		[GM_SLOTS] = &k->slots_fd, [GM_EVENTS] = &k->events,
		[GM_COUNTS] = &k->counts,  [GM_DEVICES] = &k->devices,
		[GM_PORTS] = &k->ports_fd, [GM_DECLINES] = &k->declines_fd,
	};

	return fd[m];
}

void graft_pins_clear(struct graft_kernel *k)
{
	memset(k, 0, sizeof(*k));
	k->lock = k->notes = k->program[0] = k->program[1] = -1;
	for (enum graft_map m = 0; m < GM_COUNT; m++)
		*graft_pins_fd(k, m) = -1;
}

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static size_t page_up(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

static size_t slots_size(const struct graft_kernel *k)
{
	return page_up((size_t)k->slots * sizeof(struct graft_slot));
}

void graft_pins_unmap(struct graft_kernel *k)
{
	if (k->slot)
		munmap(k->slot, slots_size(k));
	if (k->strip)
		munmap(k->strip, page_up(GRAFT_PORTS));
	if (k->declined)
		munmap(k->declined, page_up(DECLINES_SIZE));
	k->slot = NULL;
	k->strip = NULL;
	k->declined = NULL;
}

void graft_pins_close(struct graft_kernel *k)
{
	graft_pins_unmap(k);
	for (enum graft_map m = 0; m < GM_COUNT; m++)
		shut(graft_pins_fd(k, m));
	shut(&k->program[GRAFT_IN]);
	shut(&k->program[GRAFT_OUT]);
	shut(&k->notes);
	shut(&k->lock); /* last: whoever waits for the range finds nothing of ours open */
	graft_pins_clear(k);
}

/* -- what is pinned -- */

static int map_path(char path[GRAFT_PATH], const char *dir, enum graft_map m)
{
	return graft_pin_path(path, dir, graft_map_name(m));
}

struct seen {
	unsigned programs;
};

static void see(void *to, const char *path, uint32_t number)
{
	struct seen *s = to;

	(void)path;
	(void)number;
	s->programs++;
}

unsigned graft_pins_programs(const char *dir)
{
	struct seen s = { 0 };

	graft_folder_each(dir, graft_pins_prefix(GRAFT_IN), see, &s);
	graft_folder_each(dir, graft_pins_prefix(GRAFT_OUT), see, &s);
	return s.programs;
}

/* All maps of the folder. 0; -ENOENT: one is missing (all are closed then); -errno. */
int graft_pins_find(struct graft_kernel *k)
{
	char path[GRAFT_PATH];
	int rc = 0;

	for (enum graft_map m = 0; m < GM_COUNT && rc >= 0; m++) {
		rc = map_path(path, k->dir, m);
		if (rc == 0)
			rc = *graft_pins_fd(k, m) = graft_pinned(path);
	}
	for (enum graft_map m = 0; m < GM_COUNT && rc < 0; m++)
		shut(graft_pins_fd(k, m));
	return rc < 0 ? rc : 0;
}

int graft_pins_put_maps(struct graft_kernel *k)
{
	char path[GRAFT_PATH];
	int rc = 0;

	for (enum graft_map m = 0; m < GM_COUNT && rc == 0; m++) {
		rc = map_path(path, k->dir, m);
		if (rc == 0)
			rc = graft_pin(*graft_pins_fd(k, m), path);
	}
	return rc;
}

int graft_pins_put_programs(const struct graft_kernel *k)
{
	char path[GRAFT_PATH];
	int rc = 0;

	for (enum graft_way w = GRAFT_IN; w <= GRAFT_OUT && rc == 0; w++) {
		rc = graft_pin_number(path, k->dir, graft_pins_prefix(w), k->id[w]);
		if (rc == 0)
			rc = graft_pin(k->program[w], path);
	}
	return rc;
}

/* Maps that fit our layout become memory. */
int graft_pins_map(struct graft_kernel *k, bool write)
{
	const int how = write ? PROT_READ | PROT_WRITE : PROT_READ;
	uint32_t entries;
	void *at;
	int rc = 0;

	for (enum graft_map m = 0; m < GM_COUNT && rc == 0; m++) {
		rc = graft_load_fits(*graft_pins_fd(k, m), m, &entries);
		if (m == GM_SLOTS)
			k->slots = entries;
	}
	if (rc < 0)
		return rc;
	at = mmap(NULL, slots_size(k), how, MAP_SHARED, k->slots_fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	k->slot = at;
	at = mmap(NULL, page_up(GRAFT_PORTS), how, MAP_SHARED, k->ports_fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	k->strip = at;
	at = mmap(NULL, page_up(DECLINES_SIZE), how, MAP_SHARED, k->declines_fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	k->declined = at;
	return 0;
}
