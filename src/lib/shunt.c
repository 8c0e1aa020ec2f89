/* SPDX-License-Identifier: BSD-2-Clause */
/* shunt.c — the public functions: check, then walk into the right room */
#include "shunt.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/sys.h"
#include "base/ticket.h"
#include "engine/window.h"
#include "lib/attach.h"
#include "lib/buf.h"
#include "lib/end.h"
#include "lib/join.h"
#include "lib/loop.h"
#include "lib/news.h"
#include "lib/pack.h"
#include "lib/slots.h"
#include "lib/stream.h"

#ifndef SHUNT_VERSION
#define SHUNT_VERSION "0.1.0"
#endif

#define UNIT_SPLICE   ((size_t)1024 * 1024)
#define QUEUE_LIMIT   ((size_t)8 * 1024 * 1024)
#define RECEIVE_LIMIT ((size_t)6 * 1024 * 1024) /* the kernel's own, for many years */
#define OUTSTANDING   ((size_t)4 * 1024 * 1024)
#define HEAD_MOST     ((size_t)1 << 30)
#define UNIT_MOST     ((size_t)1 << 30)

/* splice(2) has no MSG_NOSIGNAL; who handles the signal on purpose keeps it. */
static void ignore_sigpipe(void)
{
	struct sigaction now;

	if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}

/* Options of an older program are shorter; of a newer one they are longer, and what we don't know must
 * not be asked for. */
static int read_options(const struct shunt_options *given, struct shunt_options *o)
{
	const unsigned char *bytes = (const unsigned char *)given;

	*o = (struct shunt_options)SHUNT_OPTIONS;
	if (!given)
		return 0;
	if (given->size < offsetof(struct shunt_options, unit))
		return -EINVAL;
	for (size_t i = sizeof(*o); i < given->size; i++)
		if (bytes[i])
			return -EINVAL;
	memcpy(o, given, given->size < sizeof(*o) ? given->size : sizeof(*o));
	return (unsigned)o->engine < SHUNT_ENGINES && o->unit <= UNIT_MOST ? 0 : -EINVAL;
}

/* News of its grafts come to a context by a descriptor of its own. */
static int open_grafts(struct shunt *s, struct shunt_graft *graft)
{
	int r = graft ? graft_post_open(&s->post) : 0;

	if (!graft || r < 0)
		return r;
	s->graft = graft;
	return sys_epoll_ctl(s->epfd, EPOLL_CTL_ADD, s->post.fd, EPOLLIN,
			     ticket_make(TICKET_POST, 0, 0));
}

int shunt_open(struct shunt **out, const struct shunt_options *options)
{
	struct shunt_options o;
	const char *why;
	int wrong = read_options(options, &o);

	if (wrong)
		return wrong;
	const struct engine *engine = engine_pick(o.engine, &why);

	if (!engine) /* steps down: the copy engine always works */
		engine = &engine_copy;
	struct shunt *s = sys_alloc(sizeof(*s));

	if (!s)
		return -ENOMEM;
	size_t unit = o.unit ? o.unit : engine->id == SHUNT_COPY ? BLOCK_UNIT : UNIT_SPLICE;

	s->timer = -1;
	s->engine = engine;
	s->queue_limit = o.queue_limit ? o.queue_limit : QUEUE_LIMIT;
	s->outstanding = o.outstanding ? o.outstanding : OUTSTANDING;
	s->now = clock_ms();
	kit_init(&s->kit, unit, engine->id == SHUNT_COPY ? unit : BLOCK_UNIT);
	if (o.copy_below)
		s->kit.copy_below = o.copy_below;
	s->kit.receive_limit = window_limit(o.receive_limit ? o.receive_limit : RECEIVE_LIMIT);
	list_init(&s->told);
	list_init(&s->work);
	list_init(&s->handed);
	list_init(&s->bufs);
	list_init(&s->graves);
	list_init(&s->later);
	list_init(&s->grafts);
	list_init(&s->post.pairs);
	s->post.fd = -1;
	s->epfd = sys_epoll_create();
	if (s->epfd < 0) {
		int r = s->epfd;

		free(s);
		return r;
	}
	int r = o.engine == SHUNT_AUTO || o.engine == SHUNT_GRAFT ? open_grafts(s, o.graft) : 0;

	if (r < 0) {
		shunt_close(s);
		return r;
	}
	ignore_sigpipe();
	*out = s;
	return 0;
}

void shunt_close(struct shunt *s)
{
	struct list *n;

	if (!s)
		return;
	for (uint32_t i = 0; i < s->slot_count; i++) {
		struct shunt_end *e = s->slots[i].end;

		if (!e)
			continue;
		if (e->join)
			join_abort(e->join, SHUNT_WHY_ABORTED);
		if (e->kind != END_WATCHED)
			end_gone(e, SHUNT_WHY_ABORTED, true);
		else
			end_unwatch(e);
		end_free(e);
	}
	while ((n = list_first(&s->bufs))) {
		struct shunt_buf *b = list_of(n, struct shunt_buf, all);

		b->refs = 1;
		buf_unref(b);
	}
	kit_free(&s->kit);
	graft_post_close(&s->post);
	sys_close(s->timer);
	sys_close(s->epfd);
	slots_free(s);
	free(s);
}

int shunt_fd(const struct shunt *s)
{
	return s->epfd;
}

int shunt_wait(struct shunt *s, struct shunt_event *events, int max, int timeout_ms)
{
	if (max <= 0 || !events)
		return -EINVAL;
	return loop_wait(s, events, max, timeout_ms);
}

/* Nobody has a head so large, and memory for it must be had in one piece. */
static bool is_depth(size_t depth)
{
	return depth <= HEAD_MOST || depth >= SHUNT_JOIN;
}

int shunt_attach(struct shunt *s, int fd, size_t depth, void *user, struct shunt_end **end)
{
	if (fd < 0 || !end || !is_depth(depth))
		return -EINVAL;
	int r = depth == SHUNT_WATCH ? attach_watched(s, fd, end)
				     : attach_stream(s, fd, depth, end);

	if (r == 0)
		(*end)->user = user;
	return r;
}

int shunt_detach(struct shunt_end *e)
{
	int fd = e->src.fd;

	if (end_is(e, F_GONE))
		return -EINVAL;
	if (end_is(e, F_HURT | F_BROKEN)) /* its error was taken: read again, it would look ended */
		return e->error ? -e->error : -ECONNRESET;
	if (e->join || !stream_empty(e))
		return -EBUSY;
	if (e->buf) {
		struct shunt_buf *b = e->buf;
		bool unseen = end_will_tell(e, SHUNT_ARRIVED);

		if (!b->lying || b->refs > 1) /* taken out already, or held in place */
			return -EBUSY;
		buf_put_back(b);
		if (unseen)
			buf_unref(b);
	}
	buf_low_water(e, 1);
	buf_orphan_all(e);
	stream_untap(e);
	end_unwatch(e);
	end_free(e);
	return fd;
}

int shunt_connect(struct shunt *s, const struct sockaddr *to, socklen_t len, struct shunt_end *like,
		  size_t depth, void *user, struct shunt_end **end)
{
	if (!to || !end || len < sizeof(to->sa_family) || depth == SHUNT_WATCH ||
	    !is_depth(depth) || (like && like->s != s))
		return -EINVAL;
	int r = attach_connect(s, to, len, like, depth, end);

	if (r < 0)
		return r;
	(*end)->user = user;
	if (!end_is(*end, F_CONNECTING))
		end_tell(*end, SHUNT_CONNECTED);
	return 0;
}

int shunt_more(struct shunt_end *e, size_t want)
{
	struct shunt_buf *b = e->buf;

	if (e->depth == SHUNT_NONE || e->depth >= SHUNT_JOIN || want == 0 || want > HEAD_MOST)
		return -EINVAL;
	if (e->join)
		return -EBUSY;
	if (!b || !b->lying || end_will_tell(e, SHUNT_ARRIVED))
		return -EINVAL;
	if (b->holds > 0 || b->refs > 1)
		return -EBUSY;
	e->facts |= F_MORE;
	e->want = want;
	if (want > b->seen && e->kind == END_UNIX)
		e->facts |= F_EDGE;
	buf_low_water(e, want);
	buf_put_back(b);
	end_touch(e);
	return 0;
}

const void *shunt_view(const struct shunt_buf *b, size_t *seen)
{
	if (seen)
		*seen = b->seen;
	return b->view;
}

size_t shunt_length(const struct shunt_buf *b)
{
	return b->length;
}

int shunt_hold(struct shunt_buf *b)
{
	b->holds++;
	buf_ref(b);
	return 0;
}

int shunt_release(struct shunt_buf *b)
{
	if (b->holds == 0)
		return -EINVAL;
	b->holds--;
	buf_unref(b);
	return 0;
}

ssize_t shunt_pack(struct shunt_buf *to, struct shunt_buf *from, size_t n)
{
	return pack(to, from, n);
}

size_t shunt_footprint(const struct shunt_buf *b)
{
	return pack_footprint(b);
}

int shunt_limit(struct shunt_end *e, size_t bytes)
{
	if (e->kind == END_WATCHED || end_is(e, F_GONE))
		return -EINVAL;
	if (e->join)
		return -EBUSY;
	e->limit = bytes;
	end_touch(e);
	return 0;
}

/* Why nothing can be queued on e, or 0. */
static int output_closed(const struct shunt_end *e)
{
	if (e->kind == END_WATCHED)
		return -EINVAL;
	if (end_is(e, F_HURT | F_BROKEN | F_GONE | F_FINISH))
		return -EPIPE;
	return e->join ? -EBUSY : 0;
}

static int may_queue(const struct shunt_end *e)
{
	int r = output_closed(e);

	if (r == 0 && e->out.queued >= e->s->queue_limit)
		r = -EAGAIN;
	return r;
}

int shunt_queue(struct shunt_end *e, struct shunt_buf *b, size_t off, size_t len)
{
	if (b->s != e->s || off > b->length || len > b->length - off || b->lost)
		return -EINVAL;
	int r = may_queue(e);

	if (r < 0 || len == 0)
		return r;
	r = stream_add(e, b, off, len);
	end_touch(e);
	return r;
}

int shunt_insert(struct shunt_end *e, const void *bytes, size_t len)
{
	int r = may_queue(e);

	if (r < 0 || len == 0)
		return r;
	r = stream_add_bytes(e, bytes, len);
	end_touch(e);
	return r;
}

int shunt_cut(struct shunt_end *e, size_t keep)
{
	if (e->kind == END_WATCHED || end_is(e, F_GONE))
		return -EINVAL;
	if (e->join)
		return -EBUSY;
	int r = stream_cut(e, keep);

	end_touch(e);
	return r;
}

int shunt_finish(struct shunt_end *e)
{
	int r = output_closed(e);

	if (r < 0)
		return r;
	e->facts |= F_FINISH;
	end_touch(e);
	return 0;
}

int shunt_abort(struct shunt_end *e)
{
	if (e->kind == END_WATCHED || end_is(e, F_GONE))
		return -EINVAL;
	if (e->join && end_is(e, F_CONNECTING))
		join_come_undone(e->join, e->side);
	if (e->join)
		join_abort(e->join, SHUNT_WHY_ABORTED);
	else
		end_gone(e, SHUNT_WHY_ABORTED, true);
	return 0;
}

int shunt_join(struct shunt_end *a, struct shunt_end *b)
{
	return join_new(a, b);
}

int shunt_tap(struct shunt_end *out, struct shunt_end *copy, size_t most)
{
	if (out == copy || out->s != copy->s || out->kind == END_WATCHED)
		return -EINVAL;
	int r = output_closed(copy);

	if (r == 0 && end_is(out, F_HURT | F_BROKEN | F_GONE | F_FINISH))
		r = -EPIPE;
	if (r == 0 && (out->tap || out->tapped || copy->tap || copy->tapped))
		r = -EBUSY;
	if (r == 0 && out->join)
		r = join_may_tap(out->join);
	if (r < 0)
		return r;
	stream_tap(out, copy, most ? most : out->s->queue_limit);
	if (out->join)
		join_tapped(out->join, out->side);
	return 0;
}

int shunt_graft_name(struct shunt_end *e, uint64_t conn)
{
	if (!e->join)
		return -EINVAL;
	e->join->conn = conn;
	if (e->join->pair)
		e->join->pair->slot->conn = conn;
	return 0;
}

int shunt_leave(struct shunt_end *e)
{
	if (e->s->graft) /* it may be one by now */
		news_take(e->s);
	struct join *j = e->join;

	if (!j || !j->pair || j->pair->state == PAIR_OURS)
		return -EBUSY;
	if (j->pair->state != PAIR_ALONE)
		return -EAGAIN;
	join_gone(j, SHUNT_WHY_LEFT, SHUNT_WHY_LEFT, false);
	return 0;
}

int shunt_stat(const struct shunt *s, const struct shunt_end *e, struct shunt_stat *out)
{
	if (!out || (e && e->s != s))
		return -EINVAL;
	if (e) {
		loop_stat(e, out);
		return 0;
	}
	const struct kit *k = &s->kit;

	*out = (struct shunt_stat){ .in = k->taken,
				    .viewed = k->viewed,
				    .pipe_refused = k->pipe_refused,
				    .splice_refused = k->splice_refused,
				    .urgent = k->urgent,
				    .engine = s->engine->id };
	for (int i = 0; i < SHUNT_ENGINES; i++) {
		out->moved[i] = k->moved[i];
		out->out += k->moved[i];
	}
	uint64_t grafted = s->grafted + s->grafted_live;

	out->in += grafted;
	out->out += grafted;
	out->moved[SHUNT_GRAFT] += grafted;
	return 0;
}

const char *shunt_engine_text(enum shunt_engine engine)
{
	return engine_text(engine);
}

static const char *const whys[SHUNT_WHYS] = {
	[SHUNT_WHY_NONE] = "none",
	[SHUNT_WHY_DONE] = "done",
	[SHUNT_WHY_RESET] = "reset",
	[SHUNT_WHY_REFUSED] = "refused",
	[SHUNT_WHY_UNREACHABLE] = "unreachable",
	[SHUNT_WHY_TIMEOUT] = "timeout",
	[SHUNT_WHY_OTHER_END] = "other-end",
	[SHUNT_WHY_ABORTED] = "aborted",
	[SHUNT_WHY_LEFT] = "left",
	[SHUNT_WHY_BEHIND] = "behind",
	[SHUNT_WHY_NO_MEMORY] = "no-memory",
	[SHUNT_WHY_ERROR] = "error",
};

const char *shunt_why_text(enum shunt_why why)
{
	return (unsigned)why < SHUNT_WHYS ? whys[why] : "unknown";
}

const char *shunt_version(void)
{
	return SHUNT_VERSION;
}
