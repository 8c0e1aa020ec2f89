/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/self.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "daemon/exposition.h"

static int count_fds(uint64_t *out)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *e;
	uint64_t n = 0;

	if (!dir)
		return -errno;
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	*out = n - 1; /* the one just closed */
	return 0;
}

/* Ticks of user, of system, and from the machine's start to ours; bytes; pages: fields 14, 15, 22, 23, 24 of proc(5).
 * The name before them, in brackets, may hold anything. */
static int read_stat(unsigned long long field[5])
{
	FILE *f = fopen("/proc/self/stat", "re");
	char line[1024];
	const char *rest = NULL;

	if (!f)
		return -errno;
	if (fgets(line, sizeof(line), f))
		rest = strrchr(line, ')');
	fclose(f);
	if (!rest || sscanf(rest,
			    ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d "
			    "%*d %*d %*d %llu %llu %llu",
			    &field[0], &field[1], &field[2], &field[3], &field[4]) != 5)
		return -EPROTO;
	return 0;
}

static uint64_t ms_of(clockid_t clock)
{
	struct timespec t = { 0 };

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Found once: both clocks are read one after the other, and a process that seems to begin at another time each time
 * seems to be restarted. */
static uint64_t began(uint64_t after_boot_ms)
{
	static _Atomic uint64_t known;
	uint64_t none = 0;
	uint64_t found = ms_of(CLOCK_REALTIME) - (ms_of(CLOCK_BOOTTIME) - after_boot_ms);

	return atomic_compare_exchange_strong(&known, &none, found) ? found : none;
}

int self_read(struct self *out)
{
	uint64_t tick_ms = 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
	unsigned long long field[5];
	struct rlimit limit = { 0 };
	int r = read_stat(field);

	if (r == 0)
		r = count_fds(&out->open_fds);
	if (r < 0)
		return r;
	getrlimit(RLIMIT_NOFILE, &limit);
	out->max_fds = limit.rlim_cur;
	out->cpu_ms = (field[0] + field[1]) * tick_ms;
	out->started_ms = began(field[2] * tick_ms);
	out->virtual = field[3];
	out->resident = field[4] * (uint64_t)sysconf(_SC_PAGESIZE);
	return 0;
}

static void in_seconds(FILE *to, const char *name, const char *type, const char *help, uint64_t ms)
{
	exposition_head(to, name, type, help);
	exposition_thousandths(to, name, NULL, ms);
}

void self_print(FILE *to)
{
	struct self s;

	if (self_read(&s) < 0)
		return;
	in_seconds(to, "process_cpu_seconds_total", "counter",
		   "Processor time of all threads, user and system.", s.cpu_ms);
	exposition_one(to, "process_open_fds", "gauge", "File descriptors that are open.",
		       s.open_fds);
	exposition_one(to, "process_max_fds", "gauge", "File descriptors that may be open.",
		       s.max_fds);
	exposition_one(to, "process_resident_memory_bytes", "gauge",
		       "Memory of the process that is in RAM.", s.resident);
	exposition_one(to, "process_virtual_memory_bytes", "gauge",
		       "Memory that the process has addresses for.", s.virtual);
	in_seconds(to, "process_start_time_seconds", "gauge",
		   "When the process began, in seconds since 1970.", s.started_ms);
}
