/* SPDX-License-Identifier: BSD-2-Clause */
/* signals.h — signals are the main thread's, which waits for them; no other thread is disturbed by one */
#ifndef DAEMON_SIGNALS_H
#define DAEMON_SIGNALS_H

#include <pthread.h>
#include <signal.h>

/* Those that stop, drain or reload. */
void signals_ours(sigset_t *set);

/* Block them, before other threads are made; SIGPIPE is ignored. */
void signals_block(void);

/* Hold all of them back from this thread, and from those that it makes; and let them come again. */
void signals_hold(sigset_t *before);
void signals_let(const sigset_t *before);

/* A thread that no signal comes to. 0 or -errno. */
int signals_thread(pthread_t *thread, void *(*run)(void *), void *arg);

#endif
