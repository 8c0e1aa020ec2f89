/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/graft_netlink.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { ANSWER = 32768, HEARD = 1 << 20, PATIENCE_S = 5 };

static int rt_socket(int flags)
{
	const int size = HEARD;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return fd;
}

int rt_open(void)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd = rt_socket(0);

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

int rt_listen(void)
{
	static const int group[] = { RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
				     RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,  RTNLGRP_IPV4_RULE,
				     RTNLGRP_IPV6_RULE,  RTNLGRP_NEXTHOP,     RTNLGRP_TC };
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int fd = rt_socket(SOCK_NONBLOCK), rc;

	/* Without a name of its own it would hear nothing. */
	if (fd >= 0 && bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	/* A kernel that has no IPv6 has no news of it. */
	for (size_t i = 0; fd >= 0 && i < sizeof(group) / sizeof(group[0]); i++)
		setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group[i], sizeof(group[i]));
	return fd;
}

void rt_begin(struct rt_message *m, uint16_t type, uint16_t flags, const void *fixed, size_t len)
{
	memset(m, 0, sizeof(*m));
	m->head.nlmsg_type = type;
	m->head.nlmsg_flags = NLM_F_REQUEST | flags;
	m->head.nlmsg_len = (uint32_t)NLMSG_LENGTH(len);
	memcpy(m->body, fixed, len);
}

void rt_put(struct rt_message *m, uint16_t type, const void *value, size_t len)
{
	const size_t at = NLMSG_ALIGN(m->head.nlmsg_len), end = at + RTA_LENGTH(len);
	struct rtattr *a = (struct rtattr *)(void *)((char *)m + at);

	if (end > sizeof(*m))
		return;
	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), value, len);
	m->head.nlmsg_len = (uint32_t)end;
}

void rt_put_text(struct rt_message *m, uint16_t type, const char *text)
{
	rt_put(m, type, text, strlen(text) + 1);
}

void rt_put_u32(struct rt_message *m, uint16_t type, uint32_t value)
{
	rt_put(m, type, &value, sizeof(value));
}

struct rtattr *rt_nest(struct rt_message *m, uint16_t type)
{
	struct rtattr *a = (struct rtattr *)(void *)((char *)m + NLMSG_ALIGN(m->head.nlmsg_len));

	rt_put(m, type, NULL, 0);
	return a;
}

void rt_nest_end(struct rt_message *m, struct rtattr *nest)
{
	nest->rta_len = (unsigned short)((char *)m + m->head.nlmsg_len - (char *)nest);
}

const struct nlmsghdr *rt_next(const char *bytes, size_t len, size_t *at)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)(bytes + *at);

	if (*at >= len || len - *at < sizeof(*h) || h->nlmsg_len < sizeof(*h) ||
	    h->nlmsg_len > len - *at)
		return NULL;
	*at += NLMSG_ALIGN(h->nlmsg_len);
	return h;
}

/* One datagram of the answer to m. 1: there is more; 0 or -errno: that was all. */
static int read_answer(const struct rt_message *m, const char *buf, size_t len,
		       void (*each)(void *to, const struct nlmsghdr *h), void *to)
{
	const struct nlmsghdr *h;
	size_t at = 0;

	while ((h = rt_next(buf, len, &at))) {
		if (h->nlmsg_seq != m->head.nlmsg_seq)
			continue; /* of a question that was given up */
		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (h->nlmsg_type == NLMSG_ERROR)
			return ((const struct nlmsgerr *)rt_fixed(h))->error;
		if (each)
			each(to, h);
	}
	return 1;
}

int rt_ask(int fd, struct rt_message *m, void (*each)(void *to, const struct nlmsghdr *h), void *to)
{
	static _Thread_local uint32_t seq;
	char *buf = malloc(ANSWER);
	int rc = 1;

	if (!buf)
		return -ENOMEM;
	/* A dump ends with DONE; everything else is answered by an acknowledgement at the end. */
	if ((m->head.nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		m->head.nlmsg_flags |= NLM_F_ACK;
	m->head.nlmsg_seq = ++seq;
	if (send(fd, m, m->head.nlmsg_len, 0) < 0)
		rc = -errno;
	while (rc == 1) {
		ssize_t n = recv(fd, buf, ANSWER, 0);

		if (n >= 0)
			rc = read_answer(m, buf, (size_t)n, each, to);
		else if (errno != EINTR)
			rc = -errno;
	}
	free(buf);
	return rc;
}

static void sort(const char *bytes, size_t len, const struct rtattr **at, unsigned most)
{
	memset(at, 0, (most + 1) * sizeof(*at));
	while (len >= sizeof(struct rtattr)) {
		const struct rtattr *a = (const struct rtattr *)(const void *)bytes;
		const size_t step = RTA_ALIGN(a->rta_len);
		const unsigned type = a->rta_type & (unsigned)NLA_TYPE_MASK;

		if (a->rta_len < sizeof(*a) || a->rta_len > len)
			return;
		if (type <= most)
			at[type] = a;
		if (step >= len)
			return;
		bytes += step;
		len -= step;
	}
}

void rt_attrs(const struct nlmsghdr *h, size_t fixed, const struct rtattr **at, unsigned most)
{
	const size_t head = NLMSG_LENGTH(NLMSG_ALIGN(fixed));

	sort((const char *)h + head, h->nlmsg_len > head ? h->nlmsg_len - head : 0, at, most);
}

void rt_attrs_in(const struct rtattr *nest, const struct rtattr **at, unsigned most)
{
	sort(rt_value(nest), rt_size(nest), at, most);
}

uint32_t rt_u32(const struct rtattr *a)
{
	uint32_t value = 0;

	if (a && rt_size(a) >= sizeof(value))
		memcpy(&value, rt_value(a), sizeof(value));
	return value;
}
