/* SPDX-License-Identifier: BSD-2-Clause */
/* origin.c — HTTP by libmicrohttpd (httpd.c tells how), bytes from one read-only block
 *
 * The bytes are copied from the block into the response's buffer, and sent from there. Pointing at
 * the block by iovec saves that copy and yet measures no faster, 1 GiB over loopback: BLOCK stays
 * in the processor's second cache, while the iovec makes the kernel read the whole period from
 * further away. A callback also works for every N alike and counts the bytes while they go.
 *
 * Sums are computed aside, see origin_sums.h.
 */
#include "cmd/origin.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/sys.h"
#include "base/units.h"
#include "cmd/origin_page.h"
#include "cmd/origin_sums.h"
#include "daemon/httpd.h"

#define BLOCK             ((size_t)256 << 10)
#define BACKLOG           4096
#define CONNECTIONS       8192
#define THREADS_MIN       2
#define THREADS_MAX       8
#define CONNECTION_MEMORY (16 << 10) /* for request line and headers */
#define IDLE_S            30u
#define STALL_S           600u /* a reader of /bytes/N may stop so long: a thing to try */

struct origin {
	struct MHD_Daemon *mhd;
	struct origin_sums *sums;
	uint8_t *period; /* ORIGIN_PERIOD bytes, read-only once made */
	unsigned port;
	_Atomic uint64_t bytes, requests;
};

static const char help[] = "Here are:\n"
			   "  /           what to try\n"
			   "  /bytes/N    N bytes\n"
			   "  /sha256/N   their sha256\n";

static const char size_help[] =
	"N is a number of bytes, also with k, m, g or t (powers of 1024):\n"
	"  /bytes/0 to /bytes/1T, for example /bytes/4096, /bytes/64k, /bytes/1.5G\n"
	"  /sha256/0 to /sha256/64G\n";

static int period_make(uint8_t **out)
{
	uint8_t *p = mmap(NULL, ORIGIN_PERIOD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	uint64_t state = 0, z = 0;
	size_t i;

	if (p == MAP_FAILED)
		return -errno;
	for (i = 0; i < ORIGIN_PERIOD; i++) {
		if (i % 8 == 0) {
			z = state += 0x9e3779b97f4a7c15u;
			z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
			z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
			z ^= z >> 31;
		}
		p[i] = (uint8_t)(z >> (i % 8 * 8));
	}
	mprotect(p, ORIGIN_PERIOD, PROT_READ);
	*out = p;
	return 0;
}

static ssize_t bytes_read(void *arg, uint64_t at, char *buf, size_t max)
{
	struct origin *o = arg;
	size_t from = (size_t)(at % ORIGIN_PERIOD), n = max, part;

	for (; n > 0; n -= part, buf += part, from = 0) {
		part = ORIGIN_PERIOD - from;
		if (part > n)
			part = n;
		memcpy(buf, o->period + from, part);
	}
	atomic_fetch_add_explicit(&o->bytes, max, memory_order_relaxed);
	return (ssize_t)max;
}

/* Takes the response, which may be NULL: then the connection is closed, for lack of memory. */
static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *type,
			      struct MHD_Response *r)
{
	if (r)
		MHD_add_response_header(r, "X-Shunt-Origin", "1");
	return httpd_answer(c, status, type, r);
}

static enum MHD_Result answer_text(struct MHD_Connection *c, unsigned status, const char *first,
				   const char *second)
{
	char text[512];

	snprintf(text, sizeof(text), "%s%s", first, second);
	return answer(c, status, HTTPD_TEXT, httpd_text(text));
}

static enum MHD_Result answer_page(struct origin *o, struct MHD_Connection *c)
{
	char *page = origin_page(
		MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST), o->port);
	struct MHD_Response *r;

	if (!page)
		return MHD_NO;
	r = MHD_create_response_from_buffer(strlen(page), page, MHD_RESPMEM_MUST_FREE);
	if (!r)
		free(page);
	return answer(c, MHD_HTTP_OK, "text/html; charset=utf-8", r);
}

static enum MHD_Result answer_bytes(struct origin *o, struct MHD_Connection *c, const char *n)
{
	struct MHD_Response *r;
	uint64_t size;

	if (units_size(n, &size) || size > ORIGIN_BYTES_MAX)
		return answer_text(c, MHD_HTTP_BAD_REQUEST, "No such size.\n", size_help);
	if (size == 0)
		r = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	else
		r = MHD_create_response_from_callback(size, size < BLOCK ? (size_t)size : BLOCK,
						      bytes_read, o, NULL);
	MHD_set_connection_option(c, MHD_CONNECTION_OPTION_TIMEOUT, STALL_S);
	return answer(c, MHD_HTTP_OK, "application/octet-stream", r);
}

static enum MHD_Result answer_sum(struct origin *o, struct MHD_Connection *c, const char *n)
{
	uint64_t size;

	if (units_size(n, &size))
		return answer_text(c, MHD_HTTP_BAD_REQUEST, "No such size.\n", size_help);
	if (size > ORIGIN_SHA256_MAX)
		return answer_text(c, MHD_HTTP_BAD_REQUEST,
				   "Too long: sums are computed, and only up to 64G.\n", size_help);
	return answer(c, MHD_HTTP_OK, HTTPD_TEXT, origin_sums_response(o->sums, c, size));
}

static const char *behind(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(text, prefix, n) ? NULL : text + n;
}

static enum MHD_Result route(struct origin *o, struct MHD_Connection *c, const char *path)
{
	const char *n;

	if (strcmp(path, "/") == 0)
		return answer_page(o, c);
	if ((n = behind(path, "/bytes/")))
		return answer_bytes(o, c, n);
	if ((n = behind(path, "/sha256/")))
		return answer_sum(o, c, n);
	return answer_text(c, MHD_HTTP_NOT_FOUND, "Nothing is here.\n", help);
}

/* Called for the headers, then for each piece of a body, and when the request is complete. *context
 * is NULL at first. */
static enum MHD_Result handle(void *arg, struct MHD_Connection *c, const char *path,
			      const char *method, const char *version, const char *body,
			      size_t *body_size, void **context)
{
	struct origin *o = arg;

	(void)version;
	(void)body;
	if (!*context) {
		atomic_fetch_add_explicit(&o->requests, 1, memory_order_relaxed);
		*context = o;
		return MHD_YES;
	}
	if (*body_size > 0) {
		*body_size = 0; /* taken, and dropped */
		return MHD_YES;
	}
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return answer_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "Only GET and HEAD.\n", help);
	return route(o, c, path);
}

/* libmicrohttpd waits edge-triggered and takes a short read for the last one. When a client's FIN
 * comes together with its request, that one edge stands for both and the FIN is not noticed until
 * IDLE_S are over. Closing our side for reading, where nothing can come any more, gives the edge
 * once more. */
static void notice_end(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	char byte;

	if (info && recv(info->connect_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
		shutdown(info->connect_fd, SHUT_RD);
}

static void completed(void *arg, struct MHD_Connection *c, void **context,
		      enum MHD_RequestTerminationCode how)
{
	(void)arg;
	(void)context;
	if (how != MHD_REQUEST_TERMINATED_COMPLETED_OK)
		return;
	MHD_set_connection_option(c, MHD_CONNECTION_OPTION_TIMEOUT, IDLE_S);
	notice_end(c);
}

static unsigned port_of(int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	struct sockaddr *addr = (struct sockaddr *)&ss;

	if (getsockname(fd, addr, &len))
		return 0;
	if (addr->sa_family == AF_INET)
		return ntohs(((struct sockaddr_in *)(void *)addr)->sin_port);
	if (addr->sa_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)(void *)addr)->sin6_port);
	return 0;
}

static int listen_open(const struct sockaddr *addr, socklen_t len)
{
	int fd = sys_socket(addr->sa_family, SOCK_STREAM, 0), rc;

	if (fd < 0)
		return fd;
	rc = addr->sa_family == AF_UNIX ? 0 : sys_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (rc == 0 && (bind(fd, addr, len) || listen(fd, BACKLOG)))
		rc = -errno;
	if (rc == 0)
		return fd;
	sys_close(fd);
	return rc;
}

static unsigned thread_count(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < THREADS_MIN ? THREADS_MIN : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}

/* Takes the listening socket, in failure too. */
static int serve(struct origin *o, int fd)
{
	const struct httpd h = {
		.handle = handle,
		.completed = completed,
		.arg = o,
		.threads = thread_count(),
		.connections = CONNECTIONS,
		.idle_s = IDLE_S,
		.memory = CONNECTION_MEMORY,
		.suspends = true,
	};
	int rc = origin_sums_start(&o->sums, o->period, ORIGIN_PERIOD);

	if (rc < 0) {
		sys_close(fd);
		return rc;
	}
	o->port = port_of(fd);
	return httpd_start(&o->mhd, fd, &h);
}

int origin_start(struct origin **out, const struct sockaddr *addr, socklen_t len)
{
	struct origin *o = sys_alloc(sizeof(*o));
	int rc;

	if (!o)
		return -ENOMEM;
	rc = period_make(&o->period);
	if (rc == 0)
		rc = listen_open(addr, len);
	if (rc >= 0)
		rc = serve(o, rc);
	if (rc) {
		origin_stop(o);
		return rc;
	}
	*out = o;
	return 0;
}

/* First the sums, for libmicrohttpd must not be stopped while a connection sleeps. */
void origin_stop(struct origin *o)
{
	if (!o)
		return;
	if (o->sums)
		origin_sums_stop(o->sums);
	if (o->mhd)
		MHD_stop_daemon(o->mhd);
	origin_sums_free(o->sums);
	if (o->period)
		munmap(o->period, ORIGIN_PERIOD);
	free(o);
}

uint64_t origin_bytes(const struct origin *o)
{
	return atomic_load_explicit(&o->bytes, memory_order_relaxed);
}

uint64_t origin_requests(const struct origin *o)
{
	return atomic_load_explicit(&o->requests, memory_order_relaxed);
}

unsigned origin_port(const struct origin *o)
{
	return o->port;
}
