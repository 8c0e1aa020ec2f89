/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/bench_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cmd/cmd.h"

#define SECOND 1000000000u
#define RATE   64

static double seconds(uint64_t ns)
{
	return (double)ns / SECOND;
}

double bench_report_seconds(const struct bench *b)
{
	return seconds(b->last_at - b->first_at);
}

static const char *scaled(double n, double step, const char *const units[], char buf[BENCH_TEXT])
{
	while (units[1] && n >= step * 0.9995) {
		n /= step;
		units++;
	}
	snprintf(buf, BENCH_TEXT, "%.*f %s", n >= 99.95 ? 0 : n >= 9.995 ? 1 : 2, n, *units);
	return buf;
}

const char *bench_report_bytes(uint64_t bytes, char buf[BENCH_TEXT])
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", NULL };

	if (bytes < 1000) {
		snprintf(buf, BENCH_TEXT, "%" PRIu64 " B", bytes);
		return buf;
	}
	return scaled((double)bytes / 1000, 1000, units, buf);
}

const char *bench_report_ns(uint64_t ns, char buf[BENCH_TEXT])
{
	static const char *const units[] = { "us", "ms", "s", NULL };

	return scaled((double)ns / 1000, 1000, units, buf);
}

void bench_report_latency(const struct bench_hist *h)
{
	char p50[BENCH_TEXT], p99[BENCH_TEXT], p999[BENCH_TEXT], max[BENCH_TEXT];

	printf("p50 %s, p99 %s, p99.9 %s, max %s", bench_report_ns(bench_hist_share(h, 0.5), p50),
	       bench_report_ns(bench_hist_share(h, 0.99), p99),
	       bench_report_ns(bench_hist_share(h, 0.999), p999), bench_report_ns(h->max, max));
}

/* -- progress -- */

static bool is_bytes(const struct bench *b)
{
	return strcmp(b->tool->unit, "bytes") == 0;
}

static void rate_text(const struct bench *b, uint64_t units, uint64_t ns, char buf[RATE])
{
	double per_second = (double)units / seconds(ns);

	if (is_bytes(b))
		snprintf(buf, RATE, "%.2f Gb/s", per_second * 8 / 1e9);
	else
		snprintf(buf, RATE, "%.0f %s/s", per_second, b->tool->unit);
}

void bench_report_progress(struct bench *b)
{
	bool terminal = isatty(STDERR_FILENO);
	char rate[RATE];

	if (!b->said.at)
		b->said.at = b->started;
	if ((!terminal && !b->asked.progress) || b->now - b->started < 2 * (uint64_t)SECOND ||
	    b->now - b->said.at < SECOND)
		return;
	rate_text(b, b->count - b->said.count, b->now - b->said.at, rate);
	fprintf(stderr, "%s%s: %.0f s, %" PRIu64 " connections, %s%s", terminal ? "\r\033[K" : "",
		b->tool->name, seconds(b->now - b->started), b->open, rate, terminal ? "" : "\n");
	b->said.at = b->now;
	b->said.count = b->count;
	b->said.any = true;
}

void bench_report_progress_end(struct bench *b)
{
	if (b->said.any && isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

/* -- JSON -- */

/* What the system says is plain, but a path may be anything. */
static void json_text(const char *text)
{
	putchar('"');
	for (; *text; text++)
		if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			printf("\\u%04x", (unsigned)*text);
		else
			putchar(*text);
	putchar('"');
}

void bench_report_text(const char *name, const char *text)
{
	printf(",\"%s\":", name);
	if (text)
		json_text(text);
	else
		fputs("null", stdout);
}

static void json_errors(const struct bench *b)
{
	fputs(",\"errors\":{", stdout);
	for (size_t i = 0; i < BENCH_ERRORS && b->errors[i].count; i++) {
		if (i)
			putchar(',');
		json_text(strerror(-b->errors[i].error));
		printf(":%" PRIu64, b->errors[i].count);
	}
	putchar('}');
}

static double cpu(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

void bench_report_open(const struct bench *b)
{
	static const char *const stops[] = { "", "done", "time", "signal", "wait" };
	const struct bench_asked *a = &b->asked;
	struct rusage used = { 0 };
	char text[ADDR_TEXT];

	getrusage(RUSAGE_SELF, &used);
	printf("{\"tool\":\"%s\"", b->tool->name);
	bench_report_text("shunt", SHUNT_VERSION);
	bench_report_text(a->listens ? "listen" : "connect",
			  a->listens ? b->listener.text : addr_text(&a->to[b->target], text));
	bench_report_text("stopped", stops[b->stop]);
	printf(",\"connections\":{\"asked\":%" PRIu64 ",\"up\":%" PRIu64 ",\"ended\":%" PRIu64
	       ",\"failed\":%" PRIu64 ",\"unfinished\":%" PRIu64 "}",
	       a->conns, b->up, b->ended, b->failed, b->cut);
	json_errors(b);
	printf(",\"started\":%.6f,\"all_up\":%.6f,\"first\":%.6f,\"last\":%.6f",
	       seconds(b->started), seconds(b->all_up_at), seconds(b->first_at),
	       seconds(b->last_at));
	printf(",\"user_cpu\":%.6f,\"system_cpu\":%.6f", cpu(&used.ru_utime), cpu(&used.ru_stime));
}

void bench_report_close(const struct bench *b)
{
	const struct bench_pace *p = &b->pace;

	printf(",\"timeline\":{\"unit\":\"%s\",\"began\":%.6f,\"step\":%.1f,\"counts\":[",
	       b->tool->unit, seconds(p->began), seconds(p->step_ns));
	for (size_t i = 0; i < p->used; i++)
		printf("%s%" PRIu64, i ? "," : "", p->count[i]);
	fputs("]}}\n", stdout);
}

static double us(uint64_t ns)
{
	return (double)ns / 1000;
}

void bench_report_hist(const char *name, const struct bench_hist *h)
{
	bool first = true;

	printf(",\"%s\":{\"count\":%" PRIu64 ",\"min\":%.3f,\"mean\":%.3f,\"p50\":%.3f,"
	       "\"p90\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f,\"buckets\":[",
	       name, h->count, us(h->min), h->count ? us(h->sum) / (double)h->count : 0.0,
	       us(bench_hist_share(h, 0.5)), us(bench_hist_share(h, 0.9)),
	       us(bench_hist_share(h, 0.99)), us(bench_hist_share(h, 0.999)), us(h->max));
	for (size_t i = 0; i < BENCH_HIST_BUCKETS; i++) {
		if (!h->bucket[i])
			continue;
		printf("%s[%.3f,%" PRIu64 "]", first ? "" : ",", us(bench_hist_top(i)),
		       h->bucket[i]);
		first = false;
	}
	fputs("]}", stdout);
}

/* -- for people -- */

void bench_report_failures(const struct bench *b)
{
	if (b->failed)
		printf(", %" PRIu64 " failed (%s%s)", b->failed, strerror(-b->errors[0].error),
		       b->errors[1].count ? " and others" : "");
	if (b->cut)
		printf(", %" PRIu64 " unfinished", b->cut);
	if (b->stop == BENCH_SIGNAL)
		fputs(", interrupted", stdout);
	if (b->stop == BENCH_WAIT)
		fputs(", stopped because nothing happened any more", stdout);
	putchar('\n');
}

int bench_report_code(const struct bench *b)
{
	/* Who brings to an end what it began leaves something only if that did not come. */
	bool left = b->tool->over && b->cut > 0;

	return b->failed || b->up == 0 || left || b->stop == BENCH_WAIT ? CMD_FATAL : CMD_FINE;
}
