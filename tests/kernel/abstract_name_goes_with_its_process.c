/* SPDX-License-Identifier: BSD-2-Clause */
/* An abstract Unix name is a lock: one socket has it, the kernel lets go of it when the process dies, by
 * whatever death, and no file is left to be stale. Who connects is told the process that listens. Who
 * never accepts keeps the curious in his queue, whether they wait or not. The name is the network
 * namespace's, and everybody there can see it.
 */
#include "belief.h"

#include <sched.h>
#include <signal.h>
#include <sys/un.h>
#include <sys/wait.h>

static struct sockaddr_un name;
static socklen_t len;

static int socket_of_name(void)
{
	return need(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

static int take_name(void)
{
	int fd = socket_of_name(), rc = bind(fd, (struct sockaddr *)&name, len) < 0 ? -errno : 0;

	if (rc == 0) {
		need(listen(fd, 2));
		return fd;
	}
	close(fd);
	return rc;
}

static int ask(struct ucred *who)
{
	int fd = socket_of_name(), rc = 0;
	socklen_t size = sizeof(*who);

	if (connect(fd, (struct sockaddr *)&name, len) < 0)
		rc = -errno;
	else
		need(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, who, &size));
	close(fd);
	return rc;
}

static bool shown(void)
{
	char line[512];
	bool found = false;
	FILE *f = fopen("/proc/net/unix", "re");

	must(f != NULL);
	while (fgets(line, sizeof(line), f))
		found = found || strstr(line, name.sun_path + 1);
	fclose(f);
	return found;
}

int main(void)
{
	struct ucred who = { 0 };
	int p[2], fd, asked = 0;
	char byte;

	belief_begin();
	name.sun_family = AF_UNIX;
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			  (size_t)sprintf(name.sun_path + 1, "belief-%d", (int)getpid()));
	believe_is(ask(&who), -ECONNREFUSED, "nobody has the name: refused");
	need(pipe(p));
	pid_t child = need(fork());

	if (child == 0) {
		need(take_name());
		must(write(p[1], "x", 1) == 1);
		pause();
	}
	must(read(p[0], &byte, 1) == 1);
	believe_is(take_name(), -EADDRINUSE, "one has it, another does not get it");
	believe_is(ask(&who), 0, "it can be asked");
	believe_is(who.pid, child, "and the kernel names its process");
	believe(shown(), "it stands in /proc/net/unix");
	while (asked < 20 && ask(&who) == 0)
		asked++;
	believe(asked < 20, "who hung up is in the queue still: after %d it is full, EAGAIN",
		asked + 1);
	need(kill(child, SIGKILL));
	need(waitpid(child, NULL, 0));
	believe((fd = take_name()) >= 0, "killed, it is free at once");
	if (unshare(CLONE_NEWNET) == 0) {
		believe(take_name() >= 0, "another network namespace has names of its own");
		believe_is(ask(&who), 0, "and sees those");
	} else {
		note("no namespace of our own without root");
	}
	close(fd);
	return belief_end();
}
