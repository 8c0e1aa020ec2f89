/* SPDX-License-Identifier: BSD-2-Clause */
/* SPLICE_F_NONBLOCK speaks of the pipe. Whether a TCP socket blocks is decided by its own
 * O_NONBLOCK, in and out; so does a Unix socket going out, but coming in it listens to the flag.
 * A splice-out that blocks holds the pipe: another thread cannot even ask for its size. So every
 * socket is O_NONBLOCK, and the flag is given as well.
 */
#include "belief.h"

#include <signal.h>
#include <sys/wait.h>

static pid_t splicing(int from, int to)
{
	pid_t child = need(fork());

	if (child == 0) {
		alarm(20);
		splice(from, NULL, to, NULL, 1, SPLICE_F_NONBLOCK);
		_exit(0);
	}
	return child;
}

static pid_t asking_size(int pipe)
{
	pid_t child = need(fork());

	if (child == 0) {
		alarm(20);
		_exit(fcntl(pipe, F_GETPIPE_SZ) > 0 ? 0 : 1);
	}
	return child;
}

static bool gone(pid_t child)
{
	int status;
	pid_t got = need(waitpid(child, &status, WNOHANG));

	must(got == 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
	return got == child;
}

/* Gives the other side of a socket a byte, and room by reading. */
static bool stir(int peer)
{
	char sink[65536];

	give(peer, "x", 1, 0);
	take(peer, sink, sizeof(sink), 0);
	return true;
}

static bool hangs(int from, int to, int peer)
{
	pid_t child = splicing(from, to);

	usleep(PATIENCE * 1000);
	if (gone(child))
		return false;
	must(within(stir(peer) && gone(child)));
	return true;
}

static bool holds_pipe(int pipe, int sock, int peer)
{
	pid_t child = splicing(pipe, sock), other;
	bool held;

	usleep(PATIENCE * 1000);
	must(!gone(child));
	other = asking_size(pipe);
	usleep(PATIENCE * 1000);
	held = !gone(other);
	must(within(stir(peer) && gone(child)));
	must(!held || within(gone(other)));
	return held;
}

static void in(int s[2], const char *what, bool blocks)
{
	int p[2];

	pipe_pair(p);
	blocking(s[1], true);
	believe(hangs(s[1], p[1], s[0]) == blocks, "%s: blocking socket, splice in: %s", what,
		blocks ? "hangs, flag or not" : "the flag is enough");
	close_both(p);
}

static void out(int s[2], const char *what)
{
	int p[2];

	pipe_pair(p);
	blocking(s[1], false);
	must(stuff(s[1], SIZE_MAX) > 0);
	must(write(p[1], "abcd", 4) == 4);
	believe_is(push(p[0], s[1], 4), -EAGAIN, "%s: O_NONBLOCK, splice out: EAGAIN", what);
	blocking(s[1], true);
	believe(hangs(p[0], s[1], s[0]), "%s: blocking socket, splice out: hangs, flag or not",
		what);

	blocking(s[1], false);
	stuff(s[1], SIZE_MAX);
	blocking(s[1], true);
	believe(holds_pipe(p[0], s[1], s[0]), "%s: and holds the pipe while it hangs", what);
	close_both(p);
}

static void story(int family)
{
	int s[2];

	tcp_pair(family, s);
	in(s, "tcp", true);
	out(s, "tcp");
	close_both(s);
}

static void the_pipe(void)
{
	int s[2], p[2];

	unix_pair(s);
	pipe_pair(p);
	blocking(p[0], true);
	blocking(p[1], true);
	believe_is(push(p[0], s[0], 4), -EAGAIN, "a blocking empty pipe, the flag: EAGAIN");
	must(give(s[0], "abcd", 4, 0) == 4);
	blocking(p[1], false);
	must(stuff(p[1], SIZE_MAX) > 0);
	blocking(p[1], true);
	believe_is(pull(s[1], p[1], 4), -EAGAIN, "a blocking full pipe, the flag: EAGAIN");
	blocking(p[1], false);
	believe(splice(s[1], NULL, p[1], NULL, 4, 0) < 0 && errno == EAGAIN,
		"O_NONBLOCK on the pipe does the same as the flag");
	close_both(s);
	close_both(p);
}

int main(void)
{
	int s[2];

	belief_begin();
	each_family(story);
	unix_pair(s);
	in(s, "unix", false);
	out(s, "unix");
	close_both(s);
	the_pipe();
	return belief_end();
}
