/* SPDX-License-Identifier: BSD-2-Clause */
#include "look/head.h"

#include <string.h>

/* Bytes asked for are counted from the first one of the stream. */
static struct look behind(size_t at, struct look l)
{
	if (l.verdict == LOOK_MORE)
		l.need += at;
	return l;
}

/* A protocol that names whom it wants has its own looker. */
static struct look read_protocol(const uint8_t *bytes, size_t n, size_t seen,
				 struct head_facts *out)
{
	switch (out->protocol) {
	case LOOK_TLS: return look_tls(bytes, n, &out->tls);
	case LOOK_HTTP: return look_http((const char *)bytes, n, seen, &out->http);
	default: return look_yes();
	}
}

static struct look tell_apart(unsigned set, const uint8_t *bytes, size_t n, size_t seen,
			      struct head_facts *out)
{
	enum look_protocol protocol;
	struct look l;

	if (set == 0)
		return look_yes();
	l = look_detect(bytes, n, set, &protocol);
	if (l.verdict == LOOK_NO) /* none of them: that is an answer */
		return look_yes();
	if (l.verdict == LOOK_MORE)
		return look_more(n + 1); /* the next byte may show that it is none of them */
	out->protocol = protocol;
	return read_protocol(bytes, n, seen, out);
}

struct look look_head(const struct head_wish *wish, const uint8_t *bytes, size_t n, size_t seen,
		      struct head_facts *out)
{
	size_t at = 0;

	memset(out, 0, sizeof(*out));
	out->protocol = HEAD_UNKNOWN;
	if (wish->proxy) {
		struct look l = look_proxy(bytes, n, &out->proxy);

		if (l.verdict != LOOK_YES) {
			out->proxy.size = 0;
			return l;
		}
		at = out->proxy.size;
	}
	return behind(at,
		      tell_apart(wish->set, bytes + at, n - at, seen > at ? seen - at : 0, out));
}
