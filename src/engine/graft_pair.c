/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/graft_pair.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter_ipv4.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sys.h"
#include "engine/graft_seat.h"

enum {
	ESTABLISHED = 1,
	OPTIONS = TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_ECN,
	HEADERS_V4 = 40,
	HEADERS_V6 = 60,
	NS_PER_MS = 1000000,
	SOCKETS_MS = 5000
};

/* -- may it be grafted? -- */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* As it is in packets: an IPv4 address in an IPv6 socket is one of IPv4. False: neither. */
static bool read_address(const union address *a, uint32_t out[4], uint16_t *port, bool *v6)
{
	*v6 = a->any.sa_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr);
	memset(out, 0, 16);
	if (a->any.sa_family == AF_INET) {
		out[0] = a->v4.sin_addr.s_addr;
		*port = a->v4.sin_port;
	} else if (a->any.sa_family == AF_INET6) {
		if (*v6)
			memcpy(out, &a->v6.sin6_addr, 16);
		else
			memcpy(out, &a->v6.sin6_addr.s6_addr[12], 4);
		*port = a->v6.sin6_port;
	}
	return a->any.sa_family == AF_INET || a->any.sa_family == AF_INET6;
}

/* Did conntrack change where the client wanted to go? Without NAT it answers what getsockname says. */
static bool translated(int fd, const struct graft_side *side, bool v6)
{
	union address at;
	uint32_t was[4];
	uint16_t port = 0;
	socklen_t len = v6 ? sizeof(at.v6) : sizeof(at.v4);
	bool is_v6;

	memset(&at, 0, sizeof(at));
	if (getsockopt(fd, v6 ? SOL_IPV6 : SOL_IP, SO_ORIGINAL_DST, &at, &len) < 0 ||
	    !read_address(&at, was, &port, &is_v6))
		return false;
	return memcmp(was, side->self, sizeof(was)) != 0 || port != side->self_port;
}

static enum graft_decline read_side(int fd, struct graft_side *side, bool *v6)
{
	union address peer, self;
	socklen_t peer_len = sizeof(peer), self_len = sizeof(self), len = sizeof(side->cookie);
	bool self_v6;

	if (getpeername(fd, &peer.any, &peer_len) < 0 ||
	    getsockname(fd, &self.any, &self_len) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_COOKIE, &side->cookie, &len) < 0)
		return GD_STATE;
	if (!read_address(&peer, side->peer, &side->peer_port, v6) ||
	    !read_address(&self, side->self, &side->self_port, &self_v6) || *v6 != self_v6)
		return GD_FAMILY;
	return translated(fd, side, *v6) ? GD_NAT : GD_NONE;
}

static bool read_info(int fd, struct tcp_info *info)
{
	socklen_t len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len) == 0 &&
	       info->tcpi_state == ESTABLISHED;
}

/* May the peer of a send larger packets than the way to that of b takes? What he takes himself, the
 * program looks at when it cuts. */
static bool too_large(const struct tcp_info *a, const struct tcp_info *b, uint32_t headers)
{
	return a->tcpi_advmss + headers > b->tcpi_pmtu;
}

static enum graft_decline compare(const struct tcp_info *a, const struct tcp_info *b,
				  uint32_t headers)
{
	unsigned differ = (a->tcpi_options ^ b->tcpi_options) & OPTIONS;

	if (differ & TCPI_OPT_TIMESTAMPS)
		return GD_STAMPS;
	if (differ & TCPI_OPT_SACK)
		return GD_SACK;
	if (differ & TCPI_OPT_ECN)
		return GD_ECN;
	return too_large(a, b, headers) || too_large(b, a, headers) ? GD_MSS : GD_NONE;
}

static enum graft_decline fill(struct shunt_graft *g, struct graft_slot *slot, const int fd[2])
{
	struct tcp_info info[2];
	bool v6[2], ours = false;

	for (int i = 0; i < 2; i++) {
		enum graft_decline d = read_side(fd[i], &slot->side[i], &v6[i]);

		if (d != GD_NONE)
			return d;
		if (!read_info(fd[i], &info[i]))
			return GD_STATE;
		uint16_t port = ntohs(slot->side[i].self_port);

		bool range = port >= g->ports.first && port <= g->ports.last;

		/* what becomes of ours on its way out no socket tells */
		if (!range || (g->kernel.strip[port] & PORT_MET))
			slot->side[i].seen = SIDE_MET;
		ours = ours || range;
	}
	if (v6[0] != v6[1])
		return GD_FAMILY;
	if (!ours)
		return GD_PORT;
	slot->flags = (v6[0] ? SLOT_V6 : 0) |
		      (info[0].tcpi_options & TCPI_OPT_TIMESTAMPS ? SLOT_STAMPS : 0);
	return compare(&info[0], &info[1], v6[0] ? HEADERS_V6 : HEADERS_V4);
}

enum graft_decline pair_make(struct shunt_graft *g, const int fd[2], struct graft_post *post,
			     void *user, struct pair **out)
{
	uint32_t index;
	struct pair *p = sys_alloc(sizeof(*p));

	if (!p)
		return GD_MEMORY;
	if (!seat_take(g, &index)) {
		free(p);
		return GD_SLOTS;
	}
	struct graft_slot *slot = graft_slot(g, index);
	enum graft_decline d = fill(g, slot, fd);

	pthread_mutex_lock(&g->lock);
	if (d == GD_NONE) {
		__atomic_store_n(&slot->state, SLOT_PAUSED, __ATOMIC_SEQ_CST);
		if (seat_enter(g, index) < 0)
			d = GD_TAKEN;
	}
	if (d == GD_NONE)
		g->seat[index].owner = p;
	else
		seat_give(g, index, false);
	pthread_mutex_unlock(&g->lock);
	if (d != GD_NONE) {
		free(p);
		return d;
	}
	*p = (struct pair){ .g = g, .slot = slot, .post = post, .index = index, .user = user };
	p->fd[0] = p->fd[1] = -1;
	list_init(&p->in_post);
	list_init(&p->in_keeper);
	*out = p;
	return GD_NONE;
}

/* -- its life -- */

void pair_arm(struct pair *p)
{
	__atomic_store_n(&p->slot->state, SLOT_ARMED, __ATOMIC_SEQ_CST);
}

bool pair_take_back(struct pair *p)
{
	for (;;) {
		if (slot_move(p->slot, SLOT_ARMED, SLOT_PAUSED))
			return true;
		uint32_t state = slot_state(p->slot);

		if (state == SLOT_PAUSED)
			return true;
		if (state == SLOT_GRAFTED || state == SLOT_CLOSED) {
			if (p->state == PAIR_OURS)
				p->state = PAIR_CUT;
			return false;
		}
		/* SWITCHING: the program decides, on another CPU, within a microsecond */
	}
}

void pair_note(struct pair *p, int i, uint32_t n, bool fin)
{
	struct graft_side *from = &p->slot->side[i], *to = &p->slot->side[!i];
	uint32_t end = __atomic_add_fetch(&from->here, n, __ATOMIC_SEQ_CST), was = end - n;
	uint32_t data = fin ? was : end, next = __atomic_load_n(&from->next, __ATOMIC_SEQ_CST);

	while (seq_before(next, data) &&
	       !__atomic_compare_exchange_n(&from->next, &next, data, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST))
		;
	/* what the program had got beyond, it had counted, though it came by us */
	if (seq_before(was, next))
		__atomic_fetch_sub(&from->bytes, seq_before(next, data) ? next - was : data - was,
				   __ATOMIC_SEQ_CST);
	if (fin) {
		from->fin_end = end;
		__atomic_fetch_or(&from->seen, SIDE_FIN, __ATOMIC_SEQ_CST);
	}
	__atomic_fetch_add(&to->fin, n, __ATOMIC_SEQ_CST);
}

static bool is_over(const struct graft_slot *slot)
{
	return slot_state(slot) == SLOT_CLOSED ||
	       ((slot->side[0].seen | slot->side[1].seen) & SIDE_RST);
}

bool pair_is_clean(const struct pair *p)
{
	const struct graft_slot *slot = p->slot;

	if (is_over(slot))
		return true;
	for (int i = 0; i < 2; i++)
		if (seq_before(slot->side[i].ack, slot->side[i].fin))
			return false;
	return true;
}

static void wake_keeper(struct shunt_graft *g)
{
	uint64_t one = 1;

	(void)!write(g->wake, &one, sizeof(one));
}

void pair_retire(struct pair *p, const int fd[2])
{
	struct shunt_graft *g = p->g;

	p->state = PAIR_KEEPER;
	pthread_mutex_lock(&g->lock);
	p->fd[0] = fd[0];
	p->fd[1] = fd[1];
	bool first = list_empty(&g->retiring);

	list_remove(&p->in_keeper);
	list_add_tail(&g->retiring, &p->in_keeper);
	pthread_mutex_unlock(&g->lock);
	if (first)
		wake_keeper(g);
}

/* With g->lock held. True: the keeper has it, and does so when he is done with it. */
static bool wish(struct pair *p, unsigned what)
{
	list_remove(&p->in_post);
	p->g->seat[p->index].owner = NULL;
	if (p->state != PAIR_KEEPER)
		return false;
	p->wish = what;
	return true;
}

void pair_end(struct pair *p)
{
	struct shunt_graft *g = p->g;
	bool ours = p->state == PAIR_OURS && pair_take_back(p);

	pthread_mutex_lock(&g->lock);
	bool keeps = wish(p, WISH_END);

	if (ours)
		seat_give(g, p->index, false);
	else if (p->state ==
		 PAIR_CUT) /* its sockets end by themselves, and still need their acks */
		seat_linger(g, p->index, clock_ms(), SOCKETS_MS);
	pthread_mutex_unlock(&g->lock);
	if (!keeps)
		free(p);
}

void pair_kill(struct pair *p, const int fd[2])
{
	struct shunt_graft *g = p->g;

	pthread_mutex_lock(&g->lock);
	if (!wish(p, WISH_KILL)) {
		p->fd[0] = fd[0];
		p->fd[1] = fd[1];
		list_add_tail(&g->killing, &p->in_keeper);
	}
	pthread_mutex_unlock(&g->lock);
	wake_keeper(g);
}

/* -- knowing -- */

uint64_t pair_bytes(const struct pair *p, int i)
{
	return __atomic_load_n(&p->slot->side[i].bytes, __ATOMIC_RELAXED);
}

uint64_t pair_last(const struct pair *p)
{
	uint64_t a = p->slot->side[0].last, b = p->slot->side[1].last;

	return (a > b ? a : b) / NS_PER_MS;
}

bool pair_fin_came(const struct pair *p, int i)
{
	return p->slot->side[i].seen & SIDE_FIN;
}

int pair_reset_by(const struct pair *p)
{
	return graft_reset_by(p->slot);
}

/* -- news -- */

int graft_post_open(struct graft_post *post)
{
	list_init(&post->pairs);
	post->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return post->fd < 0 ? -errno : 0;
}

void graft_post_close(struct graft_post *post)
{
	if (post->fd >= 0)
		close(post->fd);
	post->fd = -1;
}

void pair_tell(struct pair *p, unsigned news)
{
	uint64_t one = 1;

	if (list_empty(&p->post->pairs))
		(void)!write(p->post->fd, &one, sizeof(one));
	p->news |= news;
	if (list_empty(&p->in_post))
		list_add_tail(&p->post->pairs, &p->in_post);
}

struct pair *graft_post_next(struct shunt_graft *g, struct graft_post *post, unsigned *news)
{
	struct pair *p = NULL;
	uint64_t n;

	pthread_mutex_lock(&g->lock);
	struct list *first = list_first(&post->pairs);

	if (first) {
		p = list_of(first, struct pair, in_post);
		list_remove(first);
		*news = p->news;
		p->news = 0;
	} else {
		(void)!read(post->fd, &n, sizeof(n));
	}
	pthread_mutex_unlock(&g->lock);
	return p;
}
