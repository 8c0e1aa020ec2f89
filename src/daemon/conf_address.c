/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_address.c — values that are addresses: where to listen, where servers and sources are
 *
 * Nothing is asked of a resolver here: a configuration can be judged on any machine, at once. What is
 * in digits becomes a socket address, so that nobody has to do it again; a name stays a name.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/conf_value.h"

#define DIGITS    "0123456789"
#define INHERITED "fd:"
#define COMES     "listen:"
#define FD_LEAST  3 /* 0 to 2 are the standard ones */
#define FD_MOST   ((1 << 20) - 1)

static bool keep(const struct conf_reading *in, const char **kept, const char *text)
{
	*kept = conf_copy(in->conf, text);
	return *kept || conf_refuse(in, text, "no memory is left");
}

/* -- where to listen -- */

static bool is_inherited(const char *text)
{
	return strncmp(text, INHERITED, strlen(INHERITED)) == 0;
}

/* `text` is all that was written, `address` the part of it that is one. */
static bool part_read(const struct conf_reading *in, struct conf_address *a, const char *text,
		      const char *address, enum addr_use use)
{
	const char *problem;

	*a = (struct conf_address){ .place = in->at, .fd = -1 };
	if (addr_parse(address, use, &a->name, &problem) < 0)
		return conf_refuse(in, text, problem);
	return keep(in, &a->text, text);
}

static bool name_read(const struct conf_reading *in, struct conf_address *a, const char *text)
{
	return part_read(in, a, text, text, ADDR_LISTEN);
}

static bool inherited_read(const struct conf_reading *in, struct conf_address *a, const char *text)
{
	const char *number = text + strlen(INHERITED);
	size_t n = strspn(number, DIGITS);

	*a = (struct conf_address){ .place = in->at };
	a->fd = n > 0 && n < 8 && number[n] == '\0' ? atoi(number) : -1;
	if (a->fd < FD_LEAST || a->fd > FD_MOST)
		return conf_refuse(in, text,
				   "this is not a socket that a service manager hands over: "
				   "the first one is fd:3");
	return keep(in, &a->text, text);
}

static bool listen_read(const struct conf_reading *in, void *field, const char *text)
{
	return is_inherited(text) ? inherited_read(in, field, text) : name_read(in, field, text);
}

static bool listen_ip_read(const struct conf_reading *in, void *field, const char *text)
{
	if (is_inherited(text))
		return conf_refuse(in, text, "a socket that is handed over is for listeners alone");
	return name_read(in, field, text);
}

static void listen_write(const struct conf_key *key, const void *field, FILE *to)
{
	const struct conf_address *a = field;

	(void)key;
	conf_write_text(a->text, to);
}

const struct conf_type value_listen = { "address", false, listen_read, listen_write };
const struct conf_type value_listen_ip = { "address", false, listen_ip_read, listen_write };

static bool listens_read(const struct conf_reading *in, void *field, const char *text)
{
	struct conf_addresses *all = field;
	struct conf_address *a;

	if (all->count == CONF_ADDRESSES)
		return conf_refuse(in, text, "more than 16 addresses are too many");
	a = conf_alloc(in->conf, sizeof(*a));
	if (!a)
		return conf_refuse(in, text, "no memory is left");
	if (!listen_read(in, a, text))
		return false;
	all->item[all->count++] = a;
	return true;
}

static void listens_write(const struct conf_key *key, const void *field, FILE *to)
{
	const struct conf_addresses *all = field;

	fputc('[', to);
	for (size_t i = 0; i < all->count; i++) {
		fputs(i ? ", " : "", to);
		listen_write(key, all->item[i], to);
	}
	fputc(']', to);
}

const struct conf_type value_listens = { "addresses", true, listens_read, listens_write };

/* -- where a stream comes from -- */

static bool source_read(const struct conf_reading *in, void *field, const char *text)
{
	struct conf_source *s = field;

	s->comes = strncmp(text, COMES, strlen(COMES)) == 0;
	if (s->comes)
		return part_read(in, &s->at, text, text + strlen(COMES), ADDR_LISTEN);
	return part_read(in, &s->at, text, text, ADDR_TARGET);
}

static void source_write(const struct conf_key *key, const void *field, FILE *to)
{
	const struct conf_source *s = field;

	listen_write(key, &s->at, to);
}

const struct conf_type value_source = { "source", false, source_read, source_write };

/* -- where servers are -- */

/* "_service._tcp.name": its records have hosts and ports. */
static bool is_srv(const char *text)
{
	const char *dot = strchr(text, '.');

	return text[0] == '_' && dot && dot[1] == '_';
}

static bool srv_read(const struct conf_reading *in, struct conf_target *t, const char *text)
{
	char with_port[ADDR_HOST + 2];
	const char *problem, *protocol = strchr(text, '.') + 1;

	if (strchr(text, ':'))
		return conf_refuse(in, text,
				   "an SRV name brings its ports along: leave the port out");
	if (strncmp(protocol, "_tcp.", strlen("_tcp.")) != 0 || protocol[strlen("_tcp.")] == '\0')
		return conf_refuse(in, text,
				   "an SRV name of TCP is written like _service._tcp.b.example");
	if (strlen(text) >= ADDR_HOST)
		return conf_refuse(in, text, "the name is longer than 253 characters");
	snprintf(with_port, sizeof(with_port), "%s:1", text);
	if (addr_parse(with_port, ADDR_TARGET, &t->name, &problem) < 0)
		return conf_refuse(in, text, problem);
	t->kind = CONF_TARGET_SRV;
	t->name.port = 0;
	return keep(in, &t->text, text);
}

static bool server_read(const struct conf_reading *in, void *field, const char *text)
{
	struct conf_target *t = field;
	const char *problem;
	int n = 0;

	if (is_srv(text))
		return srv_read(in, t, text);
	if (addr_parse(text, ADDR_TARGET, &t->name, &problem) < 0)
		return conf_refuse(in, text, problem);
	if (t->name.kind == ADDR_NAME)
		t->kind = CONF_TARGET_NAME;
	else
		n = addr_resolve(&t->name, t->addr, sizeof(t->addr) / sizeof(t->addr[0]), &problem);
	if (n < 0)
		return conf_refuse(in, text, problem);
	t->addrs = (size_t)n;
	return keep(in, &t->text, text);
}

static void server_write(const struct conf_key *key, const void *field, FILE *to)
{
	const struct conf_target *t = field;

	(void)key;
	conf_write_text(t->text, to);
}

const struct conf_type value_server = { "address", false, server_read, server_write };
