/* SPDX-License-Identifier: BSD-2-Clause */
/* The doors: a refused connection, a watched descriptor, an end that is attached, looked at and given back
 * with every byte still in it, an aborted one; and a context that is closed in the middle of everything: with a
 * join that runs, a connection being made, bytes queued before a peer that does not read, and held buffers.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fault.h"

enum { BYTES = 30000, MUCH = 600000 };

static struct {
	struct actor *back, *stuck;
	struct peer bell, nobody; /* for those who have none */
	struct actor *watched;
	struct shunt_buf *held;
	bool rang;
} it;

/* All that the peer has sent is still in the socket. */
static void give_back(struct actor *a)
{
	unsigned char bytes[BYTES];
	size_t n = BYTES;
	const unsigned char *want = noise(a->peer->seed, 0, &n);
	int fd = shunt_detach(a->end);

	if (fd < 0) { /* an end that a fault has hurt says so, and will be gone */
		if (fd == -EBUSY || fd == -EINVAL)
			wrong("an end with nothing but a head that was seen can't be detached");
		return;
	}
	a->end = NULL;
	a->detached = true;
	a->peer->other = fd;
	if (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) != (ssize_t)n || memcmp(bytes, want, n))
		wrong("a socket that was given back has lost bytes");
}

static void event(struct world *w, const struct shunt_event *ev, struct actor *a)
{
	(void)w;
	if (ev->what == SHUNT_READY && a == it.watched)
		it.rang = true;
	if (ev->what == SHUNT_ARRIVED && a == it.stuck) {
		actor_queue(w, a, ev->buf, a->peer->seed, a->arrived, 0, ev->length);
		a->arrived += ev->length;
		if (!it.held && shunt_hold(ev->buf) == 0)
			it.held = ev->buf;
	}
	if (ev->what == SHUNT_ARRIVED && a == it.back)
		give_back(a);
}

/* The kernel may say so at once or later. */
static void refused(struct world *w)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port_refused()) };
	struct actor *a = &w->actors[w->actor_count++];

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	it.nobody = (struct peer){ .name = "nobody" };
	*a = (struct actor){ .name = "refused", .peer = &it.nobody };
	int r = shunt_connect(w->s, (struct sockaddr *)&to, sizeof(to), NULL, SHUNT_ALL, a, &a->end);

	a->made = r == 0;
}

static void tell(struct world *w)
{
	uint16_t port;

	memset(&it, 0, sizeof(it));
	struct peer *back = peer_pair(w, "back", false), *stuck = peer_pair(w, "stuck", true);
	struct peer *left = peer_pair(w, "left", true), *right = peer_pair(w, "right", true);
	struct peer *late = peer_listens(w, "late", false, &port);

	peer_sends(back, BYTES, END_OPEN);
	peer_sends(stuck, MUCH, END_OPEN);
	peer_sends(left, MUCH, END_FIN);
	right->appetite = 10000;
	stuck->appetite = 5000;
	back->want = stuck->want = left->want = right->want = late->want = END_RESET;

	refused(w);
	it.back = actor_attach(w, back, SHUNT_HEAD(10));
	it.stuck = actor_attach(w, stuck, SHUNT_NONE);
	struct actor *a = actor_attach(w, left, SHUNT_NONE),
		     *b = actor_attach(w, right, SHUNT_NONE);

	actor_join(w, a, b);
	stuck->part_will_do = right->part_will_do = true;
	int bell = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

	must(bell >= 0, "eventfd");
	it.bell = (struct peer){ .name = "bell", .other = bell };
	it.watched = actor_watch(w, &it.bell);

	play_turns(w, 4);
	actor_abort(actor_connect(w, late, port, SHUNT_HEAD(1)));
	play_turns(w, 2);
	actor_connect(w, late, port, SHUNT_HEAD(1));
	play_close(w);
	w->failed |= !it.rang;
	if (!it.watched->gone)
		close(bell);
}

const struct story story_open_and_close = {
	.name = "open_and_close", .tell = tell, .event = event, .least = 40
};
