/* SPDX-License-Identifier: BSD-2-Clause */
/* session_look.c — from the first byte of a client to the backend that gets it
 *
 * The head is looked at where it lies, in the socket, and stays there: a client of whom half a head has come
 * costs its socket and this session. What is too little is asked for again with the number of bytes that the
 * looker needs, or all that lie there already, whichever is more. A view that has fewer nevertheless can
 * have no more: an urgent byte comes next, or the socket's window holds no more. Only then are bytes taken
 * out, into `scrap`, and looked at together with those that follow.
 *
 * One deadline covers all of it. The PROXY header of a client that says nothing behind it is taken out
 * and remembered: what is left is a client that says nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/route.h"
#include "daemon/session_parts.h"

enum { FIRST_VIEW = 2048 }; /* holds the hello of a browser, post-quantum key shares included */

size_t session_depth(const struct gate *gate)
{
	bool looks = gate->conf->look || gate->conf->accept_proxy;

	return looks ? SHUNT_HEAD(FIRST_VIEW) : SHUNT_JOIN;
}

void session_look(struct sessions *ss, struct session *x)
{
	const struct conf_listener *c = x->gate->conf;

	if (x->heard)
		session_arm(ss, x, x->rules->conf->timeouts.head);
	else
		session_bring(ss, x, &c->otherwise, x->gate->route[c->routes]);
}

static void refuse(struct sessions *ss, struct session *x, enum why why, const char *no)
{
	x->heard->no = no;
	session_because(x, why, 0);
	session_say_refused(ss, x);
	session_cut(x, why, 0);
}

/* -- what was heard -- */

/* Who it really is. False: it is one too many from there. */
static bool note_proxy(struct sessions *ss, struct session *x, const struct proxy_facts *p)
{
	unsigned most = x->rules->conf->limits.per_client;

	if (p->known) {
		x->from = p->from;
		if (x->to)
			*x->to = p->to;
	}
	x->heard->proxied = true;
	return !most || guests_enter(ss->guests, &x->from, most, &x->counted);
}

static void note_facts(struct heard *h, const struct head_facts *f)
{
	h->protocol = f->protocol;
	if (f->protocol == LOOK_TLS) {
		name_text(f->tls.sni, f->tls.sni_len, h->sni);
		tls_alpn_text(&f->tls, h->alpn, sizeof(h->alpn));
	} else if (f->protocol == LOOK_HTTP) {
		name_text(f->http.host, f->http.host_len, h->host);
	}
}

/* -- bytes -- */

/* The view goes to the end of the scraps, and the whole of them is looked at. False: no memory. */
static bool gather(struct heard *h, const struct shunt_event *ev)
{
	uint8_t *more = realloc(h->scrap, h->scraps + ev->seen);

	if (!more)
		return false;
	memcpy(more + h->scraps, ev->view, ev->seen);
	h->scrap = more;
	return true;
}

/* All that lies there, for it will be wanted next, but at least what is needed. */
static size_t worth_asking(const struct heard *h, const struct shunt_event *ev, size_t need)
{
	size_t most = LOOK_MOST - h->scraps; /* a looker says NO before it needs more */
	size_t there = ev->length < most ? ev->length : most;

	need -= h->scraps;
	return need > there ? need : there;
}

/* Let go of the buffer: its bytes leave the socket. */
static void take_out(struct heard *h)
{
	h->asked = 0;
	h->any = h->scraps > 0;
}

static void look_again(struct session *x, const struct shunt_event *ev, size_t need)
{
	struct heard *h = x->heard;
	int r;

	if (h->asked && ev->seen < h->asked) { /* no view can have more */
		if (!h->scrap && !gather(h, ev)) {
			session_cut(x, WHY_NO_MEMORY, ENOMEM);
			return;
		}
		h->scraps += ev->seen;
		take_out(h);
		return;
	}
	h->asked = worth_asking(h, ev, need);
	r = shunt_more(x->client, h->asked);
	if (r < 0)
		session_cut(x, r == -ENOMEM ? WHY_NO_MEMORY : WHY_ERROR, -r);
}

/* -- decisions -- */

static void decide(struct sessions *ss, struct session *x, struct shunt_buf *buf,
		   const struct head_facts *f)
{
	const struct conf_listener *c = x->gate->conf;
	size_t i = route_find(c, f);

	note_facts(x->heard, f);
	shunt_hold(buf);
	x->head = buf;
	x->decided = ss->now;
	session_disarm(ss, x);
	session_bring(ss, x, i < c->routes ? &c->route[i]->backend : &c->otherwise,
		      x->gate->route[i]);
}

/* The PROXY header alone has come. It is taken out, and the client has said nothing yet. */
static bool is_proxy_alone(const struct heard *h, const struct shunt_event *ev, size_t n,
			   size_t size)
{
	return size > 0 && n == size && !h->proxied && ev->length == ev->seen;
}

static void forget_scraps(struct heard *h)
{
	free(h->scrap);
	h->scrap = NULL;
	h->scraps = h->looked = 0;
	take_out(h);
}

/* What the lookers say of all that is seen by now. */
static void look(struct sessions *ss, struct session *x, const struct shunt_event *ev,
		 const uint8_t *bytes, size_t n)
{
	const struct head_wish wish = { x->gate->conf->accept_proxy && !x->heard->proxied,
					x->gate->conf->look };
	struct heard *h = x->heard;
	struct head_facts facts;
	struct look l = look_head(&wish, bytes, n, h->looked, &facts);
	bool alone = l.verdict == LOOK_MORE && is_proxy_alone(h, ev, n, facts.proxy.size);

	h->any = n > facts.proxy.size;
	if (l.verdict == LOOK_NO) {
		refuse(ss, x, WHY_BAD_HEAD, l.why);
		return;
	}
	if (facts.proxy.size && (l.verdict == LOOK_YES || alone) &&
	    !note_proxy(ss, x, &facts.proxy)) {
		session_cut(x, WHY_PER_CLIENT, 0);
		return;
	}
	if (l.verdict == LOOK_YES) {
		x->head_at = facts.proxy.size;
		decide(ss, x, ev->buf, &facts);
	} else if (alone) {
		forget_scraps(h);
	} else {
		h->looked = n;
		look_again(x, ev, l.need);
	}
}

void session_arrived(struct sessions *ss, struct session *x, const struct shunt_event *ev)
{
	struct heard *h = x->heard;

	if (x->phase != LOOKING)
		return;
	if (!h->scrap)
		look(ss, x, ev, ev->view, ev->seen);
	else if (gather(h, ev))
		look(ss, x, ev, h->scrap, h->scraps + ev->seen);
	else
		session_cut(x, WHY_NO_MEMORY, ENOMEM);
}

void session_ended(struct sessions *ss, struct session *x)
{
	if (x->phase != LOOKING)
		return;
	if (x->heard->any)
		refuse(ss, x, WHY_BAD_HEAD, "the client finished before it was complete");
	else
		session_cut(x, WHY_CLIENT_GONE, 0);
}

/* -- in time -- */

/* Nothing of it will be looked at any more: what it says from now on waits for its server. */
static bool look_away(struct sessions *ss, struct session *x)
{
	int fd = shunt_detach(x->client), r;

	if (fd < 0) /* it has failed, and GONE follows */
		return false;
	r = shunt_attach(ss->s, fd, SHUNT_JOIN, x, &x->client);
	if (r < 0)
		session_turn_away(ss, x, fd, r == -ENOMEM ? WHY_NO_MEMORY : WHY_CLIENT_GONE, -r);
	return r == 0;
}

void session_head_late(struct sessions *ss, struct session *x)
{
	const struct conf_listener *c = x->gate->conf;
	const struct heard *h = x->heard;

	if (h->any || (c->accept_proxy && !h->proxied))
		refuse(ss, x, WHY_HEAD_TIMEOUT, "the head was not complete in time");
	else if (!c->on_silence.backend)
		refuse(ss, x, WHY_SILENT, "the client said nothing in time");
	else if (look_away(ss, x))
		session_bring(ss, x, &c->on_silence, x->gate->route[c->routes + 1]);
}
