/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_netlink.h — questions to rtnetlink: one at a time, each with its answer */
#ifndef ENGINE_GRAFT_NETLINK_H
#define ENGINE_GRAFT_NETLINK_H

#include <stddef.h>
#include <stdint.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

struct rt_message {
	struct nlmsghdr head;
	char body[508];
};

/* A socket for questions: a descriptor or -errno. */
int rt_open(void);
/* One that hears of links, addresses, routes, rules and traffic control; does not block. */
int rt_listen(void);

/* A message of this type; `flags` beside NLM_F_REQUEST. `fixed` is the struct that the type begins with. */
void rt_begin(struct rt_message *m, uint16_t type, uint16_t flags, const void *fixed, size_t len);
/* What does not fit was asked for by our own mistake: it is left out, and the kernel refuses. */
void rt_put(struct rt_message *m, uint16_t type, const void *value, size_t len);
void rt_put_text(struct rt_message *m, uint16_t type, const char *text);
void rt_put_u32(struct rt_message *m, uint16_t type, uint32_t value);
struct rtattr *rt_nest(struct rt_message *m, uint16_t type);
void rt_nest_end(struct rt_message *m, struct rtattr *nest);

/* Ask, and give each message of the answer to `each` (NULL: only whether it worked). 0 or -errno. */
int rt_ask(int fd, struct rt_message *m, void (*each)(void *to, const struct nlmsghdr *h),
	   void *to);

/* The next message of `len` bytes that were heard, from *at (0 at first) on; NULL: that was the last. */
const struct nlmsghdr *rt_next(const char *bytes, size_t len, size_t *at);
/* What a message begins with, and what an attribute holds: the macros of the kernel's headers lose const. */
static inline const void *rt_fixed(const struct nlmsghdr *h)
{
	return (const char *)h + NLMSG_HDRLEN;
}
static inline const void *rt_value(const struct rtattr *a)
{
	return (const char *)a + RTA_LENGTH(0);
}
static inline size_t rt_size(const struct rtattr *a)
{
	return a->rta_len - RTA_LENGTH(0);
}
/* Attributes that follow `fixed` bytes, by their type, in at[0…most]; NULL where there is none. */
void rt_attrs(const struct nlmsghdr *h, size_t fixed, const struct rtattr **at, unsigned most);
void rt_attrs_in(const struct rtattr *nest, const struct rtattr **at, unsigned most);
uint32_t rt_u32(const struct rtattr *a); /* 0 for NULL */

#endif
