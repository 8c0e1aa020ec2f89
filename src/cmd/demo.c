/* SPDX-License-Identifier: BSD-2-Clause */
/* demo.c — `shunt demo`: a small HTTP origin and a relay in front of it, in one process, to try things on */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "cmd/launch.h"
#include "cmd/options.h"
#include "cmd/origin.h"
#include "daemon/conf_relay.h"
#include "daemon/daemon.h"
#include "daemon/holder.h"
#include "daemon/signals.h"

static const char *const engines[] = { "auto", "copy", "splice", NULL }; /* enum shunt_engine */

struct demo {
	uint64_t port, origin_port, for_ms;
	unsigned engine;
	bool terminal; /* the live line leaves the cursor at its start: a log line overwrites it */
	uint64_t last_out, last_at;
};

static struct addr loopback(uint64_t port)
{
	struct addr a = { .len = sizeof(struct sockaddr_in) };
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)&a.ss;

	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

static int read_args(struct demo *d, int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "port", 'p', "PORT", OPTION_NUMBER, .number = &d->port, .min = 0, .max = 65535,
		  .def = "8080", .help = "where the relay listens, on 127.0.0.1" },
		{ "origin-port", 0, "PORT", OPTION_NUMBER, .number = &d->origin_port, .min = 0,
		  .max = 65535, .def = "8081", .help = "where the origin listens, on 127.0.0.1" },
		{ "engine", 'e', "ENGINE", OPTION_CHOICE, .choice = &d->engine, .choices = engines,
		  .def = "auto", .help = "how the relay moves bytes" },
		{ "for", 0, "TIME", OPTION_TIME, .time = &d->for_ms, .def = "0",
		  .help = "stop by itself after so long; 0: run until interrupted" },
		{ 0 },
	};
	const struct options o = {
		"shunt demo", NULL, "An HTTP origin and a relay in front of it, to try things on.",
		rows,         NULL, NULL
	};

	return options_parse(&o, argc, argv);
}

static int busy(const char *what, const char *option, const struct addr *a, int error)
{
	char text[ADDR_TEXT], holder[HOLDER_TEXT];

	addr_text(a, text);
	if (error == -EADDRINUSE && holder_of(a, holder, sizeof(holder)) == 0)
		fprintf(stderr,
			"shunt demo: %s cannot listen on %s: held by %s; take another by %s\n",
			what, text, holder, option);
	else
		fprintf(stderr, "shunt demo: %s cannot listen on %s: %s; take another by %s\n",
			what, text, strerror(-error), option);
	return CMD_BIND;
}

static void say_what_to_try(const char *relay, unsigned origin_port)
{
	printf("shunt demo: an origin on 127.0.0.1:%u, a relay in front of it on %s\n"
	       "\n"
	       "try:\n"
	       "  curl http://%s/                           a page that tells more\n"
	       "  curl -o /dev/null http://%s/bytes/4G      4 GiB through the relay\n"
	       "  curl -s http://%s/bytes/1G | sha256sum    is every byte right? compare with\n"
	       "  curl http://%s/sha256/1G                  what the origin says it sent\n"
	       "\n"
	       "one line tells of each connection when it ends; stop with ctrl-c\n\n",
	       origin_port, relay, relay, relay, relay, relay);
	fflush(stdout);
}

static void live_line(const struct crew_totals *t, void *arg)
{
	struct demo *d = arg;
	char bytes[UNITS_TEXT], spliced[UNITS_TEXT], copied[UNITS_TEXT], rate[UNITS_TEXT];
	uint64_t now = clock_ms();

	printf("\r\033[Kconnections: %llu now, %llu ended | %s moved: splice %s, copy %s | %s\r",
	       (unsigned long long)t->running, (unsigned long long)t->ended,
	       units_size_text(t->out, bytes), units_size_text(t->moved[SHUNT_SPLICE], spliced),
	       units_size_text(t->moved[SHUNT_COPY], copied),
	       units_rate_text(t->out - d->last_out, now - d->last_at, rate));
	fflush(stdout);
	d->last_out = t->out;
	d->last_at = now;
}

static int run(struct demo *d, const struct conf *c, const struct origin *origin)
{
	struct daemon *relay;
	struct addr listen_at = loopback(d->port);
	char problem[512];
	bool bound;
	const struct daemon_options o = { .conf = c, .brief = true };
	int r = daemon_start(&relay, &o, problem, sizeof(problem), &bound);

	if (r < 0 && !bound)
		return busy("the relay", "--port", &listen_at, r);
	if (r < 0) {
		fprintf(stderr, "shunt demo: %s\n", problem);
		return CMD_FATAL;
	}
	say_what_to_try(daemon_address(relay, 0), origin_port(origin));
	d->last_at = clock_ms();
	r = daemon_run(relay, d->for_ms ? d->for_ms : UINT64_MAX, d->terminal ? live_line : NULL,
		       d);
	if (d->terminal)
		putchar('\n');
	if (r < 0)
		_exit(CMD_FATAL);
	daemon_free(relay);
	return CMD_FINE;
}

/* One listener, one server. NULL: no memory. */
static const struct conf *make_conf(const struct demo *d, const struct origin *origin)
{
	struct addr at = loopback(d->port), to = loopback(origin_port(origin));
	char listen[ADDR_TEXT], target[ADDR_TEXT];
	const char *listen_word = addr_text(&at, listen), *target_word = addr_text(&to, target);
	const struct conf_relay words = { .listen = { &listen_word, 1 },
					  .otherwise = { &target_word, 1 } };
	struct conf_report report = { .message = NULL };
	const struct conf *c = NULL;
	struct conf_draft draft;

	if (conf_draft_begin(&draft, &report) < 0)
		return NULL;
	conf_relay_put(&draft, &words);
	/* on one machine with itself no graft is worth its programs on every device */
	draft.conf->engine = d->engine ? (enum shunt_engine)d->engine : SHUNT_SPLICE;
	draft.conf->workers = 1;
	conf_draft_finish(&draft, &c);
	launch_say_report("shunt demo", &report);
	return c;
}

int cmd_demo(int argc, char **argv)
{
	struct demo d = { .terminal = isatty(STDOUT_FILENO) };
	const struct conf *c;
	struct origin *origin;
	int r = read_args(&d, argc, argv);

	if (r != 0)
		return r == OPTIONS_HELPED ? CMD_FINE : CMD_USAGE;
	struct addr at = loopback(d.origin_port);

	signals_block();
	r = origin_start(&origin, (struct sockaddr *)&at.ss, at.len);
	if (r < 0)
		return busy("the origin", "--origin-port", &at, r);
	c = make_conf(&d, origin);
	r = c ? run(&d, c, origin) : CMD_FATAL;
	conf_unref(c);
	origin_stop(origin);
	return r;
}
