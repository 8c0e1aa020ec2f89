/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_keeper.c — the keeper's turn, as a list of calls
 *
 *   wait ─▶ what the programs tell ─▶ kill ─▶ retire ─▶ let go of who lingered ─▶ adopted that idle ─▶ devices
 *
 * Retiring needs to know that no CPU still carries a packet of the pair from the program to a socket.
 * Packets are handled inside RCU read sections, so one grace period is enough: membarrier(GLOBAL), which
 * takes 10 to 25 ms and serves all pairs that wait. Meanwhile the sockets are in repair mode and stay
 * silent. What a socket took in before is seen then, and the pair given back to be drained once more.
 */
#include "engine/graft_keeper.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sys.h"
#include "engine/graft_end.h"
#include "engine/graft_pair.h"
#include "engine/graft_reset.h"
#include "engine/graft_seat.h"
#include "engine/graft_tuple.h"

enum { BATCH = 256, CHECK_MS = 1000, CHECK_IDLE_MS = 10000, SOON_MS = 50, REPAIR_OFF = -1 };

/* -- retiring -- */

static int repair(int fd, int on)
{
	return setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) < 0 ? -errno : 0;
}

static bool queue_seq(int fd, int queue, uint32_t *seq)
{
	socklen_t len = sizeof(*seq);

	return setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof(queue)) == 0 &&
	       getsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, seq, &len) == 0;
}

/* Do the sockets own nothing: is all they took in sent on, all they sent acknowledged? */
static bool own_nothing(const struct pair *p)
{
	const struct graft_side *side = p->slot->side;
	uint32_t taken[2], sent[2];

	for (int i = 0; i < 2; i++) {
		if (!queue_seq(p->fd[i], TCP_RECV_QUEUE, &taken[i]) ||
		    !queue_seq(p->fd[i], TCP_SEND_QUEUE, &sent[i]) || sys_waiting(p->fd[i]) > 0)
			return false;
	}
	for (int i = 0; i < 2; i++)
		if (taken[i] + side[i].dseq != sent[!i] || seq_before(side[i].ack, sent[i]))
			return false;
	return true;
}

/* In repair mode, and a grace period is over. True: closed. */
static bool retire_one(struct pair *p)
{
	if (!graft_is_over(p->slot) && !own_nothing(p)) {
		for (int i = 0; i < 2; i++)
			repair(p->fd[i], REPAIR_OFF);
		return false;
	}
	__atomic_store_n(&p->slot->final, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 2; i++) {
		close(p->fd[i]);
		p->fd[i] = -1;
	}
	return true;
}

/* With the lock held: to whom does it belong now? */
static void hand_back(struct shunt_graft *g, struct pair *p, bool closed, bool stuck)
{
	if (p->wish == WISH_NOTHING) {
		pair_tell(p, closed ? NEWS_ALONE : NEWS_BACK | (stuck ? NEWS_STUCK : 0));
		return;
	}
	if (p->wish == WISH_END && closed)
		free(p);
	else
		list_add_tail(&g->killing, &p->in_keeper);
}

static unsigned take_batch(struct shunt_graft *g, struct pair *batch[BATCH])
{
	unsigned n = 0;
	struct list *l;

	pthread_mutex_lock(&g->lock);
	while (n < BATCH && (l = list_first(&g->retiring))) {
		list_remove(l);
		batch[n++] = list_of(l, struct pair, in_keeper);
	}
	pthread_mutex_unlock(&g->lock);
	return n;
}

static void retire(struct shunt_graft *g)
{
	struct pair *batch[BATCH];
	bool closed[BATCH] = { false }, stuck[BATCH] = { false };
	unsigned n = take_batch(g, batch);

	if (n == 0)
		return;
	for (unsigned i = 0; i < n; i++) {
		stuck[i] = repair(batch[i]->fd[0], 1) < 0;
		if (!stuck[i] && repair(batch[i]->fd[1], 1) < 0) {
			repair(batch[i]->fd[0], REPAIR_OFF);
			stuck[i] = true;
		}
	}
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	for (unsigned i = 0; i < n; i++)
		closed[i] = !stuck[i] && retire_one(batch[i]);
	pthread_mutex_lock(&g->lock);
	for (unsigned i = 0; i < n; i++)
		hand_back(g, batch[i], closed[i], stuck[i]);
	pthread_mutex_unlock(&g->lock);
}

/* -- killing -- */

static struct pair *next_kill(struct shunt_graft *g)
{
	pthread_mutex_lock(&g->lock);
	struct list *l = list_first(&g->killing);

	if (l)
		list_remove(l);
	pthread_mutex_unlock(&g->lock);
	return l ? list_of(l, struct pair, in_keeper) : NULL;
}

static void kill_all(struct shunt_graft *g)
{
	struct pair *p;

	while ((p = next_kill(g))) {
		for (int i = 0; i < 2; i++)
			graft_close_silently(p->fd[i]);
		graft_kill(g, p->index);
		free(p);
	}
}

/* -- what the programs tell -- */

static int on_event(void *ctx, void *data, size_t size)
{
	struct shunt_graft *g = ctx;
	const struct graft_event *e = data;

	if (size < sizeof(*e) || e->slot >= g->kernel.slots)
		return 0;
	struct graft_slot *slot = graft_slot(g, e->slot);
	struct seat *seat = &g->seat[e->slot];

	pthread_mutex_lock(&g->lock);
	if (slot->life == e->life && slot_state(slot) != SLOT_FREE) {
		if (e->kind == GRAFT_EV_CUT && seat->owner)
			pair_tell(seat->owner, NEWS_CUT);
		else if (e->kind != GRAFT_EV_CUT)
			graft_over(g, e->slot, clock_ms());
	}
	pthread_mutex_unlock(&g->lock);
	return 0;
}

/* Events were lost, or nobody was there to hear them: look at all slots. */
static void look_at_all(struct shunt_graft *g)
{
	pthread_mutex_lock(&g->lock);
	for (uint32_t i = 0; i < g->kernel.slots; i++) {
		struct graft_slot *slot = graft_slot(g, i);

		if (slot_state(slot) >= SLOT_GRAFTED && graft_is_over(slot))
			graft_over(g, i, clock_ms());
		else if (slot_state(slot) == SLOT_GRAFTED && !slot->final && g->seat[i].owner)
			pair_tell(g->seat[i].owner, NEWS_CUT);
	}
	pthread_mutex_unlock(&g->lock);
}

/* -- the loop -- */

static int wait_ms(struct shunt_graft *g, uint64_t now, uint64_t next_check)
{
	int ms = (int)(next_check > now ? next_check - now : 0);

	pthread_mutex_lock(&g->lock);
	if (!list_empty(&g->retiring) || !list_empty(&g->killing))
		ms = 0;
	else if (!list_empty(&g->lingering) && ms > SOON_MS)
		ms = SOON_MS;
	pthread_mutex_unlock(&g->lock);
	return ms;
}

static void check(struct shunt_graft *g, uint64_t *lost)
{
	uint64_t counts[GC_COUNTS];

	if (graft_kernel_counts(&g->kernel, counts) == 0 && counts[GC_LOST_EVENT] != *lost) {
		*lost = counts[GC_LOST_EVENT];
		look_at_all(g);
	}
	graft_idle(g, clock_ms());
	graft_devices_check(&g->devices);
}

static void *run(void *arg)
{
	struct shunt_graft *g = arg;
	uint64_t next_check = clock_ms() + CHECK_MS, lost = 0, n;

	prctl(PR_SET_NAME, "shunt-keeper");
	while (!atomic_load(&g->stop)) {
		struct pollfd fds[] = { { .fd = ring_fd(g->ring), .events = POLLIN },
					{ .fd = g->wake, .events = POLLIN },
					{ .fd = g->devices.netlink, .events = POLLIN } };

		poll(fds, 3, wait_ms(g, clock_ms(), next_check));
		(void)!read(g->wake, &n, sizeof(n));
		ring_hear(g->ring);
		if (fds[2].revents)
			graft_devices_follow(&g->devices);
		kill_all(g);
		retire(g);
		graft_let_go(g, clock_ms());
		if (clock_ms() >= next_check) {
			check(g, &lost);
			next_check = clock_ms() +
				     (graft_ports_used(&g->ports) ? CHECK_MS : CHECK_IDLE_MS);
		}
	}
	ring_hear(g->ring);
	retire(g);
	kill_all(g);
	return NULL;
}

int keeper_start(struct shunt_graft *g)
{
	g->ring = ring_open(g->kernel.events, on_event, g);
	if (!g->ring)
		return -ENOMEM;
	g->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (g->wake < 0)
		return -errno;
	int r = pthread_create(&g->thread, NULL, run, g);

	g->running = r == 0;
	return -r;
}

void keeper_stop(struct shunt_graft *g)
{
	uint64_t one = 1;

	if (g->running) {
		atomic_store(&g->stop, true);
		(void)!write(g->wake, &one, sizeof(one));
		pthread_join(g->thread, NULL);
	}
	if (g->ring)
		ring_close(g->ring);
	if (g->wake >= 0)
		close(g->wake);
}

void keeper_adopt(struct shunt_graft *g)
{
	for (uint32_t i = 0; i < g->kernel.slots; i++)
		if (slot_state(graft_slot(g, i)) != SLOT_FREE)
			graft_adopt(g, i, clock_ms());
}
