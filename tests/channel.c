/*
 * For the tests of channels: two of them, and a hostile end.
 *
 * `struct peer` is an end that is no channel: it knows the keys and seals
 * whatever items it likes.
 */
#include "tests/channel.h"

const struct session_traffic traffic = {
    .secret = {{1, 2, 3}, {4, 5, 6}},
};

const struct session_channel_options usual = {
    .window = 16 << 20,
    .message_max = 64 << 20,
    .record_max = SESSION_RECORD_LEN_DEFAULT,
};

const struct session_channel_options small = {
    .window = 64 << 10,
    .message_max = 1 << 20,
    .record_max = 1024,
};

/* Byte ${i} of the message number ${n}. */
static uint8_t pattern(size_t n, size_t i)
{
	return (uint8_t)(n * 31 + i * 7 + (i >> 8));
}

uint8_t *make_message(size_t n, size_t len)
{
	uint8_t *p = malloc(len + 1);

	assert_non_null(p);
	for (size_t i = 0; i < len; i++)
		p[i] = pattern(n, i);
	return p;
}

void assert_message(const void *msg, size_t len, size_t n, size_t expected_len)
{
	const uint8_t *p = msg;

	if (len != expected_len)
		fail_msg("message %zu has %zu bytes, not %zu", n, len,
			 expected_len);
	for (size_t i = 0; i < len; i++)
		if (p[i] != pattern(n, i))
			fail_msg("message %zu of %zu bytes differs at %zu", n,
				 len, i);
}

size_t deliver(struct session_channel *from, struct session_channel *to)
{
	struct session_frame *f;
	size_t n = 0;

	while ((f = session_channel_take(from))) {
		assert_true(f->len <= SESSION_RECORD_LEN_DEFAULT);
		assert_int_equal(session_channel_receive(to, f), 0);
		n++;
	}
	return n;
}

size_t flush(struct session_channel *from, struct session_channel *to)
{
	assert_int_equal(session_channel_flush(from), 0);
	return deliver(from, to);
}

void pair_init_with(struct pair *p, uint8_t suite,
		    const struct session_channel_options *oa,
		    const struct session_channel_options *ob)
{
	assert_int_equal(
	    session_channel_new(&p->a, suite, SESSION_INITIATOR, &traffic, oa),
	    0);
	assert_int_equal(
	    session_channel_new(&p->b, suite, SESSION_RESPONDER, &traffic, ob),
	    0);
	/* Nothing may be sent before the other's first record. */
	assert_false(session_channel_may_put(p->a));
	assert_int_equal(flush(p->b, p->a), 1);
	assert_int_equal(flush(p->a, p->b), 1);
	assert_true(session_channel_events(p->a) & SESSION_CHANNEL_FIRST);
	assert_true(session_channel_events(p->b) & SESSION_CHANNEL_FIRST);
	assert_true(session_channel_may_put(p->a));
	assert_true(session_channel_may_put(p->b));
}

void pair_init(struct pair *p, const struct session_channel_options *o)
{
	pair_init_with(p, SESSION_SUITE_AES256, o, o);
}

void pair_free(struct pair *p)
{
	session_channel_free(p->a);
	session_channel_free(p->b);
}

void put(struct session_channel *c, struct session_channel *to, size_t n,
	 size_t len)
{
	uint8_t *bytes = make_message(n, len);
	struct session_outgoing m = {.p = bytes, .len = len};
	int step;

	while ((step = session_channel_put(c, &m)) == SESSION_PUT_FULL)
		deliver(c, to);
	assert_int_equal(step, SESSION_PUT_DONE);
	free(bytes);
}

void take(struct session_channel *c, size_t n, size_t len)
{
	const void *msg;
	size_t got;

	assert_true(session_channel_next(c, &msg, &got));
	assert_message(msg, got, n, len);
}

void assert_empty(struct session_channel *c)
{
	const void *msg;
	size_t len;

	assert_false(session_channel_pending(c));
	assert_false(session_channel_next(c, &msg, &len));
}

void acknowledge(struct session_channel *from, struct session_channel *to)
{
	assert_int_equal(session_channel_ack(from), 0);
	flush(from, to);
}

void peer_init(struct peer *p, const struct session_channel_options *o)
{
	memset(p, 0, sizeof(*p));
	assert_int_equal(session_channel_new(&p->c, SESSION_SUITE_CHACHA20,
					     SESSION_RESPONDER, &traffic, o),
			 0);
	assert_int_equal(session_record_init(&p->seal, SESSION_SUITE_CHACHA20,
					     traffic.secret[SESSION_INITIATOR],
					     true, NULL),
			 0);
	assert_int_equal(session_record_init(&p->open, SESSION_SUITE_CHACHA20,
					     traffic.secret[SESSION_RESPONDER],
					     false, NULL),
			 0);
}

void peer_free(struct peer *p)
{
	session_channel_free(p->c);
	session_record_wipe(&p->seal);
	session_record_wipe(&p->open);
}

int peer_send(struct peer *p, const void *items, size_t len)
{
	struct session_frame *f =
	    session_frame_new(len + SESSION_RECORD_OVERHEAD);

	assert_non_null(f);
	if (len > 0)
		memcpy(f->data + SESSION_RECORD_HEADER_LEN, items, len);
	assert_int_equal(session_record_seal(&p->seal, f->data, len), 0);
	return session_channel_receive(p->c, f);
}

void peer_start(struct peer *p, const struct session_channel_options *o)
{
	peer_init(p, o);
	assert_int_equal(peer_text(p, FIRST_RECORD), 0);
}

size_t peer_receive(struct peer *p, uint8_t *items, size_t size)
{
	struct session_frame *f;
	size_t len, total = 0;

	assert_int_equal(session_channel_flush(p->c), 0);
	while ((f = session_channel_take(p->c))) {
		assert_int_equal(
		    session_record_open(&p->open, &len, f->data, f->len), 0);
		assert_true(total + len <= size);
		memcpy(items + total, f->data + SESSION_RECORD_HEADER_LEN, len);
		total += len;
		session_frame_free(f);
	}
	return total;
}

uint64_t acked_limit(struct peer *p)
{
	uint8_t items[64];
	uint64_t v[2] = {0};
	size_t len, at = 2;

	assert_int_equal(session_channel_ack(p->c), 0);
	len = peer_receive(p, items, sizeof(items));
	/* The last item is the ACK. */
	while (items[0] != 7 || (size_t)items[1] + 2 < len) {
		size_t n = 2u + items[1];

		assert_true(n < len);
		memmove(items, items + n, len - n);
		len -= n;
	}
	for (int i = 0; i < 2; i++)
		for (int shift = 0;; shift += 7) {
			v[i] |= (uint64_t)(items[at] & 0x7f) << shift;
			if (!(items[at++] & 0x80))
				break;
		}
	assert_int_equal(at, len);
	return v[1];
}

void receive_dropped(struct session_channel *c, struct session_frame *f)
{
	const uint64_t expected = session_channel_expected(c);
	const uint64_t dropped = session_channel_stats(c)->records_dropped;

	assert_int_equal(session_channel_receive(c, f), 0);
	assert_true(session_channel_expected(c) == expected);
	assert_true(session_channel_stats(c)->records_dropped == dropped + 1);
}
