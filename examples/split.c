/* SPDX-License-Identifier: BSD-2-Clause */
/* split.c — one source, many outputs: who connects to ./split 8081 first is the source, and what he
 * sends goes to all who connect after him
 *
 * The same buffer is queued on each output; spliced, it is copied for none of them. Queued bytes
 * count as outstanding, and while too many are, the source is not read: the slowest sets the pace of
 * all. With a second argument he does not: who is so many bytes behind is dropped.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <shunt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ENDS = 256 };
static struct shunt_end *end[ENDS]; /* the source is the first */

static void from_source(const struct shunt_event *e)
{
	for (int i = 1; i < ENDS; i++) {
		if (!end[i])
			continue;
		if (e->what == SHUNT_ARRIVED &&
		    shunt_queue(end[i], e->buf, 0, e->length) == -EAGAIN)
			shunt_abort(end[i]); /* too far behind */
		if (e->what == SHUNT_ENDED)
			shunt_finish(end[i]);
		if (e->what == SHUNT_BROKEN)
			shunt_abort(end[i]); /* a part must not look like all */
	}
	if (e->what == SHUNT_ENDED)
		shunt_finish(end[0]);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct shunt_options o = SHUNT_OPTIONS;
	struct shunt *s;
	struct shunt_end *door;
	struct shunt_event e;
	int i, fd, one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (argc < 2)
		return fprintf(stderr, "usage: split PORT [BYTES-BEHIND]\n"), 1;
	at.sin_port = htons((uint16_t)atoi(argv[1]));
	o.queue_limit = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	o.outstanding = 2 * o.queue_limit; /* no queue fills it, so none stops the source */
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(listener, 128) < 0)
		return perror("listen"), 2;
	if (shunt_open(&s, &o) < 0 || shunt_attach(s, listener, SHUNT_WATCH, NULL, &door) < 0)
		return 3;
	while (shunt_wait(s, &e, 1, -1) >= 0) {
		if (e.what == SHUNT_READY && (fd = accept(listener, NULL, NULL)) >= 0) {
			for (i = 0; i < ENDS && end[i];)
				i++;
			if (i == ENDS || shunt_attach(s, fd, SHUNT_NONE, &end[i], &end[i]) < 0)
				close(fd);
		}
		if (e.user == &end[0])
			from_source(&e);
		if (e.what == SHUNT_GONE)
			*(struct shunt_end **)e.user = NULL;
	}
	return 3;
}
