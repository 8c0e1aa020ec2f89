/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/origin_sums.h"

#include <errno.h>
#include <microhttpd.h>
#include <nettle/sha2.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "daemon/signals.h"

#define TEXT  68                   /* 64 digits, two blanks, "-", newline */
#define SLICE ((uint64_t)64 << 20) /* some tens of milliseconds */

struct origin_sums {
	const uint8_t *period;
	size_t length;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	struct list waiting; /* the one being computed is not in it */
	bool stopped;
};

struct origin_sum {
	struct list in_waiting;
	struct origin_sums *sums;
	struct MHD_Connection *connection;
	bool asked; /* has been waiting */
	struct sha256_ctx sha;
	uint64_t size, at;
	char text[TEXT + 1]; /* "": not done */
};

static void write_text(struct origin_sum *sum)
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	size_t i;

	sha256_digest(&sum->sha, sizeof(digest), digest);
	for (i = 0; i < sizeof(digest); i++)
		snprintf(sum->text + 2 * i, 3, "%02x", digest[i]);
	snprintf(sum->text + 2 * i, sizeof(sum->text) - 2 * i, "  -\n");
}

/* True: done. */
static bool compute_slice(const struct origin_sums *sums, struct origin_sum *sum)
{
	uint64_t until = sum->size - sum->at > SLICE ? sum->at + SLICE : sum->size;
	size_t from, n;

	while (sum->at < until) {
		from = (size_t)(sum->at % sums->length);
		n = sums->length - from;
		if (n > until - sum->at)
			n = (size_t)(until - sum->at);
		sha256_update(&sum->sha, n, sums->period + from);
		sum->at += n;
	}
	if (sum->at < sum->size)
		return false;
	write_text(sum);
	return true;
}

/* With the lock held; NULL: stopped. */
static struct origin_sum *next_waiting(struct origin_sums *sums)
{
	struct list *n;

	while (list_empty(&sums->waiting) && !sums->stopped)
		pthread_cond_wait(&sums->changed, &sums->lock);
	if (sums->stopped)
		return NULL;
	n = list_first(&sums->waiting);
	list_remove(n);
	return list_of(n, struct origin_sum, in_waiting);
}

/* Once its connection is woken, a sum may be read and freed at once: it is not touched again. */
static void wake_all(struct origin_sums *sums)
{
	struct list *n;

	while ((n = list_first(&sums->waiting))) {
		list_remove(n);
		MHD_resume_connection(list_of(n, struct origin_sum, in_waiting)->connection);
	}
}

static void *run(void *arg)
{
	struct origin_sums *sums = arg;
	struct origin_sum *sum;
	bool done;

	pthread_mutex_lock(&sums->lock);
	while ((sum = next_waiting(sums))) {
		pthread_mutex_unlock(&sums->lock);
		done = compute_slice(sums, sum);
		if (done)
			MHD_resume_connection(sum->connection);
		pthread_mutex_lock(&sums->lock);
		if (!done)
			list_add_tail(&sums->waiting, &sum->in_waiting);
	}
	wake_all(sums);
	pthread_mutex_unlock(&sums->lock);
	return NULL;
}

int origin_sums_start(struct origin_sums **out, const uint8_t *period, size_t length)
{
	struct origin_sums *sums = calloc(1, sizeof(*sums));
	int r;

	if (!sums)
		return -ENOMEM;
	sums->period = period;
	sums->length = length;
	list_init(&sums->waiting);
	pthread_mutex_init(&sums->lock, NULL);
	pthread_cond_init(&sums->changed, NULL);
	r = signals_thread(&sums->thread, run, sums);
	if (r < 0) {
		origin_sums_free(sums);
		return r;
	}
	*out = sums;
	return 0;
}

void origin_sums_stop(struct origin_sums *sums)
{
	pthread_mutex_lock(&sums->lock);
	sums->stopped = true;
	pthread_cond_signal(&sums->changed);
	pthread_mutex_unlock(&sums->lock);
	pthread_join(sums->thread, NULL);
}

void origin_sums_free(struct origin_sums *sums)
{
	if (!sums)
		return;
	pthread_cond_destroy(&sums->changed);
	pthread_mutex_destroy(&sums->lock);
	free(sums);
}

/* Asleep before it can be woken. */
static bool enqueue(struct origin_sum *sum)
{
	struct origin_sums *sums = sum->sums;
	bool open;

	pthread_mutex_lock(&sums->lock);
	open = !sums->stopped;
	if (open) {
		MHD_suspend_connection(sum->connection);
		list_add_tail(&sums->waiting, &sum->in_waiting);
		pthread_cond_signal(&sums->changed);
	}
	pthread_mutex_unlock(&sums->lock);
	return open;
}

/* The body is wanted: at first there is none yet. Woken without a text, the sums were stopped. */
static ssize_t sum_read(void *arg, uint64_t at, char *buf, size_t max)
{
	struct origin_sum *sum = arg;
	size_t left;

	if (!sum->text[0]) {
		if (sum->asked || !enqueue(sum))
			return MHD_CONTENT_READER_END_WITH_ERROR;
		sum->asked = true;
		return 0;
	}
	left = TEXT - (size_t)at;
	if (max > left)
		max = left;
	memcpy(buf, sum->text + at, max);
	return (ssize_t)max;
}

struct MHD_Response *origin_sums_response(struct origin_sums *sums,
					  struct MHD_Connection *connection, uint64_t size)
{
	struct origin_sum *sum = calloc(1, sizeof(*sum));
	struct MHD_Response *r;

	if (!sum)
		return NULL;
	sum->sums = sums;
	sum->connection = connection;
	sum->size = size;
	sha256_init(&sum->sha);
	r = MHD_create_response_from_callback(TEXT, TEXT, sum_read, sum, free);
	if (!r)
		free(sum);
	return r;
}
