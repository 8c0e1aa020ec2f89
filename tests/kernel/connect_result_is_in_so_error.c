/* SPDX-License-Identifier: BSD-2-Clause */
/* A non-blocking connect that is refused is told by epoll as OUT, ERR and HUP together, and by
 * SO_ERROR = ECONNREFUSED, once. When that was taken the socket reads as if it had ended cleanly
 * (0), and only a write (EPIPE) and HUP show that it is dead. A socket that was never connected
 * says OUT and HUP, has no error, and gives ENOTCONN to recv and splice.
 *
 * A Unix socket does not say EINPROGRESS: refused is told by connect itself, and a full backlog
 * is EAGAIN, which no event will ever end.
 */
#include "belief.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>

/* A port that is held, so that nobody else takes it, and refuses. */
static int nobody_listens(int family, struct sockaddr_storage *addr, socklen_t *len)
{
	int fd = tcp_listener(family, addr, len);

	close(fd);
	fd = tcp_socket(family);
	if (family == AF_INET)
		((struct sockaddr_in *)addr)->sin_port = 0;
	else
		((struct sockaddr_in6 *)addr)->sin6_port = 0;
	need(bind(fd, (struct sockaddr *)addr, *len));
	need(getsockname(fd, (struct sockaddr *)addr, len));
	return fd;
}

static void refused(int family)
{
	uint32_t want = EPOLLIN | EPOLLOUT | EPOLLRDHUP;
	struct sockaddr_storage addr;
	socklen_t len;
	char buf[8];
	int held = nobody_listens(family, &addr, &len), fd;

	fd = tcp_socket(family);
	believe(connect(fd, (struct sockaddr *)&addr, len) < 0 && errno == EINPROGRESS,
		"connect says EINPROGRESS, even where the refusal is immediate");
	believe((epolled(fd, want, 5000) & (EPOLLOUT | EPOLLERR | EPOLLHUP)) ==
			(EPOLLOUT | EPOLLERR | EPOLLHUP),
		"refused: OUT, ERR and HUP");
	believe_is(so_error(fd), ECONNREFUSED, "SO_ERROR says ECONNREFUSED");
	believe_is(so_error(fd), 0, "once");
	believe_is(tcp_state(fd), TCP_CLOSE, "TCP_INFO says TCP_CLOSE");
	believe(epolled(fd, want, 0) & EPOLLHUP, "HUP stays");
	believe_is(take(fd, buf, sizeof(buf), 0), 0, "then recv says 0, as after a clean end");
	believe_is(give(fd, "x", 1, 0), -EPIPE, "and send EPIPE");
	close(fd);

	fd = tcp_socket(family);
	must(connect(fd, (struct sockaddr *)&addr, len) < 0 && errno == EINPROGRESS);
	must(within(tcp_state(fd) == TCP_CLOSE));
	believe_is(take(fd, buf, sizeof(buf), 0), -ECONNREFUSED, "recv takes the error as well");
	believe_is(so_error(fd), 0, "and leaves none");
	close(fd);
	close(held);
}

static void never(int family)
{
	int fd = tcp_socket(family), p[2];
	char buf[8];

	pipe_pair(p);
	believe(epolled(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, 0) == (EPOLLOUT | EPOLLHUP),
		"never connected: OUT and HUP");
	believe_is(so_error(fd), 0, "no error");
	believe_is(take(fd, buf, sizeof(buf), 0), -ENOTCONN, "recv says ENOTCONN");
	believe_is(pull(fd, p[1], 8), -ENOTCONN, "splice says ENOTCONN");
	believe_is(give(fd, "x", 1, 0), -EPIPE, "send says EPIPE");
	close_both(p);
	close(fd);
}

static void connected(int family)
{
	struct sockaddr_storage addr;
	socklen_t len;
	int listener = tcp_listener(family, &addr, &len);
	int fd = tcp_socket(family);

	must(connect(fd, (struct sockaddr *)&addr, len) < 0 && errno == EINPROGRESS);
	believe(epolled(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, 5000) == EPOLLOUT,
		"for comparison, connected: OUT alone");
	believe_is(so_error(fd), 0, "and SO_ERROR 0, before anybody accepted");
	close(fd);
	close(listener);
}

static void on_unix(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sa_family_t);
	int listener = need(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	int fd[8], n = 0, err = 0;

	need(bind(listener, (struct sockaddr *)&addr, len)); /* the kernel names it */
	len = sizeof(addr);
	need(getsockname(listener, (struct sockaddr *)&addr, &len));
	fd[0] = need(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	believe(connect(fd[0], (struct sockaddr *)&addr, len) < 0 && errno == ECONNREFUSED,
		"unix, nobody listens: connect itself says ECONNREFUSED");
	close(fd[0]);
	need(listen(listener, 1));
	while (n < 8 && !err) {
		fd[n] = need(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
		if (connect(fd[n], (struct sockaddr *)&addr, len) < 0)
			err = errno;
		n++;
	}
	believe_is(err, EAGAIN, "unix, backlog full: EAGAIN");
	believe(epolled(fd[n - 1], EPOLLIN | EPOLLOUT, 0) == (EPOLLOUT | EPOLLHUP),
		"and epoll says OUT and HUP, now and for ever: ask again later, by the clock");
	while (n-- > 0)
		close(fd[n]);
	close(listener);
}

static void story(int family)
{
	refused(family);
	never(family);
	connected(family);
}

int main(void)
{
	belief_begin();
	each_family(story);
	on_unix();
	return belief_end();
}
