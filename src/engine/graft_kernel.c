/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_kernel.c — how a folder is opened
 *
 *   rights, BTF, bpffs     what cannot be is said before anything is made
 *   lock                   from here on nobody else opens this range or one that overlaps
 *   neighbours             folders of other ranges: one with grafts in it keeps its ports
 *   folder                 new, or found. A found one is whole (every map is pinned), or was left by one
 *                          who died while he made it: then no program was ever pinned, and it is made anew
 *   load                   programs on the maps; new maps where there are none
 *   pins                   maps first, programs last
 */
#include "engine/graft_kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "engine/graft_note.h"

enum { NEIGHBOURS = 64, SLOTS_MOST = 1 << 22 };

const char *graft_way_name(enum graft_way way)
{
	return way == GRAFT_IN ? "in" : "out";
}

/* "in-" and "out-" */
static const char *pin_of(enum graft_way way)
{
	return way == GRAFT_IN ? "in-" : "out-";
}

static int *map_of(struct graft_kernel *k, enum graft_map m)
{
	int *const fd[GM_COUNT] = {
		[GM_T4] = &k->t4,          [GM_T6] = &k->t6,         [GM_SLOTS] = &k->slots_fd,
		[GM_EVENTS] = &k->events,  [GM_COUNTS] = &k->counts, [GM_DEVICES] = &k->devices,
		[GM_PORTS] = &k->ports_fd,
	};

	return fd[m];
}

static void clear(struct graft_kernel *k)
{
	memset(k, 0, sizeof(*k));
	k->lock = k->notes = k->program[0] = k->program[1] = -1;
	for (enum graft_map m = 0; m < GM_COUNT; m++)
		*map_of(k, m) = -1;
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

void graft_kernel_close(struct graft_kernel *k)
{
	if (k->slot)
		munmap(k->slot, slots_size(k));
	if (k->strip)
		munmap(k->strip, page_up(GRAFT_PORTS));
	for (enum graft_map m = 0; m < GM_COUNT; m++)
		shut(map_of(k, m));
	shut(&k->program[GRAFT_IN]);
	shut(&k->program[GRAFT_OUT]);
	shut(&k->notes);
	shut(&k->lock); /* last: whoever waits for the range finds nothing of ours open */
	clear(k);
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

static unsigned programs_pinned(const char *dir)
{
	struct seen s = { 0 };

	graft_folder_each(dir, pin_of(GRAFT_IN), see, &s);
	graft_folder_each(dir, pin_of(GRAFT_OUT), see, &s);
	return s.programs;
}

/* All maps of the folder. 0; -ENOENT: one is missing (all are closed then); -errno. */
static int find_maps(struct graft_kernel *k)
{
	char path[GRAFT_PATH];
	int rc = 0;

	for (enum graft_map m = 0; m < GM_COUNT && rc >= 0; m++) {
		rc = map_path(path, k->dir, m);
		if (rc == 0)
			rc = *map_of(k, m) = graft_pinned(path);
	}
	for (enum graft_map m = 0; m < GM_COUNT && rc < 0; m++)
		shut(map_of(k, m));
	return rc < 0 ? rc : 0;
}

static int pin_maps(struct graft_kernel *k)
{
	char path[GRAFT_PATH];
	int rc = 0;

	for (enum graft_map m = 0; m < GM_COUNT && rc == 0; m++) {
		rc = map_path(path, k->dir, m);
		if (rc == 0)
			rc = graft_pin(*map_of(k, m), path);
	}
	return rc;
}

static int pin_programs(const struct graft_kernel *k)
{
	char path[GRAFT_PATH];
	int rc = 0;

	for (enum graft_way w = GRAFT_IN; w <= GRAFT_OUT && rc == 0; w++) {
		rc = graft_pin_number(path, k->dir, pin_of(w), k->id[w]);
		if (rc == 0)
			rc = graft_pin(k->program[w], path);
	}
	return rc;
}

/* Maps that fit our layout become memory. */
static int map_memory(struct graft_kernel *k, bool write)
{
	const int how = write ? PROT_READ | PROT_WRITE : PROT_READ;
	uint32_t entries;
	void *at;
	int rc = 0;

	for (enum graft_map m = 0; m < GM_COUNT && rc == 0; m++) {
		rc = graft_load_fits(*map_of(k, m), m, &entries);
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
	return 0;
}

unsigned graft_kernel_grafts(const struct graft_kernel *k)
{
	unsigned n = 0;

	for (uint32_t i = 0; k->slot && i < k->slots; i++)
		n += __atomic_load_n(&k->slot[i].state, __ATOMIC_RELAXED) != SLOT_FREE;
	return n;
}

/* -- the neighbours -- */

/* f overlaps, and nobody uses it: what does it hold? */
static void tell_left(const struct graft_folder *f, char *problem, size_t size)
{
	char ignored[64];
	struct graft_kernel other;
	unsigned grafts = 0;
	bool known = graft_kernel_look(&other, f->dir, ignored, sizeof(ignored)) == 0;

	if (known) {
		grafts = graft_kernel_grafts(&other);
		graft_kernel_close(&other);
	}
	if (known && grafts)
		snprintf(problem, size,
			 "ports %u-%u overlap, and %u grafts of an earlier process still "
			 "live there (use its range, or shunt graft detach)",
			 f->first, f->last, grafts);
	else
		snprintf(problem, size,
			 "ports %u-%u overlap, and were left by an earlier process "
			 "(shunt graft detach removes what it left)",
			 f->first, f->last);
}

static void tell_user(const struct graft_kernel *k, pid_t user, char *problem, size_t size)
{
	char who[32] = "another process";

	if (user > 0)
		snprintf(who, sizeof(who), "process %d", (int)user);
	snprintf(problem, size,
		 "ports %u-%u, or some of them, are in use by %s (give each its own range)",
		 k->first, k->last, who);
}

static int neighbours(const struct graft_kernel *k, const char *bpffs, char *problem, size_t size)
{
	struct graft_folder *f = calloc(NEIGHBOURS, sizeof(*f));
	int n = f ? graft_folders(bpffs, f, NEIGHBOURS) : -ENOMEM, rc = n < 0 ? n : 0;

	for (int i = 0; i < n && i < NEIGHBOURS && rc == 0; i++) {
		if (!strcmp(f[i].dir, k->dir) || f[i].first > k->last || f[i].last < k->first)
			continue;
		rc = -EADDRINUSE;
		if (f[i].first == k->first && f[i].last == k->last) {
			snprintf(problem, size,
				 "another version of shunt left grafts of ports %u-%u "
				 "(shunt graft detach removes them)",
				 k->first, k->last);
			rc = -EPROTO;
		} else if (f[i].user) {
			tell_user(k, f[i].user, problem, size);
		} else {
			tell_left(&f[i], problem, size);
		}
	}
	free(f);
	return rc;
}

static int lock(struct graft_kernel *k, char *problem, size_t size)
{
	pid_t user;

	k->lock = graft_folder_lock(k->first, k->last, &user);
	if (k->lock >= 0)
		return 0;
	if (k->lock == -EADDRINUSE)
		tell_user(k, user, problem, size);
	return k->lock;
}

/* -- opening -- */

/* A folder that was there: whole, or begun and left. */
static int use_found(struct graft_kernel *k, char *problem, size_t size)
{
	int rc = find_maps(k);

	if (rc == 0) {
		k->found = true;
		return 0;
	}
	if (rc == -ENOENT && programs_pinned(k->dir)) {
		snprintf(problem, size, "pins are missing in %s (shunt graft detach)", k->dir);
		return -EPROTO;
	}
	if (rc == -ENOENT) {
		graft_folder_remove(k->dir);
		rc = graft_folder_make(k->dir);
	}
	return rc;
}

static int load(struct graft_kernel *k, uint32_t slots, char *problem, size_t size)
{
	int map[GM_COUNT], rc;

	for (enum graft_map m = 0; m < GM_COUNT; m++)
		map[m] = *map_of(k, m);
	rc = graft_load(map, k->program, k->id, slots, problem, size);
	for (enum graft_map m = 0; m < GM_COUNT; m++)
		*map_of(k, m) = map[m];
	if (rc == -EPROTO)
		snprintf(problem, size, "another version of shunt made %s (shunt graft detach)",
			 k->dir);
	return rc;
}

static int fill(struct graft_kernel *k, uint32_t slots, char *problem, size_t size)
{
	int rc = k->notes = graft_notes_open(k->dir);

	if (rc >= 0)
		rc = load(k, slots, problem, size);
	if (rc == 0)
		rc = map_memory(k, true);
	if (rc == 0 && !k->found)
		rc = pin_maps(k);
	return rc < 0 ? rc : pin_programs(k);
}

static void remove_folder(const char *dir)
{
	graft_folder_remove(dir);
	if (!graft_folder_any(dir, NULL))
		graft_notes_remove(dir);
	graft_folder_remove_top(dir);
}

int graft_kernel_open(struct graft_kernel *k, const char *bpffs, uint16_t first, uint16_t last,
		      uint32_t slots, char *problem, size_t size)
{
	bool made = false;
	int rc;

	clear(k);
	problem[0] = '\0';
	k->first = first;
	k->last = last;
	if (!first || first > last || !slots || slots > SLOTS_MOST)
		return -EINVAL;
	rc = graft_load_may(problem, size);
	if (rc == 0)
		rc = graft_folder_check(bpffs, problem, size);
	if (rc == 0)
		rc = graft_folder_name(k->dir, bpffs, first, last);
	if (rc == 0)
		rc = lock(k, problem, size);
	if (rc == 0)
		rc = neighbours(k, bpffs, problem, size);
	if (rc == 0)
		rc = graft_folder_make(k->dir);
	if (rc == 1)
		rc = use_found(k, problem, size);
	if (rc == 0) {
		made = !k->found;
		rc = fill(k, slots, problem, size);
	}
	if (rc == 0)
		return 0;
	if (!problem[0])
		snprintf(problem, size, "%s: %s", k->dir, strerror(-rc));
	if (made)
		remove_folder(k->dir);
	graft_kernel_close(k);
	return rc;
}

void graft_kernel_remove(struct graft_kernel *k)
{
	remove_folder(k->dir);
}

int graft_kernel_reload(struct graft_kernel *k, char *problem, size_t size)
{
	const int old[2] = { k->program[GRAFT_IN], k->program[GRAFT_OUT] };
	const uint32_t id[2] = { k->id[GRAFT_IN], k->id[GRAFT_OUT] };
	int rc = load(k, k->slots, problem, size);

	if (rc == 0)
		rc = pin_programs(k);
	for (int w = 0; w < 2; w++) {
		int *gone = rc == 0 ? (int[]){ old[w] } : &k->program[w];

		shut(gone);
		if (rc < 0) {
			k->program[w] = old[w];
			k->id[w] = id[w];
		}
	}
	return rc;
}

int graft_kernel_probe(const char *bpffs, char *problem, size_t size)
{
	int map[GM_COUNT], program[2];
	uint32_t id[2];
	int rc = graft_load_may(problem, size);

	if (rc == 0)
		rc = graft_folder_check(bpffs, problem, size);
	if (rc < 0)
		return rc;
	for (enum graft_map m = 0; m < GM_COUNT; m++)
		map[m] = -1;
	rc = graft_load(map, program, id, 1, problem, size);
	for (enum graft_map m = 0; m < GM_COUNT; m++)
		shut(&map[m]);
	shut(&program[GRAFT_IN]);
	shut(&program[GRAFT_OUT]);
	return rc;
}

/* -- folders of others -- */

static int reach(struct graft_kernel *k, const char *dir, char *problem, size_t size)
{
	struct graft_folder f;
	int rc = graft_folder_parse(dir, &f);

	clear(k);
	problem[0] = '\0';
	if (rc < 0) {
		snprintf(problem, size, "%s is not a folder of grafts of this namespace", dir);
		return rc;
	}
	snprintf(k->dir, sizeof(k->dir), "%s", dir);
	k->first = f.first;
	k->last = f.last;
	return access(dir, F_OK) < 0 ? -errno : 0;
}

int graft_kernel_look(struct graft_kernel *k, const char *dir, char *problem, size_t size)
{
	int rc = reach(k, dir, problem, size);

	if (rc == 0)
		rc = find_maps(k);
	if (rc == 0)
		rc = map_memory(k, false);
	if (rc == 0) {
		k->found = true;
		return 0;
	}
	if (!problem[0])
		snprintf(problem, size,
			 rc == -EPROTO ? "%s: another version of shunt made it" : "%s: %s", dir,
			 strerror(-rc));
	graft_kernel_close(k);
	return rc;
}

int graft_kernel_take(struct graft_kernel *k, const char *dir, char *problem, size_t size)
{
	int rc = reach(k, dir, problem, size);

	if (rc == 0)
		rc = lock(k, problem, size);
	if (rc == 0)
		rc = k->notes = graft_notes_open(dir);
	if (rc < 0) {
		if (!problem[0])
			snprintf(problem, size, "%s: %s", dir, strerror(-rc));
		graft_kernel_close(k);
		return rc;
	}
	k->found = true;
	/* What is not whole, or of another version, can be removed as well. */
	if (find_maps(k) == 0 && map_memory(k, true) < 0 && k->slot) {
		munmap(k->slot, slots_size(k));
		k->slot = NULL;
	}
	return 0;
}

/* -- programs -- */

bool graft_kernel_owns(const struct graft_kernel *k, enum graft_way way, uint32_t id)
{
	char path[GRAFT_PATH];

	if (id && id == k->id[way])
		return true;
	return graft_pin_number(path, k->dir, pin_of(way), id) == 0 && access(path, F_OK) == 0;
}

bool graft_kernel_kin(const struct graft_kernel *k, enum graft_way way, uint32_t id)
{
	char name[32];

	snprintf(name, sizeof(name), "%s%u", pin_of(way), id);
	return graft_folder_any(k->dir, name);
}

struct keep {
	uint32_t id;
};

static void forget(void *to, const char *path, uint32_t number)
{
	const struct keep *keep = to;

	if (number != keep->id)
		unlink(path);
}

void graft_kernel_forget(const struct graft_kernel *k)
{
	for (enum graft_way w = GRAFT_IN; w <= GRAFT_OUT; w++) {
		struct keep keep = { .id = k->id[w] };

		graft_folder_each(k->dir, pin_of(w), forget, &keep);
	}
}

int graft_kernel_counts(const struct graft_kernel *k, uint64_t counts[GC_COUNTS])
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t *each = cpus > 0 ? calloc((size_t)cpus, sizeof(*each)) : NULL;
	int rc = 0;

	memset(counts, 0, GC_COUNTS * sizeof(*counts));
	if (!each)
		return cpus < 0 ? cpus : -ENOMEM;
	for (uint32_t i = 0; i < GC_COUNTS && rc == 0; i++) {
		if (bpf_map_lookup_elem(k->counts, &i, each) < 0)
			rc = -errno;
		for (int c = 0; c < cpus && rc == 0; c++)
			counts[i] += each[c];
	}
	free(each);
	return rc;
}
