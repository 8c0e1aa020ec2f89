/* SPDX-License-Identifier: BSD-2-Clause */
/* ask.h — one question to one server: are you well?
 *
 *	connect ─▶ PROXY header, if servers are sent one ─▶ GET, if `http` says so ─▶ its status
 *
 * Nothing waits here: the socket is watched in an epoll of the caller's, who also knows the time.
 */
#ifndef DAEMON_ASK_H
#define DAEMON_ASK_H

#include <stdint.h>

#include "base/addr.h"
#include "daemon/conf.h"

enum ask_answer {
	ASK_WAIT, /* not yet */
	ASK_GOOD,
	ASK_BAD,
	ASK_LACK, /* it could not be asked, for want of something of ours: that says nothing of the server */
};

struct ask_question {
	const struct addr *to;
	enum conf_proxy proxy;
	const char *http; /* the path of a GET; NULL: a connection is answer enough */
	const char *host; /* with it */
};

struct ask {
	int epfd, fd;
	bool connected;
	struct addr to;
	char *request; /* what is sent, and how much of it was */
	size_t length, sent;
	bool http;
	char *reply; /* what came */
	size_t came;
	char why[64]; /* with BAD and LACK: the reason, in words */
};

/* Asks. What epoll tells comes with the ticket. Whatever is answered, ask_end has to follow once. */
enum ask_answer ask_begin(struct ask *a, const struct ask_question *q, int epfd, uint64_t ticket);

/* Something happened to the socket. */
enum ask_answer ask_go_on(struct ask *a, uint64_t ticket);

/* It took too long: writes why. */
void ask_late(struct ask *a);

/* Lets go of all, by a reset: nothing stays behind in TIME_WAIT. `why` stays. */
void ask_end(struct ask *a);

#endif
