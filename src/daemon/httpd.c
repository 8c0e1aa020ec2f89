/* SPDX-License-Identifier: BSD-2-Clause */
/* httpd.c — what all servers of ours ask of libmicrohttpd
 *
 * A few threads wait by epoll for all connections, and nothing in a handler may block. Not by poll: then some thousand
 * idle connections slow down all others several times. Not by select, since a relay with thousands of descriptors
 * lives in this process. And no thread per connection: then libmicrohttpd cuts off connections beyond its limit, which
 * behind a relay looks like the relay's fault; this way they wait in the backlog.
 *
 * libmicrohttpd does not tell why it cannot listen. So the socket is made by whoever asks for a server.
 */
#include "daemon/httpd.h"

#include <errno.h>
#include <string.h>

#include "daemon/signals.h"

/* Its threads inherit the mask. */
int httpd_start(struct MHD_Daemon **out, int fd, const struct httpd *h)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD |
			 (h->suspends ? (unsigned)MHD_ALLOW_SUSPEND_RESUME : 0);
	struct MHD_OptionItem options[] = {
		{ MHD_OPTION_LISTEN_SOCKET, fd, NULL },
		{ MHD_OPTION_CONNECTION_LIMIT, h->connections, NULL },
		{ MHD_OPTION_CONNECTION_TIMEOUT, h->idle_s, NULL },
		{ MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)h->memory, NULL },
		{ h->threads ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, h->threads, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	sigset_t before;

	signals_hold(&before);
	errno = 0;
	*out = MHD_start_daemon(flags, 0, NULL, NULL, h->handle, h->arg,
				MHD_OPTION_NOTIFY_COMPLETED, h->completed, h->arg, MHD_OPTION_ARRAY,
				options, MHD_OPTION_END);
	int error = errno ? errno : ENOMEM;

	signals_let(&before);
	return *out ? 0 : -error;
}

enum MHD_Result httpd_answer(struct MHD_Connection *c, unsigned status, const char *type,
			     struct MHD_Response *r)
{
	enum MHD_Result queued;

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	queued = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return queued;
}

struct MHD_Response *httpd_text(const char *text)
{
	return MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text,
					       MHD_RESPMEM_MUST_COPY);
}
