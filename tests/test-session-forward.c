/*
 * Forwarding (PROTOCOL 12): the programs are sockets of this test.  Party 1
 * always has a forwarder; party 0 has one, or speaks the protocol by hand.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "session/forward.h"
#include "session/forward_stream.h"
#include "session/local.h"
#include "tests/net.h"

enum {
	LIMIT_MS = 60 * 1000,
	EVENTS_MAX = 64,
	CREDIT = SESSION_FORWARD_CREDIT,
};

struct seen {
	int n;
	struct session_forward_event at[EVENTS_MAX];
	char text[SESSION_FORWARD_TEXT_SIZE]; /* of the last that is no end */
};

struct scene {
	struct net net;
	struct session_forward *f[2];
	struct seen seen[2];
	struct session_forward_options o[2];
	int listener; /* of the program of party 1 */
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void note(void *context, const struct session_forward_event *e)
{
	struct seen *seen = context;

	if (seen->n < EVENTS_MAX)
		seen->at[seen->n++] = *e;
	if (e->type != SESSION_FORWARD_OPENED &&
	    e->type != SESSION_FORWARD_ENDED)
		snprintf(seen->text, sizeof(seen->text), "%s", e->text);
}

static int count(const struct seen *seen, enum session_forward_event_type type)
{
	int n = 0;

	for (int i = 0; i < seen->n; i++)
		n += seen->at[i].type == type;
	return n;
}

/* One turn of everything. */
static void turn(struct scene *s)
{
	for (int i = 0; i < 2; i++) {
		if (s->f[i])
			assert_int_equal(session_forward_process(s->f[i], 1),
					 0);
		else if (s->net.s[i])
			parley_session_process(s->net.s[i]);
	}
}

#define UNTIL(s, condition)                          \
	for (int64_t end_ = now_ms() + LIMIT_MS;;) { \
		turn(s);                             \
		if (condition)                       \
			break;                       \
		assert_true(now_ms() < end_);        \
	}

static int listen_at(uint16_t *portp)
{
	int fd;

	assert_int_equal(session_local_listen(&fd, portp), 0);
	return fd;
}

/* A scene that is ready; ${by_hand}: party 0 has no forwarder. */
static void begin(struct scene *s, bool by_hand,
		  enum session_forward_check check)
{
	memset(s, 0, sizeof(*s));
	net_init(&s->net, 2);
	s->net.o.send_timeout_ms = s->net.o.recv_timeout_ms = 0;
	s->net.o.window = 16 * 1024 * 1024;
	s->net.o.close_timeout_ms = 1;
	net_open(&s->net);
	for (int i = 0; i < 2; i++)
		s->o[i] = (struct session_forward_options){
		    .uid = geteuid(), .on_event = note, .context = &s->seen[i]};
	s->listener = listen_at(&s->o[1].port);
	s->o[1].check = check;
	for (int i = by_hand; i < 2; i++)
		assert_int_equal(
		    session_forward_new(&s->f[i], s->net.s[i], &s->o[i]), 0);
	turn(s);
}

static void end(struct scene *s)
{
	for (int i = 0; i < 2; i++)
		session_forward_free(s->f[i]);
	if (s->listener >= 0)
		close(s->listener);
	net_free(&s->net);
}

/* The program of party 0 connects. */
static int dial(const struct scene *s)
{
	int fd;

	assert_int_equal(
	    session_local_dial(&fd, session_forward_port(s->f[0], 1)), 0);
	return fd;
}

/* That of party 1 accepts. */
static int answer(struct scene *s)
{
	int fd = -1;

	UNTIL(s, session_local_accept(&fd, s->listener) == 0);
	return fd;
}

/* Receive exactly ${len} bytes, and return the last. */
static int take(struct scene *s, int fd, size_t len)
{
	static uint8_t buf[65536];
	size_t n = 0;
	ssize_t r = 0;

	assert_true(len <= sizeof(buf));
	UNTIL(s, (r = recv(fd, buf + n, len - n, MSG_DONTWAIT)) > 0 &&
		     (n += (size_t)r) == len);
	return buf[len - 1];
}

/* The connection ends with FIN, and nothing comes before it. */
static void take_end(struct scene *s, int fd)
{
	uint8_t byte;
	ssize_t r = -1;

	UNTIL(s,
	      (r = recv(fd, &byte, 1, MSG_DONTWAIT)) >= 0 || errno != EAGAIN);
	assert_int_equal(r, 0);
}

static void put(int fd, const void *data, size_t len)
{
	assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
}

/*
 * By hand
 */

static void say(struct scene *s, int op, int stream, const void *rest,
		size_t len)
{
	static uint8_t msg[3 + SESSION_FORWARD_DATA_MAX + 1];

	msg[0] = (uint8_t)op;
	msg[1] = (uint8_t)(stream >> 8);
	msg[2] = (uint8_t)stream;
	if (len > 0)
		memcpy(msg + 3, rest, len);
	assert_int_equal(parley_session_send(s->net.s[0], 1, msg, 3 + len), 0);
	parley_session_flush(s->net.s[0]);
}

/* The next message is this one; a RESET's reason is returned. */
static int hear(struct scene *s, int op, int stream)
{
	const void *msg = NULL;
	const uint8_t *p;
	size_t len = 0;

	UNTIL(s, parley_session_recv(s->net.s[0], 1, NULL, &msg, &len) == 0);
	p = msg;
	assert_true(len >= 3);
	assert_int_equal(p[0], op);
	assert_int_equal(p[1] * 256 + p[2], stream);
	return len > 3 ? p[3] : 0;
}

enum { OPEN = 1, DATA, FIN, MORE, RESET };

/*
 * What programs see
 */

static void bytes_go_both_ways_and_ends_arrive_as_ends(void **state)
{
	struct scene s;
	int a, b;

	(void)state;
	begin(&s, false, SESSION_FORWARD_CHECK_NONE);
	a = dial(&s);
	put(a, "question", 8);
	b = answer(&s);
	assert_int_equal(take(&s, b, 8), 'n');
	shutdown(a, SHUT_WR);
	take_end(&s, b);
	put(b, "answer", 6);
	assert_int_equal(take(&s, a, 6), 'r');
	close(b);
	take_end(&s, a);
	close(a);
	UNTIL(&s, session_forward_n_streams(s.f[0]) == 0 &&
		      session_forward_n_streams(s.f[1]) == 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(count(&s.seen[i], SESSION_FORWARD_OPENED), 1);
		assert_int_equal(count(&s.seen[i], SESSION_FORWARD_ENDED), 1);
		assert_true(session_forward_is_idle(s.f[i]));
	}
	end(&s);
}

static void a_connection_is_held_until_the_program_listens(void **state)
{
	struct scene s;
	uint16_t port;
	int a, b;

	(void)state;
	begin(&s, false, SESSION_FORWARD_CHECK_NONE);
	close(s.listener);
	a = dial(&s);
	put(a, "early", 5);
	shutdown(a, SHUT_WR);
	for (int i = 0; i < 50; i++)
		turn(&s);
	port = s.o[1].port;
	s.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	{
		const int on = 1;
		struct sockaddr_in at = {.sin_family = AF_INET,
					 .sin_port = htons(port)};

		at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		setsockopt(s.listener, SOL_SOCKET, SO_REUSEADDR, &on,
			   sizeof(on));
		assert_int_equal(
		    bind(s.listener, (struct sockaddr *)&at, sizeof(at)), 0);
		assert_int_equal(listen(s.listener, 5), 0);
	}
	b = answer(&s);
	assert_int_equal(take(&s, b, 5), 'y');
	take_end(&s, b);
	close(a);
	close(b);
	end(&s);
}

/* Both directions at once, far more than there is credit for. */
static void much_goes_both_ways_at_once(void **state)
{
	enum { TOTAL = 6 * 1024 * 1024 + 12345 };
	static uint8_t out[65536], in[65536];
	size_t sent[2] = {0}, got[2] = {0};
	struct scene s;
	int fd[2];

	(void)state;
	begin(&s, false, SESSION_FORWARD_CHECK_NONE);
	fd[0] = dial(&s);
	fd[1] = answer(&s);
	while (got[0] < TOTAL || got[1] < TOTAL) {
		for (int i = 0; i < 2; i++) {
			size_t n = TOTAL - sent[i];
			ssize_t r;

			if (n > sizeof(out))
				n = sizeof(out);
			for (size_t k = 0; k < n; k++)
				out[k] = (uint8_t)((sent[i] + k) * 31 / 7);
			r = send(fd[i], out, n, MSG_DONTWAIT | MSG_NOSIGNAL);
			sent[i] += r > 0 ? (size_t)r : 0;
			r = recv(fd[1 - i], in, sizeof(in), MSG_DONTWAIT);
			for (ssize_t k = 0; k < r; k++)
				assert_int_equal(
				    in[k],
				    (uint8_t)((got[i] + (size_t)k) * 31 / 7));
			got[i] += r > 0 ? (size_t)r : 0;
		}
		turn(&s);
	}
	close(fd[0]);
	close(fd[1]);
	end(&s);
}

static void a_connection_that_is_not_read_stops_no_other(void **state)
{
	static const uint8_t much[65536];
	struct scene s;
	ssize_t r;
	int slow_a, slow_b, a, b;

	(void)state;
	begin(&s, false, SESSION_FORWARD_CHECK_NONE);
	slow_a = dial(&s);
	slow_b = answer(&s);
	for (int idle = 0; idle < 50;) {
		r = send(slow_a, much, sizeof(much),
			 MSG_DONTWAIT | MSG_NOSIGNAL);
		idle = r > 0 ? 0 : idle + 1;
		turn(&s);
	}
	a = dial(&s);
	b = answer(&s);
	put(a, "quick", 5);
	assert_int_equal(take(&s, b, 5), 'k');
	close(slow_a);
	close(slow_b);
	close(a);
	close(b);
	end(&s);
}

static void a_reset_of_the_program_is_an_end_to_the_other(void **state)
{
	const struct linger at_once = {.l_onoff = 1};
	struct scene s;
	int a, b;

	(void)state;
	begin(&s, false, SESSION_FORWARD_CHECK_NONE);
	a = dial(&s);
	b = answer(&s);
	put(a, "x", 1);
	take(&s, b, 1);
	setsockopt(a, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(a);
	take_end(&s, b);
	close(b);
	UNTIL(&s, session_forward_n_streams(s.f[0]) == 0);
	end(&s);
}

static void when_a_party_is_gone_its_connections_end(void **state)
{
	static const enum session_forward_event_type types[] = {
	    SESSION_FORWARD_LOST, SESSION_FORWARD_CLOSED};

	(void)state;
	for (int how = 0; how < 2; how++) {
		struct scene s;
		int a, b;

		begin(&s, false, SESSION_FORWARD_CHECK_NONE);
		a = dial(&s);
		put(a, "last", 4);
		b = answer(&s);
		assert_int_equal(session_forward_process(s.f[0], 0), 0);
		session_forward_free(s.f[0]);
		s.f[0] = NULL;
		if (how == 0) {
			parley_session_abort(s.net.s[0], "enough");
		} else {
			parley_session_close(s.net.s[0]);
		}
		parley_session_free(s.net.s[0]);
		s.net.s[0] = NULL;
		assert_int_equal(take(&s, b, 4), 't');
		take_end(&s, b);
		UNTIL(&s, count(&s.seen[1], types[how]) == 1);
		close(a);
		close(b);
		UNTIL(&s, session_forward_n_streams(s.f[1]) == 0);
		end(&s);
	}
}

static void hanging_up_ends_all_connections(void **state)
{
	struct scene s;
	int a, b;

	(void)state;
	begin(&s, false, SESSION_FORWARD_CHECK_NONE);
	a = dial(&s);
	b = answer(&s);
	put(b, "unread", 6);
	session_forward_hang_up(s.f[1]);
	take_end(&s, b);
	take_end(&s, a);
	put(a, "more", 4);
	put(b, "more", 4);
	close(a);
	close(b);
	UNTIL(&s, session_forward_n_streams(s.f[0]) == 0 &&
		      session_forward_n_streams(s.f[1]) == 0);
	end(&s);
}

static void another_user_is_refused(void **state)
{
	struct scene s;
	int a;

	(void)state;
	begin(&s, false, SESSION_FORWARD_CHECK_NONE);
	session_forward_free(s.f[0]);
	s.o[0].uid = geteuid() + 1;
	assert_int_equal(session_forward_new(&s.f[0], s.net.s[0], &s.o[0]), 0);
	a = dial(&s);
	UNTIL(&s, count(&s.seen[0], SESSION_FORWARD_REFUSED) == 1);
	assert_int_equal(session_forward_n_streams(s.f[0]), 0);
	close(a);
	end(&s);
}

/* How many of these connections have been ended by the other side? */
static int count_ended(const int *fds, int n)
{
	uint8_t byte;
	int ended = 0;

	for (int i = 0; i < n; i++)
		ended += recv(fds[i], &byte, 1, MSG_DONTWAIT) == 0 ||
			 errno == ECONNRESET;
	return ended;
}

/* So nobody keeps the others waiting, nor fills the log. */
static void those_of_another_user_are_taken_a_few_at_a_time(void **state)
{
	enum { N = 60, AT_A_TIME = 8 };
	struct scene s;
	int64_t began;
	int fds[N], before = 0, now = 0;

	(void)state;
	begin(&s, false, SESSION_FORWARD_CHECK_NONE);
	session_forward_free(s.f[0]);
	s.o[0].uid = geteuid() + 1;
	assert_int_equal(session_forward_new(&s.f[0], s.net.s[0], &s.o[0]), 0);
	for (int i = 0; i < N; i++)
		fds[i] = dial(&s);
	began = now_ms();
	for (; now < N; before = now) {
		assert_true(now_ms() - began < LIMIT_MS);
		turn(&s);
		now = count_ended(fds, N);
		assert_in_range(now - before, 0, AT_A_TIME);
	}
	assert_in_range(count(&s.seen[0], SESSION_FORWARD_REFUSED),
			SESSION_FORWARD_TOLD_MAX,
			SESSION_FORWARD_TOLD_MAX +
			    (unsigned)((now_ms() - began) / 1000) + 1);
	for (int i = 0; i < N; i++)
		close(fds[i]);
	/* What was not told is counted. */
	UNTIL(&s, (close(dial(&s)), strstr(s.seen[0].text, "times more")));
	end(&s);
}

static void at_the_limit_a_connection_is_refused_and_no_more(void **state)
{
	struct scene s;
	size_t *n;
	int a;

	(void)state;
	begin(&s, false, SESSION_FORWARD_CHECK_NONE);
	n = &s.f[0]->parties[1].n_kept[true];
	*n += SESSION_FORWARD_STREAMS_MAX; /* as if */
	a = dial(&s);
	take_end(&s, a);
	close(a);
	assert_int_equal(count(&s.seen[0], SESSION_FORWARD_REFUSED), 1);
	*n -= SESSION_FORWARD_STREAMS_MAX;
	a = dial(&s);
	close(answer(&s));
	take_end(&s, a);
	close(a);
	end(&s);
}

static void only_those_that_are_dialled_have_a_port(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, true, SESSION_FORWARD_CHECK_NONE);
	assert_int_not_equal(session_forward_port(s.f[1], 0), 0);
	assert_int_equal(session_forward_port(s.f[1], 1), 0);
	session_forward_free(s.f[1]);
	s.o[1].dial = SESSION_FORWARD_DIAL_HIGHER;
	assert_int_equal(session_forward_new(&s.f[1], s.net.s[1], &s.o[1]), 0);
	assert_int_equal(session_forward_port(s.f[1], 0), 0);
	end(&s);
}

/*
 * What another implementation sees
 */

static void a_stream_is_what_the_protocol_says(void **state)
{
	struct scene s;
	int b;

	(void)state;
	begin(&s, true, SESSION_FORWARD_CHECK_NONE);
	say(&s, OPEN, 4, "\0", 1);
	say(&s, DATA, 4, "abc", 3);
	b = answer(&s);
	assert_int_equal(take(&s, b, 3), 'c');
	put(b, "z", 1);
	assert_int_equal(hear(&s, DATA, 4), 'z');
	say(&s, FIN, 4, NULL, 0);
	take_end(&s, b);
	close(b);
	hear(&s, FIN, 4);
	/* Both have ended: the number is free. */
	say(&s, OPEN, 4, "\0", 1);
	b = answer(&s);
	close(b);
	hear(&s, FIN, 4);
	end(&s);
}

static void what_makes_no_sense_is_answered_with_reset(void **state)
{
	static const struct {
		int op, stream;
		const char *rest;
		size_t len;
	} bad[] = {
	    {DATA, 6, "x", 1}, /* no such stream */
	    {FIN, 6, NULL, 0},
	    {MORE, 6, "\0\0\1", 3},
	    {OPEN, 7, "\0", 1}, /* not a number of theirs */
	    {OPEN, 6, NULL, 0}, /* no service */
	    {OPEN, 2, "\0", 1}, /* open already */
	    {DATA, 2, NULL, 0}, /* empty */
	    {FIN, 2, "x", 1},
	    {MORE, 2, "\0\0\0\0", 4}, /* none */
	    {MORE, 2, "\1", 1},
	    {MORE, 2, "\200\0\0\0", 4}, /* more than 2^31 at a time */
	    {9, 2, NULL, 0},
	    {RESET, 2, NULL, 0},
	};
	struct scene s;

	(void)state;
	begin(&s, true, SESSION_FORWARD_CHECK_NONE);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (bad[i].stream == 2)
			say(&s, OPEN, 2, "\0", 1);
		say(&s, bad[i].op, bad[i].stream, bad[i].rest, bad[i].len);
		assert_int_equal(hear(&s, RESET, bad[i].stream),
				 SESSION_FORWARD_PROTOCOL);
		/* What was under way is dropped until the answer. */
		if (bad[i].stream == 2) {
			say(&s, DATA, 2, "x", 1);
			say(&s, RESET, 2, "\5", 1);
		}
	}
	/* Ignored, all of it: credit may cross the end of its stream. */
	say(&s, MORE, 6, "\0\0\0\1", 4);
	say(&s, RESET, 6, "\1", 1);
	assert_int_equal(parley_session_send(s.net.s[0], 1, "\1", 1), 0);
	say(&s, OPEN, 6, "\1", 1);
	assert_int_equal(hear(&s, RESET, 6), SESSION_FORWARD_NO_SERVICE);
	end(&s);
}

static void more_than_there_is_credit_for_is_not_taken(void **state)
{
	static const uint8_t much[SESSION_FORWARD_DATA_MAX];
	size_t left = CREDIT;
	struct scene s;

	(void)state;
	begin(&s, true, SESSION_FORWARD_CHECK_NONE);
	close(s.listener);
	s.listener = -1;
	say(&s, OPEN, 0, "\0", 1);
	while (left > 0) {
		size_t n = left < sizeof(much) ? left : sizeof(much);

		say(&s, DATA, 0, much, n);
		left -= n;
		turn(&s);
	}
	say(&s, OPEN, 2, "\1", 1);
	assert_int_equal(hear(&s, RESET, 2), SESSION_FORWARD_NO_SERVICE);
	say(&s, DATA, 0, "x", 1);
	assert_int_equal(hear(&s, RESET, 0), SESSION_FORWARD_PROTOCOL);
	end(&s);
}

/* What party 0 does by hand with a stream whose program reads all. */
struct pump {
	int number, fd;
	size_t promised; /* bytes that it may still send */
};

static void open_pump(struct scene *s, struct pump *p, int number)
{
	say(s, OPEN, number, "\0", 1);
	*p = (struct pump){
	    .number = number, .fd = answer(s), .promised = CREDIT};
}

/* Send what is allowed, have it read, and note what is allowed then. */
static void pump(struct scene *s, struct pump *p, size_t n)
{
	static uint8_t data[SESSION_FORWARD_DATA_MAX];
	const void *msg;
	const uint8_t *b;
	size_t len;

	for (size_t i = 0; i < n; i++) {
		for (int k = 0; k < 8 && p[i].promised > 0; k++) {
			len = p[i].promised < sizeof(data) ? p[i].promised
							   : sizeof(data);
			say(s, DATA, p[i].number, data, len);
			take(s, p[i].fd, len);
			p[i].promised -= len;
		}
	}
	turn(s);
	while (parley_session_recv(s->net.s[0], 1, NULL, &msg, &len) == 0) {
		b = msg;
		assert_int_equal(len, 7);
		assert_int_equal(b[0], MORE);
		for (size_t i = 0; i < n; i++) {
			if (p[i].number == b[1] * 256 + b[2])
				p[i].promised += (size_t)b[3] << 24 |
						 (size_t)b[4] << 16 |
						 (size_t)b[5] << 8 | b[6];
		}
	}
}

static void credit_grows_for_a_program_that_reads(void **state)
{
	struct pump p;
	struct scene s;

	(void)state;
	begin(&s, true, SESSION_FORWARD_CHECK_NONE);
	open_pump(&s, &p, 0);
	for (int64_t end_ms = now_ms() + LIMIT_MS;
	     p.promised < SESSION_FORWARD_WINDOW_MAX / 2;) {
		pump(&s, &p, 1);
		assert_in_range(p.promised, 0, SESSION_FORWARD_WINDOW_MAX);
		assert_true(now_ms() < end_ms);
	}
	close(p.fd);
	end(&s);
}

static void credit_of_all_streams_with_a_party_is_bounded(void **state)
{
	enum { N = 4, LEFT = 8 * CREDIT };
	struct session_forward_party *party;
	struct pump p[N];
	struct scene s;
	size_t sum, most = 0;

	(void)state;
	begin(&s, true, SESSION_FORWARD_CHECK_NONE);
	party = &s.f[1]->parties[0];
	party->grown = SESSION_FORWARD_SPARE - LEFT; /* as if, by others */
	for (int i = 0; i < N; i++)
		open_pump(&s, &p[i], 2 * i);
	for (int round = 0; round < 60; round++) {
		pump(&s, p, N);
		sum = 0;
		for (int i = 0; i < N; i++)
			sum += p[i].promised;
		assert_in_range(sum, 0, N * CREDIT + LEFT);
		if (sum > most)
			most = sum;
	}
	assert_in_range(most, N * CREDIT + 1, N * CREDIT + LEFT);
	assert_in_range(party->grown, SESSION_FORWARD_SPARE - LEFT + 1,
			SESSION_FORWARD_SPARE);
	/* When they are over, others may have it. */
	for (int i = 0; i < N; i++) {
		say(&s, FIN, 2 * i, NULL, 0);
		close(p[i].fd);
	}
	UNTIL(&s, party->n_kept[false] == 0);
	assert_int_equal(party->grown, SESSION_FORWARD_SPARE - LEFT);
	end(&s);
}

static void what_waits_for_a_program_is_bounded(void **state)
{
	static const uint8_t much[CREDIT / 2];
	const int n = SESSION_FORWARD_STREAMS_MAX;
	size_t kept = 0;
	struct scene s;

	(void)state;
	begin(&s, true, SESSION_FORWARD_CHECK_NONE);
	close(s.listener);
	s.listener = -1;
	for (int i = 0; i < n; i++) {
		say(&s, OPEN, 2 * i, "\0", 1);
		say(&s, DATA, 2 * i, much, sizeof(much));
		say(&s, DATA, 2 * i, much, sizeof(much));
		turn(&s);
	}
	say(&s, OPEN, 2 * n, "\0", 1);
	assert_int_equal(hear(&s, RESET, 2 * n), SESSION_FORWARD_UNREACHABLE);
	say(&s, DATA, 0, "x", 1);
	assert_int_equal(hear(&s, RESET, 0), SESSION_FORWARD_PROTOCOL);
	for (const struct session_forward_stream *st = s.f[1]->streams; st;
	     st = st->next)
		kept += st->queue_size;
	assert_int_equal(kept, (size_t)(n - 1) * CREDIT);
	end(&s);
}

static void no_more_is_sent_than_there_is_credit_for(void **state)
{
	static const uint8_t much[65536];
	size_t got = 0;
	struct scene s;
	const void *msg;
	size_t len;
	int b;

	(void)state;
	begin(&s, true, SESSION_FORWARD_CHECK_NONE);
	say(&s, OPEN, 0, "\0", 1);
	b = answer(&s);
	for (int idle = 0; idle < 50;) {
		ssize_t r =
		    send(b, much, sizeof(much), MSG_DONTWAIT | MSG_NOSIGNAL);

		idle = r > 0 ? 0 : idle + 1;
		turn(&s);
		while (parley_session_recv(s.net.s[0], 1, NULL, &msg, &len) ==
		       0)
			got += len - 3;
	}
	assert_int_equal(got, CREDIT);
	say(&s, MORE, 0, "\0\0\0\7", 4);
	UNTIL(&s, parley_session_recv(s.net.s[0], 1, NULL, &msg, &len) == 0);
	assert_int_equal(len, 3 + 7);
	close(b);
	end(&s);
}

static void a_reset_is_answered_and_is_an_end_here(void **state)
{
	struct scene s;
	int b;

	(void)state;
	begin(&s, true, SESSION_FORWARD_CHECK_NONE);
	say(&s, OPEN, 0, "\0", 1);
	say(&s, DATA, 0, "x", 1);
	b = answer(&s);
	take(&s, b, 1);
	say(&s, RESET, 0, "\4", 1);
	assert_int_equal(hear(&s, RESET, 0), SESSION_FORWARD_UNREACHABLE);
	take_end(&s, b);
	assert_int_equal(count(&s.seen[1], SESSION_FORWARD_CUT), 1);
	assert_false(s.seen[1].at[s.seen[1].n - 1].ours);
	close(b);
	UNTIL(&s, session_forward_n_streams(s.f[1]) == 0);
	end(&s);
}

static void too_many_connections_are_refused(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, true, SESSION_FORWARD_CHECK_LE16);
	say(&s, OPEN, 0, "\0", 1);
	say(&s, OPEN, 2, "\0", 1);
	assert_int_equal(hear(&s, RESET, 2), SESSION_FORWARD_SECOND);
	say(&s, RESET, 2, "\3", 1);
	end(&s);
	begin(&s, true, SESSION_FORWARD_CHECK_NONE);
	close(s.listener);
	s.listener = -1;
	for (int i = 0; i <= SESSION_FORWARD_STREAMS_MAX; i++)
		say(&s, OPEN, 2 * i, "\0", 1);
	assert_int_equal(hear(&s, RESET, 2 * SESSION_FORWARD_STREAMS_MAX),
			 SESSION_FORWARD_UNREACHABLE);
	end(&s);
}

/* Not even its own connections are of those that another party opened. */
static void who_never_answers_takes_no_connection_away(void **state)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	struct scene s;
	int fd;

	(void)state;
	begin(&s, true, SESSION_FORWARD_CHECK_NONE);
	for (int i = 0; i < SESSION_FORWARD_STREAMS_MAX; i++) {
		say(&s, OPEN, 2 * i, "\1", 1);
		assert_int_equal(hear(&s, RESET, 2 * i),
				 SESSION_FORWARD_NO_SERVICE);
	}
	to.sin_port = htons(session_forward_port(s.f[1], 0));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	put(fd, "x", 1);
	hear(&s, OPEN, 1);
	assert_int_equal(hear(&s, DATA, 1), 'x');
	close(fd);
	end(&s);
}

static void who_opens_far_too_many_is_cut_off_and_named(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, true, SESSION_FORWARD_CHECK_NONE);
	for (int i = 0;
	     i < SESSION_FORWARD_STREAMS_MAX + SESSION_FORWARD_EXCESS_MAX;
	     i++) {
		say(&s, OPEN, 2 * i, "\1", 1);
		hear(&s, RESET, 2 * i);
	}
	assert_int_equal(count(&s.seen[1], SESSION_FORWARD_LOST), 0);
	say(&s, OPEN,
	    2 * (SESSION_FORWARD_STREAMS_MAX + SESSION_FORWARD_EXCESS_MAX),
	    "\0", 1);
	UNTIL(&s, strstr(s.seen[1].text, "lost"));
	assert_non_null(strstr(s.seen[1].text, "party 0 "));
	assert_non_null(strstr(s.seen[1].text, "far more connections"));
	assert_int_equal(session_forward_n_streams(s.f[1]), 0);
	end(&s);
}

static void a_stream_that_was_cut_is_told_of_once(void **state)
{
	struct scene s;
	int64_t began;

	(void)state;
	begin(&s, true, SESSION_FORWARD_CHECK_NONE);
	say(&s, OPEN, 2, "\0", 1);
	for (int i = 0; i < 20; i++)
		say(&s, 9, 2, NULL, 0);
	hear(&s, RESET, 2);
	say(&s, RESET, 2, "\5", 1);
	say(&s, OPEN, 4, "\1", 1);
	hear(&s, RESET, 4);
	assert_int_equal(count(&s.seen[1], SESSION_FORWARD_CUT), 2);
	/* Nor does one after the other fill the log. */
	began = now_ms();
	for (int i = 0; i < 50; i++) {
		say(&s, OPEN, 2, "\0", 1);
		say(&s, 9, 2, NULL, 0);
		hear(&s, RESET, 2);
		say(&s, RESET, 2, "\5", 1);
	}
	assert_in_range(count(&s.seen[1], SESSION_FORWARD_CUT),
			SESSION_FORWARD_TOLD_MAX,
			SESSION_FORWARD_TOLD_MAX + 2 +
			    (unsigned)((now_ms() - began) / 1000));
	end(&s);
}

/*
 * The index
 */

static void the_right_index_is_let_through_in_pieces(void **state)
{
	struct scene s;
	int b;

	(void)state;
	begin(&s, true, SESSION_FORWARD_CHECK_LE16);
	say(&s, OPEN, 0, "\0", 1);
	say(&s, DATA, 0, "\0", 1);
	for (int i = 0; i < 20; i++)
		turn(&s);
	assert_int_equal(session_local_accept(&b, s.listener),
			 PARLEY_ERR_AGAIN);
	say(&s, DATA, 0, "\0abc", 4);
	b = answer(&s);
	assert_int_equal(take(&s, b, 5), 'c');
	/* When it has ended, the next program may come. */
	say(&s, FIN, 0, NULL, 0);
	say(&s, OPEN, 2, "\0", 1);
	say(&s, DATA, 2, "\0\0", 2);
	take_end(&s, b);
	close(b);
	b = answer(&s);
	take(&s, b, 2);
	close(b);
	end(&s);
}

static void a_wrong_index_is_cut_and_named(void **state)
{
	static const char *const wrong[] = {"\1\0", "\0\1", "\377\377"};
	struct scene s;
	int b;

	(void)state;
	begin(&s, true, SESSION_FORWARD_CHECK_LE16);
	for (int i = 0; i < 3; i++) {
		say(&s, OPEN, 2 * i, "\0", 1);
		say(&s, DATA, 2 * i, wrong[i], 2);
		assert_int_equal(hear(&s, RESET, 2 * i),
				 SESSION_FORWARD_WRONG_INDEX);
		assert_non_null(strstr(s.seen[1].text, "party 0 "));
		assert_non_null(strstr(s.seen[1].text, "did:key:"));
	}
	assert_non_null(strstr(s.seen[1].text, "(65535)"));
	assert_int_equal(count(&s.seen[1], SESSION_FORWARD_CUT), 3);
	assert_int_equal(session_local_accept(&b, s.listener),
			 PARLEY_ERR_AGAIN);
	end(&s);
}

static void who_leaves_without_an_index_reaches_nobody(void **state)
{
	struct scene s;
	int b;

	(void)state;
	begin(&s, true, SESSION_FORWARD_CHECK_LE16);
	say(&s, OPEN, 0, "\0", 1);
	say(&s, DATA, 0, "\0", 1);
	say(&s, FIN, 0, NULL, 0);
	hear(&s, FIN, 0);
	assert_int_equal(session_forward_n_streams(s.f[1]), 0);
	assert_int_equal(session_local_accept(&b, s.listener),
			 PARLEY_ERR_AGAIN);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bytes_go_both_ways_and_ends_arrive_as_ends),
	    cmocka_unit_test(a_connection_is_held_until_the_program_listens),
	    cmocka_unit_test(much_goes_both_ways_at_once),
	    cmocka_unit_test(a_connection_that_is_not_read_stops_no_other),
	    cmocka_unit_test(a_reset_of_the_program_is_an_end_to_the_other),
	    cmocka_unit_test(when_a_party_is_gone_its_connections_end),
	    cmocka_unit_test(hanging_up_ends_all_connections),
	    cmocka_unit_test(another_user_is_refused),
	    cmocka_unit_test(those_of_another_user_are_taken_a_few_at_a_time),
	    cmocka_unit_test(at_the_limit_a_connection_is_refused_and_no_more),
	    cmocka_unit_test(only_those_that_are_dialled_have_a_port),
	    cmocka_unit_test(a_stream_is_what_the_protocol_says),
	    cmocka_unit_test(what_makes_no_sense_is_answered_with_reset),
	    cmocka_unit_test(more_than_there_is_credit_for_is_not_taken),
	    cmocka_unit_test(credit_grows_for_a_program_that_reads),
	    cmocka_unit_test(credit_of_all_streams_with_a_party_is_bounded),
	    cmocka_unit_test(what_waits_for_a_program_is_bounded),
	    cmocka_unit_test(no_more_is_sent_than_there_is_credit_for),
	    cmocka_unit_test(a_reset_is_answered_and_is_an_end_here),
	    cmocka_unit_test(too_many_connections_are_refused),
	    cmocka_unit_test(who_never_answers_takes_no_connection_away),
	    cmocka_unit_test(who_opens_far_too_many_is_cut_off_and_named),
	    cmocka_unit_test(a_stream_that_was_cut_is_told_of_once),
	    cmocka_unit_test(the_right_index_is_let_through_in_pieces),
	    cmocka_unit_test(a_wrong_index_is_cut_and_named),
	    cmocka_unit_test(who_leaves_without_an_index_reaches_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
