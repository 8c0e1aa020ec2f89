/* SPDX-License-Identifier: BSD-2-Clause */
/* admin.c — a few pages by HTTP, from one thread that nobody waits for
 *
 * A page is written as a whole, then sent. Each connection is for one request: whoever looks once in a while needs
 * no more, nobody who is done keeps a place, and whoever keeps one without a request is sent away after IDLE_S.
 * Those who find no place wait in the backlog.
 */
#include "daemon/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "daemon/httpd.h"
#include "daemon/listen.h"

#define IDLE_S            5u
#define CONNECTION_MEMORY (8 << 10)          /* for request line and headers */
#define HELD_MOST         ((size_t)32 << 20) /* bytes of answers that wait for their readers */
#define FILE_MODE         0660

struct admin {
	const struct admin_page *pages;
	void *arg;
	struct listener listener;
	struct MHD_Daemon *mhd;
	_Atomic size_t held;
};

struct admin_request {
	struct MHD_Connection *connection;
};

/* One that is on its way. */
struct answer {
	struct admin *admin;
	char *text;
	size_t size;
};

const char *admin_argument(const struct admin_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* -- an answer -- */

static void answer_free(void *arg)
{
	struct answer *n = arg;

	atomic_fetch_sub(&n->admin->held, n->size);
	free(n->text);
	free(n);
}

/* Takes text, which malloc gave. NULL: no memory. */
static struct MHD_Response *response_of(struct admin *a, char *text, size_t size)
{
	struct answer *n = sys_alloc(sizeof(*n));
	struct MHD_Response *r;

	if (!n) {
		free(text);
		return NULL;
	}
	*n = (struct answer){ a, text, size };
	atomic_fetch_add(&a->held, size);
	r = MHD_create_response_from_buffer_with_free_callback_cls(size, text, answer_free, n);
	if (!r)
		answer_free(n);
	return r;
}

/* Takes the response; of NULL the connection is closed. */
static enum MHD_Result send_response(struct MHD_Connection *c, unsigned status, const char *type,
				     struct MHD_Response *r)
{
	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	return httpd_answer(c, status, type, r);
}

static enum MHD_Result send_text(struct MHD_Connection *c, unsigned status, const char *text)
{
	return send_response(c, status, ADMIN_TEXT, httpd_text(text));
}

static enum MHD_Result answer_page(struct admin *a, struct MHD_Connection *c,
				   const struct admin_page *p)
{
	const struct admin_request request = { c };
	char *text = NULL;
	size_t size = 0;
	FILE *to;

	if (atomic_load(&a->held) > HELD_MOST)
		return send_text(c, MHD_HTTP_SERVICE_UNAVAILABLE,
				 "Too many answers wait for readers that do not read.\n");
	to = open_memstream(&text, &size);
	if (!to)
		return MHD_NO;
	unsigned status = p->write(a->arg, &request, to);
	bool whole = !ferror(to);

	if (fclose(to) != 0 || !whole) {
		free(text);
		return MHD_NO;
	}
	return send_response(c, status, status == MHD_HTTP_OK ? p->type : ADMIN_TEXT,
			     response_of(a, text, size));
}

/* What there is, by name. */
static enum MHD_Result answer_nothing(struct admin *a, struct MHD_Connection *c)
{
	char text[512] = "Nothing is here. There are:\n";
	size_t n = strlen(text);

	for (const struct admin_page *p = a->pages; p->path && n < sizeof(text); p++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "  %s\n", p->path);
	return send_text(c, MHD_HTTP_NOT_FOUND, text);
}

/* Called when the head of a request has come. It is answered at once: a body, if there is one, is nothing to us. */
static enum MHD_Result handle(void *arg, struct MHD_Connection *c, const char *path,
			      const char *method, const char *version, const char *body,
			      size_t *body_size, void **context)
{
	struct admin *a = arg;

	(void)version;
	(void)body;
	(void)context;
	*body_size = 0;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return send_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "Only GET and HEAD.\n");
	for (const struct admin_page *p = a->pages; p->path; p++)
		if (strcmp(path, p->path) == 0)
			return answer_page(a, c, p);
	return answer_nothing(a, c);
}

/* -- the door -- */

int admin_open(struct admin **out, const struct addr_name *name, const struct admin_page *pages,
	       void *arg, char *problem, size_t size)
{
	struct admin *a = sys_alloc(sizeof(*a));
	int r;

	if (!a) {
		snprintf(problem, size, "no memory for the admin endpoint");
		return -ENOMEM;
	}
	a->pages = pages;
	a->arg = arg;
	r = listen_open_as(&a->listener, name, 1, FILE_MODE, problem, size);
	if (r < 0)
		free(a);
	else
		*out = a;
	return r;
}

/* libmicrohttpd closes the descriptor that it is given, so that is one of its own. */
int admin_start(struct admin *a, unsigned most, char *problem, size_t size)
{
	const struct httpd h = {
		.handle = handle,
		.arg = a,
		.connections = most,
		.idle_s = IDLE_S,
		.memory = CONNECTION_MEMORY,
	};
	int fd = fcntl(a->listener.fd[0], F_DUPFD_CLOEXEC, 0);
	int r = fd < 0 ? -errno : httpd_start(&a->mhd, fd, &h);

	if (r < 0)
		snprintf(problem, size, "the admin endpoint %s cannot be served: %s",
			 a->listener.text, strerror(-r));
	return r;
}

const struct addr *admin_addr(const struct admin *a)
{
	return &a->listener.addr;
}

const char *admin_text(const struct admin *a)
{
	return a->listener.text;
}

void admin_close(struct admin *a)
{
	if (!a)
		return;
	if (a->mhd)
		MHD_stop_daemon(a->mhd);
	listen_close(&a->listener);
	free(a);
}
