/* SPDX-License-Identifier: BSD-2-Clause */
/* name.c — host names: matched, checked, printed */
#include "look/name.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* No <ctype.h>: what a letter is must not depend on a locale. */
static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool in_a_label(char c)
{
	c = lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Labels of at least one byte with single dots between them, and no more than that? */
static bool is_name(const char *name, size_t len)
{
	bool label = false;

	for (size_t i = 0; i < len; i++) {
		if (name[i] == '.' ? !label : !in_a_label(name[i]))
			return false;
		label = name[i] != '.';
	}
	return label && len <= NAME_MOST;
}

static bool same(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

bool name_match(const char *pattern, const char *name, size_t len)
{
	size_t want = strlen(pattern);

	if (want == 0)
		return false;
	if (pattern[0] == '[')
		return len == want && same(pattern, name, len);
	if (len > 0 && name[len - 1] == '.')
		len--;
	if (!is_name(name, len))
		return false;
	if (pattern[0] != '*')
		return len == want && same(pattern, name, len);
	/* The dot after the star belongs to what must be there; is_name has seen to it that what
	 * stands before it is one whole label at least. */
	pattern++;
	want--;
	return len > want && same(pattern, name + (len - want), want);
}

/* "[...]": written as look_http writes it, or it could never match. */
static const char *literal_problem(const char *pattern, size_t len)
{
	char inner[INET6_ADDRSTRLEN], again[INET6_ADDRSTRLEN];
	struct in6_addr ip;

	if (pattern[len - 1] != ']')
		return "the ']' is missing at the end of the IPv6 address";
	if (len < 4 || len - 2 >= sizeof(inner))
		return "not an IPv6 address between the brackets";
	memcpy(inner, pattern + 1, len - 2);
	inner[len - 2] = '\0';
	if (inet_pton(AF_INET6, inner, &ip) != 1)
		return "not an IPv6 address between the brackets";
	inet_ntop(AF_INET6, &ip, again, sizeof(again));
	if (strlen(again) != len - 2 || !same(inner, again, len - 2))
		return "write the IPv6 address in its shortest form, such as [2001:db8::1]";
	return NULL;
}

static const char *problem_of(const char *pattern, size_t len)
{
	if (len == 0)
		return "a name is missing";
	if (pattern[0] == '[')
		return literal_problem(pattern, len);
	if (len > NAME_MOST)
		return "longer than a host name can be";
	if (pattern[len - 1] == '.')
		return "write it without the dot at its end";
	if (strcmp(pattern, "*") == 0)
		return "a star alone says nothing; leave the names out to mean every name";
	if (strncmp(pattern, "*.", 2) == 0)
		pattern += 2, len -= 2;
	if (strchr(pattern, '*'))
		return "a star stands for whole labels at the front: *.b.example";
	if (strchr(pattern, ':'))
		return "a name without a port; an IPv6 address stands in [brackets]";
	for (size_t i = 0; i < len; i++)
		if (pattern[i] & 0x80)
			return "a name with other than ASCII letters is written in its xn-- form";
	if (!is_name(pattern, len))
		return "a host name is letters, digits, '-' and '_', with single dots between";
	return NULL;
}

int name_check(const char *pattern, const char **problem)
{
	const char *is = problem_of(pattern, strlen(pattern));

	if (!is)
		return 0;
	*problem = is;
	return -EINVAL;
}

const char *name_text(const char *name, size_t len, char buf[NAME_TEXT])
{
	if (len > NAME_MOST)
		len = NAME_MOST;
	for (size_t i = 0; i < len; i++)
		buf[i] = name[i] > ' ' && name[i] <= '~' ? name[i] : '?';
	buf[len] = '\0';
	return buf;
}
