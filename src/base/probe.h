/* SPDX-License-Identifier: BSD-2-Clause */
/* probe.h — what this kernel lets this user do: tried, where it can be tried
 *
 * Each answers 0 for yes or -errno for why not, unless it says otherwise, and leaves nothing behind.
 * To be asked by people (shunt check), not by the data path: that tries the real thing, and steps
 * down when it is refused.
 */
#ifndef BASE_PROBE_H
#define BASE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_RELEASE 65 /* as struct utsname has it */

/* The running kernel: "6.1.0-18-amd64". 6 and 1. -EINVAL: it calls itself something without numbers. */
int probe_kernel(char release[PROBE_RELEASE], unsigned *major, unsigned *minor);

/* A sysctl that is one number, by its name with dots: "fs.pipe-max-size". */
int probe_sysctl(const char *name, uint64_t *value);

/* Stream sockets of this family, and that something can be bound on this machine. */
int probe_family(int family);

int probe_epoll(void);

/* Bytes from a socket through a pipe into a socket, and that they are the same bytes. */
int probe_splice(void);

/* The same bytes from one pipe into another, and still in the first. -EIO: other bytes came. */
int probe_tee(void);

/* Asks for a pipe of `want` bytes. Returns what was granted, which may be less. */
int probe_pipe(size_t want);

int probe_reuseport(void);
int probe_rcvlowat(void);

/* io_uring_setup(2). -ENOSYS: not in this kernel; -EPERM: switched off, or filtered. */
int probe_io_uring(void);

/* Makes a small map by bpf(2). -EPERM: not for this user. */
int probe_bpf(void);

/* Is a BPF file system mounted at /sys/fs/bpf? -ENOENT: no. */
int probe_bpffs(void);

/* Does the kernel tell its types: /sys/kernel/btf/vmlinux? */
int probe_btf(void);

#endif
