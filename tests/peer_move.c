/* SPDX-License-Identifier: BSD-2-Clause */
/* peer_move.c — sending and reading at once, at a pace, with an eye on urgent bytes
 *
 * An urgent byte must be taken before reading goes past its mark, or the kernel drops it: so each
 * turn looks for it first, and recv() stops at the mark by itself. A reset is told only once by
 * the kernel, to whoever asks first: if sending was told, the end of reading is a reset too,
 * although recv() says 0.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>

#include "peer_move.h"

static unsigned char buf[PEER_UNIT];

void peer_give_up(const struct talk *t, const char *what)
{
	fail("at '%s': %s (sent %" PRIu64 ", read %" PRIu64 ")", t->word, what, t->out.bytes,
	     t->in.bytes);
}

int peer_time_left(const struct talk *t)
{
	uint64_t now = now_ms();

	if (now >= t->deadline)
		peer_give_up(t, "out of time");
	return (int)(t->deadline - now);
}

int peer_await(const struct talk *t, int fd, short events, int most)
{
	struct pollfd p = { .fd = fd, .events = events };
	int ms = peer_time_left(t);

	if (most >= 0 && most < ms)
		ms = most;
	if (poll(&p, 1, ms) < 0 && errno != EINTR)
		peer_give_up(t, strerror(errno));
	return p.revents;
}

/* -- bytes -- */

static void paced(struct talk *t, struct way *w, size_t n)
{
	uint64_t now = now_ms();

	if (!t->rate)
		return;
	if (w->due < now)
		w->due = now;
	w->due += n * 1000 / t->rate;
}

static size_t portion(const struct talk *t, uint64_t left)
{
	size_t n = t->chunk < left ? t->chunk : (size_t)left;

	if (t->rate && n > t->rate / 20 + 1)
		n = (size_t)(t->rate / 20 + 1);
	return n;
}

static void take_urgent(struct talk *t)
{
	unsigned char c;

	if (recv(t->fd, &c, 1, MSG_OOB) == 1) {
		t->urgent = c;
		t->mark = -1;
	}
}

/* The mark is where the stream stands when the kernel says so. */
static void look_for_mark(struct talk *t)
{
	int at = 0;

	if (t->urgent >= 0 && t->mark < 0 && !ioctl(t->fd, SIOCATMARK, &at) && at)
		t->mark = (int64_t)t->in.bytes;
}

static void count_in(struct talk *t, size_t n)
{
	if (t->checks) {
		long bad = pattern_differs(t->in.seed, t->in.bytes, buf, n);

		if (bad >= 0)
			fail("at '%s': byte %" PRIu64 " is wrong", t->word,
			     t->in.bytes + (uint64_t)bad);
	}
	sha256_update(&t->in.sha, n, buf);
	t->in.bytes += n;
	paced(t, &t->in, n);
}

/* One recv. Returns how many bytes, 0 when there are none now or never will be. */
static size_t take(struct talk *t, uint64_t left)
{
	ssize_t n;

	look_for_mark(t);
	n = recv(t->fd, buf, portion(t, left), 0);
	if (n > 0) {
		count_in(t, (size_t)n);
		look_for_mark(t);
		return (size_t)n;
	}
	if (n == 0)
		t->end = t->broken ? END_RESET : END_EOF;
	else if (errno == ECONNRESET || errno == EPIPE)
		t->end = END_RESET;
	else if (errno != EAGAIN && errno != EINTR)
		peer_give_up(t, strerror(errno));
	return 0;
}

static size_t give(struct talk *t, const unsigned char *bytes, size_t len)
{
	ssize_t n = send(t->fd, bytes, len, MSG_NOSIGNAL);

	if (n >= 0) {
		sha256_update(&t->out.sha, (size_t)n, bytes);
		t->out.bytes += (uint64_t)n;
		paced(t, &t->out, (size_t)n);
		return (size_t)n;
	}
	if (errno == ECONNRESET || errno == EPIPE)
		t->broken = 1;
	else if (errno != EAGAIN && errno != EINTR)
		peer_give_up(t, strerror(errno));
	return 0;
}

/* The pattern is made once per buffer, however little of it the socket takes at a time. */
static size_t give_pattern(struct talk *t, uint64_t left)
{
	static unsigned char ahead[PEER_UNIT];
	static uint64_t seed, from, to;
	size_t n = portion(t, left);

	if (t->out.seed != seed || t->out.bytes < from || t->out.bytes >= to) {
		seed = t->out.seed;
		from = t->out.bytes;
		to = from + sizeof(ahead);
		pattern(seed, from, ahead, sizeof(ahead));
	}
	if (n > to - t->out.bytes)
		n = (size_t)(to - t->out.bytes);
	return give(t, ahead + (t->out.bytes - from), n);
}

static void send_back(struct talk *t, size_t n)
{
	size_t done = 0;

	while (done < n && !t->broken) {
		peer_await(t, t->fd, POLLOUT, -1);
		done += give(t, buf + done, n - done);
	}
}

static int ended_well(const struct talk *t, const struct task *k)
{
	if (t->end == END_EOF && !k->eof_fine)
		peer_give_up(t, "the stream ended in order, too early");
	if (t->end == END_RESET && !k->reset_fine)
		peer_give_up(t, "reset");
	return t->end != OPEN;
}

static int until_due(const struct talk *t, int reads, int sends, short *events)
{
	uint64_t now = now_ms();
	uint64_t next = FOREVER;

	*events = 0;
	if (reads && t->in.due <= now)
		*events |= POLLIN | POLLPRI;
	else if (reads)
		next = t->in.due;
	if (sends && t->out.due <= now)
		*events |= POLLOUT;
	else if (sends && t->out.due < next)
		next = t->out.due;
	return next == FOREVER ? -1 : (int)(next - now);
}

void peer_move(struct talk *t, struct task k)
{
	uint64_t taken = now_ms();

	while (k.send || k.read) {
		short events, got;
		int ms = until_due(t, k.read != 0, k.send != 0, &events);

		if (k.quiet_ms) {
			int left = k.quiet_ms - (int)(now_ms() - taken);

			if (left <= 0)
				return;
			ms = ms < 0 || left < ms ? left : ms;
		}
		got = (short)peer_await(t, events ? t->fd : -1, events, ms);
		if (got & POLLPRI)
			take_urgent(t);
		if (k.read && (events & POLLIN) && (got & (POLLIN | POLLHUP | POLLERR))) {
			size_t n = take(t, k.read);

			if (k.echo)
				send_back(t, n);
			k.read -= k.read == FOREVER ? 0 : n;
			if (t->end != OPEN && ended_well(t, &k))
				k.read = 0;
		}
		if (k.send && (events & POLLOUT) && (got & (POLLOUT | POLLHUP | POLLERR))) {
			size_t n = give_pattern(t, k.send);

			k.send -= k.send == FOREVER ? 0 : n;
			taken = n ? now_ms() : taken;
		}
		if (t->broken && !k.reset_fine)
			peer_give_up(t, "reset while sending");
		if (t->broken)
			k.send = 0;
	}
}
