/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/conf_keys.h"

#include <string.h>

#define SECOND ((uint64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define KIB    ((uint64_t)1 << 10)
#define MIB    ((uint64_t)1 << 20)

/* An engine that this build does not have is not one of the words. */
static const char *engine_text(unsigned engine)
{
	const char *text;

	if (engine >= SHUNT_ENGINES)
		return NULL;
	text = shunt_engine_text((enum shunt_engine)engine);
	return strcmp(text, "none") == 0 ? "" : text;
}

/* -- rows, from the leaves to the root -- */

#define FIELD(of, member) .field = offsetof(struct of, member)

static const struct conf_key route_keys[] = {
	{ "sni", &value_names, FIELD(conf_route, sni), .def = "",
	  .help = "names asked for in a TLS hello, or patterns like \"*.b.example\"" },
	{ "alpn", &value_alpn, FIELD(conf_route, alpn), .def = "",
	  .help = "application protocols of which a TLS hello offers one" },
	{ "host", &value_names, FIELD(conf_route, host), .def = "",
	  .help = "names in an HTTP request's Host, or patterns" },
	{ "protocol", &value_set, FIELD(conf_route, protocols), .def = "",
	  .choice = conf_protocol_text, .help = "what the connection begins with" },
	{ "backend", &value_backend, FIELD(conf_route, backend),
	  .help = "who gets what all conditions hold for; none: it is closed" },
	{ 0 },
};

static const struct conf_key listener_keys[] = {
	{ "address", &value_listen, FIELD(conf_listener, address),
	  .help = "where clients come; fd:3 is a socket that the service manager opened" },
	{ "look", &value_set, FIELD(conf_listener, look), .def = "", .choice = conf_protocol_text,
	  .help = "what may come and is told apart; nothing: the default backend gets all" },
	{ "accept_proxy", &value_bool, FIELD(conf_listener, accept_proxy), .def = "false",
	  .help = "a PROXY header, v1 or v2, must come first" },
	{ "on_silence", &value_backend, FIELD(conf_listener, on_silence), .def = "none",
	  .help = "who gets a client that says nothing for timeouts.head; none: it is closed" },
	{ "default", &value_backend, FIELD(conf_listener, otherwise), .def = "none",
	  .help = "who gets what matches no route; none: it is closed" },
	{ "mirror", &value_backend, FIELD(conf_listener, mirror), .def = "none",
	  .help = "who gets a copy of what clients say; it is cut rather than felt" },
	{ "mirror_lag", &value_size, FIELD(conf_listener, mirror_lag), .def = "8M", .min = 64 * KIB,
	  .max = 1024 * MIB, .help = "how far it may fall behind before it is cut" },
	{ "routes", .section = &conf_route_section, .def = "",
	  .help = "who gets what; the first that matches" },
	{ 0 },
};

static const struct conf_key server_keys[] = {
	{ "address", &value_server, FIELD(conf_server, address),
	  .help = "where it listens; a name is resolved, an SRV name brings ports" },
	{ "weight", &value_number, FIELD(conf_server, weight), .def = "1", .min = 1, .max = 256,
	  .help = "its share, beside the other servers' weights" },
	{ "backup", &value_bool, FIELD(conf_server, backup), .def = "false",
	  .help = "taken only when none of the others can be" },
	{ 0 },
};

static const struct conf_key check_keys[] = {
	{ "every", &value_time, FIELD(conf_check, every), .def = "2s", .min = 100, .max = 24 * HOUR,
	  .help = "how often each server is asked" },
	{ "timeout", &value_time, FIELD(conf_check, timeout), .def = "1s", .min = 10, .max = HOUR,
	  .help = "how long an answer may take" },
	{ "rise", &value_number, FIELD(conf_check, rise), .def = "2", .min = 1, .max = 100,
	  .help = "good answers in a row that bring a server back" },
	{ "fall", &value_number, FIELD(conf_check, fall), .def = "3", .min = 1, .max = 100,
	  .help = "bad answers in a row that take a server out" },
	{ "http", &value_path, FIELD(conf_check, http), .def = "none",
	  .help = "GET this path and want status 2xx or 3xx; none: a TCP connection is enough" },
	{ 0 },
};

static const struct conf_section check_section = { .word = "check", .keys = check_keys };

static const struct conf_key backend_keys[] = {
	{ "servers", .section = &conf_server_section,
	  .help = "addresses, or sections with an address" },
	{ "balance", &value_choice, FIELD(conf_backend, balance), .def = "round_robin",
	  .choice = conf_balance_text, .help = "how a server is chosen" },
	{ "send_proxy", &value_choice, FIELD(conf_backend, send_proxy), .def = "none",
	  .choice = conf_proxy_text, .help = "the PROXY header that servers are sent first" },
	{ "check", .section = &check_section, FIELD(conf_backend, check), .def = "none",
	  .optional = true, .on = offsetof(struct conf_backend, check.on),
	  .help = "ask servers whether they are well" },
	{ "max_connections", &value_number, FIELD(conf_backend, max_connections), .def = "0",
	  .help = "at most so many at once, to all its servers together; 0: no limit" },
	{ 0 },
};

static const struct conf_key split_keys[] = {
	{ "source", &value_source, FIELD(split_conf, source),
	  .help = "where the stream is; listen:ADDR: where it comes" },
	{ "listen", &value_listens, FIELD(split_conf, listen), .help = "where subscribers come" },
	{ "http", &value_media, FIELD(split_conf, type), .def = "none",
	  .help = "speak HTTP to them, with this Content-Type" },
	{ "lag", &value_size, FIELD(split_conf, lag), .def = "8M", .min = MIB, .max = 1024 * MIB,
	  .help = "how far a subscriber may be behind" },
	{ "on_lag", &value_choice, FIELD(split_conf, on_lag), .def = "skip",
	  .choice = conf_on_lag_text, .help = "skip to live, close, or let the source wait" },
	{ "burst", &value_size, FIELD(split_conf, burst), .def = "0", .max = 1024 * MIB,
	  .help = "so far before the live point one begins" },
	{ "align", &value_size, FIELD(split_conf, align), .def = "1", .min = 1, .max = 64 * KIB,
	  .help = "begin and skip at borders of packets" },
	{ "on_source_end", &value_choice, FIELD(split_conf, on_source_end), .def = "wait",
	  .choice = conf_on_source_end_text,
	  .help = "subscribers wait for the next one, or close as well" },
	{ "source_timeout", &value_time, FIELD(split_conf, source_timeout), .def = "10s",
	  .help = "give up a source silent so long; 0: never" },
	{ "retry", &value_time, FIELD(split_conf, retry), .def = "1s", .min = 1, .max = 24 * HOUR,
	  .help = "before the source is tried again; from failure to failure doubled" },
	{ "takeover", &value_bool, FIELD(split_conf, takeover), .def = "false",
	  .help = "a second source takes the first one's place" },
	{ "idle_timeout", &value_time, FIELD(split_conf, idle_timeout), .def = "60s",
	  .help = "end a subscriber who takes no byte for so long; 0: never" },
	{ "max_subscribers", &value_number, FIELD(split_conf, max_subscribers), .def = "0",
	  .help = "more are refused; 0: what the limit of descriptors allows" },
	{ "unit", &value_size, FIELD(split_conf, unit), .def = "0", .min = 64 * KIB, .max = MIB,
	  .or_zero = true, .help = "bytes moved at a time; 0: 1M, less for small lags" },
	{ 0 },
};

static const struct conf_key timeout_keys[] = {
	{ "head", &value_time, FIELD(conf, timeouts.head), .def = "3s", .min = 10, .max = HOUR,
	  .help = "for all that is looked at to come, PROXY header included" },
	{ "connect", &value_time, FIELD(conf, timeouts.connect), .def = "3s",
	  .help = "for each server tried; 0: as long as the kernel tries" },
	{ "idle", &value_time, FIELD(conf, timeouts.idle), .def = "10m",
	  .help = "ends what moves no byte for so long; 0: never" },
	{ "half_closed", &value_time, FIELD(conf, timeouts.half_closed), .def = "60s",
	  .help = "the same once one side has finished; 0: never" },
	{ "drain", &value_time, FIELD(conf, timeouts.drain), .def = "30s",
	  .help = "how long draining waits; 0: for ever" },
	{ 0 },
};

static const struct conf_key limit_keys[] = {
	{ "connections", &value_number, FIELD(conf, limits.connections), .def = "0",
	  .help = "at most so many at once; 0: what the limit of descriptors allows" },
	{ "per_client", &value_number, FIELD(conf, limits.per_client), .def = "0",
	  .help = "at most so many at once from one address; 0: no limit" },
	{ 0 },
};

static const struct conf_key log_keys[] = {
	{ "format", &value_choice, FIELD(conf, log.format), .def = "logfmt",
	  .choice = conf_log_format_text, .help = "how a line is written" },
	{ "level", &value_choice, FIELD(conf, log.level), .def = "info",
	  .choice = conf_log_level_text, .help = "the least important that is written" },
	{ 0 },
};

static const struct conf_key graft_keys[] = {
	{ "after", &value_size, FIELD(conf, graft.after), .def = "32K", .min = 1,
	  .help = "bytes relayed before the kernel takes over" },
	{ "ports", &value_ports, FIELD(conf, graft.ports), .def = "40000-49999",
	  .help = "ports that grafts go out from; nobody else may use them" },
	{ "slots", &value_number, FIELD(conf, graft.slots), .def = "65536", .min = 1,
	  .max = 1 << 20, .help = "how many grafts there can be" },
	{ "bpffs", &value_path, FIELD(conf, graft.bpffs), .def = "/sys/fs/bpf",
	  .help = "the BPF file system that they are kept in; none: where it usually is" },
	{ "on_exit", &value_choice, FIELD(conf, graft.on_exit), .def = "keep",
	  .choice = conf_on_exit_text, .help = "what becomes of grafts when shunt ends" },
	{ 0 },
};

static const struct conf_key admin_keys[] = {
	{ "address", &value_listen_ip, FIELD(conf, admin.address),
	  .help = "where metrics and connections are told over HTTP" },
	{ 0 },
};

/* These lie in struct conf itself. */
static const struct conf_section timeouts_section = { .word = "timeouts", .keys = timeout_keys };
static const struct conf_section limits_section = { .word = "limits", .keys = limit_keys };
static const struct conf_section log_section = { .word = "log", .keys = log_keys };
static const struct conf_section graft_section = { .word = "graft", .keys = graft_keys };
static const struct conf_section admin_section = { .word = "admin", .keys = admin_keys };

static const struct conf_key file_keys[] = {
	{ "listen", .section = &conf_listener_section, .unless = "split",
	  .help = "where clients come" },
	{ "backend", .section = &conf_backend_section, .unless = "split",
	  .help = "where they are brought, by name" },
	{ "split", .section = &conf_split_section, .def = "", .unless = "listen",
	  .help = "one live stream in, the same stream out to many" },
	{ "timeouts", .section = &timeouts_section, .def = "", .help = "how long things may take" },
	{ "limits", .section = &limits_section, .def = "", .help = "how many there may be" },
	{ "log", .section = &log_section, .def = "", .help = "what is written to stderr" },
	{ "engine", &value_choice, FIELD(conf, engine), .def = "auto", .choice = engine_text,
	  .help = "how bytes move; auto: the best that works" },
	{ "unit", &value_size, FIELD(conf, unit), .def = "0", .min = 4 * KIB, .max = 64 * MIB,
	  .or_zero = true, .help = "bytes moved at a time; 0: what suits the engine" },
	{ "receive_limit", &value_size, FIELD(conf, receive_limit), .def = "6M", .min = 256 * KIB,
	  .max = 1024 * MIB, .help = "how far a sender may run ahead in a socket's buffer" },
	{ "copy_below", &value_size, FIELD(conf, copy_below), .def = "8K", .min = 1, .max = 1 * MIB,
	  .help = "splice: smaller pieces are copied; 1: none are" },
	{ "workers", &value_number, FIELD(conf, workers), .def = "0", .max = CONF_WORKERS,
	  .help = "threads; 0: one for each CPU" },
	{ "graft", .section = &graft_section, .def = "",
	  .help = "connections that the kernel relays by itself" },
	{ "admin", .section = &admin_section, .def = "none", .optional = true,
	  .on = offsetof(struct conf, admin.on), .help = "the door for those who look after it" },
	{ 0 },
};

const struct conf_section conf_file = { .word = "configuration", .keys = file_keys };

/* -- those that there can be many of -- */

static size_t listener_count(const void *c)
{
	return ((const struct conf *)c)->listeners;
}

static void *listener_get(const void *c, size_t i)
{
	return ((const struct conf *)c)->listener[i];
}

static void *listener_add(struct conf *c, void *parent, const char *name)
{
	(void)parent;
	(void)name;
	return conf_add_listener(c);
}

static size_t route_count(const void *l)
{
	return ((const struct conf_listener *)l)->routes;
}

static void *route_get(const void *l, size_t i)
{
	return ((const struct conf_listener *)l)->route[i];
}

static void *route_add(struct conf *c, void *l, const char *name)
{
	(void)name;
	return conf_add_route(c, l);
}

static size_t backend_count(const void *c)
{
	return ((const struct conf *)c)->backends;
}

static void *backend_get(const void *c, size_t i)
{
	return ((const struct conf *)c)->backend[i];
}

static void *backend_add(struct conf *c, void *parent, const char *name)
{
	(void)parent;
	return conf_add_backend(c, name);
}

static const char *backend_name(const void *b)
{
	return ((const struct conf_backend *)b)->name;
}

static size_t server_count(const void *b)
{
	return ((const struct conf_backend *)b)->servers;
}

static void *server_get(const void *b, size_t i)
{
	return ((const struct conf_backend *)b)->server[i];
}

static void *server_add(struct conf *c, void *b, const char *name)
{
	(void)name;
	return conf_add_server(c, b);
}

static size_t split_count(const void *c)
{
	return ((const struct conf *)c)->splits;
}

static void *split_get(const void *c, size_t i)
{
	return ((const struct conf *)c)->split[i];
}

static void *split_add(struct conf *c, void *parent, const char *name)
{
	(void)parent;
	(void)name;
	return conf_add_split(c);
}

const struct conf_section conf_listener_section = {
	.word = "listener",
	.keys = listener_keys,
	.many = CONF_LISTED,
	.count = listener_count,
	.get = listener_get,
	.add = listener_add,
};
const struct conf_section conf_route_section = {
	.word = "route",
	.keys = route_keys,
	.many = CONF_LISTED,
	.count = route_count,
	.get = route_get,
	.add = route_add,
};
const struct conf_section conf_backend_section = {
	.word = "backend",
	.keys = backend_keys,
	.many = CONF_NAMED,
	.count = backend_count,
	.get = backend_get,
	.add = backend_add,
	.name = backend_name,
};
const struct conf_section conf_server_section = {
	.word = "server",
	.keys = server_keys,
	.bare = "address",
	.many = CONF_LISTED,
	.count = server_count,
	.get = server_get,
	.add = server_add,
};
const struct conf_section conf_split_section = {
	.word = "split",
	.keys = split_keys,
	.many = CONF_LISTED,
	.count = split_count,
	.get = split_get,
	.add = split_add,
};

/* Whatever there can be many of begins with its place. */
_Static_assert(offsetof(struct conf_listener, place) == 0, "listener");
_Static_assert(offsetof(struct conf_route, place) == 0, "route");
_Static_assert(offsetof(struct conf_backend, place) == 0, "backend");
_Static_assert(offsetof(struct conf_server, place) == 0, "server");
_Static_assert(offsetof(struct split_conf, place) == 0, "split");

_Static_assert(sizeof(listener_keys) / sizeof(listener_keys[0]) <= CONF_KEYS_MOST, "a bit each");
_Static_assert(sizeof(split_keys) / sizeof(split_keys[0]) <= CONF_KEYS_MOST, "a bit each");
_Static_assert(sizeof(file_keys) / sizeof(file_keys[0]) <= CONF_KEYS_MOST, "a bit each");

/* -- looking up -- */

const struct conf_key *conf_key_find(const struct conf_section *s, const char *name)
{
	for (const struct conf_key *k = s->keys; k->name; k++)
		if (strcmp(k->name, name) == 0)
			return k;
	return NULL;
}

bool *conf_key_on(const struct conf_key *key, void *object)
{
	return (bool *)((char *)object + key->on);
}
