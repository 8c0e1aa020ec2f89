/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/limits.h"

#include <sys/resource.h>

#include "base/log.h"
#include "engine/engine.h"

/* Clients of the admin endpoint; what it has for itself: sockets, epoll, a waker, what it reads in /proc. */
enum { ADMIN_LEAST = 4, ADMIN_MOST = 1024, ADMIN_OWN = 8 };

uint64_t limits_connections(uint64_t descriptors, unsigned workers, size_t listens)
{
	/* standard streams, signals, a look-up; for each worker epoll, two wakers and its sockets */
	uint64_t own = 10 + workers * (3 + listens);
	uint64_t pipes = (uint64_t)workers * 2 * PIPE_KEEP;

	/* where they are short, pipes do without: by copying */
	if (descriptors > 4 * (own + pipes))
		own += pipes;
	return descriptors > own + 4 ? (descriptors - own) / 2 : 2;
}

static uint64_t descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1024;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur;
}

/* A small part of all: who looks on takes no room from those who are served. */
static unsigned admin_share(uint64_t descriptors)
{
	uint64_t share = descriptors / 16;

	return share < ADMIN_LEAST  ? ADMIN_LEAST
	       : share > ADMIN_MOST ? ADMIN_MOST
				    : (unsigned)share;
}

unsigned limits_admin(void)
{
	return admin_share(descriptors());
}

uint64_t limits_descriptors(bool admin)
{
	uint64_t all = descriptors(), kept = admin ? admin_share(all) + ADMIN_OWN : 0;

	return all > kept ? all - kept : 0;
}

uint64_t limits_allowed(uint64_t wanted, unsigned workers, size_t listens,
			uint64_t descriptors_left)
{
	uint64_t allowed = limits_connections(descriptors_left, workers, listens);

	if (wanted && wanted <= allowed)
		return wanted;
	if (wanted)
		log_say(LOG_WARN_LEVEL,
			"%llu connections at once need more descriptors than the limit allows: %llu "
			"(raise the hard limit: ulimit -Hn, LimitNOFILE=)",
			(unsigned long long)wanted, (unsigned long long)allowed);
	return allowed;
}
