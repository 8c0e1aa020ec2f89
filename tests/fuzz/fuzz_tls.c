/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_tls.c — any bytes as a ClientHello */
#include "fuzz_look.h"
#include "look/tls.h"

static struct look tell(const uint8_t *bytes, size_t n, size_t seen, char told[FUZZ_TOLD])
{
	char sni[NAME_TEXT], alpn[TLS_ALPN + 1];
	struct tls_facts f;
	struct look l = look_tls(bytes, n, &f);

	(void)seen;
	if (l.verdict != LOOK_YES)
		return l;
	PROMISED(f.sni_len <= NAME_MOST && f.sni[f.sni_len] == '\0');
	PROMISED(f.alpn_len <= TLS_ALPN && f.n_versions <= TLS_VERSIONS);
	/* What matches a name is that name and no more. */
	if (name_match("*.test", f.sni, f.sni_len))
		PROMISED(!memchr(f.sni, '\0', f.sni_len) && strstr(f.sni, ".test"));
	tls_offers(&f, "h2");
	snprintf(told, FUZZ_TOLD, "%s %s %zu %d", name_text(f.sni, f.sni_len, sni),
		 tls_alpn_text(&f, alpn, sizeof(alpn)), f.n_versions, f.ech);
	for (const char *p = told; *p; p++)
		PROMISED(*p >= ' ' && *p <= '~');
	return l;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	fuzz_watch(tell, bytes, n);
	return 0;
}
