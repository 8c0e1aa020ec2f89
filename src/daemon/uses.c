/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/uses.h"

#include <errno.h>
#include <stdlib.h>

#include "base/sys.h"

struct uses_one {
	struct backend *backend;
	size_t index;
	uint16_t port;
};

int uses_add(struct uses *u, struct backend *b, size_t index, uint16_t port)
{
	struct uses_one *more = realloc(u->one, (u->count + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	u->one = more;
	u->one[u->count++] = (struct uses_one){ b, index, port };
	return 0;
}

bool uses_has(const struct uses *u, const struct backend *b, size_t index)
{
	for (size_t i = 0; i < u->count; i++)
		if (u->one[i].backend == b && u->one[i].index == index)
			return true;
	return false;
}

int uses_feed(const struct uses *u, const struct seats_address *addr, size_t count, bool *changed)
{
	struct seats_address *own = sys_alloc((count + 1) * sizeof(*own));
	int r = own ? 0 : -ENOMEM;

	*changed = false;
	for (size_t i = 0; own && i < u->count; i++) {
		const struct uses_one *one = &u->one[i];
		int error = 0;

		for (size_t k = 0; k < count; k++) {
			own[k] = addr[k];
			if (one->port)
				addr_set_port(&own[k].addr, one->port);
		}
		if (backend_feed(one->backend, one->index, own, count, &error))
			*changed = true;
		r = error ? error : r;
	}
	free(own);
	return r;
}

void uses_free(struct uses *u)
{
	free(u->one);
	*u = (struct uses){ .one = NULL };
}
