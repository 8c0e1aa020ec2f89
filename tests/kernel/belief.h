/* SPDX-License-Identifier: BSD-2-Clause */
/* belief.h — what a program that proves one belief about the kernel is made of
 *
 * A program here tells one story with plain system calls and says after each step what it
 * believes. It knows nothing of shunt, so that it can be taken to another machine as it is:
 *
 *	cc -o belief splice_eagain_is_ambiguous.c belief.c && ./belief
 *
 * Exit code: 0 every belief holds · 1 one does not · 77 cannot be asked here, the reason is
 * printed · 99 the program itself broke, which says nothing about the belief.
 *
 * Every wait is bounded: within() gives up after five seconds, alarm(20) ends the rest. What must
 * *not* happen is waited for as well, for PATIENCE: such a belief can only be proved false.
 *
 * The small calls below return what the system call returned, or -errno.
 */
#ifndef BELIEF_H
#define BELIEF_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#define PATIENCE     150 /* ms in which something that should not happen is given its chance */

#define PRINTF(f, a) __attribute__((format(printf, f, a)))

/* The story. main() begins with belief_begin() and returns belief_end(). */
void belief_begin(void);
int belief_end(void);
void belief_say(bool holds, const char *file, int line, const char *text, ...) PRINTF(4, 5);
void belief_is(long got, long want, const char *file, int line, const char *text, ...) PRINTF(5, 6);
void note(const char *text, ...) PRINTF(1, 2); /* worth knowing, but nothing rests on it */
_Noreturn void skip(const char *reason, ...) PRINTF(1, 2);
_Noreturn void belief_die(const char *file, int line, const char *what);
int belief_need(int result, const char *file, int line, const char *what);
void each_family(void (*story)(int family)); /* IPv4, and IPv6 where there is one */

#define believe(cond, ...) belief_say((cond), __FILE__, __LINE__, __VA_ARGS__)
#define believe_is(got, want, ...)                                                                 \
	belief_is((long)(got), (long)(want), __FILE__, __LINE__, __VA_ARGS__)
#define must(cond) ((cond) ? (void)0 : belief_die(__FILE__, __LINE__, #cond))
#define need(call) belief_need((call), __FILE__, __LINE__, #call)

/* Does it become true within five seconds? */
#define within(cond)                                                                               \
	({                                                                                         \
		int within_left = 5000;                                                            \
		while (!(cond) && within_left-- > 0)                                               \
			usleep(1000);                                                              \
		within_left > 0;                                                                   \
	})

/* Places to send bytes through; all non-blocking, TCP with TCP_NODELAY. */
bool family_works(int family);
int tcp_socket(int family);
int tcp_listener(int family, struct sockaddr_storage *addr, socklen_t *len);
void tcp_pair(int family, int fd[2]); /* [0] connected, [1] accepted */
void unix_pair(int fd[2]);
void pipe_pair(int p[2]); /* [0] reads, [1] writes */
void blocking(int fd, bool yes);
void option(int fd, int level, int name, int value);
int option_of(int fd, int level, int name);
void close_both(int fd[2]);
void close_reset(int fd); /* SO_LINGER {1,0} and close: the peer gets a reset */

/* Small calls. */
ssize_t give(int fd, const void *data, size_t len, int flags); /* send, never SIGPIPE */
ssize_t take(int fd, void *data, size_t len, int flags);       /* recv */
ssize_t pull(int sock, int pipe, size_t len);                  /* splice in, SPLICE_F_NONBLOCK */
ssize_t push(int pipe, int sock, size_t len);                  /* splice out, SPLICE_F_NONBLOCK */
size_t stuff(int fd, size_t most); /* writes until it would block; how many went in */
int queued(int fd);                /* FIONREAD */
int unsent(int fd);                /* SIOCOUTQ: not yet acknowledged */
int so_error(int fd);              /* takes it */
int tcp_state(int fd);             /* TCP_ESTABLISHED … */
short polled(int fd, short events, int ms);
uint32_t epolled(int fd, uint32_t events, int ms); /* asked afresh: level-triggered */
long now_ms(void);

#endif
