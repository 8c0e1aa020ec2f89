/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/bench_say.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/sys.h"

static const char mark[8] = { '\x8f', 's', 'h', 'u', 'n', 't', '\x9d', '\xe4' };

int bench_say_read(struct bench_say *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -errno : sys_read(fd, s->bytes, sizeof(s->bytes));

	sys_close(fd);
	if (n < 0)
		return (int)n;
	s->length = (size_t)n;
	return n == sizeof(s->bytes) ? -EFBIG : 0;
}

int bench_say(const struct bench_say *s, int fd)
{
	ssize_t n = s->length ? sys_send(fd, s->bytes, s->length, 0) : 0;

	if (n < 0)
		return (int)n;
	return (size_t)n == s->length ? 0 : -EAGAIN;
}

ssize_t bench_say_stamp(int fd, uint64_t now_ns)
{
	char stamp[BENCH_SAY_STAMP];

	memcpy(stamp, mark, sizeof(mark));
	memcpy(stamp + sizeof(mark), &now_ns, sizeof(now_ns));
	ssize_t n = sys_send(fd, stamp, sizeof(stamp), MSG_MORE);

	return n < 0 || n == sizeof(stamp) ? n : -EAGAIN;
}

void bench_say_find(const uint8_t *bytes, size_t n, uint64_t now_ns, struct bench_hist *ages)
{
	const uint8_t *end = bytes + n, *at = bytes;
	uint64_t then;

	while (end - at >= BENCH_SAY_STAMP &&
	       (at = memmem(at, (size_t)(end - at), mark, sizeof(mark)))) {
		if (end - at < BENCH_SAY_STAMP)
			return;
		memcpy(&then, at + sizeof(mark), sizeof(then));
		if (then <= now_ns)
			bench_hist_add(ages, now_ns - then);
		at += BENCH_SAY_STAMP;
	}
}
