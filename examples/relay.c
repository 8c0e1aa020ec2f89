/* SPDX-License-Identifier: BSD-2-Clause */
/* relay.c — a TCP relay: ./relay 8080 80 forwards this machine's port 8080 to its port 80 */
#include <arpa/inet.h>
#include <shunt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int listen_on(uint16_t port)
{
	struct sockaddr_in at = { AF_INET, htons(port), { htonl(INADDR_LOOPBACK) }, { 0 } };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 128) < 0) {
		perror("listen");
		exit(2);
	}
	return fd;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return fprintf(stderr, "usage: relay PORT TARGET-PORT\n"), 1;
	struct sockaddr_in to = {
		AF_INET, htons((uint16_t)atoi(argv[2])), { htonl(INADDR_LOOPBACK) }, { 0 }
	};
	struct shunt *s;
	struct shunt_end *door, *client, *server;
	struct shunt_event ev[64];
	int n, fd, listener = listen_on((uint16_t)atoi(argv[1]));

	if (shunt_open(&s, NULL) < 0 || shunt_attach(s, listener, SHUNT_WATCH, NULL, &door) < 0)
		return 3;
	while ((n = shunt_wait(s, ev, 64, -1)) >= 0)
		for (int i = 0; i < n; i++) {
			if (ev[i].what == SHUNT_GONE)
				printf("%s, %llu bytes by %s\n", shunt_why_text(ev[i].why),
				       (unsigned long long)ev[i].stat->out,
				       shunt_engine_text(ev[i].engine));
			if (ev[i].what == SHUNT_UNJOINED)
				shunt_abort(ev[i].end); /* no server for this client */
			if (ev[i].what != SHUNT_READY || (fd = accept(listener, NULL, NULL)) < 0)
				continue;
			if (shunt_attach(s, fd, SHUNT_JOIN, NULL, &client) < 0)
				close(fd);
			else if (shunt_connect(s, (struct sockaddr *)&to, sizeof(to), client,
					       SHUNT_JOIN, NULL, &server) < 0 ||
				 shunt_join(client, server) < 0) /* runs once the server is there */
				shunt_abort(client);
		}
	return 3;
}
