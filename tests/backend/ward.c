/* SPDX-License-Identifier: BSD-2-Clause */
#include "ward.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"

int ward_listen(uint16_t port, uint16_t *got)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;
	struct addr self;

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, 128), 0);
	assert_int_equal(addr_of_self(fd, &self), 0);
	if (got)
		*got = addr_port(&self);
	return fd;
}

uint16_t ward_free_port(void)
{
	uint16_t port;

	close(ward_listen(0, &port));
	return port;
}

/* All of a question: a GET to its empty line, or what comes before the end. */
static size_t hear(const struct ward *w, int fd, char question[WARD_ASKED])
{
	size_t n = 0;

	question[0] = '\0';
	while (!w->silent_client && n < WARD_ASKED - 1 && !strstr(question, "\r\n\r\n")) {
		ssize_t r = recv(fd, question + n, WARD_ASKED - 1 - n, 0);

		if (r <= 0)
			break;
		n += (size_t)r;
		for (size_t i = 0; i < n; i++) /* a binary header has zeroes */
			if (question[i] == '\0')
				question[i] = '0';
		question[n] = '\0';
	}
	return n;
}

static void *serve(void *arg)
{
	static _Thread_local char question[WARD_ASKED];
	struct ward *w = arg;

	while (!atomic_load(&w->stop)) {
		struct pollfd p = { .fd = w->fd, .events = POLLIN };
		size_t n;
		int fd;

		if (poll(&p, 1, 20) <= 0)
			continue;
		fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		n = hear(w, fd, question);
		if (w->on_asked(w, atomic_load(&w->asked), fd, question, n) || w->opened == 64)
			close(fd);
		else
			w->open[w->opened++] = fd;
		atomic_fetch_add(&w->asked, 1);
	}
	return NULL;
}

void ward_begin(struct ward *w)
{
	w->fd = ward_listen(w->port, &w->port);
	atomic_init(&w->stop, false);
	atomic_init(&w->asked, 0);
	w->opened = 0;
	assert_int_equal(pthread_create(&w->thread, NULL, serve, w), 0);
}

void ward_end(struct ward *w)
{
	atomic_store(&w->stop, true);
	pthread_join(w->thread, NULL);
	for (unsigned i = 0; i < w->opened; i++)
		close(w->open[i]);
	close(w->fd);
}
