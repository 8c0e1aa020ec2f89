/* SPDX-License-Identifier: BSD-2-Clause */
/* urgent.h — the one byte that is not like the others (TCP's urgent pointer, MSG_OOB)
 *
 * At the mark of an unread urgent byte splice(2) says EAGAIN for ever while epoll says readable, and
 * recv(2) silently steps over it. So a join asks for EPOLLPRI, and when the mark is reached the byte is
 * taken by itself: read in line for the length of one call, which takes exactly that byte. It is
 * sent on as an urgent byte, at the same place of the stream.
 */
#ifndef ENGINE_URGENT_H
#define ENGINE_URGENT_H

/* The urgent byte (0-255) if it is next in line on fd, -EAGAIN if other bytes come first or there is
 * none, -EINPROGRESS if it is next and has not come yet, or another -errno. */
int urgent_take(int fd);

#endif
