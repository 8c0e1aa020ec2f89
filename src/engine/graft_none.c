/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_none.c — in place of graft_kernel, graft_device and graft_tuple, where shunt is built without grafts: opening
 * says so, and nobody gets further */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/graft_device.h"
#include "engine/graft_kernel.h"
#include "engine/graft_note.h"
#include "engine/graft_tuple.h"

static int none(char *problem, size_t size)
{
	snprintf(problem, size,
		 "shunt was built without grafts (libbpf, clang or bpftool was missing)");
	return -ENOSYS;
}

int graft_kernel_open(struct graft_kernel *k, const char *bpffs, uint16_t first, uint16_t last,
		      uint32_t slots, char *problem, size_t size)
{
	(void)bpffs;
	(void)first;
	(void)last;
	(void)slots;
	memset(k, 0, sizeof(*k));
	k->lock = k->notes = -1;
	return none(problem, size);
}

void graft_kernel_close(struct graft_kernel *k)
{
	(void)k;
}

void graft_kernel_remove(struct graft_kernel *k)
{
	(void)k;
}

int graft_kernel_probe(const char *bpffs, char *problem, size_t size)
{
	(void)bpffs;
	return none(problem, size);
}

int graft_folder_check(const char *bpffs, char *problem, size_t size)
{
	(void)bpffs;
	return none(problem, size);
}

int graft_folders(const char *bpffs, struct graft_folder *f, int most)
{
	(void)bpffs;
	(void)f;
	(void)most;
	return 0;
}

int graft_kernel_look(struct graft_kernel *k, const char *dir, char *problem, size_t size)
{
	(void)dir;
	memset(k, 0, sizeof(*k));
	return none(problem, size);
}

int graft_kernel_take(struct graft_kernel *k, const char *dir, char *problem, size_t size)
{
	return graft_kernel_look(k, dir, problem, size);
}

unsigned graft_kernel_grafts(const struct graft_kernel *k)
{
	(void)k;
	return 0;
}

int graft_kernel_counts(const struct graft_kernel *k, uint64_t counts[GC_COUNTS])
{
	(void)k;
	memset(counts, 0, GC_COUNTS * sizeof(*counts));
	return -ENOSYS;
}

int graft_devices_open(struct graft_devices *d, struct graft_kernel *k, enum graft_how how,
		       char *problem, size_t size)
{
	(void)how;
	memset(d, 0, sizeof(*d));
	d->k = k;
	d->netlink = -1;
	return none(problem, size);
}

void graft_devices_follow(struct graft_devices *d)
{
	(void)d;
}

void graft_devices_check(struct graft_devices *d)
{
	(void)d;
}

void graft_devices_close(struct graft_devices *d)
{
	(void)d;
}

int graft_devices_detach(struct graft_kernel *k)
{
	(void)k;
	return 0;
}

int graft_devices_attached(const struct graft_kernel *k)
{
	(void)k;
	return 0;
}

int graft_devices_each(const struct graft_kernel *k,
		       void (*tell)(void *to, uint32_t ifindex, bool clsact), void *to)
{
	(void)tell;
	(void)to;
	return graft_devices_attached(k);
}

bool graft_devices_tcx(void)
{
	return false;
}

int tuple_enter(int table, const void *key, uint32_t ref)
{
	(void)table;
	(void)key;
	(void)ref;
	return -ENOSYS;
}

int tuple_find(int table, const void *key, uint32_t *ref)
{
	return tuple_enter(table, key, *ref);
}

void tuple_leave(int table, const void *key)
{
	(void)table;
	(void)key;
}

void *ring_open(int events, int (*hear)(void *ctx, void *event, size_t size), void *ctx)
{
	(void)events;
	(void)hear;
	(void)ctx;
	return NULL;
}

int ring_fd(void *ring)
{
	(void)ring;
	return -1;
}

void ring_hear(void *ring)
{
	(void)ring;
}

void ring_close(void *ring)
{
	(void)ring;
}

int graft_note(int fd, enum graft_note_kind kind, uint32_t what)
{
	(void)fd;
	(void)kind;
	(void)what;
	return 0;
}

void graft_note_clear(int fd, enum graft_note_kind kind, uint32_t what)
{
	(void)fd;
	(void)kind;
	(void)what;
}

bool graft_note_next(int fd, enum graft_note_kind kind, uint32_t after, uint32_t *what)
{
	(void)fd;
	(void)kind;
	(void)after;
	(void)what;
	return false;
}
