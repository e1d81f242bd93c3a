/*
 * The parser of ZMTP: every byte that a stranger can send before anything is
 * proven.  Conversations are written by the helpers below, which share no code
 * with what they test.
 */
#include "session/zmtp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	FRAME_MAX = 1000,
	TEXT_MAX = 8192,
	EVENTS_MAX = 64,
	MORE = 1, /* flags of a frame */
	LONG = 2,
	COMMAND = 4,
};

/* Bytes as a peer sends them. */
struct text {
	size_t len;
	uint8_t bytes[TEXT_MAX];
};

static void add(struct text *t, const void *p, size_t len)
{
	assert_true(len <= sizeof(t->bytes) - t->len);
	if (len > 0)
		memcpy(t->bytes + t->len, p, len);
	t->len += len;
}

static void add_byte(struct text *t, int v)
{
	uint8_t b = (uint8_t)v;

	add(t, &b, 1);
}

static void add_number(struct text *t, uint64_t v, int n_bytes)
{
	while (n_bytes-- > 0)
		add_byte(t, (int)(v >> (8 * n_bytes) & 0xff));
}

static void add_greeting(struct text *t)
{
	static const uint8_t zeroes[16 + 1 + 31];

	add_byte(t, 0xff);
	add(t, zeroes, 8);
	add_byte(t, 0x7f);
	add_byte(t, 3);
	add_byte(t, 1);
	add(t, "NULL", 4);
	add(t, zeroes, sizeof(zeroes));
	assert_int_equal(t->len, SESSION_ZMTP_GREETING_LEN);
}

static void add_frame(struct text *t, int flags, const void *p, size_t len)
{
	if (len > 255)
		flags |= LONG;
	add_byte(t, flags);
	add_number(t, len, flags & LONG ? 8 : 1);
	add(t, p, len);
}

static void add_command(struct text *t, int flags, const char *name,
			const void *p, size_t len)
{
	struct text body = {0};

	add_byte(&body, (int)strlen(name));
	add(&body, name, strlen(name));
	add(&body, p, len);
	add_frame(t, flags | COMMAND, body.bytes, body.len);
}

static void add_property(struct text *t, const char *name, const char *value)
{
	add_byte(t, (int)strlen(name));
	add(t, name, strlen(name));
	add_number(t, strlen(value), 4);
	add(t, value, strlen(value));
}

static void add_ready(struct text *t, const char *type)
{
	struct text body = {0};

	add_property(&body, "Socket-Type", type);
	add_property(&body, "Identity", "");
	add_command(t, 0, "READY", body.bytes, body.len);
}

/* Greeting and READY of a DEALER. */
static void add_beginning(struct text *t)
{
	add_greeting(t);
	add_ready(t, "DEALER");
}

/* What the parser said about a conversation. */
struct seen {
	size_t n;
	struct {
		enum session_zmtp_event type;
		size_t len;	 /* of a frame or a context */
		uint64_t digest; /* of its bytes */
	} events[EVENTS_MAX];
	const char *reason; /* of REFUSED */
	struct session_zmtp z;
	size_t take; /* of a frame, still to be taken */
};

static void seen_init(struct seen *s, enum session_zmtp_type type)
{
	memset(s, 0, sizeof(*s));
	session_zmtp_init(&s->z, type, FRAME_MAX);
}

static void digest(struct seen *s, const uint8_t *p, size_t len)
{
	uint64_t *d = &s->events[s->n - 1].digest;

	for (size_t i = 0; i < len; i++)
		*d = (*d ^ p[i]) * 0x100000001b3;
}

static void note(struct seen *s, enum session_zmtp_event ev)
{
	assert_true(s->n < EVENTS_MAX);
	s->events[s->n++].type = ev;
	if (ev == SESSION_ZMTP_FRAME) {
		s->take = s->z.frame_len;
		s->events[s->n - 1].len = s->take;
	} else if (ev == SESSION_ZMTP_PING) {
		s->events[s->n - 1].len = s->z.context_len;
		digest(s, s->z.context, s->z.context_len);
	} else if (ev == SESSION_ZMTP_REFUSED) {
		assert_non_null(s->z.reason);
		s->reason = s->z.reason;
	}
}

/* The next bytes, which stand in memory of just their length. */
static void hear(struct seen *s, const uint8_t *bytes, size_t len)
{
	uint8_t *p = malloc(len > 0 ? len : 1);
	size_t done = 0, used;

	assert_non_null(p);
	memcpy(p, bytes, len);
	while (done < len && !s->reason) {
		enum session_zmtp_event ev;

		if (s->take > 0) {
			used = s->take < len - done ? s->take : len - done;
			digest(s, p + done, used);
			s->take -= used;
			done += used;
			continue;
		}
		ev = session_zmtp_parse(&s->z, &used, p + done, len - done);
		assert_true(used <= len - done);
		done += used;
		if (ev == SESSION_ZMTP_MORE)
			assert_int_equal(done, len);
		else if (ev != SESSION_ZMTP_IGNORED)
			note(s, ev);
	}
	free(p);
}

/* A whole conversation, heard by who listens. */
static struct seen heard(const struct text *t)
{
	struct seen s;

	seen_init(&s, SESSION_ZMTP_ROUTER);
	hear(&s, t->bytes, t->len);
	return s;
}

static void expect_events(const struct seen *s, size_t n,
			  const enum session_zmtp_event *types)
{
	if (s->reason && (n == 0 || types[n - 1] != SESSION_ZMTP_REFUSED))
		fail_msg("refused: %s", s->reason);
	assert_int_equal(s->n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(s->events[i].type, types[i]);
}

#define EXPECT(s, ...)                                                         \
	expect_events(s,                                                       \
		      sizeof((const enum session_zmtp_event[]){__VA_ARGS__}) / \
			  sizeof(enum session_zmtp_event),                     \
		      (const enum session_zmtp_event[]){__VA_ARGS__})

static void expect_refused(const struct text *t, const char *reason)
{
	struct seen s = heard(t);

	if (!s.reason)
		fail_msg("not refused, where '%s' was due", reason);
	assert_string_equal(s.reason, reason);
}

/*
 * Greeting
 */

static void greeting_byte_by_byte_is_the_same_as_whole(void **state)
{
	struct text t = {0};
	struct seen s;

	(void)state;
	add_beginning(&t);
	seen_init(&s, SESSION_ZMTP_ROUTER);
	for (size_t i = 0; i < t.len; i++) {
		assert_int_equal(s.n, 0);
		hear(&s, t.bytes + i, 1);
	}
	EXPECT(&s, SESSION_ZMTP_READY);
	assert_true(s.z.pings);
}

static void own_greeting_and_ready_are_understood_by_the_other_role(
    void **state)
{
	static const enum session_zmtp_type types[] = {SESSION_ZMTP_DEALER,
						       SESSION_ZMTP_ROUTER};

	(void)state;
	for (int i = 0; i < 2; i++) {
		uint8_t out[SESSION_ZMTP_GREETING_LEN + SESSION_ZMTP_READY_MAX];
		size_t len = SESSION_ZMTP_GREETING_LEN;
		struct seen s;

		session_zmtp_greeting(out);
		len += session_zmtp_make_ready(out + len, types[i]);
		seen_init(&s, types[1 - i]);
		hear(&s, out, len);
		EXPECT(&s, SESSION_ZMTP_READY);
		seen_init(&s, types[i]);
		hear(&s, out, len);
		EXPECT(&s, SESSION_ZMTP_REFUSED);
	}
}

static void wrong_first_byte_is_refused_at_once(void **state)
{
	(void)state;
	for (int b = 0; b < 0xff; b++) {
		struct text t = {0};

		add_byte(&t, b);
		expect_refused(&t, "no ZeroMQ there");
	}
}

static void wrong_signature_is_refused(void **state)
{
	struct text t = {0};

	(void)state;
	add_greeting(&t);
	t.bytes[9] = 0x7e;
	expect_refused(&t, "no ZeroMQ there");
}

static void padding_of_the_signature_may_be_anything(void **state)
{
	struct text t = {0};
	struct seen s;

	(void)state;
	add_beginning(&t);
	memset(t.bytes + 1, 0xa5, 8);
	s = heard(&t);
	EXPECT(&s, SESSION_ZMTP_READY);
}

static void older_versions_are_refused(void **state)
{
	(void)state;
	for (int v = 0; v < 3; v++) {
		struct text t = {0};

		add_greeting(&t);
		t.bytes[10] = (uint8_t)v;
		expect_refused(&t, "ZeroMQ there is too old");
	}
}

static void version_3_0_is_heard_but_not_pinged(void **state)
{
	struct text t = {0};
	struct seen s;

	(void)state;
	add_beginning(&t);
	t.bytes[11] = 0;
	s = heard(&t);
	EXPECT(&s, SESSION_ZMTP_READY);
	assert_false(s.z.pings);
}

static void other_mechanisms_are_refused(void **state)
{
	static const char *const names[] = {"PLAIN", "CURVE", "null",
					    "NUL",   "NULLX", ""};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct text t = {0};

		add_greeting(&t);
		memset(t.bytes + 12, 0, 20);
		memcpy(t.bytes + 12, names[i], strlen(names[i]));
		expect_refused(&t, "ZeroMQ there wants another mechanism");
	}
}

/*
 * READY
 */

static void message_before_ready_is_refused(void **state)
{
	struct text t = {0};

	(void)state;
	add_greeting(&t);
	add_frame(&t, 0, "x", 1);
	expect_refused(&t, "a message came before READY");
}

static void commands_before_ready_are_refused(void **state)
{
	static const char *const names[] = {"PING", "PONG", "HELLO"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct text t = {0};

		add_greeting(&t);
		add_command(&t, 0, names[i], "\0\0", 2);
		expect_refused(&t, "something came before READY");
	}
}

static void second_ready_is_refused(void **state)
{
	struct text t = {0};

	(void)state;
	add_beginning(&t);
	add_ready(&t, "DEALER");
	expect_refused(&t, "READY came twice");
}

static void ready_cut_anywhere_is_refused(void **state)
{
	struct text body = {0};

	(void)state;
	add_property(&body, "Socket-Type", "DEALER");
	for (size_t len = 1; len < body.len; len++) {
		struct text t = {0};

		add_greeting(&t);
		add_command(&t, 0, "READY", body.bytes, len);
		expect_refused(&t, "READY is malformed");
	}
}

static void ready_with_enormous_lengths_is_refused(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct text t = {0}, body = {0};

		add_property(&body, "Socket-Type", "DEALER");
		if (i == 0) {
			add_byte(&body, 255);
			add_byte(&body, 'x');
		} else {
			add_byte(&body, 1);
			add_byte(&body, 'x');
			add_number(&body, UINT32_MAX, 4);
		}
		add_greeting(&t);
		add_command(&t, 0, "READY", body.bytes, body.len);
		expect_refused(&t, "READY is malformed");
	}
}

static void ready_without_socket_type_is_refused(void **state)
{
	struct text t = {0}, body = {0};

	(void)state;
	add_property(&body, "Identity", "DEALER");
	add_greeting(&t);
	add_command(&t, 0, "READY", body.bytes, body.len);
	expect_refused(&t, "ZeroMQ there has another socket type");
	t.len = SESSION_ZMTP_GREETING_LEN;
	add_command(&t, 0, "READY", NULL, 0);
	expect_refused(&t, "ZeroMQ there has another socket type");
}

static void socket_types_that_do_not_fit_are_refused(void **state)
{
	static const char *const names[] = {
	    "REQ",  "REP",    "PUB",   "SUB",	  "PAIR", "PUSH",
	    "PULL", "dealer", "DEALE", "DEALERX", "",	  "ROUTER"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct text t = {0};

		add_greeting(&t);
		add_ready(&t, names[i]);
		expect_refused(&t, "ZeroMQ there has another socket type");
	}
}

static void property_names_are_compared_without_case(void **state)
{
	static const char *const names[] = {"socket-type", "SOCKET-TYPE",
					    "sOcKeT-tYpE"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct text t = {0}, body = {0};
		struct seen s;

		add_property(&body, names[i], "DEALER");
		add_greeting(&t);
		add_command(&t, 0, "READY", body.bytes, body.len);
		s = heard(&t);
		EXPECT(&s, SESSION_ZMTP_READY);
	}
}

static void unknown_properties_are_passed_over(void **state)
{
	struct text t = {0}, body = {0};
	struct seen s;

	(void)state;
	add_property(&body, "Resource", "x/y");
	add_property(&body, "Socket-Type", "DEALER");
	add_property(&body, "X-Long", "");
	add_property(&body, "", "");
	add_greeting(&t);
	add_command(&t, LONG, "READY", body.bytes, body.len);
	s = heard(&t);
	EXPECT(&s, SESSION_ZMTP_READY);
}

static void error_command_is_a_refusal_at_any_time(void **state)
{
	struct text t = {0};

	(void)state;
	add_greeting(&t);
	add_command(&t, 0, "ERROR", "\3bad", 4);
	expect_refused(&t, "ZeroMQ there refuses us");
	t.len = 0;
	add_beginning(&t);
	add_command(&t, 0, "ERROR", "\3bad", 4);
	expect_refused(&t, "ZeroMQ there refuses us");
}

/*
 * Commands
 */

static void longest_command_is_taken_and_one_byte_more_refused(void **state)
{
	static const uint8_t zeroes[SESSION_ZMTP_COMMAND_MAX];
	struct text t = {0};
	struct seen s;

	(void)state;
	add_beginning(&t);
	add_command(&t, 0, "PONG", zeroes, SESSION_ZMTP_COMMAND_MAX - 5);
	s = heard(&t);
	EXPECT(&s, SESSION_ZMTP_READY);
	t.len = 0;
	add_beginning(&t);
	add_command(&t, 0, "PONG", zeroes, SESSION_ZMTP_COMMAND_MAX - 4);
	expect_refused(&t, "malformed ZMTP command");
}

static void malformed_commands_are_refused(void **state)
{
	struct text t = {0};
	size_t begin;

	(void)state;
	add_beginning(&t);
	begin = t.len;
	add_frame(&t, COMMAND, NULL, 0);
	expect_refused(&t, "malformed ZMTP command");
	t.len = begin;
	add_command(&t, MORE, "PING", "\0\0", 2);
	expect_refused(&t, "malformed ZMTP command");
	t.len = begin;
	add_frame(&t, COMMAND, "\5PING", 5); /* name longer than the rest */
	expect_refused(&t, "unknown ZMTP command");
	t.len = begin;
	add_frame(&t, COMMAND, "\0", 1);
	expect_refused(&t, "unknown ZMTP command");
	t.len = begin;
	add_command(&t, 0, "SUBSCRIBE", "x", 1);
	expect_refused(&t, "unknown ZMTP command");
	t.len = begin;
	add_byte(&t, COMMAND | LONG);
	add_number(&t, UINT64_MAX, 8);
	expect_refused(&t, "malformed ZMTP command");
}

static void reserved_flags_are_refused(void **state)
{
	(void)state;
	for (int flags = 8; flags < 256; flags += 8) {
		struct text t = {0};

		add_beginning(&t);
		add_byte(&t, flags | (flags >> 3 & 7));
		add_number(&t, 0, 8);
		expect_refused(&t, "reserved flags are set");
	}
}

static void ping_is_answered_with_its_context(void **state)
{
	static const char context[] = "0123456789abcdef";

	(void)state;
	for (size_t n = 0; n <= SESSION_ZMTP_PING_CONTEXT_MAX; n++) {
		struct text t = {0}, ping = {0}, expected = {0};
		uint8_t pong[SESSION_ZMTP_READY_MAX];
		struct seen s;

		add_number(&ping, 300, 2);
		add(&ping, context, n);
		add_beginning(&t);
		add_command(&t, 0, "PING", ping.bytes, ping.len);
		add_command(&t, 0, "PONG", context, n);
		add_frame(&t, 0, "x", 1);
		s = heard(&t);
		EXPECT(&s, SESSION_ZMTP_READY, SESSION_ZMTP_PING,
		       SESSION_ZMTP_FRAME);
		assert_int_equal(s.events[1].len, n);
		add_command(&expected, 0, "PONG", context, n);
		assert_int_equal(session_zmtp_make_pong(pong, &s.z),
				 expected.len);
		assert_memory_equal(pong, expected.bytes, expected.len);
	}
}

static void malformed_pings_are_refused(void **state)
{
	static const uint8_t zeroes[2 + SESSION_ZMTP_PING_CONTEXT_MAX + 1];
	static const size_t lens[] = {0, 1, sizeof(zeroes)};

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		struct text t = {0};

		add_beginning(&t);
		add_command(&t, 0, "PING", zeroes, lens[i]);
		expect_refused(&t, "PING is malformed");
	}
}

static void own_ping_is_one(void **state)
{
	uint8_t ping[SESSION_ZMTP_READY_MAX];
	size_t len = session_zmtp_make_ping(ping);
	struct text t = {0};
	struct seen s;

	(void)state;
	add_beginning(&t);
	add(&t, ping, len);
	s = heard(&t);
	EXPECT(&s, SESSION_ZMTP_READY, SESSION_ZMTP_PING);
	assert_int_equal(s.events[1].len, 0);
}

/*
 * Messages
 */

static void lengths_are_read_in_both_forms(void **state)
{
	static const size_t lens[] = {0, 1, 2, 254, 255, 256, 257, FRAME_MAX};
	static const uint8_t zeroes[FRAME_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++)
		for (int flags = 0; flags <= LONG; flags += LONG) {
			struct text t = {0};
			struct seen s;

			add_beginning(&t);
			add_frame(&t, flags, zeroes, lens[i]);
			add_frame(&t, 0, "x", 1);
			s = heard(&t);
			EXPECT(&s, SESSION_ZMTP_READY, SESSION_ZMTP_FRAME,
			       SESSION_ZMTP_FRAME);
			assert_int_equal(s.events[1].len, lens[i]);
			assert_int_equal(s.events[2].len, 1);
		}
}

static void own_headers_are_the_shortest(void **state)
{
	static const struct {
		size_t len, header_len;
	} cases[] = {{0, 2}, {255, 2}, {256, 9}, {SIZE_MAX / 2, 9}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t out[SESSION_ZMTP_HEADER_MAX];
		struct text expected = {0};

		add_byte(&expected, cases[i].header_len == 2 ? 0 : LONG);
		add_number(&expected, cases[i].len,
			   (int)cases[i].header_len - 1);
		assert_int_equal(session_zmtp_make_header(out, cases[i].len),
				 cases[i].header_len);
		assert_memory_equal(out, expected.bytes, expected.len);
	}
}

static void too_large_messages_are_refused_by_their_header(void **state)
{
	static const uint64_t lens[] = {FRAME_MAX + 1, UINT32_MAX,
					(uint64_t)1 << 32, (uint64_t)1 << 63,
					UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++)
		for (int more = 0; more <= MORE; more++) {
			struct text t = {0};

			add_beginning(&t);
			add_byte(&t, LONG | more);
			add_number(&t, lens[i], 8);
			expect_refused(&t, "message is too large");
		}
}

static void messages_of_several_frames_are_skipped(void **state)
{
	static const uint8_t zeroes[FRAME_MAX];
	struct text t = {0};
	struct seen s;

	(void)state;
	add_beginning(&t);
	add_frame(&t, MORE, "first", 5);
	add_frame(&t, MORE, NULL, 0);
	add_frame(&t, MORE | LONG, zeroes, FRAME_MAX);
	add_frame(&t, 0, "last", 4);
	add_frame(&t, 0, "whole", 5);
	add_frame(&t, MORE, NULL, 0);
	add_frame(&t, 0, NULL, 0);
	add_frame(&t, 0, "whole again", 11);
	s = heard(&t);
	EXPECT(&s, SESSION_ZMTP_READY, SESSION_ZMTP_FRAME, SESSION_ZMTP_FRAME);
	assert_int_equal(s.events[1].len, 5);
	assert_int_equal(s.events[2].len, 11);
}

/* What the parser holds is struct session_zmtp, whose size is fixed; and it
 * asks for no other memory, since no FRAME comes. */
static void message_that_never_ends_gives_no_event(void **state)
{
	static const uint8_t zeroes[FRAME_MAX];
	struct text t = {0}, part = {0};
	struct seen s;

	(void)state;
	add_beginning(&t);
	add_frame(&part, MORE, zeroes, FRAME_MAX);
	seen_init(&s, SESSION_ZMTP_ROUTER);
	hear(&s, t.bytes, t.len);
	for (int i = 0; i < 10000; i++)
		hear(&s, part.bytes, part.len);
	EXPECT(&s, SESSION_ZMTP_READY);
	assert_true(s.z.len <= sizeof(s.z.buf));
}

static void command_inside_a_message_is_refused(void **state)
{
	struct text t = {0};

	(void)state;
	add_beginning(&t);
	add_frame(&t, MORE, "a", 1);
	add_command(&t, 0, "PING", "\0\0", 2);
	expect_refused(&t, "malformed ZMTP command");
}

/*
 * Any cut, any bytes
 */

static void add_conversation(struct text *t)
{
	uint8_t bytes[600];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	add_beginning(t);
	add_frame(t, 0, bytes, 3);
	add_command(t, 0, "PING", "\0\36context", 9);
	add_frame(t, MORE, bytes, 20);
	add_frame(t, 0, bytes, 5);
	add_frame(t, 0, NULL, 0);
	add_command(t, LONG, "PONG", NULL, 0);
	add_frame(t, 0, bytes + 1, 300);
	add_frame(t, LONG, bytes + 2, 40);
}

static void expect_same(const struct seen *a, const struct seen *b)
{
	assert_int_equal(a->n, b->n);
	assert_memory_equal(a->events, b->events, sizeof(a->events));
	assert_ptr_equal(a->reason, b->reason);
}

static void conversation_cut_in_three_anywhere_is_the_same(void **state)
{
	struct text t = {0};
	struct seen whole, cut;

	(void)state;
	add_conversation(&t);
	whole = heard(&t);
	EXPECT(&whole, SESSION_ZMTP_READY, SESSION_ZMTP_FRAME,
	       SESSION_ZMTP_PING, SESSION_ZMTP_FRAME, SESSION_ZMTP_FRAME,
	       SESSION_ZMTP_FRAME);
	for (size_t i = 0; i <= t.len; i++)
		for (size_t j = i; j <= t.len; j += 1 + (j - i) / 8) {
			seen_init(&cut, SESSION_ZMTP_ROUTER);
			hear(&cut, t.bytes, i);
			hear(&cut, t.bytes + i, j - i);
			hear(&cut, t.bytes + j, t.len - j);
			expect_same(&cut, &whole);
		}
}

static void conversation_in_pieces_of_any_size_is_the_same(void **state)
{
	struct text t = {0};
	struct seen whole, cut;

	(void)state;
	add_conversation(&t);
	whole = heard(&t);
	for (size_t n = 1; n <= t.len; n++) {
		seen_init(&cut, SESSION_ZMTP_ROUTER);
		for (size_t i = 0; i < t.len; i += n)
			hear(&cut, t.bytes + i, n < t.len - i ? n : t.len - i);
		expect_same(&cut, &whole);
	}
}

/* Every byte set to other values: whatever comes of it comes with any cut. */
static void changed_conversation_is_the_same_however_cut(void **state)
{
	static const uint8_t masks[] = {0x01, 0x02, 0x04, 0x80, 0xff};
	struct text t = {0};
	struct seen whole, cut;

	(void)state;
	add_conversation(&t);
	for (size_t i = 0; i < t.len; i++)
		for (size_t m = 0; m < sizeof(masks); m++) {
			t.bytes[i] ^= masks[m];
			whole = heard(&t);
			seen_init(&cut, SESSION_ZMTP_ROUTER);
			for (size_t k = 0; k < t.len; k++)
				hear(&cut, t.bytes + k, 1);
			expect_same(&cut, &whole);
			t.bytes[i] ^= masks[m];
		}
}

/* With valgrind or AddressSanitizer: never read beyond what came. */
static void random_bytes_stay_within_bounds(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct text t = {0};
		struct seen s;
		size_t at = 0;

		if (round % 3 > 0)
			add_beginning(&t);
		for (int i = 0; i < 300; i++) {
			seed = seed * 1664525 + 1013904223;
			/* Mostly small: flags and lengths that mean much. */
			add_byte(&t, seed >> 30 ? (int)(seed >> 16) & 7
						: (int)(seed >> 16) & 0xff);
		}
		if (round % 3 == 0)
			t.bytes[0] = 0xff;
		seen_init(&s, SESSION_ZMTP_ROUTER);
		/* Events beyond what there is room for end the round. */
		while (at < t.len && !s.reason && s.n < EVENTS_MAX / 2) {
			size_t n = 1 + (seed >> 20) % 23;

			seed = seed * 1664525 + 1013904223;
			n = n < t.len - at ? n : t.len - at;
			hear(&s, t.bytes + at, n);
			at += n;
		}
		for (size_t i = 0; i < s.n; i++)
			assert_true(s.events[i].len <= FRAME_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(greeting_byte_by_byte_is_the_same_as_whole),
	    cmocka_unit_test(
		own_greeting_and_ready_are_understood_by_the_other_role),
	    cmocka_unit_test(wrong_first_byte_is_refused_at_once),
	    cmocka_unit_test(wrong_signature_is_refused),
	    cmocka_unit_test(padding_of_the_signature_may_be_anything),
	    cmocka_unit_test(older_versions_are_refused),
	    cmocka_unit_test(version_3_0_is_heard_but_not_pinged),
	    cmocka_unit_test(other_mechanisms_are_refused),
	    cmocka_unit_test(message_before_ready_is_refused),
	    cmocka_unit_test(commands_before_ready_are_refused),
	    cmocka_unit_test(second_ready_is_refused),
	    cmocka_unit_test(ready_cut_anywhere_is_refused),
	    cmocka_unit_test(ready_with_enormous_lengths_is_refused),
	    cmocka_unit_test(ready_without_socket_type_is_refused),
	    cmocka_unit_test(socket_types_that_do_not_fit_are_refused),
	    cmocka_unit_test(property_names_are_compared_without_case),
	    cmocka_unit_test(unknown_properties_are_passed_over),
	    cmocka_unit_test(error_command_is_a_refusal_at_any_time),
	    cmocka_unit_test(
		longest_command_is_taken_and_one_byte_more_refused),
	    cmocka_unit_test(malformed_commands_are_refused),
	    cmocka_unit_test(reserved_flags_are_refused),
	    cmocka_unit_test(ping_is_answered_with_its_context),
	    cmocka_unit_test(malformed_pings_are_refused),
	    cmocka_unit_test(own_ping_is_one),
	    cmocka_unit_test(lengths_are_read_in_both_forms),
	    cmocka_unit_test(own_headers_are_the_shortest),
	    cmocka_unit_test(too_large_messages_are_refused_by_their_header),
	    cmocka_unit_test(messages_of_several_frames_are_skipped),
	    cmocka_unit_test(message_that_never_ends_gives_no_event),
	    cmocka_unit_test(command_inside_a_message_is_refused),
	    cmocka_unit_test(conversation_cut_in_three_anywhere_is_the_same),
	    cmocka_unit_test(conversation_in_pieces_of_any_size_is_the_same),
	    cmocka_unit_test(changed_conversation_is_the_same_however_cut),
	    cmocka_unit_test(random_bytes_stay_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
