/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/sys.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#ifdef SHUNT_FAULTS
/* A call may also do less than it could: move one byte, find a small pipe, see a connection later. */
#define LESS (-1)

/* One story runs in one thread, so its counter belongs to the thread. */
static _Thread_local struct {
	unsigned long at, passed;
	unsigned way, ways;
	int then, error;
	const char *failed[2];
	bool connect_late;
} fault;

void sys_fault_at(unsigned long n, unsigned way, int then)
{
	fault.at = n;
	fault.way = way;
	fault.then = then;
	fault.passed = 0;
	fault.ways = 0;
	fault.failed[0] = fault.failed[1] = NULL;
}

unsigned long sys_fault_count(void)
{
	return fault.passed;
}

const char *sys_fault_name(unsigned i)
{
	return i < 2 ? fault.failed[i] : NULL;
}

int sys_fault_error(void)
{
	return fault.failed[0] ? fault.error : 0;
}

unsigned sys_fault_ways(void)
{
	return fault.ways;
}

void sys_fault_connect_late(bool late)
{
	fault.connect_late = late;
}

/* How this call fails now: an errno, LESS, or 0. */
static int fault_here(const char *call, const int *ways, unsigned count)
{
	unsigned long n = ++fault.passed;

	if (fault.at == 0 || n < fault.at)
		return 0;
	if (n == fault.at) {
		fault.ways = count;
		if (fault.way >= count)
			return 0;
		fault.failed[0] = call;
		fault.error = ways[fault.way];
		return fault.error;
	}
	if (fault.then == SYS_FAULT_STAYS)
		return call == fault.failed[0] ? fault.error : 0;
	if (fault.then == 0 || !fault.failed[0] || n != fault.at + (unsigned long)fault.then)
		return 0;
	fault.failed[1] = call;
	return ways[0];
}

#define FAULT_(...)                                                                                \
	fault_here(__func__, (const int[]){ __VA_ARGS__ },                                         \
		   sizeof((int[]){ __VA_ARGS__ }) / sizeof(int))
/* The errors that this call may really give and that are answered differently. */
#define FAULT(...)                                                                                 \
	do {                                                                                       \
		int error_ = FAULT_(__VA_ARGS__);                                                  \
		if (error_)                                                                        \
			return -error_;                                                            \
	} while (0)
/* The same for a call that may also do less. */
#define FAULT_LESS(less, ...)                                                                      \
	do {                                                                                       \
		int error_ = FAULT_(__VA_ARGS__, LESS);                                            \
		if (error_ == LESS) {                                                              \
			less;                                                                      \
		} else if (error_) {                                                               \
			return -error_;                                                            \
		}                                                                                  \
	} while (0)
/* The same for a call that may move fewer bytes than n. */
#define FAULT_MOVE(n, ...) FAULT_LESS((n) = (n) > 0, __VA_ARGS__)
#define CONNECT_LATE()     (fault.connect_late)
#define FAULT_NULL()                                                                               \
	do {                                                                                       \
		if (FAULT_(ENOMEM))                                                                \
			return NULL;                                                               \
	} while (0)
#else
#define FAULT(...)      ((void)0)
#define FAULT_LESS(...) ((void)0)
#define FAULT_MOVE(...) ((void)0)
#define CONNECT_LATE()  false
#define FAULT_NULL()    ((void)0)
#endif

/* The kernel's answer in our doctrine; EINTR is tried again. */
#define ANSWER(type, call)                                                                         \
	do {                                                                                       \
		type r_;                                                                           \
		do                                                                                 \
			r_ = (type)(call);                                                         \
		while (r_ < 0 && errno == EINTR);                                                  \
		return r_ < 0 ? (type)-errno : r_;                                                 \
	} while (0)

void *sys_alloc(size_t bytes)
{
	FAULT_NULL();
	return calloc(1, bytes);
}

int sys_epoll_create(void)
{
	FAULT(EMFILE);
	ANSWER(int, epoll_create1(EPOLL_CLOEXEC));
}

int sys_epoll_ctl(int epfd, int op, int fd, uint32_t events, uint64_t ticket)
{
	struct epoll_event e = { .events = events, .data.u64 = ticket };

	if (op != EPOLL_CTL_DEL)
		FAULT(ENOMEM);
	ANSWER(int, epoll_ctl(epfd, op, fd, &e));
}

int sys_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms)
{
	FAULT(EINTR);
	int n = epoll_wait(epfd, events, max, timeout_ms);

	return n < 0 ? -errno : n; /* a signal ends the wait: the program may want to know */
}

int sys_timerfd(void)
{
	FAULT(EMFILE);
	ANSWER(int, timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
}

int sys_timerfd_set(int fd, uint64_t after_ms)
{
	struct itimerspec t = { .it_value = { .tv_sec = (time_t)(after_ms / 1000),
					      .tv_nsec = (long)(after_ms % 1000) * 1000000 } };

	ANSWER(int, timerfd_settime(fd, 0, &t, NULL));
}

int sys_pipe(int fds[2])
{
	FAULT(EMFILE);
	ANSWER(int, pipe2(fds, O_NONBLOCK | O_CLOEXEC));
}

int sys_pipe_size(int fd, size_t want)
{
	FAULT_LESS(return 2 * 4096, EPERM); /* what is left when the user's quota is spent */
	if (want > 0)
		ANSWER(int, fcntl(fd, F_SETPIPE_SZ, (int)want));
	ANSWER(int, fcntl(fd, F_GETPIPE_SZ));
}

int sys_open_null(void)
{
	FAULT(EMFILE);
	ANSWER(int, open("/dev/null", O_WRONLY | O_CLOEXEC));
}

ssize_t sys_splice(int in, int out, size_t n, unsigned flags)
{
	FAULT_MOVE(n, EPERM, ENOMEM, ECONNRESET, EAGAIN);
	ANSWER(ssize_t, splice(in, NULL, out, NULL, n, flags));
}

ssize_t sys_tee(int in, int out, size_t n)
{
	FAULT_MOVE(n, ENOMEM, EAGAIN);
	ANSWER(ssize_t, tee(in, out, n, SPLICE_F_NONBLOCK));
}

ssize_t sys_recv(int fd, void *bytes, size_t n, int flags)
{
	FAULT_MOVE(n, ECONNRESET, ENOMEM, EAGAIN);
	ANSWER(ssize_t, recv(fd, bytes, n, flags));
}

ssize_t sys_send(int fd, const void *bytes, size_t n, int flags)
{
	FAULT_MOVE(n, EPIPE, ENOBUFS, EAGAIN);
	ANSWER(ssize_t, send(fd, bytes, n, flags | MSG_NOSIGNAL));
}

ssize_t sys_read(int fd, void *bytes, size_t n)
{
	FAULT_MOVE(n, EIO);
	ANSWER(ssize_t, read(fd, bytes, n));
}

ssize_t sys_write(int fd, const void *bytes, size_t n)
{
	FAULT_MOVE(n, EPIPE, ENOMEM, EAGAIN);
	ANSWER(ssize_t, write(fd, bytes, n));
}

int sys_socket(int family, int type, int protocol)
{
	FAULT(EMFILE);
	ANSWER(int, socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
}

int sys_connect(int fd, const struct sockaddr *to, socklen_t len)
{
	FAULT(ENETUNREACH, ECONNREFUSED);
	ANSWER(int, connect(fd, to, len));
}

int sys_connected(int fd)
{
	struct sockaddr_storage peer;
	struct tcp_info info;
	socklen_t len = sizeof(peer), info_len = sizeof(info);

	FAULT_LESS(return 0, ENOTCONN);
	if (CONNECT_LATE())
		return 0;
	if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0)
		return 1;
	if (errno != ENOTCONN)
		return -errno;
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &info_len) <
	    0) /* no TCP: it never waits */
		return -ENOTCONN;
	if (info.tcpi_state == TCP_SYN_SENT || info.tcpi_state == TCP_SYN_RECV)
		return 0;
	/* it may have come up between the two questions */
	return getpeername(fd, (struct sockaddr *)&peer, &len) == 0 ? 1 : -ENOTCONN;
}

int sys_accept(int fd, struct sockaddr_storage *from, socklen_t *len)
{
	FAULT(EMFILE, ECONNABORTED, EAGAIN);
	ANSWER(int, accept4(fd, (struct sockaddr *)from, len, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

int sys_shutdown_write(int fd)
{
	FAULT(ENOTCONN);
	ANSWER(int, shutdown(fd, SHUT_WR));
}

int sys_setsockopt(int fd, int level, int name, int value)
{
	FAULT(ENOPROTOOPT);
	ANSWER(int, setsockopt(fd, level, name, &value, sizeof(value)));
}

int sys_getsockopt(int fd, int level, int name, int *value)
{
	socklen_t len = sizeof(*value);

	FAULT(ENOPROTOOPT);
	ANSWER(int, getsockopt(fd, level, name, value, &len));
}

void sys_reset_at_close(int fd)
{
	struct linger at_once = { .l_onoff = 1 };
	struct tcp_info info;
	socklen_t len = sizeof(info);

	/* both have finished: no reset would go out, and what is lost on the way would stay lost */
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	    (info.tcpi_state == TCP_LAST_ACK || info.tcpi_state == TCP_CLOSING))
		return;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

int sys_nonblock(int fd)
{
	FAULT(EPERM);
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	if (flags & O_NONBLOCK)
		return 0;
	ANSWER(int, fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

int sys_pipe_end(int fd)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fstat(fd, &st) < 0)
		return -errno;
	flags &= O_ACCMODE;
	return S_ISFIFO(st.st_mode) && flags != O_RDWR ? flags : -ENOTSOCK;
}

static int ask(int fd, unsigned long request)
{
	int n = 0;

	return ioctl(fd, request, &n) < 0 ? -errno : n;
}

int sys_waiting(int fd)
{
	FAULT(ENOTTY);
	return ask(fd, FIONREAD);
}

int sys_unsent(int fd)
{
	FAULT(EINVAL);
	return ask(fd, SIOCOUTQ);
}

int sys_at_mark(int fd)
{
	FAULT(EPERM);
	return ask(fd, SIOCATMARK);
}

void sys_close(int fd)
{
	if (fd >= 0)
		close(fd);
}
