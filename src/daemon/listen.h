/* SPDX-License-Identifier: BSD-2-Clause */
/* listen.h — sockets that take connections: one address, one socket for each worker
 *
 * Our workers share a port by SO_REUSEPORT. The first socket is bound without it, which fails if
 * anybody holds the port, another shunt included, and is given it once it listens and the port is
 * ours. From then on the kernel lets in who sets SO_REUSEPORT as well and is the same user; a
 * single worker shares with nobody. A Unix socket is one for all workers, and so is one that a service
 * manager hands over; a file left behind by a dead process is replaced, a living one is not.
 */
#ifndef DAEMON_LISTEN_H
#define DAEMON_LISTEN_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum { LISTEN_WORKERS = 256 };

struct listener {
	struct addr addr; /* as bound: with the real port */
	char text[ADDR_TEXT];
	unsigned count;
	int fd[LISTEN_WORKERS]; /* one for each worker, or the same for all */
	uint64_t inode;         /* of a Unix socket's file: only our own is removed */
};

/* 0, or -errno with a sentence for people in problem: the address, what is wrong, the remedy. */
int listen_open(struct listener *l, const struct addr_name *name, unsigned workers, char *problem,
		size_t size);

/* The same; a Unix socket's file has this mode (0: what the umask leaves), and never had another that lets in more. */
int listen_open_as(struct listener *l, const struct addr_name *name, unsigned workers,
		   unsigned mode, char *problem, size_t size);

/* The same with a listening socket that we were born with, for all workers. It becomes ours. */
int listen_inherit(struct listener *l, int fd, unsigned workers, char *problem, size_t size);

void listen_close(struct listener *l);

#endif
