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
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "engine/graft_note.h"

enum { NEIGHBOURS = 64, SLOTS_MOST = 1 << 22 };

const char *graft_way_name(enum graft_way way)
{
	return way == GRAFT_IN ? "in" : "out";
}

void graft_kernel_close(struct graft_kernel *k)
{
	graft_pins_close(k);
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
	int rc = graft_pins_find(k);

	if (rc == 0) {
		k->found = true;
		return 0;
	}
	if (rc == -ENOENT && graft_pins_programs(k->dir)) {
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
		map[m] = *graft_pins_fd(k, m);
	rc = graft_load(map, k->program, k->id, slots, problem, size);
	for (enum graft_map m = 0; m < GM_COUNT; m++)
		*graft_pins_fd(k, m) = map[m];
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
		rc = graft_pins_map(k, true);
	if (rc == 0 && !k->found)
		rc = graft_pins_put_maps(k);
	return rc < 0 ? rc : graft_pins_put_programs(k);
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

	graft_pins_clear(k);
	problem[0] = '\0';
	k->first = first;
	k->last = last;
	if (!first || first > last || !slots || slots > SLOTS_MOST) {
		snprintf(problem, size, "no grafts with ports %u-%u and %u slots (1 to %d)", first,
			 last, slots, SLOTS_MOST);
		return -EINVAL;
	}
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
		rc = graft_pins_put_programs(k);
	for (int w = 0; w < 2; w++) {
		const int gone = rc == 0 ? old[w] : k->program[w];

		if (gone >= 0)
			close(gone);
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
		if (map[m] >= 0)
			close(map[m]);
	for (int w = 0; w < 2; w++)
		if (program[w] >= 0)
			close(program[w]);
	return rc;
}

/* -- folders of others -- */

static int reach(struct graft_kernel *k, const char *dir, char *problem, size_t size)
{
	struct graft_folder f;
	int rc = graft_folder_parse(dir, &f);

	graft_pins_clear(k);
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
		rc = graft_pins_find(k);
	if (rc == 0)
		rc = graft_pins_map(k, false);
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
	if (graft_pins_find(k) == 0 && graft_pins_map(k, true) < 0)
		graft_pins_unmap(k);
	return 0;
}

/* -- programs -- */

bool graft_kernel_owns(const struct graft_kernel *k, enum graft_way way, uint32_t id)
{
	char path[GRAFT_PATH];

	if (id && id == k->id[way])
		return true;
	return graft_pin_number(path, k->dir, graft_pins_prefix(way), id) == 0 &&
	       access(path, F_OK) == 0;
}

bool graft_kernel_kin(const struct graft_kernel *k, enum graft_way way, uint32_t id)
{
	char name[32];

	snprintf(name, sizeof(name), "%s%u", graft_pins_prefix(way), id);
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

		graft_folder_each(k->dir, graft_pins_prefix(w), forget, &keep);
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
