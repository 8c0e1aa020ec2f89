/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/signals.h"

void signals_ours(sigset_t *set)
{
	struct sigaction hup;

	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGUSR1);
	/* a terminal that closes ends us in order, unless somebody wants us to outlive it (nohup) */
	if (sigaction(SIGHUP, NULL, &hup) == 0 && hup.sa_handler != SIG_IGN)
		sigaddset(set, SIGHUP);
}

void signals_block(void)
{
	sigset_t set;

	signals_ours(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

void signals_hold(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, before);
}

void signals_let(const sigset_t *before)
{
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

int signals_thread(pthread_t *thread, void *(*run)(void *), void *arg)
{
	sigset_t before;

	signals_hold(&before);
	int r = pthread_create(thread, NULL, run, arg);

	signals_let(&before);
	return -r;
}
