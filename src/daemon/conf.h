/* SPDX-License-Identifier: BSD-2-Clause */
/* conf.h — what the daemon is told: listeners, their routes, backends, their servers, splits, and limits
 *
 *	struct conf ──┬─ listener ──┬─ route ──▶ backend ── server
 *	              │             ├─ otherwise ──▶ backend
 *	              │             └─ on_silence ──▶ backend
 *	              ├─ split
 *	              └─ timeouts, limits, log, admin, engine, workers
 *
 * A file (daemon/conf_load.h) and a command line (daemon/conf_relay.h) fill the same struct through the
 * same door (daemon/conf_draft.h), where every value is checked. What comes out of it never changes
 * again, but for the count of those who hold it: a reload makes a new one, and sessions keep the one
 * under which they began. All that hangs on a configuration lies in its own memory and goes with it.
 *
 * "none" is a word of ours, wherever a name or a section may be left out; so nothing is named so.
 */
#ifndef DAEMON_CONF_H
#define DAEMON_CONF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/log.h"
#include "daemon/conf_place.h"
#include "daemon/split_conf.h"
#include "look/detect.h"
#include "shunt.h"

enum {
	CONF_WORKERS = 256, /* threads at most */
	CONF_SPLITS = 64
};

enum conf_balance {
	CONF_ROUND_ROBIN,
	CONF_LEAST_CONNECTIONS,
	CONF_RANDOM,
	CONF_SOURCE_HASH,
	CONF_BALANCES
};

/* Which PROXY protocol header a server is sent. */
enum conf_proxy { CONF_PROXY_NONE, CONF_PROXY_V1, CONF_PROXY_V2, CONF_PROXIES };

/* What becomes of grafts when we end. */
enum conf_on_exit { CONF_KEEP, CONF_RESET, CONF_ON_EXITS };

struct conf_ports {
	uint16_t first, last;
};

/* As they are written in the file; NULL from the last on; "" is none that can be written. */
const char *conf_protocol_text(unsigned protocol); /* enum look_protocol */
const char *conf_balance_text(unsigned balance);
const char *conf_proxy_text(unsigned proxy);
const char *conf_on_exit_text(unsigned on_exit);
const char *conf_on_lag_text(unsigned on_lag);        /* enum split_on_lag */
const char *conf_on_source_end_text(unsigned on_end); /* enum split_on_end */
const char *conf_log_format_text(unsigned format);    /* enum log_format */
const char *conf_log_level_text(unsigned level);      /* enum log_level */

/* Texts, in the order given. */
struct conf_list {
	const char **item;
	size_t count;
};

/* Where a server is. */
enum conf_target_kind {
	CONF_TARGET_NUMBER, /* addr says it: in digits, :port, or a Unix socket */
	CONF_TARGET_NAME,   /* name is a host name: the resolver says it */
	CONF_TARGET_SRV, /* name.host is an SRV name, "_svc._tcp.name": the resolver says port and all */
};

struct conf_target {
	const char *text; /* as it was written */
	enum conf_target_kind kind;
	struct addr_name name;
	struct addr addr[2]; /* CONF_TARGET_NUMBER; ":port" is two of them */
	size_t addrs;
};

struct conf_server {
	struct conf_place place;
	struct conf_target address;
	unsigned weight;
	bool backup; /* taken when none of the others can be; backups in the order given */
};

/* How a server is asked whether it is well. */
struct conf_check {
	bool on;
	uint64_t every, timeout; /* ms */
	unsigned rise,
		fall;     /* good answers in a row that bring it back; bad ones that take it out */
	const char *http; /* the path of a GET; NULL: a TCP connection is answer enough */
};

struct conf_backend {
	struct conf_place place;
	const char *name;
	unsigned index; /* in conf.backend, for arrays by backend */
	struct conf_server **server;
	size_t servers; /* at least 1 */
	enum conf_balance balance;
	enum conf_proxy send_proxy;
	struct conf_check check;
	unsigned max_connections; /* 0: no limit */
};

/* A backend, by its name. */
struct conf_use {
	struct conf_place place;
	const char *name;                   /* NULL: none, the connection is closed */
	const struct conf_backend *backend; /* of that name; NULL with none */
};

/* Conditions of several kinds must all hold; of one kind, any of its items will do. An empty one holds
 * always; one at least is not empty. */
struct conf_route {
	struct conf_place place;
	struct conf_list sni, host; /* patterns of look/name.h, in lower case */
	struct conf_list alpn;      /* case counts */
	unsigned protocols;         /* LOOK_SET(...) */
	struct conf_use backend;
};

struct conf_listener {
	struct conf_place place;
	struct conf_address address;
	unsigned look; /* LOOK_SET(...): what may come; 0: nothing is looked at */
	bool accept_proxy;
	struct conf_use on_silence; /* who gets a client that says nothing for timeouts.head */
	struct conf_use otherwise;  /* "default" in the file: who gets what matches no route */
	struct conf_use mirror;     /* who gets a copy of what clients say */
	uint64_t mirror_lag;        /* bytes that may wait for it */
	struct conf_route **route;  /* the first that matches */
	size_t routes;
};

/* An address that we listen at. */
struct conf_bind {
	const struct conf_address *address;
	const char *key; /* that says so */
	bool single;     /* one socket does, for there is no crowd that workers would share */
};

struct conf {
	struct conf_listener **listener;
	size_t listeners;
	struct split_conf **split;
	size_t splits;
	struct conf_bind *bind; /* of the listeners in their order, then of the splits */
	size_t binds;
	struct conf_backend **backend;
	size_t backends;
	struct {
		uint64_t head, connect, idle, half_closed, drain; /* ms; 0: never, but for head */
	} timeouts;
	struct {
		unsigned connections; /* 0: what the limit of descriptors allows */
		unsigned per_client;  /* 0: no limit */
	} limits;
	struct {
		enum log_format format;
		enum log_level level;
	} log;
	enum shunt_engine engine;
	uint64_t unit;          /* bytes moved at a time; 0: the engine's own */
	uint64_t receive_limit; /* bytes a receive buffer may grow to */
	uint64_t copy_below;    /* splice: fewer bytes are copied */
	unsigned workers;       /* 0: one for each CPU */
	struct {
		uint64_t after; /* bytes relayed before one is made */
		struct conf_ports ports;
		unsigned slots;
		const char *bpffs; /* NULL: where it usually is */
		enum conf_on_exit on_exit;
	} graft;
	struct {
		bool on;
		struct conf_address address;
	} admin;

	atomic_uint *refs;         /* the one thing that changes */
	struct conf_block *blocks; /* all memory, this struct included */
};

/* Another one holds it. Any thread may. Returns c. */
const struct conf *conf_ref(const struct conf *c);

/* One less. The last one frees it; NULL is fine. Any thread may. */
void conf_unref(const struct conf *c);

/* -- while it is being made, by its only holder -- */

/* Zeroes throughout, held once. NULL: no memory. */
struct conf *conf_new(void);

/* Zeroed memory that goes with c; a copy of a text there. NULL: no memory. */
void *conf_alloc(struct conf *c, size_t size);
const char *conf_copy(struct conf *c, const char *text);

/* One more, zeroed, at the end. NULL (or false): no memory. */
struct conf_listener *conf_add_listener(struct conf *c);
struct conf_route *conf_add_route(struct conf *c, struct conf_listener *l);
struct conf_backend *conf_add_backend(struct conf *c, const char *name);
struct conf_server *conf_add_server(struct conf *c, struct conf_backend *b);
struct split_conf *conf_add_split(struct conf *c);
bool conf_add_text(struct conf *c, struct conf_list *list, const char *text);

/* By its name; NULL: there is none. */
struct conf_backend *conf_find_backend(const struct conf *c, const char *name);

#endif
