/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/urgent.h"

#include "base/sys.h"

int urgent_take(int fd)
{
	unsigned char byte;
	int at = sys_at_mark(fd);

	if (at == 0 || at == -ENOTTY || at == -EINVAL) /* not every Unix socket knows a mark */
		return -EAGAIN;
	if (at < 0)
		return at;
	int r = sys_setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, 1);

	if (r < 0)
		return r;
	ssize_t n = sys_recv(fd, &byte, 1, 0);

	sys_setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, 0);
	if (n < 0)
		return n == -EAGAIN ? -EINPROGRESS : (int)n;
	return n == 1 ? byte : -EAGAIN;
}
