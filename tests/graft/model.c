/* SPDX-License-Identifier: BSD-2-Clause */
#include "model.h"

#include <arpa/inet.h>
#include <string.h>

/* A packet that belongs to a slot, unpacked. */
struct found {
	struct model *m;
	struct wire *w;
	struct graft_slot *slot;
	struct graft_side *x, *y; /* whom it is from, whom it is for */
	unsigned index, side;
	size_t ip, tcp, header, payload;
	uint8_t ttl;
	uint32_t seq, ack;
	uint8_t flags;
	uint32_t window; /* in bytes */
	bool v6;
};

static void counted(struct model *m, enum graft_count what)
{
	m->counts[what]++;
}

static int dropped(struct model *m, enum graft_count why)
{
	counted(m, why);
	return VERDICT_DROP;
}

static void told(struct found *f, enum graft_event_kind kind, unsigned side)
{
	if (f->m->events < MODEL_EVENTS)
		f->m->event[f->m->events++] =
			(struct graft_event){ f->index, f->slot->life, kind, side };
}

/* a comes after b, on a circle of 2^32. */
static bool after(uint32_t a, uint32_t b)
{
	uint32_t ahead = a - b;

	return ahead >= 1 && ahead <= 0x80000000u;
}

struct tuple model_tuple(const struct model *m, unsigned i, unsigned x)
{
	const struct graft_side *s = &m->slot[i].side[x];
	struct tuple t = { .v6 = m->slot[i].flags & SLOT_V6 };

	t.from_port = s->peer_port;
	t.to_port = s->self_port;
	memcpy(t.from, s->peer, t.v6 ? 16 : 4);
	memcpy(t.to, s->self, t.v6 ? 16 : 4);
	return t;
}

static bool lookup(struct found *f, const struct tuple *t)
{
	for (f->index = 0; f->index < MODEL_SLOTS; f->index++)
		for (f->side = 0; f->side < 2; f->side++) {
			struct tuple have = model_tuple(f->m, f->index, f->side);

			if (!f->m->listed[f->index][f->side] || memcmp(&have, t, sizeof(have)))
				continue;
			f->slot = &f->m->slot[f->index];
			f->x = &f->slot->side[f->side];
			f->y = &f->slot->side[!f->side];
			return true;
		}
	return false;
}

static bool lives(const struct graft_slot *s)
{
	return s->state == SLOT_GRAFTED || s->state == SLOT_CLOSED;
}

/* -- what is remembered of a packet -- */

static void remember_ack(struct found *f)
{
	uint32_t as_y_counts = f->ack + f->x->dack;
	uint32_t last = f->y->seen & SIDE_FIN ? f->y->fin_end : f->y->next;

	if (after(as_y_counts, last))
		return;
	if (after(f->ack, f->x->ack))
		f->x->ack = f->ack;
	if (after(f->ack + f->window, f->x->edge))
		f->x->edge = f->ack + f->window;
	if ((f->y->seen & SIDE_FIN) && !after(last, as_y_counts))
		f->y->seen |= SIDE_FIN_ACKED;
}

static void remember_data(struct found *f)
{
	uint32_t end = f->seq + (uint32_t)f->payload;

	if (after(f->seq + f->x->dseq, f->y->edge) || (f->x->seen & SIDE_FIN))
		return;
	if (after(end, f->x->next)) {
		f->x->bytes += end - f->x->next;
		f->x->next = end;
	}
	if ((f->flags & FIN) && !after(f->x->next, end)) {
		f->x->seen |= SIDE_FIN;
		f->x->fin_end = end + 1;
	}
}

static void remember_reset(struct found *f)
{
	uint32_t least = f->y->ack - f->x->dseq, most = f->x->next + 1;

	if (after(least, f->seq) || after(f->seq, most)) {
		counted(f->m, GC_ODD_RST);
	} else if (!(f->x->seen & SIDE_RST)) {
		f->x->seen |= SIDE_RST;
		f->x->rst_at = MODEL_NOW;
		told(f, GRAFT_EV_RST, f->side);
	}
}

static void remember(struct found *f)
{
	f->x->packets++;
	if (f->flags & RST)
		remember_reset(f);
	else
		f->x->last = MODEL_NOW;
	if (f->flags & SYN)
		return;
	if (f->flags & ACK)
		remember_ack(f);
	if (f->payload || (f->flags & FIN))
		remember_data(f);
	if (f->slot->state == SLOT_GRAFTED && (f->x->seen & SIDE_FIN_ACKED) &&
	    (f->y->seen & SIDE_FIN_ACKED)) {
		f->slot->state = SLOT_CLOSED;
		f->slot->closed_at = MODEL_NOW;
		told(f, GRAFT_EV_CLOSED, f->side);
	}
}

/* -- rewriting -- */

static void move32(uint8_t *p, uint32_t by)
{
	put32(p, get32(p) + by);
}

static void rewrite_stamps(struct found *f, uint8_t *o)
{
	uint32_t echo = get32(o + 6) + f->x->decho;

	move32(o + 2, f->x->dstamp);
	if (!(f->x->seen & SIDE_ECHO_NEW)) {
		if (after(f->x->echo_least, echo))
			echo = f->x->echo_least;
		else if (f->flags & ACK)
			f->x->seen |= SIDE_ECHO_NEW;
	}
	put32(o + 6, echo);
}

/* Are the options laid out as nearly everybody does? Others are counted. */
static bool usual(const struct found *f, const uint8_t *o, size_t n)
{
	static const uint8_t stamps[] = { 1, 1, 8, 10 }, sack[] = { 1, 1, 5 };

	if ((f->slot->flags & SLOT_STAMPS) && n >= 12 && memcmp(o, stamps, sizeof(stamps)) == 0) {
		o += 12;
		n -= 12;
		if (n == 0)
			return true;
	}
	return n == 0 || (memcmp(o, sack, sizeof(sack)) == 0 && o[3] >= 10 && o[3] % 8 == 2 &&
			  n == o[3] + 2u);
}

static void rewrite_options(struct found *f)
{
	uint8_t *o = f->w->b + f->tcp + 20, *end = f->w->b + f->tcp + f->header;

	if (!usual(f, o, (size_t)(end - o)))
		counted(f->m, GC_SLOW);
	while (o < end && *o != 0) {
		if (*o == 1) {
			o++;
			continue;
		}
		if (end - o < 2 || o[1] < 2 || o[1] > end - o)
			return;
		if (o[0] == 8 && o[1] == 10 && (f->slot->flags & SLOT_STAMPS))
			rewrite_stamps(f, o);
		if (o[0] == 5)
			for (unsigned i = 2; i + 4 <= o[1] && i < 34; i += 4)
				move32(o + i, f->x->dack);
		o += o[1];
	}
}

static void rewrite_addresses(struct found *f, const struct graft_side *to)
{
	uint8_t *ip = f->w->b + f->ip;

	if (f->v6) {
		memcpy(ip + 8, to->self, 16);
		memcpy(ip + 24, to->peer, 16);
		ip[7]--;
	} else {
		uint16_t residue = wire_ip_residue(f->w);

		memcpy(ip + 12, to->self, 4);
		memcpy(ip + 16, to->peer, 4);
		ip[8]--;
		wire_seal(ip + 10, f->w, wire_ip_residue, residue);
	}
}

static int rewrite(struct found *f, uint32_t raised)
{
	uint8_t *tcp = f->w->b + f->tcp;
	uint16_t residue = wire_residue(f->w);
	uint32_t window = f->window > raised ? f->window - raised : 0;

	rewrite_options(f);
	memcpy(tcp, &f->y->self_port, 2);
	memcpy(tcp + 2, &f->y->peer_port, 2);
	put32(tcp + 4, f->seq + f->x->dseq);
	if (f->flags & ACK)
		put32(tcp + 8, f->ack + f->x->dack + raised);
	window >>= f->y->shift_out;
	if (!(f->flags & SYN))
		put16(tcp + 14, window > 0xffff ? 0xffff : (uint16_t)window);
	rewrite_addresses(f, f->y);
	wire_seal(tcp + 16, f->w, wire_residue, residue);
	return VERDICT_SENT;
}

/* Only our socket can use it, if it is told the number it waits for. */
static int for_socket(struct found *f)
{
	uint8_t *tcp = f->w->b + f->tcp;
	uint16_t residue = wire_residue(f->w);

	counted(f->m, GC_KERNEL);
	put32(tcp + 4, f->x->here);
	wire_seal(tcp + 16, f->w, wire_residue, residue);
	return VERDICT_NEXT;
}

static int pass_on(struct found *f)
{
	uint32_t raised = 0;
	bool over = f->slot->state == SLOT_CLOSED || ((f->x->seen | f->y->seen) & SIDE_RST);

	if ((f->flags & SYN) && over) {
		memset(f->m->listed[f->index], 0, sizeof(f->m->listed[f->index]));
		counted(f->m, GC_REUSE);
		told(f, GRAFT_EV_REUSE, 0);
		return VERDICT_NEXT;
	}
	if (f->ttl <= 1)
		return dropped(f->m, GC_TTL);
	remember(f);
	if ((f->flags & ACK) && !f->slot->final && after(f->x->fin, f->ack)) {
		uint32_t mapped = f->ack + f->x->dack;

		if (f->payload == 0 && !(f->flags & (SYN | FIN | RST)))
			return for_socket(f);
		if (after(f->y->here, mapped)) {
			raised = f->y->here - mapped;
			counted(f->m, GC_RAISED);
		}
	}
	return rewrite(f, raised);
}

/* -- not grafted yet, and no sockets -- */

static int stay_armed(struct found *f)
{
	uint32_t why = f->y->seen & SIDE_MET ? GC_NO_SOCKET : GC_ONE_SIDED;

	if (f->ttl > 1 && (f->flags == ACK || f->flags == (ACK | PSH))) {
		counted(f->m, why);
		f->slot->refusal = why;
		f->slot->refusals++;
	}
	return VERDICT_NEXT;
}

/* -- finding it -- */

/* How many bytes of TCP there are, or -1. */
static long tcp_bytes(const struct wire *w, size_t tcp, size_t said)
{
	size_t header = (size_t)(w->b[tcp + 12] >> 4) * 4;

	return said > w->len - tcp || header < 20 || header > said ? -1 : (long)said;
}

static int tcp_in(struct found *f, long said, enum graft_count odd)
{
	const uint8_t *tcp = f->w->b + f->tcp;
	struct tuple t = { .v6 = f->v6 };
	long bytes;

	if (f->w->len < f->tcp + 16)
		return VERDICT_NEXT;
	memcpy(t.from, f->w->b + f->ip + (f->v6 ? 8 : 12), f->v6 ? 16 : 4);
	memcpy(t.to, f->w->b + f->ip + (f->v6 ? 24 : 16), f->v6 ? 16 : 4);
	memcpy(&t.from_port, tcp, 2);
	memcpy(&t.to_port, tcp + 2, 2);
	if (!lookup(f, &t))
		return VERDICT_NEXT;
	bytes = said < 0 ? -1 : tcp_bytes(f->w, f->tcp, (size_t)said);
	if (odd || bytes < 0)
		return lives(f->slot) ? dropped(f->m, odd ? odd : GC_SHORT) : VERDICT_NEXT;
	f->seq = get32(tcp + 4);
	f->ack = get32(tcp + 8);
	f->header = (size_t)(tcp[12] >> 4) * 4;
	f->flags = tcp[13];
	f->window = (uint32_t)get16(tcp + 14) << f->x->shift_in;
	f->payload = (size_t)bytes - f->header;
	if (f->slot->state == SLOT_PAUSED || f->slot->state == SLOT_ARMED)
		f->x->seen |= SIDE_MET;
	if (f->slot->state == SLOT_ARMED)
		return stay_armed(f);
	return lives(f->slot) ? pass_on(f) : VERDICT_NEXT;
}

/* -- ICMP -- */

static int icmp_in(struct found *f)
{
	size_t icmp = f->tcp, about = icmp + 8, tcp = about + (f->v6 ? 40 : 20);
	uint8_t *b = f->w->b;
	struct tuple t = { .v6 = f->v6 };
	uint16_t residue;
	uint32_t seq;

	if (f->w->len < tcp + 8)
		return VERDICT_NEXT;
	if (f->v6 ? (b[icmp] != 1 && b[icmp] != 2) || b[about + 6] != 6
		  : b[icmp] != 3 || (b[about] & 15) != 5 || b[about + 9] != 6)
		return VERDICT_NEXT;
	/* what it quotes went to y; packets from y have the tuple the other way round */
	memcpy(t.from, b + about + (f->v6 ? 24 : 16), f->v6 ? 16 : 4);
	memcpy(t.to, b + about + (f->v6 ? 8 : 12), f->v6 ? 16 : 4);
	memcpy(&t.from_port, b + tcp + 2, 2);
	memcpy(&t.to_port, b + tcp, 2);
	if (!lookup(f, &t) || !lives(f->slot))
		return VERDICT_NEXT;
	/* f->x is whom the quoted packet was for; f->y sent it and must be told */
	seq = get32(b + tcp + 4);
	if (!f->slot->final && after(f->x->fin, seq))
		return VERDICT_NEXT;
	if (after(f->x->ack, seq) || after(seq, f->x->edge))
		return dropped(f->m, GC_ICMP_ODD);
	if (f->ttl <= 1)
		return dropped(f->m, GC_TTL);
	counted(f->m, GC_ICMP);
	residue = wire_icmp_residue(f->w);
	if (f->v6) {
		memcpy(b + about + 8, f->y->peer, 16);
		memcpy(b + about + 24, f->y->self, 16);
	} else {
		uint16_t inner = wire_sum(b + about, 20, 0);

		memcpy(b + about + 12, f->y->peer, 4);
		memcpy(b + about + 16, f->y->self, 4);
		put16(b + about + 10, 0);
		put16(b + about + 10, wire_without(inner, wire_sum(b + about, 20, 0)));
	}
	memcpy(b + tcp, &f->y->peer_port, 2);
	memcpy(b + tcp + 2, &f->y->self_port, 2);
	put32(b + tcp + 4, seq - f->y->dseq);
	rewrite_addresses(f, f->y);
	wire_seal(b + icmp + 2, f->w, wire_icmp_residue, residue);
	return VERDICT_SENT;
}

int model_in(struct model *m, struct wire *w)
{
	struct found f = { .m = m, .w = w, .ip = ETH, .v6 = get16(w->b + 12) == 0x86dd };
	const uint8_t *ip = w->b + ETH;

	memset(m->counts, 0, sizeof(m->counts));
	m->events = 0;
	if (!f.v6 && get16(w->b + 12) != 0x0800)
		return VERDICT_NEXT;
	if (memcmp(w->b, "\0\0\0\0\0", 6)) /* the address of lo, where test runs come in */
		return VERDICT_NEXT;
	if (w->len < (f.v6 ? 54 : 34))
		return VERDICT_NEXT;
	f.ttl = f.v6 ? ip[7] : ip[8];
	f.tcp = wire_l4(w);
	if (f.v6) {
		if (ip[6] == 58)
			return icmp_in(&f);
		return ip[6] == 6 ? tcp_in(&f, get16(ip + 4), 0) : VERDICT_NEXT;
	}
	if (ip[9] == 1)
		return (ip[0] & 15) == 5 && !(get16(ip + 6) & 0x3fff) ? icmp_in(&f) : VERDICT_NEXT;
	if (ip[9] != 6 || (get16(ip + 6) & 0x1fff) || (ip[0] & 15) < 5)
		return VERDICT_NEXT;
	return tcp_in(&f, (long)get16(ip + 2) - (ip[0] & 15) * 4,
		      (ip[0] & 15) > 5           ? GC_OPTIONS
		      : (get16(ip + 6) & 0x2000) ? GC_FRAGMENT
						 : 0);
}
