/* SPDX-License-Identifier: BSD-2-Clause */
/* How a port is held against strangers and shared with our own: the first socket binds *without*
 * SO_REUSEPORT, so that it is refused if anybody holds the port, even with SO_REUSEPORT. Then it
 * listens, and only then sets SO_REUSEPORT. From then on further sockets of the same user with
 * SO_REUSEPORT can bind and listen, and get their share of the connections; a socket without it, or
 * of another user, is refused.
 *
 * Set between bind and listen it works as well, but leaves a gap: with SO_REUSEADDR bind() passes
 * as long as nobody listens yet, so that two strangers who begin at the same moment both get the
 * port. With the order above one of them is refused, by listen.
 */
#include "belief.h"

#include <netinet/in.h>
#include <sys/wait.h>

#define CALLS 32

struct place {
	struct sockaddr_storage addr;
	socklen_t len;
};

static int at(const struct place *where, bool port, bool addr)
{
	int fd = tcp_socket(where->addr.ss_family);

	option(fd, SOL_SOCKET, SO_REUSEADDR, addr);
	option(fd, SOL_SOCKET, SO_REUSEPORT, port);
	return fd;
}

static int binds(int fd, const struct place *where)
{
	return bind(fd, (const struct sockaddr *)&where->addr, where->len) < 0 ? -errno : 0;
}

/* A socket bound to a port that the kernel chose. */
static int anywhere(int family, struct place *where, bool port, bool addr)
{
	int fd;

	close(tcp_listener(family, &where->addr, &where->len));
	if (family == AF_INET)
		((struct sockaddr_in *)&where->addr)->sin_port = 0;
	else
		((struct sockaddr_in6 *)&where->addr)->sin6_port = 0;
	fd = at(where, port, addr);
	must(binds(fd, where) == 0);
	need(getsockname(fd, (struct sockaddr *)&where->addr, &where->len));
	return fd;
}

static int tries(const struct place *where, bool port, bool addr)
{
	int fd = at(where, port, addr);
	int err = binds(fd, where);

	if (!err && listen(fd, 64) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int tries_as_stranger(const struct place *where)
{
	pid_t child = need(fork());
	int status;

	if (child == 0) {
		must(setresuid(65534, 65534, 65534) == 0);
		_exit(-tries(where, true, true));
	}
	need(waitpid(child, &status, 0));
	must(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void spread(const struct place *where, int first, int second)
{
	int call[CALLS], got[2] = { 0, 0 }, fd;

	for (int i = 0; i < CALLS; i++) {
		call[i] = tcp_socket(where->addr.ss_family);
		if (connect(call[i], (const struct sockaddr *)&where->addr, where->len) < 0)
			must(errno == EINPROGRESS);
		must(polled(call[i], POLLOUT, 5000) & POLLOUT);
		must(so_error(call[i]) == 0);
	}
	for (int tries_left = 2000; got[0] + got[1] < CALLS && tries_left; tries_left--)
		for (int i = 0; i < 2; i++)
			if ((fd = accept4(i ? second : first, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
				close_reset(fd); /* leaves no TIME_WAIT */
				got[i]++;
			} else {
				polled(i ? second : first, POLLIN, 1);
			}
	believe_is(got[0] + got[1], CALLS, "all %d connections are accepted", CALLS);
	believe(got[0] > 0 && got[1] > 0, "spread over both: %d and %d", got[0], got[1]);
	for (int i = 0; i < CALLS; i++)
		close(call[i]);
}

static void share(int family)
{
	struct place where;
	int first, second;

	first = anywhere(family, &where, false, true);
	need(listen(first, 64));
	believe_is(tries(&where, true, true), -EADDRINUSE,
		   "a port held without SO_REUSEPORT refuses");
	close(first);

	first = anywhere(family, &where, true, true);
	need(listen(first, 64));
	believe_is(tries(&where, false, true), -EADDRINUSE,
		   "so does one held with it, when the newcomer has not got it at bind");
	close(first);

	first = anywhere(family, &where, false, true);
	option(first, SOL_SOCKET, SO_REUSEPORT, 1);
	believe(listen(first, 64) == 0, "SO_REUSEPORT after bind: listen works");
	second = at(&where, true, true);
	believe_is(binds(second, &where), 0, "a second socket with SO_REUSEPORT binds");
	believe(listen(second, 64) == 0, "and listens");
	believe_is(tries(&where, false, false), -EADDRINUSE, "a third without it is refused");
	believe_is(tries(&where, false, true), -EADDRINUSE, "with SO_REUSEADDR too");
	if (getuid() == 0)
		believe_is(tries_as_stranger(&where), -EADDRINUSE,
			   "another user is refused, whatever it sets");
	else
		note("not root: another user's bind is not tried");
	spread(&where, first, second);
	close(first);
	close(second);
}

static void two_at_once(int family)
{
	struct place where;
	int first = anywhere(family, &where, false, true);
	int second = at(&where, false, true);

	believe_is(binds(second, &where), 0, "SO_REUSEADDR: two bind while nobody listens");
	need(listen(first, 64));
	believe(listen(second, 64) < 0 && errno == EADDRINUSE, "then the second listen is refused");
	close(first);
	close(second);
}

/* Two strangers of the same user who do all this at the same moment. */
static void strangers_meet(int family)
{
	struct place where;
	int first = anywhere(family, &where, false, true);
	int second = at(&where, false, true);

	must(binds(second, &where) == 0);
	option(first, SOL_SOCKET, SO_REUSEPORT, 1);
	option(second, SOL_SOCKET, SO_REUSEPORT, 1);
	must(listen(first, 64) == 0);
	believe(listen(second, 64) == 0,
		"both bound before either listens, both set it before listen: they share the port");
	close(first);
	close(second);
}

static void set_after_listen(int family)
{
	struct place where;
	int first = anywhere(family, &where, false, true);
	int second = at(&where, false, true);

	must(binds(second, &where) == 0);
	need(listen(first, 64));
	option(first, SOL_SOCKET, SO_REUSEPORT, 1);
	believe(listen(second, 64) < 0 && errno == EADDRINUSE,
		"set after listen: the one who comes second without it is refused by listen");
	close(second);
	second = at(&where, true, true);
	believe_is(binds(second, &where), 0, "and one with it binds");
	believe(listen(second, 64) == 0, "and listens");
	believe_is(tries(&where, false, true), -EADDRINUSE, "one without it is refused");
	spread(&where, first, second);
	close(first);
	close(second);
}

static void story(int family)
{
	share(family);
	two_at_once(family);
	strangers_meet(family);
	set_after_listen(family);
}

int main(void)
{
	belief_begin();
	each_family(story);
	return belief_end();
}
