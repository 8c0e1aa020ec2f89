/* SPDX-License-Identifier: BSD-2-Clause */
/* host.c — the host out of an authority */
#include "look/host.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* unreserved, sub-delims and '%' */
static bool in_a_host(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c != '\0' && strchr("-._~!$&'()*+,;=%", c));
}

bool host_possible(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!in_a_host(text[i]) && (text[i] == '\0' || !strchr("[]: \t", text[i])))
			return false;
	return true;
}

/* Nothing, or a colon and a port; the port may be missing. */
static bool is_port(const char *text, size_t len)
{
	uint32_t port = 0;

	if (len == 0)
		return true;
	if (text[0] != ':' || len > 1 + 5)
		return false;
	for (size_t i = 1; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		port = port * 10 + (uint32_t)(text[i] - '0');
	}
	return port <= UINT16_MAX;
}

/* "[...]": `len` bytes between the brackets. */
static bool literal(const char *text, size_t len, char host[NAME_MOST + 1], size_t *host_len)
{
	char inner[INET6_ADDRSTRLEN];
	struct in6_addr ip;

	if (len >= sizeof(inner) || memchr(text, '\0', len))
		return false;
	memcpy(inner, text, len);
	inner[len] = '\0';
	if (inet_pton(AF_INET6, inner, &ip) != 1)
		return false;
	host[0] = '[';
	inet_ntop(AF_INET6, &ip, host + 1, INET6_ADDRSTRLEN);
	*host_len = strlen(host);
	host[(*host_len)++] = ']';
	host[*host_len] = '\0';
	return true;
}

bool host_read(const char *text, size_t len, char host[NAME_MOST + 1], size_t *host_len)
{
	size_t i = 0;

	if (len > 0 && text[0] == '[') {
		const char *close = memchr(text, ']', len);

		return close && is_port(close + 1, len - (size_t)(close + 1 - text)) &&
		       literal(text + 1, (size_t)(close - text) - 1, host, host_len);
	}
	for (; i < len && text[i] != ':'; i++) {
		char c = text[i];

		if (i == NAME_MOST || !in_a_host(c))
			return false;
		if (c == '%' && (len - i < 3 || !is_hex(text[i + 1]) || !is_hex(text[i + 2])))
			return false;
		host[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	host[i] = '\0';
	*host_len = i;
	return i > 0 && is_port(text + i, len - i);
}
