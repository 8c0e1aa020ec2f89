/* SPDX-License-Identifier: BSD-2-Clause */
/* fault.c — plays each story again and again, with one more call let pass before the failing one
 *
 *   fault STORY splice|copy             n = 1, 2, 3 … until the story passes untouched; for each n the
 *                                       call fails in each of its ways once, once for ever after, and
 *                                       together with the first and the second call that follow
 *   fault STORY splice|copy deep        the same in all ways, and with each of the eight calls that follow;
 *                                       takes minutes
 *   fault STORY splice|copy N WAY THEN  one run of these
 *   fault --covers FILE                 all stories; every call in FILE (sys.c) that can fail has failed
 */
#include "fault.h"

#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sys.h"

static const struct story *const stories[] = {
	&story_joined,
	&story_reset_after_data,
	&story_heads,
	&story_head_then_join,
	&story_fan_out,
	&story_urgent_byte,
	&story_open_and_close,
	&story_small_and_bulk,
	&story_echo,
	&story_second_try,
	&story_room,
	&story_join_unseen,
	&story_packed,
	&story_tapped,
	&story_tap_left_behind,
};

enum { WRONGS = 20, RUN_SECONDS = 20, CALLS = 64, CALLS_A_TURN = 100 };

static struct {
	const char *story, *engine;
	unsigned long n, count;
	unsigned way, ways;
	int then;
	const char *call[2];
	int error;
	unsigned wrongs;
} run;

/* -- saying what is wrong -- */

static void keep_names(void)
{
	for (unsigned i = 0; i < 2; i++)
		run.call[i] = sys_fault_name(i) ? sys_fault_name(i) : run.call[i];
	run.error = sys_fault_error() ? sys_fault_error() : run.error;
}

void wrong(const char *fmt, ...)
{
	va_list args;

	keep_names();
	printf("fault %s %s %lu %u %d (%s%s%s): ", run.story, run.engine, run.n, run.way, run.then,
	       run.call[0] ? run.call[0] : "untouched", run.call[1] ? ", " : "",
	       run.call[1] ? run.call[1] : "");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	if (++run.wrongs >= WRONGS) {
		printf("enough\n");
		exit(1);
	}
}

void must(bool cond, const char *what)
{
	if (cond)
		return;
	perror(what);
	exit(99);
}

static void too_long(int signal)
{
	(void)signal;
	wrong("it hangs within one call");
	fflush(stdout);
	_exit(1);
}

bool fault_is_single(void)
{
	return run.then == 0;
}

void fault_relents(unsigned turns, unsigned long count)
{
	unsigned long calls = sys_fault_count() - count;

	if (run.way == 0 && turns > 0 && calls > (unsigned long)turns * CALLS_A_TURN)
		wrong("it spins: %lu calls in %u idle turns", calls, turns);
	if (run.then != SYS_FAULT_STAYS)
		return;
	keep_names();
	run.count = sys_fault_count();
	run.ways = sys_fault_ways();
	sys_fault_at(0, 0, 0);
}

/* -- memory: the linker leads shunt's calls here -- */

static long allocated;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void __real_free(void *p);
void __wrap_free(void *p);

void *__wrap_calloc(size_t n, size_t size)
{
	void *p = __real_calloc(n, size);

	allocated += p != NULL;
	return p;
}

void __wrap_free(void *p)
{
	allocated -= p != NULL;
	__real_free(p);
}

/* -- one run -- */

static long fds_open(void)
{
	DIR *d = opendir("/proc/self/fd");
	long n = 0;

	must(d, "/proc/self/fd");
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void tell(const struct story *story, enum shunt_engine engine, struct world *w)
{
	struct shunt_options o = story->options;

	memset(w, 0, sizeof(*w));
	w->story = story;
	o.size = sizeof(o);
	o.engine = engine;
	int r = shunt_open(&w->s, &o);

	if (r < 0 && fault_is_single())
		r = shunt_open(&w->s, &o);
	if (r < 0) {
		if (fault_is_single())
			wrong("shunt_open failed a second time: %s", strerror(-r));
		return;
	}
	story->tell(w);
	keep_names();
	if (run.then != SYS_FAULT_STAYS || !run.count) {
		run.count = sys_fault_count();
		run.ways = sys_fault_ways();
	}
	shunt_close(w->s);
}

/* Faults that cost time or a copy, and nothing else: the story must come to its end as if nothing had been.
 * An EAGAIN to a read is none of them: that a socket says it of bytes it has told of does not happen. */
static bool is_harmless(const char *call, int error)
{
	static const char *const steps_down[] = {
		"sys_pipe",    "sys_pipe_size", "sys_open_null",  "sys_tee",
		"sys_waiting", "sys_timerfd",   "sys_epoll_wait",
	};

	if (error < 0 || (error == EPERM && !strcmp(call, "sys_splice")) ||
	    (error == EAGAIN && !strcmp(call, "sys_send")))
		return true;
	for (size_t i = 0; i < COUNT(steps_down); i++)
		if (!strcmp(call, steps_down[i]))
			return true;
	return false;
}

/* true: the fault was made, or could not be made in this way. */
static bool play_once(const struct story *story, enum shunt_engine engine, unsigned long n,
		      unsigned way, int then)
{
	static struct world w;
	peers_begin();
	long fds = fds_open(), memory = allocated;

	run.n = n;
	run.way = way;
	run.then = then;
	run.count = run.ways = 0;
	run.call[0] = run.call[1] = NULL;
	run.error = 0;
	alarm(RUN_SECONDS);
	sys_fault_at(n, way, then);
	tell(story, engine, &w);
	keep_names();
	if (!run.ways)
		run.ways = sys_fault_ways();
	sys_fault_at(0, 0, 0);

	bool reached = run.ways > 0;
	bool untouched = !run.call[0] || (then == 0 && is_harmless(run.call[0], run.error));

	for (unsigned i = 0; i < w.peer_count; i++) {
		peer_judge(&w.peers[i], untouched);
		peer_end(&w.peers[i]);
	}
	for (unsigned i = 0; i < w.actor_count; i++)
		actor_judge(&w.actors[i]);
	if (untouched && w.failed)
		wrong("the story could not be told in full though nothing hindered it");
	if (fds_open() != fds)
		wrong("%ld descriptors stayed open", fds_open() - fds);
	if (allocated != memory)
		wrong("%ld pieces of memory stayed", allocated - memory);
	allocated = memory;
	return reached;
}

/* -- all runs of a story -- */

static const char *failed[CALLS];

static void remember(void)
{
	for (unsigned i = 0; i < 2; i++) {
		unsigned k = 0;

		while (run.call[i] && k < CALLS && failed[k] && strcmp(failed[k], run.call[i]))
			k++;
		if (run.call[i] && k < CALLS)
			failed[k] = run.call[i];
	}
}

enum depth { EACH_CALL, EACH_WAY, DEEP };

/* What else fails after the n-th call has failed in its first way or, the last, done less than it could; deep:
 * in any way. */
static void go_on(const struct story *story, enum shunt_engine engine, unsigned long n,
		  unsigned ways, enum depth depth)
{
	int most = depth == DEEP ? 8 : 2, least = depth == EACH_CALL ? 1 : SYS_FAULT_STAYS;

	for (unsigned way = 0; way < (depth == EACH_CALL ? 1 : ways); way++) {
		bool last = way > 0 && way == ways - 1;

		if (depth == EACH_WAY && way > 0 && !last)
			continue;
		for (int then = least; then <= most; then++) {
			if (then == 0 || (last && depth == EACH_WAY && then == SYS_FAULT_STAYS))
				continue;
			play_once(story, engine, n, way, then);
			remember();
		}
	}
}

/* Returns how many fault points the story passes. */
static unsigned long sweep(const struct story *story, enum shunt_engine engine, enum depth depth)
{
	unsigned long n = 0;

	run.story = story->name;
	run.engine = shunt_engine_text(engine);
	play_once(story, engine, 0, 0, 0);
	while (play_once(story, engine, ++n, 0, 0)) {
		unsigned ways = run.ways;

		remember();
		for (unsigned way = 1; depth != EACH_CALL && way < ways; way++)
			play_once(story, engine, n, way, 0);
		go_on(story, engine, n, ways, depth);
	}
	if (n - 1 < story->least)
		wrong("%lu fault points were passed, at least %u were to be", n - 1, story->least);
	return n - 1;
}

static const struct story *find(const char *name)
{
	for (size_t i = 0; i < COUNT(stories); i++)
		if (!strcmp(stories[i]->name, name))
			return stories[i];
	fprintf(stderr, "no such story: %s\n", name);
	exit(99);
}

static bool has_failed(const char *call)
{
	for (unsigned i = 0; i < CALLS && failed[i]; i++)
		if (!strcmp(failed[i], call))
			return true;
	return false;
}

/* A function begins at the left edge and bears its name; FAULT stands within. */
static void covers(const char *path)
{
	char line[512], call[128] = "";
	unsigned calls = 0;
	FILE *f = fopen(path, "r");

	must(f, path);
	for (size_t i = 0; i < COUNT(stories); i++)
		for (enum shunt_engine e = SHUNT_COPY; e < SHUNT_ENGINES; e++)
			sweep(stories[i], e, EACH_CALL);
	while (fgets(line, sizeof(line), f)) {
		char *name = line[0] >= 'a' && line[0] <= 'z' ? strstr(line, "sys_") : NULL;

		if (name)
			snprintf(call, sizeof(call), "%.*s", (int)strcspn(name, "("), name);
		size_t tabs = strspn(line, "\t");

		if (tabs == 0 || strncmp(line + tabs, "FAULT", 5))
			continue;
		if (!strcmp(call, "sys_accept")) /* who accepts has no stories here */
			continue;
		calls++;
		if (!has_failed(call))
			wrong("%s can fail, but failed in no story", call);
	}
	fclose(f);
	if (calls < 20)
		wrong("%s shows %u calls that can fail", path, calls);
	printf("%u calls, each has failed\n", calls);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGALRM, too_long);
	if (argc == 3 && !strcmp(argv[1], "--covers")) {
		covers(argv[2]);
		return run.wrongs > 0;
	}
	if (argc < 3 || argc == 5 || argc > 6) {
		fprintf(stderr,
			"fault STORY splice|copy [deep | N WAY THEN], fault --covers FILE\n");
		return 99;
	}
	const struct story *story = find(argv[1]);
	enum shunt_engine engine = strcmp(argv[2], "copy") ? SHUNT_SPLICE : SHUNT_COPY;

	if (argc < 6) {
		unsigned long n = sweep(story, engine, argc == 4 ? DEEP : EACH_WAY);

		printf("%s by %s: %lu fault points\n", story->name, run.engine, n);
	} else {
		run.story = story->name;
		run.engine = shunt_engine_text(engine);
		play_once(story, engine, strtoul(argv[3], NULL, 10), (unsigned)atoi(argv[4]),
			  atoi(argv[5]));
	}
	return run.wrongs > 0;
}
