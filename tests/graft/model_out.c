/* SPDX-License-Identifier: BSD-2-Clause */
#include "model.h"

#include <string.h>

static void nop(uint8_t *p, unsigned n)
{
	memset(p, 1, n);
}

int model_out(struct model *m, struct wire *w)
{
	bool v6 = get16(w->b + 12) == 0x86dd;
	uint8_t *ip = w->b + ETH, *tcp = ip + (v6 ? 40 : 20), *o, *end, strip;
	uint16_t residue;

	memset(m->counts, 0, sizeof(m->counts));
	m->events = 0;
	if ((!v6 && get16(w->b + 12) != 0x0800) || (!v6 && (ip[0] != 0x45 || ip[9] != 6)) ||
	    (v6 && ip[6] != 6) || w->len < (size_t)(tcp - w->b) + 16)
		return VERDICT_NEXT;
	strip = m->strip[get16(tcp)];
	if (!strip || (tcp[13] & (SYN | ACK)) != SYN)
		return VERDICT_NEXT;
	m->counts[GC_SYN]++;
	residue = wire_residue(w);
	end = tcp + (tcp[12] >> 4) * 4;
	for (o = tcp + 20; o < end && *o != 0; o += *o == 1 ? 1 : o[1]) {
		if (*o == 1)
			continue;
		if (end - o < 2 || o[1] < 2 || o[1] > end - o)
			break;
		if ((strip & STRIP_STAMPS) && o[0] == 8 && o[1] == 10)
			nop(o, 10);
		else if ((strip & STRIP_SACK) && o[0] == 4 && o[1] == 2)
			nop(o, 2);
	}
	if (strip & STRIP_ECN) {
		tcp[12] &= 0xfe;
		tcp[13] &= (uint8_t) ~(ECE | CWR);
	}
	wire_seal(tcp + 16, w, wire_residue, residue);
	return VERDICT_NEXT;
}
