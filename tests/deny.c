/* SPDX-License-Identifier: BSD-2-Clause */
/* deny.c — run a program whose kernel refuses some system calls
 *
 *     deny splice=EPERM,tee=ENOSYS -- build/shunt relay ...
 *
 * So look kernels that lack a call, and sandboxes that forbid it. Whoever runs under this must
 * step down to other means; the tests look whether it does. The filter is inherited and cannot be
 * lifted. Exit code 1 if the filter or the program could not be started.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *name;
	int value;
} errors[] = {
	{ "EPERM", EPERM },   { "ENOSYS", ENOSYS }, { "EINVAL", EINVAL },
	{ "EACCES", EACCES }, { "EMFILE", EMFILE }, { "ENFILE", ENFILE },
	{ "ENOMEM", ENOMEM }, { "EAGAIN", EAGAIN }, { "ENOTSUP", EOPNOTSUPP },
};

static int usage(const char *what, const char *text)
{
	fprintf(stderr,
		"deny: %s '%s'\nusage: deny CALL=ERRNO[,CALL=ERRNO...] -- PROGRAM [ARG...]\n", what,
		text);
	return 1;
}

static int error_number(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].name, name) == 0)
			return errors[i].value;
	return -1;
}

static int deny_one(scmp_filter_ctx filter, char *rule)
{
	char *error = strchr(rule, '=');
	int call, number, err;

	if (!error)
		return usage("no '=' in", rule);
	*error++ = '\0';
	call = seccomp_syscall_resolve_name(rule);
	if (call == __NR_SCMP_ERROR)
		return usage("no such system call:", rule);
	number = error_number(error);
	if (number < 0)
		return usage("no such error:", error);
	err = seccomp_rule_add(filter, SCMP_ACT_ERRNO((unsigned)number), call, 0);
	return err ? usage(strerror(-err), rule) : 0;
}

int main(int argc, char **argv)
{
	scmp_filter_ctx filter;
	char *rule, *rest;
	int err;

	if (argc < 4 || strcmp(argv[2], "--") != 0)
		return usage("missing", "--");
	filter = seccomp_init(SCMP_ACT_ALLOW);
	if (!filter)
		return usage("seccomp", strerror(errno));
	rest = argv[1];
	while ((rule = strsep(&rest, ",")))
		if (deny_one(filter, rule))
			return 1;
	err = seccomp_load(filter);
	if (err)
		return usage("seccomp", strerror(-err));
	seccomp_release(filter);
	execvp(argv[3], argv + 3);
	return usage(strerror(errno), argv[3]);
}
