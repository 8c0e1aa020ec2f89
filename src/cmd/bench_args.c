/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/bench_args.h"

#include <stdio.h>

const char bench_more[] =
	"ADDR: host:port, :port, [v6]:port, unix:/path\n"
	"signals: SIGINT, SIGTERM end it in order, and what was measured is told\n"
	"exit codes: 0 fine, 1 usage, 2 cannot bind or no permission, 3 something failed\n";

static int read_listen(const struct options *o, struct bench_asked *a, const char *text)
{
	const char *problem;

	a->listens = true;
	if (addr_parse(text, ADDR_LISTEN, &a->listen, &problem) < 0)
		return options_wrong(o, "%s: %s", text, problem);
	return 0;
}

static int read_connect(const struct options *o, struct bench_asked *a, const char *text)
{
	struct addr_name name;
	const char *problem;
	int n = addr_parse(text, ADDR_TARGET, &name, &problem);

	if (n == 0)
		n = addr_resolve(&name, a->to, BENCH_TARGETS, &problem);
	if (n < 0)
		return options_wrong(o, "%s: %s", text, problem);
	a->tos = (size_t)n;
	return 0;
}

static int read_from(const struct options *o, struct bench_asked *a, const char *text)
{
	char with_port[ADDR_HOST + 8];
	struct addr_name name;
	const char *problem;
	int rc;

	snprintf(with_port, sizeof(with_port), "%s:0", text);
	rc = addr_parse(with_port, ADDR_LISTEN, &name, &problem);
	if (rc == 0)
		rc = addr_resolve(&name, &a->from[a->froms], 1, &problem);
	if (rc < 0)
		return options_wrong(o, "--from %s: %s", text, problem);
	if (a->from[a->froms++].ss.ss_family != a->to[0].ss.ss_family)
		return options_wrong(o, "--from %s: not of the same family as where to connect",
				     text);
	return 0;
}

int bench_args(const struct options *o, struct bench_words *w, enum bench_way usual)
{
	struct bench_asked *a = w->asked;
	const char **plain = usual == BENCH_LISTENS ? &w->listen : &w->connect;
	size_t given = w->rest.count + (w->listen != NULL) + (w->connect != NULL);
	int rc;

	if (given == 0)
		return options_wrong(o, "the address is missing: %s 127.0.0.1:9000", o->command);
	if (given > 1)
		return options_wrong(o, "one address is enough");
	if (w->rest.count)
		*plain = w->rest.item[0];
	rc = w->listen ? read_listen(o, a, w->listen) : read_connect(o, a, w->connect);
	if (rc == 0 && a->listens && w->from.count)
		return options_wrong(o, "--from is for who connects");
	for (size_t i = 0; rc == 0 && i < w->from.count; i++)
		rc = read_from(o, a, w->from.item[i]);
	if (rc == 0 && !a->listens && a->conns == 0)
		a->conns = 1;
	return rc;
}
