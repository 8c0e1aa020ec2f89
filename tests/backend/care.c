/* SPDX-License-Identifier: BSD-2-Clause */
/* care.c — servers that refuse, hang, answer this and that, and come back; and who is asked after a reload */
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/care.h"
#include "ward.h"

#define FAST "every: 100ms, timeout: 2s, rise: 2, fall: 3"

/* A backend of one server with checks. */
static struct backends *one(uint16_t port, const char *more, const char *check,
			    struct backends *previous)
{
	char text[512];

	snprintf(text, sizeof(text), "servers: [\"127.0.0.1:%u\"]%s, check: {%s}", port, more,
		 check);
	return made(text, previous);
}

static struct care *caring(struct backends *bs)
{
	struct care *c;

	assert_int_equal(care_open(&c), 0);
	assert_int_equal(care_follow(c, bs), 0);
	return c;
}

static enum server_state state_of(struct backends *bs, size_t i)
{
	struct backend_list list;
	enum server_state state;

	assert_int_equal(backend_list(the_one(bs), &list), 0);
	state = server_state(list.seat[i].server, clock_ms());
	backend_list_free(&list);
	return state;
}

static void reply(int fd, const char *text)
{
	send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* -- streaks -- */

struct script {
	const char *
		answers; /* '2': status 200, '5': status 500; '*': three connections fail, then 200 */
	char states[64]; /* before each: 'U', 'D', 'P' */
	struct backends *bs;
};

static bool by_script(struct ward *w, unsigned number, int fd, const char *question, size_t n)
{
	struct script *s = w->arg;
	char what = number < strlen(s->answers) ? s->answers[number] : '2';

	(void)question;
	(void)n;
	if (number < strlen(s->answers))
		s->states[number] = "UTPD"[state_of(s->bs, 0)];
	for (unsigned i = 0; what == '*' && i < 3; i++)
		fail_once(the_one(s->bs), clock_ms());
	reply(fd, what == '5' ? "HTTP/1.1 500 Oh\r\n\r\n" : "HTTP/1.1 200 OK\r\n\r\n");
	return true;
}

static void told(const char *check, const char *answers, const char *states)
{
	struct script s = { .answers = answers };
	struct ward w = { .on_asked = by_script, .arg = &s };
	struct care *c;
	char text[256];

	w.fd = -1;
	w.port = ward_free_port();
	snprintf(text, sizeof(text), "http: /health, every: 100ms, %s", check);
	s.bs = one(w.port, "", text, NULL);
	ward_begin(&w);
	c = caring(s.bs);
	WARD_WAIT(atomic_load(&w.asked) >= strlen(answers));
	care_close(c);
	ward_end(&w);
	backends_unref(s.bs);
	assert_string_equal(s.states, states);
}

static void answers_in_a_row_decide(void **state)
{
	(void)state;
	told("rise: 2, fall: 3", "2552555225552522", "UUUUUUUDDUUUDDDD");
	told("rise: 1, fall: 1", "252", "UUD");
}

static void a_server_that_was_never_well_is_down_at_once(void **state)
{
	(void)state;
	told("rise: 2, fall: 3", "52222", "UDDUU");
}

static void checks_bring_back_what_connections_took_out(void **state)
{
	(void)state;
	told("rise: 2, fall: 3", "22222*222", "UUUUUUPUU");
	told("rise: 3, fall: 3", "2222*252222", "UUUUUPPPPPU");
}

/* -- one question -- */

struct manners {
	const char *reply;
	bool by_byte, stay;
	char question[WARD_ASKED];
};

static bool as_told(struct ward *w, unsigned number, int fd, const char *question, size_t n)
{
	struct manners *m = w->arg;

	if (number == 0)
		memcpy(m->question, question, n + 1);
	for (size_t i = 0; m->by_byte && m->reply[i]; i++) {
		send(fd, m->reply + i, 1, MSG_NOSIGNAL);
		usleep(1000);
	}
	if (!m->by_byte)
		reply(fd, m->reply);
	return !m->stay;
}

/* What a server that answers so is after its first check, and why. */
static enum server_state after(struct manners *m, const char *more, const char *check)
{
	struct ward w = { .on_asked = as_told, .arg = m };
	enum server_state state;
	struct backend_list list;
	struct backends *bs;
	struct care *c;

	ward_begin(&w);
	bs = one(w.port, more, check, NULL);
	assert_int_equal(backend_list(the_one(bs), &list), 0);
	c = caring(bs);
	WARD_WAIT(atomic_load(&w.asked) >= 2 || m->stay);
	WARD_WAIT(!m->stay || state_of(bs, 0) == SERVER_DOWN);
	state = server_state(list.seat[0].server, clock_ms());
	care_close(c);
	backend_list_free(&list);
	ward_end(&w);
	backends_unref(bs);
	return state;
}

static void assert_answer(const char *text, bool by_byte, enum server_state state)
{
	struct manners m = { .reply = text, .by_byte = by_byte };

	assert_int_equal(after(&m, "", "http: /, every: 100ms, timeout: 5s"), state);
}

static void the_status_decides(void **state)
{
	(void)state;
	assert_answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, SERVER_UP);
	assert_answer("HTTP/1.0 204 None\r\n\r\n", false, SERVER_UP);
	assert_answer("HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", true, SERVER_UP);
	assert_answer("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", true, SERVER_UP);
	assert_answer("HTTP/1.1 404 Not Found\r\n\r\n", false, SERVER_DOWN);
	assert_answer("HTTP/1.1 500 Oh\r\n\r\n", true, SERVER_DOWN);
	assert_answer("HTTP/1.1 101 Switching Protocols\r\n\r\n", false, SERVER_DOWN);
}

static void what_is_no_answer_is_bad(void **state)
{
	(void)state;
	assert_answer("", false, SERVER_DOWN);
	assert_answer("HTTP/1.1 200", false, SERVER_DOWN); /* and then it closes */
	assert_answer("SSH-2.0-x\r\n", false, SERVER_DOWN);
	assert_answer("HTTP/1.1 2000 OK\r\n\r\n", true, SERVER_DOWN);
}

static void hints_without_end_are_bad(void **state)
{
	static char hints[8192];
	static const char hint[] = "HTTP/1.1 103 Early Hints\r\n\r\n";

	(void)state;
	for (size_t i = 0; i < sizeof(hints) - 1; i++)
		hints[i] = hint[i % (sizeof(hint) - 1)];
	assert_answer(hints, false, SERVER_DOWN);
}

static void silence_is_bad_when_time_is_up(void **state)
{
	struct manners m = { .reply = "HTTP/1.1 20", .stay = true };

	(void)state;
	assert_int_equal(after(&m, "", "http: /, every: 100ms, timeout: 50ms"), SERVER_DOWN);
	assert_non_null(strstr(m.question, "GET / HTTP/1.1\r\n"));
}

static void questions_are_written_as_servers_want_them(void **state)
{
	struct manners m = { .reply = "HTTP/1.1 200 OK\r\n\r\n" };
	const char *check = "http: \"/health?a=b\", every: 100ms";

	(void)state;
	assert_int_equal(after(&m, "", check), SERVER_UP);
	assert_ptr_equal(strstr(m.question, "GET /health?a=b HTTP/1.1\r\nHost: 127.0.0.1:"),
			 m.question);
	assert_non_null(strstr(m.question, "\r\nConnection: close\r\n"));
	assert_int_equal(after(&m, ", send_proxy: v1", check), SERVER_UP);
	assert_ptr_equal(strstr(m.question, "PROXY UNKNOWN\r\nGET /health?a=b"), m.question);
	assert_int_equal(after(&m, ", send_proxy: v2", check), SERVER_UP);
	/* LOCAL, and no addresses; zeroes are written as '0' */
	assert_ptr_equal(strstr(m.question, "\r\n\r\n0\r\nQUIT\n 000GET /health?a=b"), m.question);
}

/* -- a connection alone -- */

static int in_time_wait(uint16_t port)
{
	FILE *f = fopen("/proc/net/tcp", "re");
	char line[512];
	int n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		unsigned local, remote, state;

		if (sscanf(line, " %*d: %*x:%x %*x:%x %x", &local, &remote, &state) == 3)
			n += state == TCP_TIME_WAIT && (local == port || remote == port);
	}
	fclose(f);
	return n;
}

static bool take_it(struct ward *w, unsigned number, int fd, const char *question, size_t n)
{
	(void)w;
	(void)number;
	(void)fd;
	(void)question;
	(void)n;
	return true;
}

static void a_connection_is_enough_and_leaves_nothing_behind(void **state)
{
	struct ward w = { .on_asked = take_it };
	struct backends *bs;
	struct care *c;

	(void)state;
	ward_begin(&w);
	int others = in_time_wait(w.port); /* who had this number before */

	bs = one(w.port, "", FAST, NULL);
	c = caring(bs);
	WARD_WAIT(atomic_load(&w.asked) >= 5);
	assert_int_equal(state_of(bs, 0), SERVER_UP);
	care_close(c);
	assert_in_range(in_time_wait(w.port), 0, others);
	ward_end(&w);
	backends_unref(bs);
}

static void a_server_that_refuses_comes_back(void **state)
{
	struct ward w = { .on_asked = take_it };
	struct backends *bs;
	struct care *c;

	(void)state;
	w.port = ward_free_port();
	bs = one(w.port, "", FAST, NULL);
	c = caring(bs);
	for (unsigned i = 0; i < 3; i++) {
		WARD_WAIT(state_of(bs, 0) == SERVER_DOWN);
		assert_string_equal(pick_text(the_one(bs), clock_ms()),
				    backend_answer_text(BACKEND_DOWN));
		ward_begin(&w);
		WARD_WAIT(state_of(bs, 0) == SERVER_UP);
		ward_end(&w);
	}
	care_close(c);
	backends_unref(bs);
}

/* A backlog of one that is full: nobody answers the SYN. */
static void a_connection_that_does_not_come_up_is_bad(void **state)
{
	uint16_t port;
	int fd = ward_listen(0, &port), filler[2];
	struct backends *bs = one(port, "", "every: 100ms, timeout: 100ms", NULL);
	struct care *c;
	struct backend_list list;

	(void)state;
	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(backend_list(the_one(bs), &list), 0);
	for (unsigned i = 0; i < 2; i++) {
		filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(filler[i], (const struct sockaddr *)&list.seat[0].server->addr.ss,
			      list.seat[0].server->addr.len);
	}
	backend_list_free(&list);
	c = caring(bs);
	WARD_WAIT(state_of(bs, 0) == SERVER_DOWN);
	care_close(c);
	backends_unref(bs);
	close(filler[0]);
	close(filler[1]);
	close(fd);
}

/* -- our own lack -- */

static unsigned fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 3; /* itself, . and .. */
}

static void no_descriptors_of_ours_are_not_their_fault(void **state)
{
	struct backends *bs = one(ward_free_port(), "", FAST, NULL);
	struct rlimit before, none;
	struct care *c;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	c = caring(bs);
	WARD_WAIT(state_of(bs, 0) == SERVER_DOWN);
	care_close(c);
	backends_unref(bs);
	bs = one(ward_free_port(), "", FAST, NULL);
	assert_int_equal(care_open(&c), 0);
	none = before;
	none.rlim_cur = fds() + 2; /* its epoll and its eventfd */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(care_follow(c, bs), 0);
	usleep(500000);
	assert_int_equal(state_of(bs, 0), SERVER_UP);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	WARD_WAIT(state_of(bs, 0) == SERVER_DOWN);
	care_close(c);
	backends_unref(bs);
}

static void without_descriptors_it_does_not_begin(void **state)
{
	struct backends *bs = one(ward_free_port(), "", FAST, NULL);
	struct rlimit before, none;
	unsigned n = fds();
	struct care *c;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(care_open(&c), 0);
	none = before;
	for (unsigned more = 0; more < 2; more++) {
		none.rlim_cur = n + more;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
		assert_int_equal(care_follow(c, bs), -EMFILE);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
		assert_int_equal(fds(), n);
	}
	assert_int_equal(care_follow(c, bs), 0);
	WARD_WAIT(state_of(bs, 0) == SERVER_DOWN);
	care_close(c);
	backends_unref(bs);
}

/* -- reloads -- */

static unsigned threads(void)
{
	DIR *d = opendir("/proc/self/task");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void nobody_runs_when_nobody_is_to_be_asked(void **state)
{
	unsigned fds_before = fds(), threads_before = threads();
	struct backends *bs = made("servers: [\"127.0.0.1:1\"]", NULL), *next, *last;
	struct care *c = caring(bs);

	(void)state;
	assert_int_equal(fds(), fds_before);
	assert_int_equal(threads(), threads_before);
	next = made("servers: [\"127.0.0.1:1\"], check: {every: 100ms}", bs);
	assert_int_equal(care_follow(c, next), 0);
	assert_int_equal(threads(), threads_before + 1);
	WARD_WAIT(state_of(next, 0) == SERVER_DOWN);
	last = made("servers: [\"127.0.0.1:1\"]", next);
	assert_int_equal(care_follow(c, last), 0);
	assert_int_equal(fds(), fds_before);
	WARD_WAIT(threads() == threads_before);         /* one that is joined may still be listed */
	assert_int_equal(state_of(last, 0), SERVER_UP); /* what checks said is forgotten */
	backends_unref(bs);
	backends_unref(next);
	backends_unref(last);
	care_close(c);
}

/* A check is under way at each of the reloads, and none is lost: the answers come late. */
static bool answer_late(struct ward *w, unsigned number, int fd, const char *question, size_t n)
{
	usleep(60000);
	return by_script(w, number, fd, question, n);
}

static void reloads_lose_no_answer(void **state)
{
	struct script s = { .answers = "2255525552" };
	struct ward w = { .on_asked = answer_late, .arg = &s };
	const char *check = "http: /, every: 100ms, timeout: 5s, fall: 3";
	struct backends *bs, *next;
	struct care *c;

	(void)state;
	w.port = ward_free_port();
	s.bs = bs = one(w.port, "", check, NULL);
	ward_begin(&w);
	c = caring(bs);
	for (unsigned i = 0; i < 400 && atomic_load(&w.asked) < 10; i++) {
		next = one(w.port, "", check, bs);
		assert_int_equal(care_follow(c, next), 0);
		if (i > 0) /* the first is the script's */
			backends_unref(bs);
		bs = next;
		usleep(10000);
	}
	assert_true(atomic_load(&w.asked) >= 10);
	care_close(c);
	ward_end(&w);
	assert_string_equal(s.states, "UUUUUDDDDD");
	backends_unref(s.bs);
	backends_unref(bs);
}

static void who_has_gone_is_not_asked_and_who_is_new_is(void **state)
{
	struct ward first = { .on_asked = take_it }, second = { .on_asked = take_it };
	struct backends *bs, *next;
	struct care *c;
	unsigned asked;

	(void)state;
	ward_begin(&first);
	ward_begin(&second);
	bs = one(first.port, "", FAST, NULL);
	c = caring(bs);
	WARD_WAIT(atomic_load(&first.asked) >= 2);
	next = one(second.port, "", FAST, bs);
	assert_int_equal(care_follow(c, next), 0);
	backends_unref(bs);
	usleep(50000); /* what was in the backlog */
	asked = atomic_load(&first.asked);
	WARD_WAIT(atomic_load(&second.asked) >= 5);
	assert_int_equal(atomic_load(&first.asked), asked);
	care_close(c);
	ward_end(&first);
	ward_end(&second);
	backends_unref(next);
}

static void a_shorter_interval_holds_at_once(void **state)
{
	struct ward w = { .on_asked = take_it };
	struct backends *bs, *next;
	struct care *c;

	(void)state;
	ward_begin(&w);
	bs = one(w.port, "", "every: 24h", NULL);
	c = caring(bs);
	WARD_WAIT(atomic_load(&w.asked) >= 1);
	next = one(w.port, "", FAST, bs);
	assert_int_equal(care_follow(c, next), 0);
	WARD_WAIT(atomic_load(&w.asked) >= 4);
	care_close(c);
	ward_end(&w);
	backends_unref(bs);
	backends_unref(next);
}

static void addresses_that_a_name_brings_are_asked(void **state)
{
	struct ward w = { .on_asked = take_it };
	struct backends *bs =
		made("servers: [\"127.0.0.1:1\", \"localhost:1\"], check: {every: 100ms}", NULL);
	struct seats_address a = { .addr = address("127.0.0.2:1") };
	struct care *c;
	int error;

	(void)state;
	ward_begin(&w);
	c = caring(bs);
	assert_true(care_answered(c, 10000));
	assert_true(backend_feed(the_one(bs), 1, &a, 1, &error));
	WARD_WAIT(state_of(bs, 0) == SERVER_DOWN && state_of(bs, 1) == SERVER_DOWN);
	care_close(c);
	ward_end(&w);
	backends_unref(bs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_in_a_row_decide),
		cmocka_unit_test(a_server_that_was_never_well_is_down_at_once),
		cmocka_unit_test(checks_bring_back_what_connections_took_out),
		cmocka_unit_test(the_status_decides),
		cmocka_unit_test(what_is_no_answer_is_bad),
		cmocka_unit_test(hints_without_end_are_bad),
		cmocka_unit_test(silence_is_bad_when_time_is_up),
		cmocka_unit_test(questions_are_written_as_servers_want_them),
		cmocka_unit_test(a_connection_is_enough_and_leaves_nothing_behind),
		cmocka_unit_test(a_server_that_refuses_comes_back),
		cmocka_unit_test(a_connection_that_does_not_come_up_is_bad),
		cmocka_unit_test(no_descriptors_of_ours_are_not_their_fault),
		cmocka_unit_test(without_descriptors_it_does_not_begin),
		cmocka_unit_test(nobody_runs_when_nobody_is_to_be_asked),
		cmocka_unit_test(reloads_lose_no_answer),
		cmocka_unit_test(who_has_gone_is_not_asked_and_who_is_new_is),
		cmocka_unit_test(a_shorter_interval_holds_at_once),
		cmocka_unit_test(addresses_that_a_name_brings_are_asked),
	};

	close_range(3, ~0u, 0); /* what was inherited leaves gaps, where limits are counted */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
