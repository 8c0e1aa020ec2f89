/* SPDX-License-Identifier: BSD-2-Clause */
/* http1.c — looker: the head of an HTTP/1 request
 *
 * llhttp reads the head; what is ours is to find the one host which the client means (RFC 9112 3.2
 * and 3.3), strictly, because the server behind may read a doubtful head in another way than we do:
 *
 *     GET /way HTTP/1.1              Host decides
 *     OPTIONS * HTTP/1.1             Host decides
 *     GET http://host/way HTTP/1.1   the target decides
 *     CONNECT host:443 HTTP/1.1      the target decides
 *
 * Refused, all by the letter of RFC 9112: no Host with HTTP/1.1, more than one Host whatever they
 * say, a Host that is no host, a user before the host (RFC 9110 4.2.4), a line folded into the next.
 * llhttp is built in its strict mode and refuses what else is no HTTP: odd bytes, a blank before a
 * colon, a lone CR, lengths that contradict each other.
 *
 * llhttp is fed the whole view in one go, so that every part it reports is one run of bytes, except
 * where a line was folded: that is how folding is found out.
 */
#include "look/http1.h"

#include <llhttp.h>
#include <string.h>

#include "look/host.h"

#define PREFACE     "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" /* RFC 9113 3.4 */
#define PREFACE_LEN (sizeof(PREFACE) - 1)

#define BEGINS_MOST 32 /* an empty line, the longest method, "https://": all fits well */

/* A dribbled head is parsed at every byte up to here, after that when another STRIDE came in. */
#define STRIDE 2048

struct run {
	const char *at;
	size_t len;
};

/* What is known of a head while llhttp reads it. */
struct head {
	struct http_facts *facts;
	const char *no; /* why it is refused */
	struct run method, target, field, value;
	unsigned hosts;
	bool named; /* by the target: Host has no say */
};

static bool starts(struct run r, const char *word)
{
	size_t len = strlen(word);

	if (r.len < len)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = r.at[i] >= 'A' && r.at[i] <= 'Z' ? (char)(r.at[i] - 'A' + 'a') : r.at[i];

		if (c != word[i])
			return false;
	}
	return true;
}

/* For llhttp: stop, it was refused. */
static int refuse(llhttp_t *p, const char *why)
{
	struct head *h = p->data;

	h->no = why;
	return HPE_USER;
}

static int on_method(llhttp_t *p, const char *at, size_t len)
{
	struct head *h = p->data;

	h->method = (struct run){ at, len };
	return 0;
}

/* One method is enough: so few bytes may hold a whole request and the next one's. */
static int stop_here(llhttp_t *p)
{
	(void)p;
	return HPE_PAUSED;
}

static int on_url(llhttp_t *p, const char *at, size_t len)
{
	struct head *h = p->data;

	h->target = (struct run){ at, len };
	return 0;
}

/* Where the authority is in a target that has one: between "://" and the way. */
static bool authority(const llhttp_t *p, struct run *target)
{
	const char *end;

	if (p->method != HTTP_CONNECT) {
		const char *colon = memchr(target->at, ':', target->len);

		if (*target->at == '/' || *target->at == '*' || !colon)
			return false;
		end = target->at + target->len;
		target->at = colon + 3;
		target->len = (size_t)(end - target->at);
	}
	end = target->at;
	while (end < target->at + target->len && !strchr("/?#", *end))
		end++;
	target->len = (size_t)(end - target->at);
	return true;
}

static int on_url_complete(llhttp_t *p)
{
	struct head *h = p->data;
	struct run target = h->target;

	if (p->http_minor == 9) /* llhttp has met the end of the line already */
		return refuse(p, "HTTP/0.9");
	h->facts->target = target.at;
	h->facts->target_len = target.len;
	if (!authority(p, &target))
		return 0;
	if (target.len == 0 ||
	    !host_read(target.at, target.len, h->facts->host, &h->facts->host_len))
		return refuse(p, "a target whose host is none");
	h->named = true;
	return 0;
}

static int on_version(llhttp_t *p, const char *at, size_t len)
{
	struct head *h = p->data;

	(void)len;
	/* llhttp reads RTSP and ICE as well. */
	if (memcmp(at - 5, "HTTP/", 5) != 0)
		h->no = "not HTTP";
	return h->no ? HPE_USER : 0;
}

static int on_version_complete(llhttp_t *p)
{
	struct head *h = p->data;

	if (p->http_major != 1 || p->http_minor > 1)
		return refuse(p, "neither HTTP/1.0 nor HTTP/1.1");
	h->facts->minor = p->http_minor;
	return 0;
}

static int on_header_field(llhttp_t *p, const char *at, size_t len)
{
	struct head *h = p->data;

	h->field = (struct run){ at, len };
	return 0;
}

static int on_header_field_complete(llhttp_t *p)
{
	struct head *h = p->data;

	h->value = (struct run){ NULL, 0 };
	if (h->field.len == 4 && starts(h->field, "host") && h->hosts++ > 0)
		return refuse(p, "more than one Host");
	return 0;
}

static int on_header_value(llhttp_t *p, const char *at, size_t len)
{
	struct head *h = p->data;
	const char *colon = h->field.at + h->field.len;

	if (len == 0)
		return 0;
	if (memchr(colon, '\n', (size_t)(at - colon)))
		return refuse(p, "a header line folded into the next");
	h->value = (struct run){ at, len };
	if (h->field.len == 4 && starts(h->field, "host") && !host_possible(at, len))
		return refuse(p, "a Host that is none");
	return 0;
}

static int on_header_value_complete(llhttp_t *p)
{
	struct head *h = p->data;
	struct run v = h->value;
	char host[NAME_MOST + 1];
	size_t len;

	if (h->field.len != 4 || !starts(h->field, "host"))
		return 0;
	while (v.len > 0 && (v.at[v.len - 1] == ' ' || v.at[v.len - 1] == '\t'))
		v.len--;
	if (v.len == 0)
		return 0;
	/* One that has no say must be a host all the same. */
	if (!host_read(v.at, v.len, host, &len))
		return refuse(p, "a Host that is none");
	if (h->named)
		return 0;
	memcpy(h->facts->host, host, len + 1);
	h->facts->host_len = len;
	return 0;
}

static int on_headers_complete(llhttp_t *p)
{
	struct head *h = p->data;

	if (h->hosts == 0 && p->http_minor == 1)
		return refuse(p, "HTTP/1.1 without a Host");
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_method = on_method,
	.on_url = on_url,
	.on_url_complete = on_url_complete,
	.on_version = on_version,
	.on_version_complete = on_version_complete,
	.on_header_field = on_header_field,
	.on_header_field_complete = on_header_field_complete,
	.on_header_value = on_header_value,
	.on_header_value_complete = on_header_value_complete,
	.on_headers_complete = on_headers_complete,
};

/* One empty line may come before the request (RFC 9112 2.2). How long is it; or 0. */
static size_t empty_line(const char *bytes, size_t n)
{
	if (n > 0 && bytes[0] == '\n')
		return 1;
	return n > 1 && bytes[0] == '\r' && bytes[1] == '\n' ? 2 : 0;
}

/* A method of HTTP has been read: what comes next shows whether a target of HTTP follows. */
static struct look target_begins(bool connect, const char *bytes, size_t n)
{
	static const char *const schemes[] = { "http://", "https://" };
	bool open = false;

	if (n > 0 && bytes[0] != ' ')
		return look_no("no blank after the method");
	if (n < 2)
		return look_more(0);
	bytes++;
	n--;
	if (connect ? *bytes != ' ' && host_possible(bytes, 1) : *bytes == '/' || *bytes == '*')
		return look_yes();
	for (size_t i = 0; !connect && i < 2; i++) {
		size_t len = strlen(schemes[i]);
		char word[sizeof("https://")];

		memcpy(word, schemes[i], len + 1);
		if (n < len)
			word[n] = '\0';
		if (!starts((struct run){ bytes, n }, word))
			continue;
		if (n >= len)
			return look_yes();
		open = true;
	}
	return open ? look_more(0) : look_no("a target that is none of HTTP");
}

/* As look_http_begins; MORE does not say how much. */
static struct look begins(const char *bytes, size_t n)
{
	static const llhttp_settings_t first_word = { .on_method = on_method,
						      .on_method_complete = stop_here };
	size_t empty = empty_line(bytes, n);
	struct head h = { 0 };
	llhttp_errno_t rc;
	llhttp_t p;

	if (n == 0 || n == empty || (n == 1 && bytes[0] == '\r'))
		return look_more(0);
	bytes += empty;
	n -= empty;
	if (n > BEGINS_MOST)
		n = BEGINS_MOST;
	if (memcmp(bytes, PREFACE, n < PREFACE_LEN ? n : PREFACE_LEN) == 0)
		return n < PREFACE_LEN ? look_more(0) : look_yes();
	/* Letters alone, as in the methods llhttp knows: it would pass over more empty lines. */
	if (bytes[0] < 'A' || bytes[0] > 'Z')
		return look_no("not HTTP");
	llhttp_init(&p, HTTP_REQUEST, &first_word);
	p.data = &h;
	rc = llhttp_execute(&p, bytes, n);
	if (rc == HPE_OK)
		return look_more(0);
	/* RTSP's methods and PRI come after those of HTTP. */
	if (rc != HPE_PAUSED || p.method > HTTP_SOURCE)
		return look_no("no method of HTTP");
	return target_begins(p.method == HTTP_CONNECT, bytes + h.method.len, n - h.method.len);
}

struct look look_http_begins(const char *bytes, size_t n)
{
	struct look l = begins(bytes, n);

	if (l.verdict == LOOK_MORE)
		l.need = n + 1;
	return l;
}

/* Is there the end of a head in what came after `seen`: an empty line? */
static bool head_ends(const char *bytes, size_t n, size_t seen)
{
	const char *p = bytes + (seen > 3 ? seen - 3 : 0), *end = bytes + n;

	while ((p = memchr(p, '\n', (size_t)(end - p)))) {
		p++;
		if (p < end && (*p == '\n' || (*p == '\r' && p + 1 < end && p[1] == '\n')))
			return true;
	}
	return false;
}

static struct look whole_head(const char *bytes, size_t n, struct http_facts *out)
{
	struct head h = { .facts = out };
	size_t empty = empty_line(bytes, n);
	llhttp_errno_t rc;
	llhttp_t p;

	if (n - empty >= PREFACE_LEN && memcmp(bytes + empty, PREFACE, PREFACE_LEN) == 0) {
		out->http2 = true;
		out->method = "PRI";
		out->size = empty + PREFACE_LEN;
		return look_yes();
	}
	llhttp_init(&p, HTTP_REQUEST, &settings);
	p.data = &h;
	rc = llhttp_execute(&p, bytes, n);
	if (h.no)
		return look_no(h.no);
	if (rc == HPE_OK)
		return look_more(n + 1);
	if (rc != HPE_PAUSED)
		return look_no("not a head of HTTP");
	out->method = llhttp_method_name((llhttp_method_t)p.method);
	out->size = (size_t)(llhttp_get_error_pos(&p) - bytes);
	return look_yes();
}

struct look look_http(const char *bytes, size_t n, size_t seen, struct http_facts *out)
{
	struct look l;

	*out = (struct http_facts){ 0 };
	if (n > LOOK_MOST)
		n = LOOK_MOST;
	/* With MORE for `seen` bytes only an empty line can make a YES of it; what makes a NO can
	 * wait for the stride. */
	if (seen >= STRIDE && seen <= n && n < LOOK_MOST && n / STRIDE == seen / STRIDE &&
	    !head_ends(bytes, n, seen))
		return look_more(n + 1);
	l = look_http_begins(bytes, n);
	if (l.verdict == LOOK_YES)
		l = whole_head(bytes, n, out);
	if (l.verdict == LOOK_MORE && n == LOOK_MOST)
		return look_no("a head longer than 64 KB");
	return l;
}
