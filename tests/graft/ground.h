/* SPDX-License-Identifier: BSD-2-Clause */
/* ground.h — a machine of our own for tests of what grafts leave in the kernel: a network namespace with
 * two veth pairs, and a bpffs that nobody else sees
 *
 *   va 10.1.0.1/24, fd01::1/64 ── vb      vc 10.2.0.1/24, fd02::1/64 ── vd      lo
 */
#ifndef GRAFT_GROUND_H
#define GRAFT_GROUND_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/graft_device.h"

enum { GROUND_FIRST = 40000, GROUND_LAST = 49999, GROUND_SLOTS = 200, GROUND_DEVICES = 5 };

extern char ground_bpffs[64];

/* As setup and teardown of each test. The first skips the whole program (77, and why) where that cannot
 * be: no root, no namespaces, no bpffs, a kernel without what grafts need. */
int ground_open(void **state);
int ground_close(void **state);

/* What a shell makes of it must succeed. */
void ground_sh(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Lines of what it prints that have `word` in them. */
int ground_lines(const char *word, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The kernel's half of GROUND_FIRST…LAST, or of another range; must succeed. */
void ground_kernel(struct graft_kernel *k);
void ground_range(struct graft_kernel *k, uint16_t first, uint16_t last);
/* Its folder. */
const char *ground_dir(void);
void ground_devices(struct graft_devices *d, struct graft_kernel *k, enum graft_how how);
/* Wait for news, and follow it until `count` devices have the programs. */
void ground_follow(struct graft_devices *d, unsigned count);

/* Is the kernel old enough to have no TCX? Then the test is skipped. */
void ground_wants_tcx(void);
/* Programs on a TCX hook by their numbers, in their order. */
int ground_tcx(const char *device, enum graft_way way, uint32_t id[16]);
/* clsact filters of ours on a device, both ways. */
int ground_filters(const char *device);
/* A program of somebody else comes before all others; by TCX the descriptor of its link. */
int ground_stranger(const char *device, enum graft_way way, bool clsact);

/* Is there no map, no program with these numbers (within five seconds)? */
bool ground_map_gone(uint32_t id);
bool ground_program_gone(uint32_t id);
uint32_t ground_map_id(int fd);

#endif
