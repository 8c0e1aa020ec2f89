/* SPDX-License-Identifier: BSD-2-Clause */
/* ward.h — servers to be asked how they are: each a thread that answers as it is told
 *
 * What is answered to which question is a list, so that nothing hangs on time: before each answer it is written down
 * how the server was thought to be.
 */
#ifndef BACKEND_WARD_H
#define BACKEND_WARD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "make.h"

#define WARD_ASKED 4096 /* bytes of a question that are kept */

struct ward {
	int fd;
	uint16_t port;
	pthread_t thread;
	atomic_bool stop;
	/* Called for each connection, which it may answer by writing and leave open by returning false. */
	bool (*on_asked)(struct ward *w, unsigned number, int fd, const char *question, size_t n);
	void *arg;
	bool silent_client; /* nothing is read before on_asked */
	atomic_uint asked;
	int open[64];
	unsigned opened;
};

/* A listening socket of 127.0.0.1 at `port` (0: any), which nobody accepts from. */
int ward_listen(uint16_t port, uint16_t *got);

/* A port of 127.0.0.1 that nobody listens at. */
uint16_t ward_free_port(void);

void ward_begin(struct ward *w);
void ward_end(struct ward *w);

/* Until it is so, ten seconds at the most: it has to be. */
#define WARD_WAIT(condition)                                                                       \
	do {                                                                                       \
		for (unsigned i_ = 0; i_ < 2000 && !(condition); i_++)                             \
			usleep(5000);                                                              \
		assert_true(condition);                                                            \
	} while (0)

#endif
