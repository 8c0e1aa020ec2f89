/* SPDX-License-Identifier: BSD-2-Clause */
/* An empty pipe has 16 slots, a page each. Anyone may grow one up to fs.pipe-max-size (1 MiB unless
 * set otherwise); past it only CAP_SYS_RESOURCE may, others get EPERM. F_SETPIPE_SZ rounds up to a
 * power of two of pages and returns what it gave. It refuses with EBUSY to shrink below what is
 * in the pipe.
 */
#include "belief.h"

#include <linux/capability.h>
#include <sys/syscall.h>

static int grow(int fd, int size)
{
	int got = fcntl(fd, F_SETPIPE_SZ, size);

	return got < 0 ? -errno : got;
}

static int read_limit(const char *path)
{
	FILE *f = fopen(path, "re");
	int value = -1;

	if (!f || fscanf(f, "%d", &value) != 1)
		skip("cannot read %s", path);
	fclose(f);
	return value;
}

static bool capable(int cap)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	must(syscall(SYS_capget, &head, data) == 0);
	return data[cap / 32].effective >> (cap % 32) & 1;
}

int main(void)
{
	int max, page = (int)sysconf(_SC_PAGESIZE);
	int p[2];

	belief_begin();
	max = read_limit("/proc/sys/fs/pipe-max-size");
	pipe_pair(p);
	if (need(fcntl(p[0], F_GETPIPE_SZ)) < 16 * page)
		skip("this user has so many pipes that new ones are born small");
	believe_is(fcntl(p[0], F_GETPIPE_SZ), 16 * page, "a pipe is born with 16 pages");
	believe_is(grow(p[0], max), max, "as uid %d it grows to fs.pipe-max-size, %d",
		   (int)getuid(), max);
	if (capable(CAP_SYS_RESOURCE))
		note("CAP_SYS_RESOURCE is here: the limit does not bind us");
	else
		believe_is(grow(p[0], max + 1), -EPERM, "one byte more: EPERM");
	believe_is(grow(p[0], 5 * page), 8 * page, "five pages asked, eight given");
	must(stuff(p[1], SIZE_MAX) > 0);
	believe_is(grow(p[0], page), -EBUSY, "a full pipe refuses to shrink: EBUSY");
	believe_is(grow(p[0], 16 * page), 16 * page, "but grows");
	close_both(p);
	return belief_end();
}
