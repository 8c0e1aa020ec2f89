/* SPDX-License-Identifier: BSD-2-Clause */
/* sys.h — the door to the kernel: every call that shunt's data path makes, by one name each
 *
 * Each sys_x() is x(2) returning -errno instead of -1, and retried when a signal interrupts a call
 * that had no effect yet. In builds with SHUNT_FAULTS each is a fault point as well: the n-th call of
 * a story fails, with an error that this call may really give (see sys.c), n = 1, 2, 3…
 * sys_close has no fault point: after a failing close(2) the descriptor is closed all the same.
 */
#ifndef BASE_SYS_H
#define BASE_SYS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifdef SHUNT_FAULTS
/* Fail the n-th fault point from now on of this thread, in its way-th way, from 0 (each call has its
 * few, see sys.c); n = 0: none. What `then` says: 0, it fails once; SYS_FAULT_STAYS, the same call fails
 * ever after; k > 0, the k-th fault point after it fails as well. Counting starts anew. */
void sys_fault_at(unsigned long n, unsigned way, int then);
#define SYS_FAULT_STAYS (-1)
/* While set, no connection is seen to be up before epoll says so. */
void sys_fault_connect_late(bool late);
/* Fault points passed since sys_fault_at. */
unsigned long sys_fault_count(void);
/* The call that was made to fail (i = 0), the one after it (1), or NULL where none was. */
const char *sys_fault_name(unsigned i);
/* The errno that the first of them gave; -1: none, it did less than it could. */
int sys_fault_error(void);
/* In how many ways the n-th one can fail; 0: it was not reached. */
unsigned sys_fault_ways(void);
#endif

void *sys_alloc(size_t bytes); /* zeroed; NULL when there is none */

int sys_epoll_create(void);
int sys_epoll_ctl(int epfd, int op, int fd, uint32_t events, uint64_t ticket);
int sys_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms);
int sys_timerfd(void);
int sys_timerfd_set(int fd, uint64_t after_ms); /* 0 disarms */

int sys_pipe(int fds[2]);               /* O_NONBLOCK, O_CLOEXEC */
int sys_pipe_size(int fd, size_t want); /* F_SETPIPE_SZ when want > 0; returns the size in force */
int sys_open_null(void);                /* /dev/null for writing */
ssize_t sys_splice(int in, int out, size_t n, unsigned flags);
ssize_t sys_tee(int in, int out, size_t n);

ssize_t sys_recv(int fd, void *bytes, size_t n, int flags);
ssize_t sys_send(int fd, const void *bytes, size_t n, int flags);
ssize_t sys_read(int fd, void *bytes, size_t n);
ssize_t sys_write(int fd, const void *bytes, size_t n);

int sys_socket(int family, int type, int protocol); /* O_NONBLOCK, O_CLOEXEC */
int sys_connect(int fd, const struct sockaddr *to, socklen_t len);
int sys_connected(
	int fd); /* 1: it leads somewhere; 0: it is connecting; -ENOTCONN: it failed or never began */
int sys_accept(int fd, struct sockaddr_storage *from, socklen_t *len);
int sys_shutdown_write(int fd);
int sys_setsockopt(int fd, int level, int name, int value);
int sys_getsockopt(int fd, int level, int name, int *value);
/* Closing sends RST, not FIN; what is unsent is dropped. But with both FINs under way the stream is whole, and
 * goes to its end. */
void sys_reset_at_close(int fd);
int sys_nonblock(int fd);
int sys_pipe_end(int fd); /* O_RDONLY or O_WRONLY: which end of a pipe; -ENOTSOCK: it is none */
int sys_waiting(int fd);  /* bytes that can be read now (FIONREAD) */
int sys_unsent(int fd);   /* bytes not yet acknowledged by the peer (SIOCOUTQ) */
int sys_at_mark(int fd);  /* 1: the urgent byte is next (SIOCATMARK) */
void sys_close(int fd);

#endif
