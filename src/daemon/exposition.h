/* SPDX-License-Identifier: BSD-2-Clause */
/* exposition.h — numbers as Prometheus reads them: its text format 0.0.4
 *
 *	# HELP shunt_bytes_total Bytes relayed.
 *	# TYPE shunt_bytes_total counter
 *	shunt_bytes_total{listener="127.0.0.1:443",direction="up"} 512
 *
 * All samples of a metric follow its head. No label value, wherever it came from, can break out of its line.
 */
#ifndef DAEMON_EXPOSITION_H
#define DAEMON_EXPOSITION_H

#include <stdint.h>
#include <stdio.h>

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Rows of these end with a name that is NULL. */
struct exposition_label {
	const char *name, *value;
};

/* The head of a metric: "counter" or "gauge", and one line that says what it counts. */
void exposition_head(FILE *to, const char *name, const char *type, const char *help);

/* A sample of it. labels: NULL for none. */
void exposition_sample(FILE *to, const char *name, const struct exposition_label *labels,
		       uint64_t value);

/* The same, with a value in thousandths: 1500 is written 1.5. */
void exposition_thousandths(FILE *to, const char *name, const struct exposition_label *labels,
			    uint64_t value);

/* Head and sample of a metric that has one. */
void exposition_one(FILE *to, const char *name, const char *type, const char *help, uint64_t value);

#endif
