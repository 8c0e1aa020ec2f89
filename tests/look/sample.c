/* SPDX-License-Identifier: BSD-2-Clause */
/* sample.c — a stream told to a looker in all ways */
#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* The bytes laid so that the next one after them must not be touched. */
static const uint8_t *at_the_wall(const uint8_t *bytes, size_t n)
{
	static uint8_t *wall;

	if (!wall) {
		size_t page = (size_t)sysconf(_SC_PAGESIZE);
		uint8_t *room = mmap(NULL, SAMPLE_MOST + page, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		assert_true(room != MAP_FAILED);
		wall = room + SAMPLE_MOST;
		assert_int_equal(mprotect(wall, page, PROT_NONE), 0);
	}
	assert_true(n <= SAMPLE_MOST);
	if (n > 0)
		memcpy(wall - n, bytes, n);
	return wall - n;
}

static struct look look_at(sample_looker *look, const uint8_t *bytes, size_t n, size_t seen,
			   char *told)
{
	struct look l;

	told[0] = '\0';
	l = look(at_the_wall(bytes, n), n, seen, told);
	assert_true(l.verdict == LOOK_MORE || l.verdict == LOOK_NO || l.verdict == LOOK_YES);
	assert_int_equal(l.verdict == LOOK_MORE, l.need != 0);
	assert_int_equal(l.verdict == LOOK_NO, l.why != NULL);
	if (l.why && (strlen(l.why) > 80 || strchr(l.why, '\n')))
		fail_msg("\"%s\" is no text for a log", l.why);
	return l;
}

static void same_answer(const char *name, size_t cut, const struct sample_answer *a, struct look l,
			const char *told)
{
	if (l.verdict != a->look.verdict || strcmp(told, a->told) != 0)
		fail_msg("%s: at %zu verdict %d (%s), but %d (%s) at %zu", name, cut, l.verdict,
			 l.why ? l.why : told, a->look.verdict, a->look.why ? a->look.why : a->told,
			 a->at);
	if (l.why && strcmp(l.why, a->look.why) != 0)
		fail_msg("%s: at %zu \"%s\", but \"%s\" at %zu", name, cut, l.why, a->look.why,
			 a->at);
}

struct sample_answer sample_watch(const char *name, sample_looker *look, const uint8_t *bytes,
				  size_t n, size_t step)
{
	struct sample_answer a = { .at = 0 };
	size_t asked = 0, seen = 0;
	char told[SAMPLE_TOLD];

	for (size_t cut = 0; cut <= n; cut = cut < n && cut + step > n ? n : cut + step) {
		struct look l = look_at(look, bytes, cut, 0, told);

		if (l.verdict == LOOK_MORE) {
			if (a.at > 0)
				fail_msg("%s: MORE at %zu after a verdict at %zu", name, cut, a.at);
			if (l.need <= cut)
				fail_msg("%s: at %zu asks for %zu", name, cut, l.need);
			if (l.need > asked)
				asked = l.need;
			a.look = l;
		} else if (a.at == 0) {
			a.at = cut > 0 ? cut : 1;
			a.look = l;
			memcpy(a.told, told, sizeof(told));
			if (l.verdict == LOOK_YES && asked > cut)
				fail_msg("%s: asked for %zu, but %zu did", name, asked, cut);
		} else {
			same_answer(name, cut, &a, l, told);
		}
		/* The same byte by byte: a NO may come later so, a YES may not. */
		l = look_at(look, bytes, cut, seen, told);
		if (l.verdict == LOOK_MORE)
			seen = cut;
		if (l.verdict != LOOK_MORE || a.look.verdict == LOOK_YES)
			same_answer(name, cut, &a, l, told);
	}
	return a;
}

void sample_taken(const char *name, sample_looker *look, const uint8_t *bytes, size_t n,
		  const char *facts)
{
	struct sample_answer a = sample_watch(name, look, bytes, n, 1);

	if (a.look.verdict != LOOK_YES)
		fail_msg("%s: verdict %d (%s) at %zu of %zu", name, a.look.verdict,
			 a.look.why ? a.look.why : "", a.at, n);
	if (strcmp(a.told, facts) != 0)
		fail_msg("%s:\n  expected %s\n  told     %s", name, facts, a.told);
}

void sample_refused(const char *name, sample_looker *look, const uint8_t *bytes, size_t n,
		    const char *word, size_t at)
{
	struct sample_answer a = sample_watch(name, look, bytes, n, 1);

	if (a.look.verdict != LOOK_NO)
		fail_msg("%s: verdict %d (%s)", name, a.look.verdict, a.told);
	if (!strstr(a.look.why, word))
		fail_msg("%s: \"%s\" does not speak of \"%s\"", name, a.look.why, word);
	if (at > 0 && a.at != at)
		fail_msg("%s: \"%s\" at byte %zu, expected at %zu", name, a.look.why, a.at, at);
}

const uint8_t *sample_file(const char *name, size_t *n)
{
	static uint8_t bytes[SAMPLE_FILE];
	char path[512];
	FILE *f;

	memset(bytes, 0, sizeof(bytes));
	snprintf(path, sizeof(path), SAMPLES "/%s.bin", name);
	f = fopen(path, "rb");
	if (!f) {
		fail_msg("%s: cannot be opened", path);
		abort();
	}
	*n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	assert_true(*n > 0 && *n < sizeof(bytes));
	return bytes;
}
