/* SPDX-License-Identifier: BSD-2-Clause */
/* sample.h — a stream told to a looker: whole, byte by byte, cut at every offset, against a wall
 *
 * A looker is wrapped as a function that tells its facts as a text, so that expected facts are a
 * text as well, and two answers are the same if their texts are.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "look/look.h"

#define SAMPLE_TOLD 2048
#define SAMPLE_MOST 131072
#define SAMPLE_FILE 4096

/* Looks; with YES the facts are told into `told`. `seen` is for those who want it. */
typedef struct look sample_looker(const uint8_t *bytes, size_t n, size_t seen,
				  char told[SAMPLE_TOLD]);

struct sample_answer {
	struct look look;       /* to the whole stream */
	size_t at;              /* how long the view was when the verdict fell; 0 with MORE */
	char told[SAMPLE_TOLD]; /* with YES */
};

/* Every promise of look.h for this stream, each `step` bytes (1: at every offset); fails the test
 * where one is broken. `name` is for the messages. */
struct sample_answer sample_watch(const char *name, sample_looker *look, const uint8_t *bytes,
				  size_t n, size_t step);

/* It is taken, with these facts. */
void sample_taken(const char *name, sample_looker *look, const uint8_t *bytes, size_t n,
		  const char *facts);

/* It is refused, for a reason that speaks of this word, at the `at`-th byte (0: wherever). */
void sample_refused(const char *name, sample_looker *look, const uint8_t *bytes, size_t n,
		    const char *word, size_t at);

/* A file of tests/look/samples, into memory of SAMPLE_FILE bytes that stays until the
 * next one is asked for; zeroes after its end. */
const uint8_t *sample_file(const char *name, size_t *n);

#endif
