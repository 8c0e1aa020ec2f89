/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/grafts.h"

#include <cap-ng.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "base/log.h"
#include "base/sys.h"
#include "base/why.h"

enum { SEGMENT_LEAST = 536, SEGMENT_MOST = 32767, HEADERS_V4 = 40, HEADERS_V6 = 60 };

int grafts_open(struct grafts *g, const struct conf *conf)
{
	struct shunt_graft_options o = SHUNT_GRAFT_OPTIONS;

	*g = (struct grafts){ .graft = NULL };
	if (conf->engine != SHUNT_AUTO && conf->engine != SHUNT_GRAFT)
		return 0;
	o.bpffs = conf->graft.bpffs;
	o.port_first = conf->graft.ports.first;
	o.port_last = conf->graft.ports.last;
	o.slots = conf->graft.slots;
	o.least = conf->graft.after;
	o.idle_ms = conf->timeouts.idle;
	int r = shunt_graft_open(&g->graft, &o, g->why, sizeof(g->why));

	return conf->engine == SHUNT_GRAFT ? r : 0;
}

void grafts_drop_rights(const struct grafts *g)
{
	if (!g->graft)
		return;
	capng_get_caps_process();
	capng_updatev(CAPNG_DROP, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE, CAP_BPF,
		      CAP_PERFMON, CAP_NET_ADMIN, CAP_SYS_ADMIN, -1);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		log_say(LOG_WARN_LEVEL, "the rights that grafts needed could not be given up");
}

/* Bytes of a segment on the way to this target, as the route has it now; 0: not known. */
static int segment_to(const struct addr *to)
{
	int family = to->ss.ss_family, mtu = 0;

	if (family != AF_INET && family != AF_INET6)
		return 0;
	int fd = sys_socket(family, SOCK_DGRAM, 0);

	if (fd < 0)
		return 0;
	if (sys_connect(fd, (const struct sockaddr *)&to->ss, to->len) == 0)
		sys_getsockopt(fd, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
			       family == AF_INET ? IP_MTU : IPV6_MTU, &mtu);
	sys_close(fd);
	return mtu ? mtu - (family == AF_INET ? HEADERS_V4 : HEADERS_V6) : 0;
}

/* The smallest one on the way to any server, or `least` if that is smaller. */
static int least_segment(struct backend *b, int least)
{
	struct backend_list list;

	if (backend_list(b, &list) < 0)
		return least;
	for (size_t i = 0; i < list.count; i++) {
		int segment = segment_to(&list.seat[i].server->addr);

		if (segment >= SEGMENT_LEAST && segment < least)
			least = segment;
	}
	backend_list_free(&list);
	return least;
}

void grafts_fit_listener(const struct grafts *g, struct backends *bs, const struct listener *l)
{
	const struct conf *c = backends_conf(bs);
	int least = SEGMENT_MOST + 1;

	if (!g->graft || l->addr.ss.ss_family == AF_UNIX)
		return;
	for (size_t i = 0; i < c->backends; i++)
		least = least_segment(backends_get(bs, c->backend[i]), least);
	for (unsigned i = 0; least <= SEGMENT_MOST && i < l->count; i++)
		sys_setsockopt(l->fd[i], IPPROTO_TCP, TCP_MAXSEG, least);
}

int grafts_fd(const struct grafts *g)
{
	return g->graft ? shunt_graft_fd(g->graft) : -1;
}

static const char *text_of(const struct sockaddr_storage *ss, char text[ADDR_TEXT])
{
	struct addr a = { .ss = *ss };

	a.len = ss->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	return addr_text(&a, text);
}

static enum why why_of(const struct shunt_graft_end *e)
{
	if (e->why == SHUNT_WHY_RESET)
		return e->reset_by ? WHY_SERVER_RESET : WHY_CLIENT_RESET;
	return e->why == SHUNT_WHY_TIMEOUT ? WHY_IDLE : WHY_DONE;
}

void grafts_log_ended(const struct grafts *g)
{
	struct shunt_graft_end e;
	char text[ADDR_TEXT];

	while (g->graft && shunt_graft_ended(g->graft, &e)) {
		struct log_line l;

		log_begin(&l, LOG_INFO_LEVEL);
		log_number(&l, "conn", e.conn);
		log_text(&l, "client", text_of(&e.peer[0], text));
		log_text(&l, "listen", text_of(&e.self[0], text));
		log_text(&l, "server", text_of(&e.peer[1], text));
		log_number(&l, "dur_ms", e.age_ms);
		log_number(&l, "up", e.grafted[1] + e.before[1]);
		log_number(&l, "down", e.grafted[0] + e.before[0]);
		log_text(&l, "engine", shunt_engine_text(SHUNT_GRAFT));
		log_number(&l, "before", e.before[0] + e.before[1]);
		log_text(&l, "adopted", "yes");
		log_text(&l, "end", why_text(why_of(&e)));
		log_end(&l);
	}
}

void grafts_close(struct grafts *g)
{
	shunt_graft_close(g->graft);
	g->graft = NULL;
}
