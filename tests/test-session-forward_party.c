/*
 * What one party can bring about here (PROTOCOL 12), by hand: how many streams
 * it may open, how many bytes may wait, and how often it is told of.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/forward.h"

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

static void note_credit(struct scene *s, struct pump *p, size_t n)
{
	const void *msg;
	const uint8_t *b;
	size_t len;

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
	began = session_now_ms();
	for (int i = 0; i < 50; i++) {
		say(&s, OPEN, 2, "\0", 1);
		say(&s, 9, 2, NULL, 0);
		hear(&s, RESET, 2);
		say(&s, RESET, 2, "\5", 1);
	}
	assert_in_range(count(&s.seen[1], SESSION_FORWARD_CUT),
			SESSION_FORWARD_TOLD_MAX,
			SESSION_FORWARD_TOLD_MAX + 2 +
			    (unsigned)((session_now_ms() - began) / 1000));
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

/* Send what is allowed, have it read, and note what is allowed then. */
static void pump(struct scene *s, struct pump *p, size_t n)
{
	static uint8_t data[SESSION_FORWARD_DATA_MAX];
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
	note_credit(s, p, n);
}

static void credit_grows_for_a_program_that_reads(void **state)
{
	struct pump p;
	struct scene s;

	(void)state;
	begin(&s, true, SESSION_FORWARD_CHECK_NONE);
	open_pump(&s, &p, 0);
	for (int64_t end_ms = session_now_ms() + LIMIT_MS;
	     p.promised < SESSION_FORWARD_WINDOW_MAX / 2;) {
		pump(&s, &p, 1);
		assert_in_range(p.promised, 0, SESSION_FORWARD_WINDOW_MAX);
		assert_true(session_now_ms() < end_ms);
	}
	close(p.fd);
	end(&s);
}

/* Each step costs a round trip: the first one is to be the largest. */
static void credit_is_a_mebibyte_once_a_window_was_read(void **state)
{
	const int64_t end_ms = session_now_ms() + LIMIT_MS;
	struct pump p;
	struct scene s;

	(void)state;
	begin(&s, true, SESSION_FORWARD_CHECK_NONE);
	open_pump(&s, &p, 0);
	pump(&s, &p, 1); /* one window, and what comes back */
	while (p.promised < 16 * CREDIT - 1) {
		assert_true(session_now_ms() < end_ms);
		note_credit(&s, &p, 1);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(too_many_connections_are_refused),
	    cmocka_unit_test(who_never_answers_takes_no_connection_away),
	    cmocka_unit_test(who_opens_far_too_many_is_cut_off_and_named),
	    cmocka_unit_test(a_stream_that_was_cut_is_told_of_once),
	    cmocka_unit_test(what_waits_for_a_program_is_bounded),
	    cmocka_unit_test(credit_grows_for_a_program_that_reads),
	    cmocka_unit_test(credit_is_a_mebibyte_once_a_window_was_read),
	    cmocka_unit_test(credit_of_all_streams_with_a_party_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
