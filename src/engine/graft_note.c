/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/graft_note.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "engine/graft_folder.h"

enum { NOTES = 8192 };

static int notes_path(char path[GRAFT_PATH], const char *dir)
{
	const char *slash = strrchr(dir, '/');
	int len;

	if (!slash)
		return -EINVAL;
	len = snprintf(path, GRAFT_PATH, "%.*s/notes-%llu", (int)(slash - dir), dir,
		       (unsigned long long)graft_folder_netns());
	return len < GRAFT_PATH ? 0 : -ENAMETOOLONG;
}

int graft_notes_open(const char *dir)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	char path[GRAFT_PATH];
	int rc = notes_path(path, dir), fd;

	if (rc < 0)
		return rc;
	fd = graft_pinned(path);
	if (fd != -ENOENT)
		return fd;
	fd = bpf_map_create(BPF_MAP_TYPE_HASH, "shunt_notes", sizeof(uint64_t), sizeof(uint32_t),
			    NOTES, &opts);
	if (fd < 0)
		return fd;
	if (bpf_obj_pin(fd, path) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc == -EEXIST ? graft_pinned(path) : rc; /* another shunt was quicker */
}

void graft_notes_remove(const char *dir)
{
	char path[GRAFT_PATH];

	if (notes_path(path, dir) == 0)
		unlink(path);
}

static uint64_t key_of(enum graft_note_kind kind, uint32_t what)
{
	return (uint64_t)kind << 32 | what;
}

int graft_note(int fd, enum graft_note_kind kind, uint32_t what)
{
	uint64_t key = key_of(kind, what);
	uint32_t one = 1;

	if (fd < 0)
		return 0;
	return bpf_map_update_elem(fd, &key, &one, BPF_ANY) < 0 ? -errno : 0;
}

void graft_note_clear(int fd, enum graft_note_kind kind, uint32_t what)
{
	uint64_t key = key_of(kind, what);

	if (fd >= 0)
		bpf_map_delete_elem(fd, &key);
}

bool graft_noted(int fd, enum graft_note_kind kind, uint32_t what)
{
	uint64_t key = key_of(kind, what);
	uint32_t one;

	return fd >= 0 && bpf_map_lookup_elem(fd, &key, &one) == 0;
}

bool graft_note_next(int fd, enum graft_note_kind kind, uint32_t after, uint32_t *what)
{
	uint64_t key, best = UINT64_MAX;
	const void *prev = NULL;

	while (fd >= 0 && bpf_map_get_next_key(fd, prev, &key) == 0) {
		if (key >> 32 == kind && (uint32_t)key > after && key < best)
			best = key;
		prev = &key;
	}
	*what = (uint32_t)best;
	return best != UINT64_MAX;
}
