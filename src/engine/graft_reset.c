/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/graft_reset.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { OFF_WITHOUT_PROBE = -1 };

static socklen_t address(const struct graft_slot *slot, const uint32_t at[4], uint16_t port,
			 struct sockaddr_in6 *out)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = port };

	memset(out, 0, sizeof(*out));
	if (!(slot->flags & SLOT_V6)) {
		v4.sin_addr.s_addr = at[0];
		memcpy(out, &v4, sizeof(v4));
		return sizeof(v4);
	}
	out->sin6_family = AF_INET6;
	out->sin6_port = port;
	memcpy(&out->sin6_addr, at, sizeof(out->sin6_addr));
	return sizeof(*out);
}

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int set_seq(int fd, int queue, uint32_t seq)
{
	int r = set(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, queue);

	return r < 0 ? r : set(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, (int)seq);
}

static int revive(int fd, const struct graft_slot *slot, int x)
{
	const struct graft_side *side = &slot->side[x];
	struct sockaddr_in6 self, peer;
	socklen_t len = address(slot, side->self, side->self_port, &self);
	int r = set(fd, IPPROTO_TCP, TCP_REPAIR, 1);

	address(slot, side->peer, side->peer_port, &peer);
	if (r == 0) /* in repair mode no address is taken: do not ask for less (SO_REUSEADDR) */
		r = set_seq(fd, TCP_SEND_QUEUE, side->ack);
	if (r == 0)
		r = set_seq(fd, TCP_RECV_QUEUE, side->next);
	if (r == 0 && bind(fd, (struct sockaddr *)&self, len) < 0)
		r = -errno;
	if (r == 0 && connect(fd, (struct sockaddr *)&peer, len) < 0)
		r = -errno;
	return r;
}

int graft_reset(const struct graft_slot *slot, int x)
{
	struct linger at_once = { .l_onoff = 1 };
	int fd = socket(slot->flags & SLOT_V6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	int r = revive(fd, slot, x);

	if (r == 0) { /* out of repair mode, or nothing would be sent */
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		r = set(fd, IPPROTO_TCP, TCP_REPAIR, OFF_WITHOUT_PROBE);
	}
	close(fd);
	return r;
}

void graft_close_silently(int fd)
{
	if (fd < 0)
		return;
	set(fd, IPPROTO_TCP, TCP_REPAIR, 1);
	close(fd);
}
