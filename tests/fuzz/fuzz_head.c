/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_head.c — any bytes as all that a listener looks at; the first one says what it looks for */
#include "fuzz_look.h"
#include "look/head.h"

static struct head_wish wish;

static struct look tell(const uint8_t *bytes, size_t n, size_t seen, char told[FUZZ_TOLD])
{
	char name[NAME_TEXT] = "", from[ADDR_TEXT] = "";
	struct head_facts f;
	struct look l = look_head(&wish, bytes, n, seen, &f);

	PROMISED(f.proxy.size <= n && (wish.proxy || f.proxy.size == 0));
	PROMISED(l.verdict != LOOK_YES || (f.proxy.size > 0) == wish.proxy);
	if (l.verdict != LOOK_YES)
		return l;
	PROMISED(f.protocol == HEAD_UNKNOWN || (wish.set & LOOK_SET(f.protocol)));
	if (f.protocol == LOOK_TLS)
		name_text(f.tls.sni, f.tls.sni_len, name);
	else if (f.protocol == LOOK_HTTP)
		name_text(f.http.host, f.http.host_len, name);
	if (f.proxy.size && f.proxy.known)
		addr_text(&f.proxy.from, from);
	snprintf(told, FUZZ_TOLD, "%zu %s %u %s", f.proxy.size, from, f.protocol, name);
	return l;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	if (n == 0)
		return 0;
	wish.proxy = bytes[0] & 1;
	wish.set = (unsigned)bytes[0] >> 1 & (LOOK_SET(LOOK_PROTOCOLS) - 1);
	fuzz_watch(tell, bytes + 1, n - 1);
	return 0;
}
