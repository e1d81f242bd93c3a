/*
 * What a member of the agreement that lies can make the others keep: memory is
 * bounded by what they chose, whatever it sends and never acknowledges.
 *
 * `struct liar` is an end that is no channel: it knows the keys and seals
 * whatever items it likes.
 */
#include <sodium.h>

#include "session/channel.h"
#include "tests/memory.h"
#include "tests/test-session-vector.h"

enum {
	WINDOW = 64 * 1024,
	MIB = 1024 * 1024,
};

static const struct session_traffic traffic = {
    .secret = {{1, 2, 3}, {4, 5, 6}},
};

static const struct session_channel_options options = {
    .window = WINDOW,
    .message_max = MIB,
    .record_max = SESSION_RECORD_LEN_DEFAULT,
};

struct liar {
	struct session_channel *c; /* of the one who is lied to */
	struct session_record seal;
	size_t used; /* bytes allocated when it began */
};

static void assert_grown_less(const struct liar *l, size_t max)
{
	const size_t now = memory_used(),
		     grown = now > l->used ? now - l->used : 0;

	print_message("%zu bytes more\n", grown);
	assert_true(grown < max);
}

static struct session_frame *seal(struct liar *l, const void *items, size_t len)
{
	struct session_frame *f =
	    session_frame_new(len + SESSION_RECORD_OVERHEAD);

	assert_non_null(f);
	memcpy(f->data + SESSION_RECORD_HEADER_LEN, items, len);
	assert_int_equal(session_record_seal(&l->seal, f->data, len), 0);
	return f;
}

/* As a session does after each record; what goes out arrives nowhere. */
static void give(struct liar *l, struct session_frame *f)
{
	struct session_frame *out;

	assert_int_equal(session_channel_receive(l->c, f), 0);
	(void)session_channel_events(l->c);
	if (session_channel_ack_due(l->c))
		assert_int_equal(session_channel_ack_now(l->c), 0);
	assert_int_equal(session_channel_flush(l->c), 0);
	while ((out = session_channel_take(l->c)))
		session_frame_free(out);
}

static void send_items(struct liar *l, const void *items, size_t len)
{
	give(l, seal(l, items, len));
}

/* ${first}: the first record, an ACK with the limit. */
static void liar_init(struct liar *l, const char *first, size_t len)
{
	memset(l, 0, sizeof(*l));
	assert_int_equal(session_channel_new(&l->c, SESSION_SUITE_CHACHA20,
					     SESSION_RESPONDER, &traffic,
					     &options),
			 0);
	assert_int_equal(session_record_init(&l->seal, SESSION_SUITE_CHACHA20,
					     traffic.secret[SESSION_INITIATOR],
					     true, NULL),
			 0);
	send_items(l, first, len);
	l->used = memory_used();
}

#define START(l) liar_init(l, "\x07\x04\x00\x80\x80\x04", 6)
#define NO_LIMIT(l) \
	liar_init(l, "\x07\x09\x00\x80\x80\x80\x80\x80\x80\x80\x40", 11)

static void liar_free(struct liar *l)
{
	session_channel_free(l->c);
	session_record_wipe(&l->seal);
}

/* The window is full of empty messages: a byte of it for each. */
static void tiny_messages_cost_little_more_than_the_window(void **state)
{
	const void *msg;
	struct liar l;
	size_t len, n = 0;

	(void)state;
	START(&l);
	while (n < WINDOW) {
		send_items(&l, "", 1);
		n++;
	}
	assert_grown_less(&l, 2 * MIB);
	while (session_channel_next(l.c, &msg, &len)) {
		assert_int_equal(len, 0);
		n--;
	}
	assert_int_equal(n, 0);
	liar_free(&l);
}

/* PADDING does not count, and makes records of any size. */
static void padding_is_not_kept_with_the_message_behind_it(void **state)
{
	enum { PADDING = 960 };
	uint8_t items[3 + PADDING + 2] = {1, 0x80 | (PADDING & 0x7f),
					  PADDING >> 7};
	const void *msg;
	struct liar l;
	size_t len, n = 0;

	(void)state;
	START(&l);
	items[3 + PADDING] = 1 << 1;
	for (; n < WINDOW / 2; n++) {
		items[3 + PADDING + 1] = (uint8_t)n;
		send_items(&l, items, sizeof(items));
	}
	assert_grown_less(&l, 2 * MIB);
	for (size_t i = 0; i < n; i++) {
		assert_true(session_channel_next(l.c, &msg, &len));
		assert_int_equal(len, 1);
		assert_int_equal(*(const uint8_t *)msg, (uint8_t)i);
	}
	assert_false(session_channel_next(l.c, &msg, &len));
	liar_free(&l);
}

/* FIRST and NEXT of messages that would fit into a record, in turn with
 * others. */
static void tiny_messages_in_parts_are_no_dearer(void **state)
{
	static const uint8_t items[] = {
	    1 << 1,	'a',	       /* a message of one byte */
	    1 << 1 | 1, 2,   2,	  'b', /* FIRST of one of two, */
	    2 << 1 | 1, 1,   'c',      /* NEXT */
	};
	const void *msg;
	struct liar l;
	size_t len, n = 0;

	(void)state;
	START(&l);
	for (; n < WINDOW / sizeof(items); n++)
		send_items(&l, items, sizeof(items));
	assert_grown_less(&l, 2 * MIB);
	for (; n > 0; n--) {
		assert_true(session_channel_next(l.c, &msg, &len));
		assert_int_equal(len, 1);
		assert_memory_equal(msg, "a", 1);
		assert_true(session_channel_next(l.c, &msg, &len));
		assert_int_equal(len, 2);
		assert_memory_equal(msg, "bc", 2);
	}
	assert_false(session_channel_next(l.c, &msg, &len));
	/* All of it was given back: the next quarter makes an ACK due. */
	assert_true(session_channel_ack_due(l.c));
	liar_free(&l);
}

/* A message handed out stays where it is while others come. */
static void a_message_taken_outlives_those_behind_it(void **state)
{
	uint8_t two[] = {2 << 1, 'a', 'b', 2 << 1, 'c', 'd'};
	const void *msg;
	struct liar l;
	size_t len;

	(void)state;
	START(&l);
	send_items(&l, two, sizeof(two));
	assert_true(session_channel_next(l.c, &msg, &len));
	for (int i = 0; i < 1000; i++)
		send_items(&l, two, sizeof(two));
	assert_memory_equal(msg, "ab", 2);
	for (int i = 0; i < 1000; i++) {
		assert_true(session_channel_next(l.c, &msg, &len));
		assert_memory_equal(msg, "cd", 2);
		assert_true(session_channel_next(l.c, &msg, &len));
		assert_memory_equal(msg, "ab", 2);
	}
	liar_free(&l);
}

static void answers_to_pings_that_nobody_takes_are_few(void **state)
{
	enum { N = 4096, ITEM = 2 + SESSION_PING_LEN_MAX };
	uint8_t *items = calloc(N, ITEM);
	struct liar l;

	(void)state;
	assert_non_null(items);
	for (size_t i = 0; i < N; i++) {
		items[i * ITEM] = SESSION_ITEM_PING << 1 | 1;
		items[i * ITEM + 1] = SESSION_PING_LEN_MAX;
	}
	START(&l);
	for (int i = 0; i < 256; i++)
		send_items(&l, items, N * ITEM);
	assert_grown_less(&l, 2 * MIB);
	liar_free(&l);
	free(items);
}

static void the_same_gap_is_answered_few_times(void **state)
{
	enum { MESSAGES = 100, GAPS = 1000 };
	struct liar l;

	(void)state;
	START(&l);
	for (int i = 0; i < MESSAGES; i++) {
		struct session_outgoing m = {.p = (const uint8_t *)"x",
					     .len = 1};

		assert_int_equal(session_channel_put(l.c, &m),
				 SESSION_PUT_DONE);
		assert_int_equal(session_channel_flush(l.c), 0);
	}
	for (int i = 0; i < GAPS; i++)
		send_items(&l, "\x15\x04\x00\x80\x80\x04", 6);
	assert_true(session_channel_stats(l.c)->records_resent >= MESSAGES);
	assert_true(session_channel_stats(l.c)->records_resent <=
		    10 * (MESSAGES + GAPS / SESSION_ACK_RECORDS + 2));
	/* One that moves is a new one. */
	send_items(&l, "\x15\x04\x01\x80\x80\x04", 6);
	assert_true(session_channel_stats(l.c)->records_resent >=
		    8 * MESSAGES + MESSAGES);
	liar_free(&l);
}

/* Each pair in the wrong order makes a GAP due, which is kept like all. */
static void acknowledgements_that_nobody_takes_are_bounded(void **state)
{
	struct session_frame *f;
	struct liar l;

	(void)state;
	START(&l);
	for (int i = 0; i < 3 * SESSION_KEPT_MAX; i++) {
		f = seal(&l, "", 0);
		give(&l, seal(&l, "", 0));
		give(&l, f);
	}
	assert_true(session_channel_kept(l.c) <= 2 * SESSION_KEPT_MAX);
	assert_grown_less(&l, 32 * MIB);
	liar_free(&l);
}

/* Who allows any number of bytes and takes none of them gets not many. */
static void an_endless_limit_does_not_fill_the_sender(void **state)
{
	uint8_t *bytes = calloc(1, MIB);
	struct session_frame *f;
	int step = SESSION_PUT_DONE;
	struct liar l;

	(void)state;
	assert_non_null(bytes);
	NO_LIMIT(&l);
	for (int i = 0; i < 128 && step != SESSION_PUT_BLOCKED; i++) {
		struct session_outgoing m = {.p = bytes, .len = MIB};

		while ((step = session_channel_put(l.c, &m)) ==
		       SESSION_PUT_FULL)
			while ((f = session_channel_take(l.c)))
				session_frame_free(f);
		assert_true(step >= 0);
	}
	assert_int_equal(step, SESSION_PUT_BLOCKED);
	assert_false(session_channel_may_put(l.c));
	assert_grown_less(&l, 80 * MIB);
	liar_free(&l);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tiny_messages_cost_little_more_than_the_window),
	    cmocka_unit_test(padding_is_not_kept_with_the_message_behind_it),
	    cmocka_unit_test(tiny_messages_in_parts_are_no_dearer),
	    cmocka_unit_test(a_message_taken_outlives_those_behind_it),
	    cmocka_unit_test(answers_to_pings_that_nobody_takes_are_few),
	    cmocka_unit_test(the_same_gap_is_answered_few_times),
	    cmocka_unit_test(acknowledgements_that_nobody_takes_are_bounded),
	    cmocka_unit_test(an_endless_limit_does_not_fill_the_sender),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
