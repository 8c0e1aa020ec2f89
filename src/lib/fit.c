/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/fit.h"

#include <linux/tcp.h>
#include <netinet/in.h>

#include "base/sys.h"

enum {
	SEGMENT_MOST = 32767, /* what TCP_MAXSEG takes */
	TRIES = 16,           /* of ports */
	SEGMENT_LEAST = 88,
	STAMPS_LEN = 12
};

static int bind_port(int fd, int family, uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	sys_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1); /* old ones of ours may be in TIME_WAIT */
	if (family == AF_INET6)
		return bind(fd, (struct sockaddr *)&v6, sizeof(v6));
	return bind(fd, (struct sockaddr *)&v4, sizeof(v4));
}

/* What like's peer does not speak our SYN must not offer; nor larger packets than he takes. */
static void agree(struct shunt *s, int fd, const struct shunt_end *like, uint16_t port)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	s->graft->kernel.strip[port] = PORT_OURS;
	if (getsockopt(like->src.fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return;
	unsigned has = info.tcpi_options;
	uint32_t segment = info.tcpi_snd_mss + (has & TCPI_OPT_TIMESTAMPS ? STAMPS_LEN : 0);

	s->graft->kernel.strip[port] =
		(uint8_t)(PORT_OURS | (has & TCPI_OPT_TIMESTAMPS ? 0 : STRIP_STAMPS) |
			  (has & TCPI_OPT_SACK ? 0 : STRIP_SACK) |
			  (has & TCPI_OPT_ECN ? 0 : STRIP_ECN));
	if (segment >= SEGMENT_LEAST && segment <= SEGMENT_MOST)
		sys_setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, (int)segment);
}

uint16_t fit_begin(struct shunt *s, int fd, const struct shunt_end *like, int family)
{
	for (int tries = 0; tries < TRIES; tries++) {
		uint16_t port = graft_port_take(&s->graft->ports);

		if (!port)
			return 0;
		if (bind_port(fd, family, port) == 0) {
			agree(s, fd, like, port);
			return port;
		}
		fit_drop(s, port); /* somebody has it from before it was reserved */
	}
	return 0;
}

void fit_drop(struct shunt *s, uint16_t port)
{
	if (!port)
		return;
	s->graft->kernel.strip[port] = 0;
	graft_port_give(&s->graft->ports, port);
}

void fit_end(struct shunt_end *e)
{
	if (e->port)
		fit_drop(e->s, e->port);
	e->port = 0;
}
