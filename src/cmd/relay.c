/* SPDX-License-Identifier: BSD-2-Clause */
/* relay.c — `shunt relay`: take connections, connect on, move the bytes both ways: one command, no file
 *
 * The words of the command line become a configuration (daemon/conf_relay.h), as a file would.
 */
#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/launch.h"
#include "cmd/options.h"
#include "daemon/conf_relay.h"

static const char *const engines[] = { "auto", "copy", "splice", "graft",
				       NULL };                     /* enum shunt_engine */
static const char *const formats[] = { "logfmt", "json", NULL };   /* enum log_format */
static const char *const exits[] = { "keep", "reset", NULL };      /* enum conf_on_exit */
static const char *const proxies[] = { "none", "v1", "v2", NULL }; /* enum conf_proxy */

#define UNIT_LEAST    ((uint64_t)4 << 10)
#define UNIT_MOST     ((uint64_t)64 << 20)
#define RECEIVE_LEAST ((uint64_t)256 << 10)
#define RECEIVE_MOST  ((uint64_t)1 << 30)

struct relay_args {
	struct options_list listen, target, rest, sni, http_host, ssh, tls, mirror;
	unsigned engine, format, verbose, on_exit, send_proxy;
	uint64_t workers, unit, receive_limit, copy_below, slots, connections, per_client,
		graft_after, mirror_lag;
	uint64_t head, connect, idle, half_closed, drain;
	const char *ports, *bpffs;
	struct conf_ports port_range;
	bool accept_proxy;
};

/* LISTEN TARGET...: the first word is where to listen, unless --listen has said it. */
static int sort_words(const struct options *o, struct relay_args *a)
{
	size_t i = 0;

	if (a->listen.count == 0 && a->rest.count > 0)
		a->listen.item[a->listen.count++] = a->rest.item[i++];
	if (a->target.count + a->rest.count - i > OPTIONS_LIST_MAX)
		return options_wrong(o, "more than %d targets", OPTIONS_LIST_MAX);
	while (i < a->rest.count)
		a->target.item[a->target.count++] = a->rest.item[i++];
	return 0;
}

/* Is anything looked at? */
static bool looks(const struct relay_args *a)
{
	return a->sni.count || a->http_host.count || a->ssh.count || a->tls.count;
}

static int read_args(struct relay_args *a, int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "listen", 'l', "ADDR", OPTION_LIST, .list = &a->listen,
		  .help = "where clients come" },
		{ "target", 't', "ADDR", OPTION_LIST, .list = &a->target,
		  .help = "where they are brought; the first that takes it" },
		{ "default", 0, "ADDR", OPTION_LIST, .list = &a->target,
		  .help = "the same: who gets what the next four do not" },
		{ "sni", 0, "NAME=ADDR", OPTION_LIST, .list = &a->sni,
		  .help = "who gets TLS for NAME (a.example, *.b.example)" },
		{ "http-host", 0, "NAME=ADDR", OPTION_LIST, .list = &a->http_host,
		  .help = "who gets HTTP for NAME" },
		{ "ssh", 0, "ADDR", OPTION_LIST, .list = &a->ssh, .help = "who gets SSH" },
		{ "tls", 0, "ADDR", OPTION_LIST, .list = &a->tls,
		  .help = "who gets TLS for any other name" },
		{ "mirror", 0, "ADDR", OPTION_LIST, .list = &a->mirror,
		  .help = "who gets a copy of what clients say" },
		{ "mirror-lag", 0, "SIZE", OPTION_SIZE, .size = &a->mirror_lag, .min = 64 << 10,
		  .max = 1 << 30, .def = "8M", .help = "how far it may fall behind" },
		{ "accept-proxy", 0, NULL, OPTION_FLAG, .flag = &a->accept_proxy,
		  .help = "a PROXY header, v1 or v2, must come first" },
		{ "send-proxy", 0, "V", OPTION_CHOICE, .choice = &a->send_proxy, .choices = proxies,
		  .def = "none", .help = "tell servers who the client is" },
		{ "engine", 'e', "ENGINE", OPTION_CHOICE, .choice = &a->engine, .choices = engines,
		  .def = "auto", .help = "graft, splice, copy, or auto: the best" },
		{ "graft-after", 0, "SIZE", OPTION_SIZE, .size = &a->graft_after, .min = 1,
		  .def = "32K", .help = "bytes relayed before the kernel takes over" },
		{ "graft-ports", 0, "RANGE", OPTION_TEXT, .text = &a->ports, .def = "40000-49999",
		  .help = "ports that grafts go out from" },
		{ "graft-slots", 0, "N", OPTION_NUMBER, .number = &a->slots, .min = 1,
		  .max = 1 << 20, .def = "65536", .help = "how many grafts there can be" },
		{ "on-exit", 0, "WHAT", OPTION_CHOICE, .choice = &a->on_exit, .choices = exits,
		  .def = "keep", .help = "keep grafts, or reset them" },
		{ "bpffs", 0, "DIR", OPTION_TEXT, .text = &a->bpffs, .def = "/sys/fs/bpf",
		  .help = "the BPF file system for them" },
		{ "unit", 'u', "SIZE", OPTION_SIZE, .size = &a->unit, .min = UNIT_LEAST,
		  .max = UNIT_MOST, .help = "bytes moved at a time [splice 1M, copy 256K]" },
		{ "receive-limit", 0, "SIZE", OPTION_SIZE, .size = &a->receive_limit,
		  .min = RECEIVE_LEAST, .max = RECEIVE_MOST, .def = "6M",
		  .help = "how far a sender may run ahead" },
		{ "copy-below", 0, "SIZE", OPTION_SIZE, .size = &a->copy_below, .min = 1,
		  .max = 1 << 20, .def = "8K", .help = "smaller pieces are copied, not spliced" },
		{ "workers", 'w', "N", OPTION_NUMBER, .number = &a->workers, .min = 0,
		  .max = CONF_WORKERS, .def = "0", .help = "threads; 0: one for each CPU" },
		{ "head-timeout", 0, "TIME", OPTION_TIME, .time = &a->head, .min = 10, .def = "3s",
		  .help = "for all that is looked at to come" },
		{ "connect-timeout", 0, "TIME", OPTION_TIME, .time = &a->connect, .def = "3s",
		  .help = "for each target; 0: the kernel's own" },
		{ "idle-timeout", 0, "TIME", OPTION_TIME, .time = &a->idle, .def = "10m",
		  .help = "end what moves no byte; 0: never" },
		{ "half-closed-timeout", 0, "TIME", OPTION_TIME, .time = &a->half_closed,
		  .def = "60s", .help = "once one side has finished" },
		{ "drain-timeout", 0, "TIME", OPTION_TIME, .time = &a->drain, .def = "30s",
		  .help = "how long draining waits; 0: for ever" },
		{ "max-connections", 0, "N", OPTION_NUMBER, .number = &a->connections, .min = 0,
		  .max = UINT32_MAX, .def = "0", .help = "0: what descriptors allow" },
		{ "per-client", 0, "N", OPTION_NUMBER, .number = &a->per_client, .min = 0,
		  .max = UINT32_MAX, .def = "0", .help = "at once from one address; 0: no limit" },
		{ "log", 0, "FORMAT", OPTION_CHOICE, .choice = &a->format, .choices = formats,
		  .def = "logfmt", .help = "to stderr, one line for each connection" },
		{ "verbose", 'v', NULL, OPTION_COUNT, .count = &a->verbose, .help = "say more" },
		{ 0 },
	};
	const struct options o = {
		"shunt relay",
		"[LISTEN TARGET...]",
		"Take connections at LISTEN, connect to TARGET, move the bytes both ways.",
		rows,
		&a->rest,
		"ADDR: host:port, :port, [v6]:port, unix:/path\n"
		"signals: SIGTERM, SIGINT, SIGHUP stop; SIGUSR1 drains: no new ones, then exit\n"
		"exit codes: 0 fine, 1 usage, 2 cannot bind or no permission, 3 fatal at run time\n"
	};
	int r = options_parse(&o, argc, argv);

	if (r != 0)
		return r;
	r = sort_words(&o, a);
	if (r < 0)
		return r;
	if (a->listen.count == 0)
		return options_wrong(&o,
				     "where to listen is missing: shunt relay :8080 10.0.0.7:80");
	if (a->target.count == 0 && !looks(a))
		return options_wrong(&o, "the target is missing: shunt relay %s 10.0.0.7:80",
				     a->listen.item[0]);
	if (!conf_ports_read(a->ports, &a->port_range))
		return options_wrong(&o, "--graft-ports %s: must be like 40000-49999", a->ports);
	return 0;
}

/* -- a configuration -- */

static struct conf_words words(const struct options_list *list)
{
	return (struct conf_words){ list->item, list->count };
}

static void put_numbers(struct conf *c, const struct relay_args *a)
{
	for (size_t i = 0; i < c->listeners; i++)
		c->listener[i]->mirror_lag = a->mirror_lag;
	c->timeouts.head = a->head;
	c->timeouts.connect = a->connect;
	c->timeouts.idle = a->idle;
	c->timeouts.half_closed = a->half_closed;
	c->timeouts.drain = a->drain;
	c->limits.connections = (unsigned)a->connections;
	c->limits.per_client = (unsigned)a->per_client;
	c->log.format = (enum log_format)a->format;
	c->log.level = a->verbose ? LOG_DEBUG_LEVEL : LOG_INFO_LEVEL;
	c->engine = (enum shunt_engine)a->engine;
	c->unit = a->unit;
	c->receive_limit = a->receive_limit;
	c->copy_below = a->copy_below;
	c->workers = (unsigned)a->workers;
	c->graft.after = a->graft_after;
	c->graft.ports = a->port_range;
	c->graft.slots = (unsigned)a->slots;
	c->graft.bpffs = conf_copy(c, a->bpffs);
	c->graft.on_exit = (enum conf_on_exit)a->on_exit;
}

static int make_conf(const struct relay_args *a, const struct conf **out,
		     struct conf_report *report)
{
	const struct conf_relay words_of = {
		.listen = words(&a->listen),
		.otherwise = words(&a->target),
		.sni = words(&a->sni),
		.http_host = words(&a->http_host),
		.ssh = words(&a->ssh),
		.tls = words(&a->tls),
		.mirror = words(&a->mirror),
		.send_proxy = (enum conf_proxy)a->send_proxy,
		.accept_proxy = a->accept_proxy,
	};
	struct conf_draft d;

	if (conf_draft_begin(&d, report) < 0)
		return -ENOMEM;
	conf_relay_put(&d, &words_of);
	put_numbers(d.conf, a);
	return conf_draft_finish(&d, out);
}

int cmd_relay(int argc, char **argv)
{
	struct relay_args a = { .format = 0 };
	struct conf_report report = { .message = NULL };
	const struct conf *c = NULL;
	int r = read_args(&a, argc, argv);

	if (r != 0)
		return r == OPTIONS_HELPED ? CMD_FINE : CMD_USAGE;
	r = make_conf(&a, &c, &report);
	launch_say_report("shunt relay", &report);
	if (r < 0)
		return r == -ENOMEM ? CMD_FATAL : CMD_USAGE;
	r = launch("shunt relay", &(struct daemon_options){ .conf = c, .brief = !looks(&a) }, NULL);
	conf_unref(c);
	return r;
}
