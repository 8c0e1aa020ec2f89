/* SPDX-License-Identifier: BSD-2-Clause */
/* end.h — one attached socket, to GONE, while it is not joined; it begins in attach.h */
#ifndef LIB_END_H
#define LIB_END_H

#include "lib/context.h"

/* epoll said so, of an end that is not joined. */
void end_ready(struct shunt_end *e, uint32_t events);

/* What is due before the next wait, for an end that is not joined: send, finish, go. */
void end_work(struct shunt_end *e);

/* Remember what epoll said; an error hurts the end. */
void end_note(struct shunt_end *e, uint32_t events);

/* Carry out what was ordered: bytes, then our FIN. A failure hurts the end. */
void end_push(struct shunt_end *e);

/* Is the connection made or refused by now? 1: yes, it is up. 0: still connecting or failed. */
int end_check_connect(struct shunt_end *e, uint32_t events);

/* The socket has failed (error > 0): remember why. The program hears of it as BROKEN. */
void end_hurt(struct shunt_end *e, int error);
/* What the socket itself says of its failure, or 0. Clears it there. */
int end_socket_error(struct shunt_end *e);

/* Close the descriptor, with a reset when `reset`, and tell GONE. */
void end_gone(struct shunt_end *e, enum shunt_why why, bool reset);

/* Let epoll watch for `events` and nothing else. A socket that has hung up and is not waited for
 * leaves epoll's sight, for a hang-up can't be masked and would be reported for ever. */
void end_watch(struct shunt_end *e, uint32_t events);
void end_unwatch(struct shunt_end *e);
/* What an end that is not joined waits for. */
void end_settle(struct shunt_end *e);

/* Lend the descriptor to somebody: we neither watch nor know it any more. See slots_take_back. */
int end_lend(struct shunt_end *e);

/* Free the end and its slot; the descriptor is somebody else's or closed. */
void end_free(struct shunt_end *e);

enum shunt_why end_why(int error);

#define END_INPUT (EPOLLIN | EPOLLRDHUP)

#endif
