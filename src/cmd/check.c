/* SPDX-License-Identifier: BSD-2-Clause */
/* check.c — shunt check: what this kernel and this user can do
 *
 * First everything is found out, then it is printed: as a table, or as JSON with the same words. What
 * is said to be there was tried wherever trying does no harm. Each "no" says what it means for a
 * relay and what to do about it, and what no engine uses today is said to be that.
 */
#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/probe.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "cmd/json.h"
#include "cmd/options.h"
#include "daemon/limits.h"
#include "engine/engine.h"
#include "engine/graft_device.h"
#include "shunt.h"

#define FACTS 40
#define FACT  25                /* column of the facts */
#define MANY  1000              /* connections; fewer descriptors than these need are too few */
#define BEST  ((size_t)1 << 20) /* size of pipe that splice asks for */
#define PIPES 16                /* a worker keeps so many pipes ready */

enum group { RELAY, GRAFTS, LATER, RIGHTS, GROUPS };

static const char *const group_names[GROUPS] = { "relay", "grafts", "later", "capabilities" };
static const char *const group_titles[GROUPS] = {
	"What a relay uses",
	"What grafts use: connections that are handed over to the kernel",
	"What no engine of this version uses",
	"Capabilities: a relay needs none, can use the first two; grafts need the others",
};

struct fact {
	enum group group;
	const char *name;
	bool ok;
	char text[256];
	const char *remedy; /* NULL when ok */
};

struct report {
	struct fact facts[FACTS];
	size_t count;
	enum group group; /* of what is noted from now on */
	char release[PROBE_RELEASE];
	const char *engine;     /* that `auto` takes; NULL: none, shunt cannot relay here */
	const char *engine_why; /* why not a better one, or NULL */
	char no_graft[320];     /* why there can be no grafts; "": there can */
};

__attribute__((format(printf, 5, 6))) static void note(struct report *r, const char *name, bool ok,
						       const char *remedy, const char *fmt, ...)
{
	struct fact *f = &r->facts[r->count];
	va_list args;

	if (r->count == FACTS)
		return;
	r->count++;
	*f = (struct fact){ .group = r->group, .name = name, .ok = ok };
	f->remedy = ok ? NULL : remedy;
	va_start(args, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, args);
	va_end(args);
}

/* -- finding out -- */

static bool held(unsigned cap)
{
	return capng_have_capability(CAPNG_EFFECTIVE, cap) == 1;
}

static void kernel(struct report *r)
{
	unsigned major = 0, minor = 0;
	int rc = probe_kernel(r->release, &major, &minor);
	bool ok = rc == 0 && (major > 6 || (major == 6 && minor >= 1));

	note(r, "Linux 6.1", ok,
	     "shunt is tested on 6.1 and later; it may well work, but a newer kernel is better",
	     "this is %s", r->release);
}

static void sockets(struct report *r)
{
	int v4 = probe_family(AF_INET), v6 = probe_family(AF_INET6), un = probe_family(AF_UNIX);
	int epoll = probe_epoll();

	note(r, "epoll", epoll == 0,
	     "nothing runs without it: allow epoll_create1(2) in the sandbox", "%s",
	     epoll ? strerror(-epoll) : "to wait for all connections at once");
	note(r, "IPv4", v4 == 0, "bring the loopback up (ip link set lo up), or relay IPv6 only",
	     "%s", v4 ? strerror(-v4) : "127.0.0.1 can be bound");
	note(r, "IPv6", v6 == 0,
	     v6 == -EAFNOSUPPORT ? "boot without ipv6.disable=1; until then :PORT means IPv4 only"
				 : "sysctl -w net.ipv6.conf.lo.disable_ipv6=0, or relay IPv4 only",
	     "%s", v6 ? strerror(-v6) : "[::1] can be bound");
	note(r, "Unix sockets", un == 0, "a kernel with CONFIG_UNIX is needed for unix:/path", "%s",
	     un ? strerror(-un) : "for unix:/path and unix:@name");
}

static const char *refused(int rc)
{
	if (rc == -EPERM || rc == -ENOSYS || rc == -EACCES)
		return "a sandbox refuses it: allow splice(2) and tee(2); until then shunt copies";
	if (rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM)
		return "no descriptors or memory are left: end something, or raise the limits";
	return "this kernel cannot do it with these sockets: shunt copies";
}

static void splicing(struct report *r)
{
	int splice = probe_splice(), tee = probe_tee();

	note(r, "splice", splice == 0, refused(splice), "%s",
	     splice ? strerror(-splice) : "tried, from a socket through a pipe into a socket");
	note(r, "tee", tee == 0, refused(tee), "%s",
	     tee ? strerror(-tee) : "tried, from one pipe into another");
}

static bool exempt_from_quota(void)
{
	return held(CAP_SYS_RESOURCE) || held(CAP_SYS_ADMIN);
}

static void pipe_size(struct report *r)
{
	const char *remedy =
		"this user has too many pipes: end some, or raise fs.pipe-user-pages-soft";
	char granted[UNITS_TEXT], largest[UNITS_TEXT];
	uint64_t max = 0;
	int size = probe_pipe(BEST);

	probe_sysctl("fs.pipe-max-size", &max);
	if (size >= 0 && size < (int)(BEST / 4))
		size = probe_pipe(BEST / 4);
	if (max < BEST)
		remedy = "sysctl -w fs.pipe-max-size=1048576; until then smaller pipes do";
	if (size < 0)
		note(r, "pipes of 1M", false, remedy, "%s", strerror(-size));
	else
		note(r, "pipes of 1M", (size_t)size >= BEST, remedy,
		     "%s granted; fs.pipe-max-size is %s", units_size_text((uint64_t)size, granted),
		     units_size_text(max, largest));
}

static void pipe_quota(struct report *r)
{
	uint64_t pages = 0, page = (uint64_t)sysconf(_SC_PAGESIZE), pipes;
	int rc = probe_sysctl("fs.pipe-user-pages-soft", &pages);

	pipes = pages * page / BEST;
	if (exempt_from_quota())
		note(r, "quota of pipes", true, NULL,
		     "none for this user: CAP_SYS_ADMIN or CAP_SYS_RESOURCE");
	else if (rc == 0 && pages == 0)
		note(r, "quota of pipes", true, NULL, "none: fs.pipe-user-pages-soft is 0");
	else
		note(r, "quota of pipes", rc == 0 && pipes >= PIPES,
		     "sysctl -w fs.pipe-user-pages-soft=16384; where pipes are short, shunt copies",
		     "%llu of 1M for all processes of this user (fs.pipe-user-pages-soft is %llu)",
		     (unsigned long long)pipes, (unsigned long long)pages);
}

/* The relay raises its soft limit by itself, as far as the hard one lets it. */
static void descriptors(struct report *r)
{
	struct rlimit limit = { 0 };
	uint64_t most, carries;

	getrlimit(RLIMIT_NOFILE, &limit);
	most = limit.rlim_max;
	if (limit.rlim_max == RLIM_INFINITY)
		probe_sysctl("fs.nr_open", &most);
	carries = limits_connections(most, 1, 1);
	note(r, "file descriptors", carries >= MANY,
	     "raise the hard limit: LimitNOFILE= of its service, or limits.conf(5)",
	     "for %llu connections, 2 each (limits: soft %llu, hard %llu)",
	     (unsigned long long)carries, (unsigned long long)limit.rlim_cur,
	     (unsigned long long)most);
}

static void options(struct report *r)
{
	int port = probe_reuseport(), lowat = probe_rcvlowat();

	note(r, "SO_REUSEPORT", port == 0, "run with --workers 1", "%s",
	     port ? strerror(-port) : "several workers listen on one port");
	note(r, "SO_RCVLOWAT", lowat == 0, "an unfinished head that is looked at costs more calls",
	     "%s", lowat ? strerror(-lowat) : "an unfinished head is waited for in the kernel");
}

static const char *io_uring_remedy(int rc)
{
	uint64_t disabled = 0;

	if (rc == -ENOSYS)
		return "this kernel has no io_uring: CONFIG_IO_URING";
	if (probe_sysctl("kernel.io_uring_disabled", &disabled) == 0 && disabled != 0)
		return "sysctl -w kernel.io_uring_disabled=0";
	if (rc == -EPERM)
		return "a sandbox refuses it: allow io_uring_setup(2) in its seccomp profile";
	return "raise the memory limit (ulimit -l)";
}

static const char *bpf_remedy(int rc)
{
	if (rc == -ENOSYS)
		return "this kernel has no bpf(2): CONFIG_BPF_SYSCALL";
	if (!held(CAP_BPF))
		return "run it with CAP_BPF";
	return "a sandbox refuses it: allow bpf(2) in its seccomp profile";
}

/* The parts first, so that it is seen what the whole lacks. */
static void grafts(struct report *r)
{
	int bpf = probe_bpf(), btf = probe_btf(), fs = probe_bpffs();
	bool may = held(CAP_NET_ADMIN), tcx = may && graft_devices_tcx();
	char problem[256];

	note(r, "bpf", bpf == 0, bpf_remedy(bpf), "%s",
	     bpf ? strerror(-bpf) : "tried, a map was made");
	note(r, "BTF", btf == 0, "a kernel with CONFIG_DEBUG_INFO_BTF is needed", "%s",
	     btf ? strerror(-btf) : "/sys/kernel/btf/vmlinux");
	note(r, "bpffs", fs == 0, "mount -t bpf bpf /sys/fs/bpf", "%s",
	     fs ? "not mounted at /sys/fs/bpf" : "mounted at /sys/fs/bpf");
	note(r, "TCX", tcx,
	     may ? "Linux 6.6 has it; until then clsact filters do the same"
		 : "run it with CAP_NET_ADMIN",
	     "%s",
	     tcx   ? "programs come first on each device"
	     : may ? "not there"
		   : "cannot be asked");
	if (graft_kernel_probe(NULL, problem, sizeof(problem)) < 0)
		snprintf(r->no_graft, sizeof(r->no_graft), "no graft: %s", problem);
	note(r, "programs", !r->no_graft[0], "until then connections go by splice", "%s",
	     r->no_graft[0] ? problem : "tried, the kernel took them");
}

static void later(struct report *r)
{
	int uring = probe_io_uring();

	note(r, "io_uring", uring == 0, io_uring_remedy(uring), "%s",
	     uring ? strerror(-uring) : "tried, a ring was made");
}

/* The ports that need the capability begin at 1, and end where the sysctl says. */
static void low_ports(struct report *r)
{
	uint64_t first = 1024;

	probe_sysctl("net.ipv4.ip_unprivileged_port_start", &first);
	note(r, "NET_BIND_SERVICE", held(CAP_NET_BIND_SERVICE),
	     first <= 1 ? "nothing to do: here every port is free to all"
			: "setcap cap_net_bind_service+ep on shunt, or choose a higher port",
	     "to listen below port %llu", (unsigned long long)first);
}

static void capabilities(struct report *r)
{
	static const char for_grafts[] = "run it as root; without grafts it is not needed";
	static const struct {
		unsigned cap;
		const char *name, *use, *remedy;
	} caps[] = {
		{ CAP_SYS_RESOURCE, "SYS_RESOURCE", "to go beyond limits of descriptors and pipes",
		  "setcap cap_sys_resource+ep on shunt, or raise the limits for this user" },
		{ CAP_NET_ADMIN, "NET_ADMIN",
		  "to put programs on devices, to close sockets in silence", for_grafts },
		{ CAP_BPF, "BPF", "to load programs and tables", for_grafts },
		{ CAP_PERFMON, "PERFMON", "to let programs read what sockets know", for_grafts },
	};

	low_ports(r);
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
		note(r, caps[i].name, held(caps[i].cap), caps[i].remedy, "%s", caps[i].use);
}

static bool fact_ok(const struct report *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->facts[i].name, name) == 0)
			return r->facts[i].ok;
	return false;
}

static void choose_engine(struct report *r)
{
	const struct engine *e = engine_pick(SHUNT_AUTO, &r->engine_why);
	bool some = fact_ok(r, "IPv4") || fact_ok(r, "IPv6") || fact_ok(r, "Unix sockets");

	if (!e || !some || !fact_ok(r, "epoll"))
		return;
	r->engine = r->no_graft[0] ? e->name : engine_text(SHUNT_GRAFT);
	if (e == &engine_splice)
		r->engine_why = r->no_graft[0] ? r->no_graft : NULL;
}

static void find_out(struct report *r)
{
	capng_get_caps_process();
	r->group = RELAY;
	kernel(r);
	sockets(r);
	options(r);
	splicing(r);
	pipe_size(r);
	pipe_quota(r);
	descriptors(r);
	r->group = GRAFTS;
	grafts(r);
	r->group = LATER;
	later(r);
	r->group = RIGHTS;
	capabilities(r);
	choose_engine(r);
}

/* -- telling -- */

static const char *user(void)
{
	const struct passwd *p = getpwuid(geteuid());

	return p ? p->pw_name : "a user without a name";
}

static void print_fact(const struct fact *f, bool colour)
{
	const char *on = "", *off = "";
	size_t at;

	if (colour) {
		on = f->ok ? "\033[32m" : f->group == RELAY ? "\033[31m" : "\033[33m";
		off = "\033[0m";
	}
	printf("  %-*s%s%-4s%s ", FACT - 7, f->name, on, f->ok ? "yes" : "no", off);
	at = options_wrap(stdout, f->text, FACT, FACT);
	if (f->remedy && at + strlen(" -> ") + strlen(f->remedy) > 80) {
		printf("\n%*s", FACT - 1, "");
		at = FACT - 1;
	}
	if (f->remedy) {
		fputs(" -> ", stdout);
		options_wrap(stdout, f->remedy, at + 4, at + 4);
	}
	putchar('\n');
}

static void print_table(const struct report *r)
{
	bool colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");

	printf("shunt %s on Linux %s, as %s\n", shunt_version(), r->release, user());
	for (size_t i = 0; i < r->count; i++) {
		if (i == 0 || r->facts[i].group != r->facts[i - 1].group)
			printf("\n%s\n", group_titles[r->facts[i].group]);
		print_fact(&r->facts[i], colour);
	}
	if (!r->engine)
		printf("\nshunt cannot relay here\n");
	else if (r->engine_why) {
		size_t at = (size_t)printf("\n--engine auto is %s:", r->engine) - 1;

		options_wrap(stdout, r->engine_why, at, 4);
		putchar('\n');
	} else {
		printf("\n--engine auto is %s\n", r->engine);
	}
}

static void print_json(const struct report *r)
{
	json_field("{\"shunt\":", shunt_version());
	json_field(",\"kernel\":", r->release);
	json_field(",\"user\":", user());
	json_field(",\"engine\":", r->engine);
	json_field(",\"engine_why\":", r->engine_why);
	fputs(",\"checks\":[", stdout);
	for (size_t i = 0; i < r->count; i++) {
		const struct fact *f = &r->facts[i];

		json_field(i ? ",\n{\"group\":" : "\n{\"group\":", group_names[f->group]);
		json_field(",\"name\":", f->name);
		fputs(f->ok ? ",\"ok\":true" : ",\"ok\":false", stdout);
		json_field(",\"text\":", f->text);
		json_field(",\"remedy\":", f->remedy);
		putchar('}');
	}
	fputs("\n]}\n", stdout);
}

int cmd_check(int argc, char **argv)
{
	struct report r = { 0 };
	bool json = false;
	const struct option_row rows[] = {
		{ .name = "json",
		  .kind = OPTION_FLAG,
		  .flag = &json,
		  .help = "for programs: one JSON object" },
		{ 0 },
	};
	const struct options o = {
		.command = "shunt check",
		.summary = "what this kernel and this user can do, and what to change",
		.rows = rows,
		.more = "exit codes: 0 shunt can relay here, 1 usage, 3 it cannot\n",
	};
	int rc = options_parse(&o, argc, argv);

	if (rc != 0)
		return rc == OPTIONS_HELPED ? CMD_FINE : CMD_USAGE;
	find_out(&r);
	if (json)
		print_json(&r);
	else
		print_table(&r);
	return r.engine ? CMD_FINE : CMD_FATAL;
}
