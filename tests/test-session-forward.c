/*
 * Forwarding as programs see it: connections, bytes and ends; who may connect;
 * what becomes of connections when a party goes.
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "session/local.h"
#include "tests/forward.h"

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
	began = session_now_ms();
	for (; now < N; before = now) {
		assert_true(session_now_ms() - began < LIMIT_MS);
		turn(&s);
		now = count_ended(fds, N);
		assert_in_range(now - before, 0, AT_A_TIME);
	}
	assert_in_range(count(&s.seen[0], SESSION_FORWARD_REFUSED),
			SESSION_FORWARD_TOLD_MAX,
			SESSION_FORWARD_TOLD_MAX +
			    (unsigned)((session_now_ms() - began) / 1000) + 1);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
