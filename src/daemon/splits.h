/* SPDX-License-Identifier: BSD-2-Clause */
/* splits.h — the splitters of a configuration, over all configurations
 *
 *	splits_plan      which of those that run does this configuration want as they are? They keep their sockets
 *	splits_open      the others are had, beside those that run: it may fail
 *	splits_settle    true: those begin, and who is not wanted any more ends; false: nothing has changed
 *
 * A section that is written with other values is another splitter, if at the same addresses: whoever listens to the
 * one is reset, and finds the other when he comes back. One thread does all this; another may look on.
 */
#ifndef DAEMON_SPLITS_H
#define DAEMON_SPLITS_H

#include <pthread.h>
#include <stdio.h>

#include "daemon/conf.h"
#include "daemon/split.h"

struct splits_item;

struct splits {
	pthread_mutex_t lock; /* of the list, for who looks on */
	struct splits_item *item;
	size_t count;
	unsigned workers;
	enum shunt_engine engine;
	bool brief; /* there is one at the most, and nobody says which */
	int done;   /* eventfd */
};

void splits_init(struct splits *ss, enum shunt_engine engine, unsigned workers, bool brief);

/* Those that stay put what they listen at into `listener`, which is as c->bind. */
void splits_plan(struct splits *ss, const struct conf *c, struct listener **listener);
/* Listener has all of c->bind. 0, or -errno with a sentence in problem; then splits_settle(ss, false) is due. */
int splits_open(struct splits *ss, const struct conf *c, struct listener *const *listener,
		char *problem, size_t size);
/* 0, or -errno: one could not begin, which the log says. */
int splits_settle(struct splits *ss, bool taken);

/* Share descriptors among them, and others, if there are any. Returns what is left for these. */
uint64_t splits_limit(struct splits *ss, uint64_t descriptors, bool others);
/* May somebody ask how subscribers are? */
void splits_show(struct splits *ss, bool shown);
/* A line for each address of those that were not told of yet. */
void splits_say(struct splits *ss);

void splits_drain(struct splits *ss, uint64_t limit_ms);
void splits_stop(struct splits *ss);

/* Readable when one has done what was wished; splits_heard takes note of it, and those that were to end are gone. */
int splits_fd(const struct splits *ss);
void splits_heard(struct splits *ss);
bool splits_settled(const struct splits *ss);  /* none is about to end */
bool splits_shut(const struct splits *ss);     /* no listening socket is in their hands */
bool splits_finished(const struct splits *ss); /* nor is anything else */

/* Of all together, but those that are to end. */
void splits_totals(const struct splits *ss, struct split_totals *out);
/* For another thread: their metrics; has one of them a source, or is there none? */
void splits_print(struct splits *ss, FILE *to);
bool splits_fed(struct splits *ss);

/* Stops them, and waits for them. */
void splits_close(struct splits *ss);

#endif
