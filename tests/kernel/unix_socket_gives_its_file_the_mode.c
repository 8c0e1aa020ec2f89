/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of a Unix socket is made by bind with the mode that fchmod gave the socket before, less the
 * umask; without that it is 0777 less the umask. So there is no moment in which it lets in more than it
 * will. Whoever may not write to the file cannot connect. fchmod after bind changes the socket alone.
 */
#include "belief.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>

static struct sockaddr_un name;

static int bound(mode_t before)
{
	int fd = need(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));

	unlink(name.sun_path);
	if (before)
		need(fchmod(fd, before));
	need(bind(fd, (struct sockaddr *)&name, sizeof(name)));
	need(listen(fd, 2));
	return fd;
}

static mode_t mode_of_file(void)
{
	struct stat st;

	need(lstat(name.sun_path, &st));
	return st.st_mode & 0777;
}

static int ask(void)
{
	int fd = need(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	int rc = connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0 ? -errno : 0;

	close(fd);
	return rc;
}

static void strangers(void)
{
	if (geteuid() != 0) {
		note("as root, a stranger's connect would be tried");
		return;
	}
	need(seteuid(65534));
	int rc = ask();

	need(seteuid(0));
	believe_is(rc, -EACCES, "who may not write to the file cannot connect");
}

int main(void)
{
	char dir[] = "/tmp/belief-XXXXXX";

	belief_begin();
	must(mkdtemp(dir) != NULL);
	need(chmod(dir, 0755));
	name.sun_family = AF_UNIX;
	snprintf(name.sun_path, sizeof(name.sun_path), "%s/s", dir);

	umask(022);
	int plain = bound(0);

	believe_is(mode_of_file(), 0755, "by itself it is 0777 less the umask");
	int narrow = bound(0660);

	believe_is(mode_of_file(), 0640, "after fchmod(0660) it is that less the umask");
	strangers();
	need(fchmod(narrow, 0666));
	believe_is(mode_of_file(), 0640, "fchmod after bind changes nothing of the file");
	need(chmod(name.sun_path, 0660));
	believe_is(mode_of_file(), 0660, "chmod does");
	believe_is(ask(), 0, "and its owner gets in");
	umask(0);
	int open = bound(0660);

	believe_is(mode_of_file(), 0660, "without a umask it is the mode itself");
	close(plain);
	close(narrow);
	close(open);
	unlink(name.sun_path);
	rmdir(dir);
	return belief_end();
}
