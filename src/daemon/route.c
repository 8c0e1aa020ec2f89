/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/route.h"

static bool name_in(const struct conf_list *patterns, const char *name, size_t len)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (name_match(patterns->item[i], name, len))
			return true;
	return false;
}

static bool offered(const struct conf_list *protocols, const struct tls_facts *tls)
{
	for (size_t i = 0; i < protocols->count; i++)
		if (tls_offers(tls, protocols->item[i]))
			return true;
	return false;
}

/* Each condition that there is has to hold. What TLS alone knows holds of nothing else. */
static bool takes(const struct conf_route *r, const struct head_facts *f)
{
	bool tls = f->protocol == LOOK_TLS, http = f->protocol == LOOK_HTTP;

	if (r->protocols && !(r->protocols & LOOK_SET(f->protocol)))
		return false;
	if (r->sni.count && !(tls && name_in(&r->sni, f->tls.sni, f->tls.sni_len)))
		return false;
	if (r->alpn.count && !(tls && offered(&r->alpn, &f->tls)))
		return false;
	return !r->host.count || (http && name_in(&r->host, f->http.host, f->http.host_len));
}

size_t route_find(const struct conf_listener *l, const struct head_facts *facts)
{
	size_t i = 0;

	while (i < l->routes && !takes(l->route[i], facts))
		i++;
	return i;
}
