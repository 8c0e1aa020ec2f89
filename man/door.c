/* SPDX-License-Identifier: BSD-2-Clause */
/* door.c — ./door 8080 80 22: one port for two services */
#include <arpa/inet.h>
#include <shunt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct guest {
	struct shunt_end *client, *server; /* NULL: not there */
	int asked;
};

static struct shunt *s;
static struct sockaddr_in web, other;

static struct sockaddr_in local(const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	a.sin_port = htons((uint16_t)atoi(port));
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

static void let_in(int fd)
{
	struct guest *g = fd >= 0 ? calloc(1, sizeof(*g)) : NULL;

	if (!g ||
	    shunt_attach(s, fd, SHUNT_HEAD(4), g, &g->client) < 0) {
		free(g); /* it has left again */
		close(fd);
	}
}

static void look(struct guest *g, const struct shunt_event *ev)
{
	const struct sockaddr_in *to = &other;

	if (ev->seen < 4 && !g->asked++ && shunt_more(g->client, 4) == 0)
		return; /* it comes again: with four, or that was all */
	if (ev->seen == 4 &&
	    (!memcmp(ev->view, "GET ", 4) ||
	     !memcmp(ev->view, "POST", 4)))
		to = &web;
	if (shunt_connect(s, (const struct sockaddr *)to, sizeof(*to), NULL,
			  SHUNT_JOIN, g, &g->server) < 0 ||
	    shunt_queue(g->server, ev->buf, 0, ev->length) < 0 ||
	    shunt_join(g->client, g->server) < 0)
		shunt_abort(g->client);
}

static void gone(struct guest *g, const struct shunt_end *end)
{
	if (end == g->client)
		g->client = NULL;
	else
		g->server = NULL;
	if (g->client)
		shunt_abort(g->client); /* no server for it */
	if (g->server)
		shunt_abort(g->server);
	if (!g->client && !g->server)
		free(g);
}

static void happened(const struct shunt_event *ev, int listener)
{
	struct guest *g = ev->user;

	switch (ev->what) {
	case SHUNT_READY: let_in(accept(listener, NULL, NULL)); break;
	case SHUNT_ARRIVED: look(g, ev); break;
	case SHUNT_ENDED: shunt_finish(g->client); break;
	case SHUNT_GONE: gone(g, ev->end); break;
	default: break;
	}
}

int main(int argc, char **argv)
{
	int n, listener = socket(AF_INET, SOCK_STREAM, 0);
	struct shunt_event ev[64];
	struct shunt_end *door;

	if (argc != 4)
		return 1;
	struct sockaddr_in at = local(argv[1]);

	web = local(argv[2]);
	other = local(argv[3]);
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(listener, 128) < 0)
		return 2;
	if (shunt_open(&s, NULL) < 0 ||
	    shunt_attach(s, listener, SHUNT_WATCH, NULL, &door) < 0)
		return 3;
	while ((n = shunt_wait(s, ev, 64, -1)) >= 0)
		for (int i = 0; i < n; i++)
			happened(&ev[i], listener);
	return 3;
}
