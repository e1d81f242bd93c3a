/*
 * A stream as another implementation sees it (PROTOCOL 12): party 0 speaks by
 * hand.  What is refused, what credit allows, and the index of a program.
 */
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

/* DATA of ${len} bytes that count on from ${*next}; it leaves with others. */
static void add_counting(struct scene *s, int stream, uint8_t *next, size_t len)
{
	static uint8_t msg[3 + SESSION_FORWARD_DATA_MAX];

	msg[0] = DATA;
	msg[1] = 0;
	msg[2] = (uint8_t)stream;
	for (size_t i = 0; i < len; i++)
		msg[3 + i] = (*next)++;
	assert_int_equal(parley_session_send(s->net.s[0], 1, msg, 3 + len), 0);
}

static void take_counting(struct scene *s, int fd, uint8_t next, size_t len)
{
	uint8_t buf[4096];
	ssize_t n = 0;

	for (; len > 0; len -= (size_t)n) {
		UNTIL(s, (n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0);
		assert_true((size_t)n <= len);
		for (ssize_t i = 0; i < n; i++)
			assert_int_equal(buf[i], next++);
	}
}

static void what_comes_together_arrives_in_its_order(void **state)
{
	/* What is gathered, and what is too much for that. */
	static const size_t lens[] = {1, 20, 20000, 7, 300, 16000, 400, 5};
	const size_t n = sizeof(lens) / sizeof(lens[0]);
	uint8_t next[2] = {0, 100};
	size_t sum = 0;
	struct scene s;
	int fd[2];

	(void)state;
	begin(&s, true, SESSION_FORWARD_CHECK_NONE);
	for (int k = 0; k < 2; k++) {
		say(&s, OPEN, 2 * k, "", 1);
		fd[k] = answer(&s);
	}
	for (size_t i = 0; i < n; i++) {
		sum += lens[i];
		for (int k = 0; k < 2; k++)
			add_counting(&s, 2 * k, &next[k], lens[i]);
	}
	say(&s, FIN, 0, NULL, 0);
	take_counting(&s, fd[0], 0, sum);
	take_end(&s, fd[0]);
	take_counting(&s, fd[1], 100, sum);
	close(fd[0]);
	close(fd[1]);
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
	/* A second end. */
	say(&s, OPEN, 2, "\0", 1);
	say(&s, FIN, 2, NULL, 0);
	say(&s, FIN, 2, NULL, 0);
	assert_int_equal(hear(&s, RESET, 2), SESSION_FORWARD_PROTOCOL);
	say(&s, RESET, 2, "\5", 1);
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

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i ^ i >> 8 ^ i >> 16);
}

/* All DATA that party 0 has got, in order; returns whether that is ${want}. */
static bool take_data(const struct scene *s, size_t *gotp, size_t want)
{
	const void *msg;
	size_t len;

	while (parley_session_recv(s->net.s[0], 1, NULL, &msg, &len) == 0) {
		const uint8_t *p = msg;

		assert_int_equal(p[0], DATA);
		for (size_t i = 3; i < len; i++)
			assert_int_equal(p[i], byte_at(*gotp + i - 3));
		*gotp += len - 3;
	}
	return *gotp == want;
}

/* There is credit, but the window of the session is smaller. */
static void a_full_session_holds_a_stream_back_and_loses_nothing(void **state)
{
	uint8_t bytes[16384];
	size_t put_in = 0, got = 0;
	struct scene s;
	ssize_t n;
	int program;

	(void)state;
	begin(&s, true, SESSION_FORWARD_CHECK_NONE);
	say(&s, OPEN, 0, "\0", 1);
	say(&s, MORE, 0, "\2\0\0\0", 4);
	program = answer(&s);
	for (int64_t end_ms = session_now_ms() + LIMIT_MS;
	     s.f[1]->streams->held == NULL; turn(&s)) {
		assert_true(session_now_ms() < end_ms);
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = byte_at(put_in + i);
		n = send(program, bytes, sizeof(bytes), MSG_DONTWAIT);
		put_in += n > 0 ? (size_t)n : 0;
	}
	assert_true(put_in > s.net.o.window);
	assert_true(s.f[1]->parties[0].blocked);
	UNTIL(&s, take_data(&s, &got, put_in));
	assert_null(s.f[1]->streams->held);
	close(program);
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
	    cmocka_unit_test(a_stream_is_what_the_protocol_says),
	    cmocka_unit_test(what_comes_together_arrives_in_its_order),
	    cmocka_unit_test(what_makes_no_sense_is_answered_with_reset),
	    cmocka_unit_test(more_than_there_is_credit_for_is_not_taken),
	    cmocka_unit_test(no_more_is_sent_than_there_is_credit_for),
	    cmocka_unit_test(
		a_full_session_holds_a_stream_back_and_loses_nothing),
	    cmocka_unit_test(a_reset_is_answered_and_is_an_end_here),
	    cmocka_unit_test(the_right_index_is_let_through_in_pieces),
	    cmocka_unit_test(a_wrong_index_is_cut_and_named),
	    cmocka_unit_test(who_leaves_without_an_index_reaches_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
