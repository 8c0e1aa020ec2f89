/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_proxyproto.c — any bytes as a PROXY header; what is read is written in both versions and read back */
#include "fuzz_look.h"
#include "look/proxyproto.h"

static void written_and_read_back(const struct proxy_facts *f)
{
	for (unsigned version = 1; version <= 2; version++) {
		uint8_t out[PROXYPROTO_MOST];
		size_t n = proxyproto_build(version, &f->from, &f->to, out);
		struct proxy_facts again;

		PROMISED(n <= sizeof(out));
		PROMISED(look_proxy(out, n, &again).verdict == LOOK_YES);
		PROMISED(again.size == n && again.known && again.version == version);
		PROMISED(addr_same(&again.from, &f->from) &&
			 addr_port(&again.from) == addr_port(&f->from));
		PROMISED(addr_same(&again.to, &f->to) && addr_port(&again.to) == addr_port(&f->to));
	}
}

static struct look tell(const uint8_t *bytes, size_t n, size_t seen, char told[FUZZ_TOLD])
{
	struct look begins = look_proxy_begins(bytes, n);
	char from[ADDR_TEXT] = "", to[ADDR_TEXT] = "";
	struct proxy_facts f;
	struct look l = look_proxy(bytes, n, &f);

	(void)seen;
	if (l.verdict == LOOK_YES)
		PROMISED(begins.verdict == LOOK_YES);
	if (begins.verdict == LOOK_NO)
		PROMISED(l.verdict == LOOK_NO);
	if (l.verdict != LOOK_YES)
		return l;
	PROMISED(f.size <= n && (f.version == 1 || f.version == 2) && !(f.local && f.known));
	if (f.known) {
		written_and_read_back(&f);
		addr_text(&f.from, from);
		addr_text(&f.to, to);
	}
	snprintf(told, FUZZ_TOLD, "%u %d %s %s %zu", f.version, f.local, from, to, f.size);
	return l;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	fuzz_watch(tell, bytes, n);
	return 0;
}
