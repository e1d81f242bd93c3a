/*
 * Channels: records that are lost, altered, repeated or late (PROTOCOL 6.3).
 */
#include "tests/channel.h"

#include <sodium.h>

/* A frame that is no record of the other end. */
static struct session_frame *noise_frame(size_t len, uint8_t type, uint8_t seq)
{
	struct session_frame *f = session_frame_new(len);

	assert_non_null(f);
	memset(f->data, 0, len);
	if (len > 0)
		f->data[0] = type;
	if (len > 3)
		f->data[3] = seq;
	return f;
}

/* Another frame with the same bytes: records are opened in place. */
static struct session_frame *frame_copy(const struct session_frame *f)
{
	struct session_frame *copy = session_frame_new(f->len);

	assert_non_null(copy);
	memcpy(copy->data, f->data, f->len);
	return copy;
}

/* Put message ${n} of 10 bytes into a record of its own, and take that. */
static struct session_frame *sealed(struct session_channel *c, size_t n)
{
	struct session_frame *f;

	put(c, NULL, n, 10);
	assert_int_equal(session_channel_flush(c), 0);
	f = session_channel_take(c);
	assert_non_null(f);
	assert_null(session_channel_take(c));
	return f;
}

static void records_that_are_none_are_dropped(void **state)
{
	struct peer p;

	(void)state;
	peer_start(&p, &usual);
	(void)acked_limit(&p);
	receive_dropped(p.c, noise_frame(10, 0, 0));
	receive_dropped(p.c, noise_frame(0, 0, 0));
	receive_dropped(p.c, noise_frame(40, 0, 0));
	/* Nothing is owed for what is no record. */
	assert_false(session_channel_ack_owed(p.c));
	assert_false(session_channel_ack_due(p.c));
	/* It goes on. */
	assert_int_equal(peer_text(&p, "\x02x"), 0);
	assert_true(session_channel_pending(p.c));
	peer_free(&p);
}

static void repeated_record_calls_for_an_ack(void **state)
{
	struct session_frame *f, *again;
	struct pair p;

	(void)state;
	pair_init(&p, &usual);
	f = sealed(p.a, 1);
	again = frame_copy(f);
	assert_int_equal(session_channel_receive(p.b, frame_copy(f)), 0);
	acknowledge(p.b, p.a);
	assert_false(session_channel_ack_owed(p.b));
	(void)session_channel_events(p.b);
	receive_dropped(p.b, again);
	assert_true(session_channel_events(p.b) & SESSION_CHANNEL_DROPPED);
	assert_true(session_channel_ack_owed(p.b));
	assert_false(session_channel_ack_due(p.b)); /* not at once */
	take(p.b, 1, 10);
	assert_empty(p.b);
	assert_int_equal(session_channel_ack_now(p.b), 0);
	assert_false(session_channel_ack_owed(p.b));
	flush(p.b, p.a);
	session_frame_free(f);
	pair_free(&p);
}

static void missing_record_is_asked_for_once(void **state)
{
	struct session_frame *f[5];
	struct pair p;

	(void)state;
	pair_init(&p, &usual);
	acknowledge(p.b, p.a);
	for (size_t n = 0; n < N_OF(f); n++)
		f[n] = sealed(p.a, n);
	/* 0 is lost; all others arrive too early. */
	receive_dropped(p.b, frame_copy(f[1]));
	assert_true(session_channel_ack_due(p.b));
	assert_int_equal(session_channel_ack_now(p.b), 0);
	for (size_t n = 2; n < N_OF(f); n++) {
		receive_dropped(p.b, frame_copy(f[n]));
		assert_false(session_channel_ack_due(p.b));
	}
	assert_empty(p.b);
	/* The GAP brings all of them again, in order, byte for byte. */
	assert_true(flush(p.b, p.a) == 1);
	assert_true(session_channel_events(p.a) & SESSION_CHANNEL_OUTPUT);
	for (size_t n = 0; n < N_OF(f); n++) {
		struct session_frame *again = session_channel_take(p.a);

		assert_non_null(again);
		assert_int_equal(again->len, f[n]->len);
		assert_memory_equal(again->data, f[n]->data, f[n]->len);
		assert_int_equal(
		    session_channel_receive(p.b, frame_copy(again)), 0);
		take(p.b, n, 10);
		session_frame_free(again);
		session_frame_free(f[n]);
	}
	assert_null(session_channel_take(p.a));
	assert_int_equal(session_channel_stats(p.a)->records_resent, N_OF(f));
	/* The next one that is missing is asked for again. */
	session_frame_free(sealed(p.a, 7));
	f[0] = sealed(p.a, 8);
	receive_dropped(p.b, frame_copy(f[0]));
	assert_true(session_channel_ack_due(p.b));
	session_frame_free(f[0]);
	pair_free(&p);
}

static void altered_record_is_dropped_and_asked_for(void **state)
{
	struct session_frame *f, *bad;
	struct pair p;

	(void)state;
	pair_init(&p, &usual);
	acknowledge(p.b, p.a);
	f = sealed(p.a, 1);
	/* Every byte behind the header but that of the type. */
	for (size_t at = 4; at < f->len; at++) {
		bad = frame_copy(f);
		bad->data[at] ^= 0x40;
		receive_dropped(p.b, bad);
		assert_int_equal(session_channel_ack_due(p.b), at == 4);
		if (at == 4)
			assert_int_equal(session_channel_ack_now(p.b), 0);
	}
	assert_empty(p.b);
	flush(p.b, p.a);
	assert_int_equal(deliver(p.a, p.b), 1);
	take(p.b, 1, 10);
	session_frame_free(f);
	pair_free(&p);
}

/* It is opened into the message it belongs to, which must not suffer. */
static void altered_part_leaves_the_message_whole(void **state)
{
	enum { LEN = 500000 };
	uint8_t *bytes = make_message(7, LEN);
	struct session_outgoing m = {.p = bytes, .len = LEN};
	struct session_frame *f, *bad;
	struct pair p;
	int step;

	(void)state;
	pair_init(&p, &usual);
	do {
		step = session_channel_put(p.a, &m);
		if (step == SESSION_PUT_DONE)
			put(p.a, NULL, 8, 10); /* behind the last part */
		assert_true(step >= 0);
		assert_int_equal(session_channel_flush(p.a), 0);
		f = session_channel_take(p.a);
		assert_non_null(f);
		for (size_t at = 4; at < f->len; at += f->len / 7) {
			bad = frame_copy(f);
			bad->data[at] ^= 0x40;
			receive_dropped(p.b, bad);
		}
		bad = frame_copy(f);
		bad->data[bad->len - 1] ^= 1;
		receive_dropped(p.b, bad);
		assert_int_equal(session_channel_receive(p.b, f), 0);
	} while (step == SESSION_PUT_FULL);
	take(p.b, 7, LEN);
	take(p.b, 8, 10);
	assert_empty(p.b);
	free(bytes);
	pair_free(&p);
}

/* Sealed while it is copied, and what lies before and behind it when it goes.
 */
static void large_and_short_messages_share_a_record(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, &usual);
	for (size_t n = 0; n < 200; n += 5) {
		put(p.a, p.b, n, n);
		put(p.a, p.b, n + 1, 4000 + n);
		put(p.a, p.b, n + 2, 5000);
		put(p.a, p.b, n + 3, 64 + n);
		put(p.a, p.b, n + 4, 30000);
		if (n % 2 == 0)
			flush(p.a, p.b);
	}
	flush(p.a, p.b);
	for (size_t n = 0; n < 200; n += 5) {
		take(p.b, n, n);
		take(p.b, n + 1, 4000 + n);
		take(p.b, n + 2, 5000);
		take(p.b, n + 3, 64 + n);
		take(p.b, n + 4, 30000);
	}
	assert_empty(p.b);
	pair_free(&p);
}

static void short_message_is_put_like_any_other(void **state)
{
	uint8_t *bytes = make_message(1, 4096);
	struct pair p;
	size_t n = 0;

	(void)state;
	pair_init(&p, &usual);
	put(p.a, p.b, 0, 10);
	assert_false(session_channel_put_short(p.a, bytes, 0));
	assert_false(session_channel_put_short(p.a, bytes, 4096));
	for (size_t len = 1; len <= 200; len++, n++)
		assert_true(session_channel_put_short(p.a, bytes, len));
	while (session_channel_put_short(p.a, bytes, 2000))
		n++;
	assert_true(session_channel_open_len(p.a) <=
		    usual.record_max - SESSION_RECORD_OVERHEAD);
	assert_true(session_channel_stats(p.a)->messages_sent == n + 1);
	assert_int_equal(flush(p.a, p.b), 1);
	take(p.b, 0, 10);
	for (size_t len = 1; len <= 200; len++, n--)
		take(p.b, 1, len);
	for (; n > 0; n--)
		take(p.b, 1, 2000);
	assert_empty(p.b);
	free(bytes);
	pair_free(&p);
}

static void probe_is_the_oldest_and_brings_the_others(void **state)
{
	struct session_frame *f[4], *probe;
	struct pair p;

	(void)state;
	pair_init(&p, &usual);
	acknowledge(p.b, p.a);
	assert_false(session_channel_probe_due(p.a));
	assert_null(session_channel_probe(p.a));
	for (size_t n = 0; n < N_OF(f); n++)
		f[n] = sealed(p.a, n);
	assert_true(session_channel_probe_due(p.a));
	/* All are lost, silently.  The probe is but the first. */
	probe = session_channel_probe(p.a);
	assert_non_null(probe);
	assert_memory_equal(probe->data, f[0]->data, f[0]->len);
	assert_null(session_channel_take(p.a));
	assert_int_equal(session_channel_receive(p.b, frame_copy(probe)), 0);
	session_frame_free(probe);
	assert_int_equal(session_channel_ack_now(p.b), 0);
	/* Its ACK moves: a PING, and the GAP that it brings. */
	flush(p.b, p.a);
	assert_true(session_channel_events(p.a) & SESSION_CHANNEL_OUTPUT);
	assert_int_equal(flush(p.a, p.b), 1);
	assert_int_equal(session_channel_ack_now(p.b), 0);
	flush(p.b, p.a);
	assert_true(session_channel_events(p.a) & SESSION_CHANNEL_OUTPUT);
	assert_int_equal(deliver(p.a, p.b), N_OF(f));
	for (size_t n = 0; n < N_OF(f); n++)
		take(p.b, n, 10);
	assert_empty(p.b);
	/* An ACK that moves later is just that. */
	acknowledge(p.b, p.a);
	assert_null(session_channel_take(p.a));
	assert_false(session_channel_probe_due(p.a));
	for (size_t n = 0; n < N_OF(f); n++)
		session_frame_free(f[n]);
	pair_free(&p);
}

/* Message ${n} of 5000 bytes, in a record that is lost. */
static void lose_long(struct session_channel *c, size_t n)
{
	put(c, NULL, n, 5000);
	assert_int_equal(session_channel_flush(c), 0);
	session_frame_free(session_channel_take(c));
	assert_null(session_channel_take(c));
}

static size_t probe_len(struct session_channel *c)
{
	struct session_frame *f = session_channel_probe(c);
	const size_t len = f ? f->len : 0;

	session_frame_free(f);
	return len;
}

static void long_record_is_not_sent_again_to_one_who_is_only_slow(void **state)
{
	struct session_frame *probe;
	struct pair p;
	uint64_t resent;

	(void)state;
	pair_init(&p, &usual);
	acknowledge(p.b, p.a);
	put(p.a, p.b, 0, 5000);
	put(p.a, p.b, 1, 5000);
	flush(p.a, p.b);
	/* It has all, and has not said so. */
	probe = session_channel_probe(p.a);
	assert_non_null(probe);
	assert_in_range(probe->len, 1, 64);
	assert_int_equal(session_channel_receive(p.b, frame_copy(probe)), 0);
	session_frame_free(probe);
	resent = session_channel_stats(p.a)->records_resent;
	acknowledge(p.b, p.a);
	flush(p.a, p.b);
	acknowledge(p.b, p.a);
	assert_false(session_channel_probe_due(p.a));
	assert_null(session_channel_take(p.a));
	assert_true(session_channel_stats(p.a)->records_resent == resent);
	take(p.b, 0, 5000);
	take(p.b, 1, 5000);
	assert_empty(p.b);
	pair_free(&p);
}

static void long_record_that_was_lost_is_found_by_a_ping(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, &usual);
	acknowledge(p.b, p.a);
	lose_long(p.a, 0);
	lose_long(p.a, 1);
	assert_int_equal(
	    session_channel_receive(p.b, session_channel_probe(p.a)), 0);
	assert_int_equal(session_channel_ack_now(p.b), 0);
	flush(p.b, p.a);
	assert_true(session_channel_events(p.a) & SESSION_CHANNEL_OUTPUT);
	assert_int_equal(deliver(p.a, p.b), 3);
	take(p.b, 0, 5000);
	take(p.b, 1, 5000);
	assert_empty(p.b);
	pair_free(&p);
}

static void long_record_goes_again_after_five_pings_or_when_asked_for(
    void **state)
{
	struct session_frame *f;
	struct pair p;

	(void)state;
	pair_init(&p, &usual);
	acknowledge(p.b, p.a);
	lose_long(p.a, 0);
	for (int n = 0; n < 5; n++)
		assert_in_range(probe_len(p.a), 1, 64);
	assert_in_range(probe_len(p.a), 5001, 5100);
	assert_in_range(probe_len(p.a), 5001, 5100);
	pair_free(&p);

	pair_init(&p, &usual);
	acknowledge(p.b, p.a);
	lose_long(p.a, 0);
	put(p.a, p.b, 1, 10);
	flush(p.a, p.b);
	assert_int_equal(session_channel_ack_now(p.b), 0);
	flush(p.b, p.a);
	/* What goes upon the GAP is lost again: no PING brings another. */
	while ((f = session_channel_take(p.a)))
		session_frame_free(f);
	assert_in_range(probe_len(p.a), 5001, 5100);
	pair_free(&p);
}

static void acks_alone_are_not_probed(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, &usual);
	acknowledge(p.b, p.a);
	/* Neither calls for an ACK, or the two would never come to rest. */
	acknowledge(p.a, p.b);
	assert_false(session_channel_probe_due(p.a));
	assert_false(session_channel_ack_owed(p.b));
	assert_int_equal(
	    session_channel_control(p.a, SESSION_ITEM_PADDING, "xyz", 3), 0);
	flush(p.a, p.b);
	assert_false(session_channel_ack_owed(p.b));
	assert_int_equal(
	    session_channel_control(p.a, SESSION_ITEM_PING, "xyz", 3), 0);
	flush(p.a, p.b);
	assert_true(session_channel_probe_due(p.a));
	assert_true(session_channel_ack_owed(p.b));
	pair_free(&p);
}

/* PROTOCOL 5.6, the `next` of a resume. */
static void next_of_a_resume_is_checked_against_what_was_sent(void **state)
{
	struct session_frame *f;
	struct pair p;
	uint64_t expected;

	(void)state;
	pair_init(&p, &usual);
	put(p.a, p.b, 1, 100);
	flush(p.a, p.b);
	expected = session_channel_expected(p.b);
	assert_int_equal(session_channel_resend(p.a, expected + 1),
			 PARLEY_ERR_SEQUENCE);

	/* Behind what was acknowledged: an ACK has overtaken it. */
	acknowledge(p.b, p.a);
	assert_int_equal(session_channel_resend(p.a, 0), 0);
	while ((f = session_channel_take(p.a)))
		assert_int_equal(session_channel_receive(p.b, f), 0);
	assert_int_equal(session_channel_expected(p.b), expected);
	put(p.a, p.b, 2, 100);
	flush(p.a, p.b);
	take(p.b, 1, 100);
	take(p.b, 2, 100);
	pair_free(&p);
}

static void records_kept_are_bounded(void **state)
{
	struct session_outgoing m = {.p = (const uint8_t *)"x", .len = 1};
	struct session_frame *f;
	struct pair p;
	size_t n = 0;

	(void)state;
	pair_init(&p, &usual);
	while (session_channel_may_put(p.a)) {
		m.done = 0;
		assert_int_equal(session_channel_put(p.a, &m),
				 SESSION_PUT_DONE);
		assert_int_equal(session_channel_flush(p.a), 0);
		f = session_channel_take(p.a);
		/* What was received is not kept for the record's size. */
		assert_int_equal(session_channel_receive(p.b, frame_copy(f)),
				 0);
		session_frame_free(f);
		n++;
	}
	assert_true(n <= SESSION_KEPT_MAX);
	assert_true(n >= SESSION_KEPT_MAX - 1);
	m.done = 0;
	assert_int_equal(session_channel_put(p.a, &m), SESSION_PUT_BLOCKED);
	acknowledge(p.b, p.a);
	assert_true(session_channel_may_put(p.a));
	pair_free(&p);
}

static void who_acknowledges_little_is_not_pinged_without_end(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, &usual);
	acknowledge(p.b, p.a);
	lose_long(p.a, 0);
	while (session_channel_may_put(p.a))
		session_frame_free(sealed(p.a, 1));
	assert_in_range(probe_len(p.a), 5001, 5100);
	pair_free(&p);
}

static void who_pings_without_acknowledging_gets_no_more_pongs(void **state)
{
	struct session_frame *f;
	struct peer p;
	size_t n = 0;

	(void)state;
	peer_start(&p, &usual);
	for (size_t i = 0; i < SESSION_KEPT_MAX + 100; i++) {
		assert_int_equal(peer_text(&p, "\x0d\x01p"), 0);
		assert_int_equal(session_channel_flush(p.c), 0);
		while ((f = session_channel_take(p.c))) {
			session_frame_free(f);
			n++;
		}
	}
	/* 64 KiB of them. */
	assert_true(n >= 1000);
	assert_true(n <= SESSION_KEPT_MAX / 3 + 1);
	peer_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_that_are_none_are_dropped),
	    cmocka_unit_test(repeated_record_calls_for_an_ack),
	    cmocka_unit_test(missing_record_is_asked_for_once),
	    cmocka_unit_test(altered_record_is_dropped_and_asked_for),
	    cmocka_unit_test(altered_part_leaves_the_message_whole),
	    cmocka_unit_test(large_and_short_messages_share_a_record),
	    cmocka_unit_test(short_message_is_put_like_any_other),
	    cmocka_unit_test(probe_is_the_oldest_and_brings_the_others),
	    cmocka_unit_test(
		long_record_is_not_sent_again_to_one_who_is_only_slow),
	    cmocka_unit_test(long_record_that_was_lost_is_found_by_a_ping),
	    cmocka_unit_test(
		long_record_goes_again_after_five_pings_or_when_asked_for),
	    cmocka_unit_test(acks_alone_are_not_probed),
	    cmocka_unit_test(next_of_a_resume_is_checked_against_what_was_sent),
	    cmocka_unit_test(records_kept_are_bounded),
	    cmocka_unit_test(who_acknowledges_little_is_not_pinged_without_end),
	    cmocka_unit_test(
		who_pings_without_acknowledging_gets_no_more_pongs),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
