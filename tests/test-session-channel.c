/*
 * Channels: messages through two of them, and how many may be under way.
 */
#include "tests/channel.h"

#include <time.h>

#include <sodium.h>

/*
 * Messages
 */

static void round_trip(struct pair *p, size_t n, size_t len)
{
	put(p->a, p->b, n, len);
	flush(p->a, p->b);
	take(p->b, n, len);
	assert_empty(p->b);
}

static void every_size_round_trips_with_small_records(void **state)
{
	struct pair p;

	(void)state;
	for (uint8_t suite = 1; suite <= 2; suite++) {
		pair_init_with(&p, suite, &small, &small);
		for (size_t len = 0; len <= 4200; len++) {
			round_trip(&p, len, len);
			if (session_channel_ack_due(p.b))
				acknowledge(p.b, p.a);
		}
		pair_free(&p);
	}
}

static void sizes_around_every_boundary_round_trip(void **state)
{
	/* Length of varints; records of 65516 bytes of items; parts of 65502;
	 * the largest. */
	static const size_t around[] = {
	    0,	    64,	    8192,      65516 - 16384, 65516,  2 * 65502,
	    131072, 131032, 3 * 65502, 196548,	      199980,
	};
	struct pair p;
	size_t n = 0;

	(void)state;
	pair_init(&p, &usual);
	for (size_t i = 0; i < N_OF(around); i++)
		for (size_t d = 0; d <= 40; d++) {
			size_t len = around[i] + d;

			if (len < 20)
				continue;
			round_trip(&p, n++, len - 20);
			if (session_channel_ack_due(p.b))
				acknowledge(p.b, p.a);
		}
	round_trip(&p, n++, 200000);
	print_message("%zu messages up to 200000 bytes\n", n);
	pair_free(&p);
}

static void large_message_may_begin_behind_any_fill(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, &small);
	for (size_t fill = 0; fill <= 1010; fill++) {
		put(p.a, p.b, fill, fill);
		put(p.a, p.b, 1, 1001);
		put(p.a, p.b, 2, 2500);
		put(p.a, p.b, 3, 3);
		flush(p.a, p.b);
		take(p.b, fill, fill);
		take(p.b, 1, 1001);
		take(p.b, 2, 2500);
		take(p.b, 3, 3);
		assert_empty(p.b);
		acknowledge(p.b, p.a);
	}
	pair_free(&p);
}

static void ten_thousand_small_messages_make_few_records(void **state)
{
	const struct session_channel_stats *stats;
	struct pair p;
	size_t records = 0;

	(void)state;
	pair_init(&p, &usual);
	for (size_t n = 0; n < 10000; n++)
		put(p.a, p.b, n, 32);
	records = flush(p.a, p.b);
	stats = session_channel_stats(p.b);
	assert_int_equal(stats->messages_received, 10000);
	assert_int_equal(stats->bytes_received, 320000);
	assert_true(stats->records_received <= 200);
	assert_true(stats->records_received ==
		    session_channel_stats(p.a)->records_sent);
	print_message("10000 messages in %u records\n",
		      (unsigned)stats->records_received - 1);
	assert_true(records >= 1);
	for (size_t n = 0; n < 10000; n++)
		take(p.b, n, 32);
	assert_empty(p.b);
	pair_free(&p);
}

static void message_stays_until_the_next_call(void **state)
{
	const void *first, *second;
	size_t len;
	struct pair p;

	(void)state;
	pair_init(&p, &usual);
	put(p.a, p.b, 1, 100);
	put(p.a, p.b, 2, 100000); /* in parts */
	put(p.a, p.b, 3, 100);
	flush(p.a, p.b);
	assert_true(session_channel_next(p.b, &first, &len));
	/* More arrives meanwhile. */
	put(p.a, p.b, 4, 100000);
	flush(p.a, p.b);
	assert_message(first, len, 1, 100);
	assert_true(session_channel_next(p.b, &second, &len));
	assert_message(second, len, 2, 100000);
	session_channel_release(p.b);
	session_channel_release(p.b);
	take(p.b, 3, 100);
	take(p.b, 4, 100000);
	assert_empty(p.b);
	/* Freed with messages in it, taken, waiting and half put. */
	put(p.a, p.b, 5, 10);
	put(p.a, p.b, 6, 70000);
	put(p.a, p.b, 7, 10);
	flush(p.a, p.b);
	take(p.b, 5, 10);
	put(p.b, p.a, 8, 10);
	pair_free(&p);
}

static void statistics_count_messages_records_and_bytes(void **state)
{
	const struct session_channel_stats *a, *b;
	struct pair p;

	(void)state;
	pair_init(&p, &usual);
	a = session_channel_stats(p.a);
	b = session_channel_stats(p.b);
	assert_int_equal(session_channel_open_len(p.a), 0);
	put(p.a, p.b, 1, 10);
	assert_int_equal(session_channel_open_len(p.a), 11);
	put(p.a, p.b, 2, 0);
	put(p.a, p.b, 3, 200000);
	flush(p.a, p.b);
	assert_int_equal(session_channel_open_len(p.a), 0);
	assert_int_equal(a->messages_sent, 3);
	assert_int_equal(b->messages_received, 3);
	assert_int_equal(a->bytes_sent, 200010);
	assert_int_equal(b->bytes_received, 200010);
	assert_true(a->records_sent == b->records_received);
	assert_true(a->wire_bytes_sent == b->wire_bytes_received);
	assert_true(a->wire_bytes_sent > 200010);
	assert_true(a->wire_bytes_sent < 200010 + 50 * a->records_sent);
	pair_free(&p);
}

static void both_directions_are_independent(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, &small);
	for (size_t n = 0; n < 300; n++) {
		put(p.a, p.b, n, n);
		put(p.b, p.a, n + 1, n + 1);
		flush(p.a, p.b);
		flush(p.b, p.a);
		take(p.b, n, n);
		take(p.a, n + 1, n + 1);
	}
	pair_free(&p);
}

static void ratchet_turns_under_load(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, &usual);
	for (size_t n = 0; n < 10000; n++) {
		put(p.a, p.b, n, n % 50);
		assert_int_equal(flush(p.a, p.b), 1);
		take(p.b, n, n % 50);
	}
	/* Two in each direction of 10001 records, none in the other. */
	assert_int_equal(session_channel_ratchets(p.a), 2);
	assert_int_equal(session_channel_ratchets(p.b), 2);
	assert_int_equal(session_channel_stats(p.a)->records_sent, 10001);
	pair_free(&p);
}

/*
 * Flow control
 */

static void sender_stops_at_the_limit_and_goes_on(void **state)
{
	uint8_t bytes[1000] = {0};
	struct session_outgoing m;
	const void *msg;
	struct pair p;
	size_t len, sent = 0, taken = 0;
	int step;

	(void)state;
	pair_init(&p, &small);
	/* 1002 bytes of items each; the last begins below 65536. */
	for (;;) {
		m = (struct session_outgoing){.p = bytes, .len = 1000};
		while ((step = session_channel_put(p.a, &m)) ==
		       SESSION_PUT_FULL)
			deliver(p.a, p.b);
		if (step == SESSION_PUT_BLOCKED)
			break;
		assert_int_equal(step, SESSION_PUT_DONE);
		sent++;
	}
	assert_int_equal(sent, 65536 / 1002 + 1);
	assert_int_equal(m.done, 0);
	assert_false(session_channel_may_put(p.a));
	flush(p.a, p.b);

	/* Control items are not held back. */
	assert_int_equal(
	    session_channel_control(p.a, SESSION_ITEM_PING, "x", 1), 0);
	flush(p.a, p.b);
	assert_true(session_channel_events(p.b) & SESSION_CHANNEL_OUTPUT);

	/* An ACK without room changes nothing; a quarter freed is enough. */
	acknowledge(p.b, p.a);
	assert_int_equal(session_channel_put(p.a, &m), SESSION_PUT_BLOCKED);
	while (!session_channel_ack_due(p.b)) {
		assert_true(session_channel_next(p.b, &msg, &len));
		taken++;
	}
	assert_int_equal(taken, 16384 / 1002 + 1);
	acknowledge(p.b, p.a);
	assert_false(session_channel_ack_due(p.b));
	while ((step = session_channel_put(p.a, &m)) == SESSION_PUT_FULL)
		deliver(p.a, p.b);
	assert_int_equal(step, SESSION_PUT_DONE);
	pair_free(&p);
}

static void message_larger_than_the_window_goes_through(void **state)
{
	uint8_t *bytes = make_message(7, 1 << 20);
	struct session_outgoing m = {.p = bytes, .len = 1 << 20};
	struct pair p;
	size_t blocked = 0;
	int step;

	(void)state;
	pair_init(&p, &small);
	while ((step = session_channel_put(p.a, &m)) != SESSION_PUT_DONE) {
		assert_true(step >= 0);
		deliver(p.a, p.b);
		if (step == SESSION_PUT_BLOCKED) {
			flush(p.a, p.b);
			blocked++;
			assert_true(session_channel_ack_due(p.b));
			acknowledge(p.b, p.a);
		}
	}
	flush(p.a, p.b);
	take(p.b, 7, 1 << 20);
	assert_true(blocked >= 15);
	free(bytes);
	pair_free(&p);
}

/* Item of a message of ${len} zeroes, below 8192; its length. */
static size_t message_item(uint8_t *p, size_t len)
{
	size_t n = 0;

	if (len >= 64) {
		p[n++] = (uint8_t)(len << 1 | 0x80);
		p[n++] = (uint8_t)(len >> 6);
	} else {
		p[n++] = (uint8_t)(len << 1);
	}
	memset(p + n, 0, len);
	return n + len;
}

static void more_than_the_limit_is_refused(void **state)
{
	uint8_t items[9000];
	struct peer p;
	size_t len;

	(void)state;
	/* Up to one below the limit: one more message may begin. */
	for (size_t over = 0; over < 2; over++) {
		peer_start(&p, &small);
		for (size_t sent = 0; sent < 65536 - 1024; sent += 1024) {
			len = message_item(items, 1022);
			assert_int_equal(len, 1024);
			assert_int_equal(peer_send(&p, items, len), 0);
		}
		len = message_item(items, over ? 1022 : 1021);
		assert_int_equal(peer_send(&p, items, len), 0);
		len = message_item(items, 5000);
		assert_error(peer_send(&p, items, len),
			     over ? PARLEY_ERR_RECORD : 0, "over the limit");
		peer_free(&p);
	}

	/* The same for parts, though they make room for themselves. */
	peer_start(&p, &small);
	for (size_t sent = 0; sent < 65536; sent += 1024) {
		len = message_item(items, 1022);
		assert_int_equal(peer_send(&p, items, len), 0);
	}
	assert_error(peer_text(&p, "\x03\x02\x05x"), PARLEY_ERR_RECORD,
		     "FIRST over the limit");
	peer_free(&p);

	/* An empty message takes a byte. */
	peer_start(&p, &small);
	memset(items, 0, 8192);
	for (size_t sent = 0; sent < 65536; sent += 8192)
		assert_int_equal(peer_send(&p, items, 8192), 0);
	assert_error(peer_send(&p, items, 1), PARLEY_ERR_RECORD, "empty");
	peer_free(&p);
}

static void granted_room_is_not_granted_again(void **state)
{
	uint8_t items[4096];
	const void *msg;
	struct peer p;
	size_t len;

	(void)state;
	peer_start(&p, &small);
	assert_true(acked_limit(&p) == 65536);
	len = message_item(items, 1022);
	for (int i = 0; i < 40; i++)
		assert_int_equal(peer_send(&p, items, len), 0);
	/* The program has taken two. */
	assert_true(session_channel_next(p.c, &msg, &len));
	assert_true(session_channel_next(p.c, &msg, &len));
	assert_true(acked_limit(&p) == 65536 + 2 * 1024);
	/* All 40 are granted, whether taken or not. */
	session_channel_grant(p.c);
	assert_true(session_channel_ack_due(p.c));
	assert_true(acked_limit(&p) == 65536 + 40 * 1024);
	assert_false(session_channel_ack_due(p.c));
	for (int i = 0; i < 38; i++)
		assert_true(session_channel_next(p.c, &msg, &len));
	assert_empty(p.c);
	assert_false(session_channel_ack_due(p.c));
	assert_true(acked_limit(&p) == 65536 + 40 * 1024);
	/* From here on it counts again. */
	len = message_item(items, 1022);
	assert_int_equal(peer_send(&p, items, len), 0);
	assert_true(acked_limit(&p) == 65536 + 40 * 1024);
	assert_true(session_channel_next(p.c, &msg, &len));
	assert_true(acked_limit(&p) == 65536 + 41 * 1024);
	peer_free(&p);
}

/* FIRST of a message of 40000 bytes (of a window of 65536: great) with ${len}
 * bytes of it, or NEXT, which has 2 bytes less; the items' length. */
static size_t part_item(uint8_t *p, bool first, size_t len)
{
	size_t body = len + (first ? 3 : 0), n = 0;

	p[n++] = first ? 0x03 : 0x05;
	p[n++] = (uint8_t)(body | 0x80);
	p[n++] = (uint8_t)(body >> 7);
	if (first) {
		memcpy(p + n, "\xc0\xb8\x02", 3); /* 40000 */
		n += 3;
	}
	memset(p + n, 0, len);
	return n + len;
}

/* A great message in parts of 4000 bytes; the bytes of its items. */
static size_t peer_great(struct peer *p)
{
	uint8_t items[4100];
	size_t total = 0;

	for (int i = 0; i < 10; i++) {
		size_t len = part_item(items, i == 0, 4000);

		assert_int_equal(peer_send(p, items, len), 0);
		total += len;
	}
	return total;
}

static void small_message_in_parts_makes_room_when_it_is_taken(void **state)
{
	const void *msg;
	struct peer p;
	size_t len;

	(void)state;
	peer_start(&p, &small);
	/* 5 + 4 bytes of items. */
	assert_int_equal(peer_text(&p, "\x03\x03\x05xy"), 0);
	assert_true(acked_limit(&p) == 65536);
	assert_int_equal(peer_text(&p, "\x05\x03zab"), 0);
	assert_true(acked_limit(&p) == 65536);
	assert_true(session_channel_next(p.c, &msg, &len));
	assert_int_equal(len, 5);
	assert_true(acked_limit(&p) == 65536 + 10);
	peer_free(&p);
}

static void great_message_makes_room_as_it_comes(void **state)
{
	uint8_t items[4100];
	struct peer p;
	size_t len, total;

	(void)state;
	peer_start(&p, &small);
	len = part_item(items, true, 4000);
	assert_int_equal(peer_send(&p, items, len), 0);
	total = len;
	assert_true(acked_limit(&p) == 65536 + total);
	for (int i = 1; i < 10; i++) {
		len = part_item(items, false, 4000);
		assert_int_equal(peer_send(&p, items, len), 0);
		total += len;
		assert_true(acked_limit(&p) >= 65536 + total - len);
	}
	assert_true(session_channel_pending(p.c));
	peer_free(&p);
}

static void great_messages_make_room_one_at_a_time(void **state)
{
	uint64_t limit, after;
	uint8_t items[4100];
	const void *msg;
	size_t len, one;
	struct peer p;

	(void)state;
	peer_start(&p, &small);
	one = peer_great(&p);
	limit = acked_limit(&p);
	assert_true(limit >= 65536 + one - 4003);
	assert_true(limit <= 65536 + one);
	/* The second one counts as long as the first is not taken: the sender
	 * cannot fill this memory. */
	(void)peer_great(&p);
	assert_true(acked_limit(&p) == limit);
	len = part_item(items, true, 4000);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(peer_send(&p, items, len), 0);
		len = part_item(items, false, 4000);
	}
	assert_true(acked_limit(&p) == limit);
	/* Each that is taken makes way. */
	assert_true(session_channel_next(p.c, &msg, &len));
	assert_int_equal(len, 40000);
	after = acked_limit(&p);
	assert_true(session_channel_next(p.c, &msg, &len));
	assert_int_equal(len, 40000);
	assert_true(acked_limit(&p) > after);
	assert_true(acked_limit(&p) > limit + one);
	peer_free(&p);
}

static void unacknowledged_records_are_counted(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, &usual);
	acknowledge(p.b, p.a);
	assert_int_equal(session_channel_unacked(p.a), 0);
	put(p.a, p.b, 1, 10);
	assert_int_equal(session_channel_unacked(p.a), 1);
	flush(p.a, p.b);
	assert_int_equal(session_channel_unacked(p.a), 1);
	put(p.a, p.b, 2, 10);
	flush(p.a, p.b);
	put(p.a, p.b, 3, 10);
	assert_int_equal(session_channel_unacked(p.a), 3);
	acknowledge(p.b, p.a);
	assert_int_equal(session_channel_unacked(p.a), 1);
	flush(p.a, p.b);
	acknowledge(p.b, p.a);
	assert_int_equal(session_channel_unacked(p.a), 0);
	assert_true(session_channel_events(p.a) & SESSION_CHANNEL_ACK);
	/* Control items alone are nothing that could be lost. */
	assert_int_equal(
	    session_channel_control(p.a, SESSION_ITEM_PING, NULL, 0), 0);
	flush(p.a, p.b);
	assert_int_equal(session_channel_unacked(p.a), 0);
	pair_free(&p);
}

/*
 * Differential: a queue of lengths is the model.
 */

enum { QUEUE = 4096 };

struct model {
	struct session_channel *from, *to;
	size_t len[QUEUE];
	size_t put, taken; /* numbers of messages */
	uint8_t *bytes;	   /* being put, or NULL */
	struct session_outgoing m;
};

static size_t random_len(uint64_t r)
{
	static const size_t upto[] = {10, 70, 1100, 9000, 70000};

	return (size_t)(r >> 8) % upto[r % N_OF(upto)];
}

static void model_put(struct model *d, uint64_t r)
{
	int step;

	if (!d->bytes && d->put - d->taken == QUEUE)
		return;
	if (!d->bytes) {
		size_t len = random_len(r);

		d->len[d->put % QUEUE] = len;
		d->bytes = make_message(d->put, len);
		d->m = (struct session_outgoing){.p = d->bytes, .len = len};
	}
	step = session_channel_put(d->from, &d->m);
	assert_true(step >= 0);
	if (step == SESSION_PUT_DONE) {
		free(d->bytes);
		d->bytes = NULL;
		d->put++;
	}
}

static void model_take(struct model *d)
{
	if (!session_channel_pending(d->to))
		return;
	take(d->to, d->taken, d->len[d->taken % QUEUE]);
	d->taken++;
	assert_true(d->taken <= d->put);
	if (session_channel_ack_due(d->to))
		assert_int_equal(session_channel_ack(d->to), 0);
}

static uint64_t next_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static void random_traffic_arrives_as_it_was_sent(void **state)
{
	uint64_t seed = (uint64_t)time(NULL) * 0x9e3779b97f4a7c15 | 1, r;
	const char *again = getenv("PARLEY_SEED");
	struct session_channel_options oa = small, ob = usual;
	struct session_frame *wire[2][64], *f;
	size_t n_wire[2] = {0};
	struct model d[2] = {0};
	struct pair p;

	(void)state;
	if (again)
		seed = strtoull(again, NULL, 10);
	print_message("seed %llu (PARLEY_SEED)\n", (unsigned long long)seed);
	ob.window = 100000;
	ob.record_max = 5000;
	pair_init_with(&p, SESSION_SUITE_CHACHA20, &oa, &ob);
	d[0].from = d[1].to = p.a;
	d[0].to = d[1].from = p.b;
	for (int n = 0; n < 60000; n++) {
		int i = (r = next_random(&seed)) & 1;

		switch (r >> 1 & 7) {
		case 0:
		case 1:
		case 2:
			model_put(&d[i], r >> 4);
			break;
		case 3:
			assert_int_equal(session_channel_flush(d[i].from), 0);
			break;
		case 4: /* onto the wire */
			while (n_wire[i] < N_OF(wire[i]) &&
			       (f = session_channel_take(d[i].from)))
				wire[i][n_wire[i]++] = f;
			break;
		case 5: /* off the wire, in order */
			if (n_wire[i] == 0)
				break;
			assert_int_equal(
			    session_channel_receive(d[i].to, wire[i][0]), 0);
			n_wire[i]--;
			memmove(&wire[i][0], &wire[i][1],
				n_wire[i] * sizeof(wire[i][0]));
			break;
		case 6:
			model_take(&d[i]);
			model_take(&d[i]);
			model_take(&d[i]);
			break;
		case 7:
			if (r >> 20 & 1)
				session_channel_grant(d[i].to);
			else if (r >> 21 & 1)
				assert_int_equal(session_channel_ack(d[i].to),
						 0);
			else
				assert_int_equal(
				    session_channel_control(d[i].from,
							    SESSION_ITEM_PING,
							    "ping", 4),
				    0);
			break;
		}
	}
	/* Let everything through. */
	for (int round = 0; round < 10000; round++) {
		for (int i = 0; i < 2; i++) {
			for (size_t k = 0; k < n_wire[i]; k++)
				assert_int_equal(session_channel_receive(
						     d[i].to, wire[i][k]),
						 0);
			n_wire[i] = 0;
			/* Twice: a part begins a record of its own. */
			for (int n = 0; n < 2 && d[i].bytes; n++)
				model_put(&d[i], 0);
			flush(d[i].from, d[i].to);
			while (session_channel_pending(d[i].to))
				model_take(&d[i]);
			assert_int_equal(session_channel_ack(d[i].to), 0);
		}
		if (!d[0].bytes && !d[1].bytes && round > 2)
			break;
	}
	for (int i = 0; i < 2; i++) {
		assert_null(d[i].bytes);
		assert_true(d[i].put > 100);
		assert_true(d[i].put == d[i].taken);
		assert_true(session_channel_stats(d[i].from)->messages_sent ==
			    d[i].put);
	}
	print_message("%zu and %zu messages\n", d[0].put, d[1].put);
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_size_round_trips_with_small_records),
	    cmocka_unit_test(sizes_around_every_boundary_round_trip),
	    cmocka_unit_test(large_message_may_begin_behind_any_fill),
	    cmocka_unit_test(ten_thousand_small_messages_make_few_records),
	    cmocka_unit_test(message_stays_until_the_next_call),
	    cmocka_unit_test(statistics_count_messages_records_and_bytes),
	    cmocka_unit_test(both_directions_are_independent),
	    cmocka_unit_test(ratchet_turns_under_load),
	    cmocka_unit_test(sender_stops_at_the_limit_and_goes_on),
	    cmocka_unit_test(message_larger_than_the_window_goes_through),
	    cmocka_unit_test(more_than_the_limit_is_refused),
	    cmocka_unit_test(granted_room_is_not_granted_again),
	    cmocka_unit_test(
		small_message_in_parts_makes_room_when_it_is_taken),
	    cmocka_unit_test(great_message_makes_room_as_it_comes),
	    cmocka_unit_test(great_messages_make_room_one_at_a_time),
	    cmocka_unit_test(unacknowledged_records_are_counted),
	    cmocka_unit_test(random_traffic_arrives_as_it_was_sent),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
