/*
 * The control protocol's messages and their CBOR: one form for each value, and
 * everything else refused.  The corpus of fuzz-control has more of the same.
 */
#include "session/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Decode the hexadecimal ${hex} as one item with ${take}. */
static struct session_dcbor_reader reader_of(const char *hex, uint8_t buf[64])
{
	struct session_dcbor_reader r;
	size_t len = strlen(hex) / 2;

	for (size_t i = 0; i < len; i++) {
		const char byte[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

		buf[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	session_dcbor_reader_init(&r, buf, len);
	return r;
}

/* RFC 8949, Appendix A, as far as it is integers; the last two by its 3.1. */
static void integers_have_their_published_form(void **state)
{
	static const struct {
		int64_t value;
		const char *hex;
	} rows[] = {{0, "00"},
		    {1, "01"},
		    {10, "0a"},
		    {23, "17"},
		    {24, "1818"},
		    {25, "1819"},
		    {100, "1864"},
		    {1000, "1903e8"},
		    {1000000, "1a000f4240"},
		    {1000000000000, "1b000000e8d4a51000"},
		    {-1, "20"},
		    {-10, "29"},
		    {-100, "3863"},
		    {-1000, "3903e7"},
		    {-1000000, "3a000f423f"},
		    {-1000000000000, "3b000000e8d4a50fff"}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct session_dcbor_writer w = {0};
		struct session_dcbor_reader r;
		uint8_t buf[64];

		r = reader_of(rows[i].hex, buf);
		session_dcbor_put_int(&w, rows[i].value);
		assert_int_equal(w.len, strlen(rows[i].hex) / 2);
		assert_memory_equal(w.p, buf, w.len);
		assert_int_equal(session_dcbor_take_int(&r), rows[i].value);
		assert_int_equal(session_dcbor_end(&r), 0);
		free(w.p);
	}
}

static void other_forms_of_a_value_are_refused(void **state)
{
	static const char *const rows[] = {
	    "1800",		  /* 0 in two bytes */
	    "190017",		  /* 23 in three */
	    "1a000003e8",	  /* 1000 in five */
	    "1b00000000000f4240", /* a million in nine */
	    "3800",		  /* -1 in two */
	    "1bffffffffffffffff", /* beyond int64 */
	    "c001",		  /* a tag */
	    "f90000",		  /* a float */
	    "18",		  /* cut off */
	    "",
	};
	uint8_t buf[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct session_dcbor_reader r = reader_of(rows[i], buf);

		(void)session_dcbor_take_int(&r);
		assert_int_equal(session_dcbor_end(&r), PARLEY_ERR_FORMAT);
	}
}

static void strings_are_whole_and_text_is_utf8(void **state)
{
	static const struct {
		const char *hex;
		bool text, good;
	} rows[] = {
	    {"60", true, true},
	    {"6161", true, true},
	    {"62c3bc", true, true},
	    {"64f0908591", true, true},
	    {"40", false, true},
	    {"4100", false, true},
	    {"6100", true, false},
	    {"62c328", true, false},
	    {"61c3", true, false},
	    {"62c0af", true, false},
	    {"63eda080", true, false},
	    {"64f4908080", true, false},
	    {"4161", true, false},
	    {"6161", false, false},
	    {"6261", true, false},
	    {"5f4161ff", false, false},
	    {"580161", false, false},
	    {"7f6161ff", true, false},
	    {"5b7fffffffffffffff61", false, false},
	};
	uint8_t buf[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct session_dcbor_reader r = reader_of(rows[i].hex, buf);

		if (rows[i].text)
			(void)session_dcbor_take_text(&r);
		else
			(void)session_dcbor_take_bytes(&r);
		if ((session_dcbor_end(&r) == 0) != rows[i].good)
			fail_msg("%s", rows[i].hex);
	}
}

static void an_array_promises_no_more_than_is_there(void **state)
{
	struct session_dcbor_reader r;
	uint8_t buf[64];

	(void)state;
	r = reader_of("820102", buf);
	assert_int_equal(session_dcbor_take_array(&r), 2);
	r = reader_of("8301", buf);
	assert_int_equal(session_dcbor_take_array(&r), 0);
	assert_true(r.failed);
	r = reader_of("9bffffffffffffffff", buf);
	assert_int_equal(session_dcbor_take_array(&r), 0);
	assert_true(r.failed);
	r = reader_of("9f01ff", buf);
	assert_int_equal(session_dcbor_take_array(&r), 0);
	assert_true(r.failed);
}

static void the_first_failure_sticks(void **state)
{
	struct session_dcbor_reader r;
	uint8_t buf[64];

	(void)state;
	r = reader_of("6001f5", buf);
	assert_int_equal(session_dcbor_take_uint(&r), 0); /* it is text */
	assert_int_equal(session_dcbor_take_text(&r).len, 0);
	assert_false(session_dcbor_take_bool(&r));
	assert_int_equal(session_dcbor_end(&r), PARLEY_ERR_FORMAT);
}

static void foreign_text_becomes_utf8(void **state)
{
	struct session_dcbor_writer w = {0};
	struct session_dcbor_string text;
	struct session_dcbor_reader r;

	(void)state;
	session_dcbor_put_foreign(&w, "caf\xc3\xa9 \xff\xc3");
	session_dcbor_reader_init(&r, w.p, w.len);
	text = session_dcbor_take_text(&r);
	assert_int_equal(session_dcbor_end(&r), 0);
	assert_int_equal(text.len, strlen("caf\xc3\xa9 ??"));
	assert_memory_equal(text.p, "caf\xc3\xa9 ??", text.len);
	free(w.p);
}

static void every_request_is_read_as_written(void **state)
{
	static const uint8_t bytes[300] = {1, 2, 3};
	struct session_control_request q = {
	    .id = 4711,
	    .session = 9,
	    .party = 3,
	    .text = {"text", 4},
	    .did = {"did:key:z", 9},
	    .bytes = {(const char *)bytes, sizeof(bytes)},
	    .open_ms = 1000,
	    .linger_ms = 2000,
	    .lost_ms = 3000,
	    .wait_ms = 70000,
	    .port = 65535,
	    .dial = 1,
	    .check = 1,
	};

	(void)state;
	for (int op = 0; op < SESSION_CONTROL_N_OPS; op++) {
		struct session_dcbor_writer w = {0}, again = {0};
		struct session_control_request got;

		q.op = (enum session_control_op)op;
		session_control_encode(&w, &q);
		assert_int_equal(session_control_decode(&got, w.p, w.len), 0);
		assert_int_equal(got.op, op);
		assert_int_equal(got.id, 4711);
		session_control_encode(&again, &got);
		assert_int_equal(again.len, w.len);
		assert_memory_equal(again.p, w.p, w.len);
		/* Of no prefix, and with nothing behind it. */
		for (size_t len = 0; len < w.len; len++)
			assert_int_not_equal(
			    session_control_decode(&got, w.p, len), 0);
		session_dcbor_put_uint(&w, 0);
		assert_int_equal(session_control_decode(&got, w.p, w.len),
				 PARLEY_ERR_FORMAT);
		free(w.p);
		free(again.p);
	}
}

/* What ${q} is refused with. */
static int refusal(const struct session_control_request *q)
{
	struct session_dcbor_writer w = {0};
	struct session_control_request got;
	int err;

	session_control_encode(&w, q);
	err = session_control_decode(&got, w.p, w.len);
	free(w.p);
	return err;
}

/* The hexadecimal of the line of CONTROL.md below that with ${title}. */
static size_t documented(uint8_t *bytes, size_t size, const char *title)
{
	const char *tests = getenv("PARLEY_TESTS");
	char path[1024], line[1024] = "";
	bool found = false;
	size_t len = 0;
	FILE *f;

	assert_non_null(tests);
	snprintf(path, sizeof(path), "%s/../session/CONTROL.md", tests);
	f = fopen(path, "r");
	assert_non_null(f);
	while (!found && fgets(line, sizeof(line), f))
		found = strncmp(line, "    ", 4) == 0 &&
			strncmp(line + 4, title, strlen(title)) == 0 &&
			line[4 + strlen(title)] == '\n';
	if (!found || !fgets(line, sizeof(line), f))
		fail_msg("not in the document: %s", title);
	fclose(f);
	for (const char *p = line; *p != '\0' && *p != '\n'; p++) {
		char byte[3] = {p[0], p[1], '\0'};

		if (*p == ' ')
			continue;
		assert_true(len < size);
		bytes[len++] = (uint8_t)strtoul(byte, NULL, 16);
		p++;
	}
	return len;
}

static void assert_documented(struct session_dcbor_writer *w, const char *title)
{
	uint8_t bytes[64];
	const size_t len = documented(bytes, sizeof(bytes), title);

	assert_false(w->failed);
	assert_int_equal(w->len, len);
	assert_memory_equal(w->p, bytes, len);
	w->len = 0;
}

static void example_of_the_document_is_what_is_sent(void **state)
{
	const struct session_control_request open = {.id = 1,
						     .op = SESSION_CONTROL_OPEN,
						     .text = {"{}", 2},
						     .did = {"", 0},
						     .open_ms = 60000,
						     .lost_ms = -1};
	const struct session_control_request events = {
	    .id = 2, .op = SESSION_CONTROL_EVENTS, .session = 7};
	const struct session_control_request send = {.id = 3,
						     .op = SESSION_CONTROL_SEND,
						     .session = 7,
						     .party = 1,
						     .bytes = {"hello", 5}};
	const struct session_control_request close = {.id = 4,
						      .op =
							  SESSION_CONTROL_CLOSE,
						      .session = 7,
						      .text = {"", 0}};
	const struct session_control_opened opened = {.session = 7, .n = 2};
	struct session_dcbor_writer w = {0};

	(void)state;
	session_control_encode(&w, &open);
	assert_documented(&w, "[1, 1, \"open\", \"{}\", \"\", 60000, 0, -1]");
	session_control_put_reply(&w, 1, 4);
	session_control_put_opened(&w, &opened);
	assert_documented(&w, "[1, 1, 0, 7, 0, 2, false]");
	session_control_encode(&w, &events);
	assert_documented(&w, "[1, 2, \"events\", 7]");
	session_control_put_reply(&w, 2, 0);
	assert_documented(&w, "[1, 2, 0]");
	session_control_put_event(&w, 7, 1, PARLEY_PARTY_READY, "");
	assert_documented(&w, "[1, 0, 1, 7, 1, 3, \"\"]");
	session_control_encode(&w, &send);
	assert_documented(&w, "[1, 3, \"send\", 7, 1, h'68656c6c6f']");
	session_control_put_error(&w, 3, PARLEY_ERR_AGAIN, "full", 1);
	assert_documented(&w, "[1, 3, -3, \"full\", 1]");
	session_control_encode(&w, &close);
	assert_documented(&w, "[1, 4, \"close\", 7, \"\"]");
	free(w.p);
}

static void numbers_out_of_range_are_refused(void **state)
{
	struct session_control_request q = {.id = 1};

	(void)state;
	q.op = SESSION_CONTROL_SEND;
	q.party = -1;
	assert_int_equal(refusal(&q), PARLEY_ERR_ARGUMENT);
	q.op = SESSION_CONTROL_RECV;
	assert_int_equal(refusal(&q), 0);
	q.party = -2;
	assert_int_equal(refusal(&q), PARLEY_ERR_ARGUMENT);
	q.party = PARLEY_AGREEMENT_PARTIES_MAX;
	assert_int_equal(refusal(&q), PARLEY_ERR_ARGUMENT);
	q.party = 0;
	q.wait_ms = (uint64_t)INT32_MAX + 1;
	assert_int_equal(refusal(&q), PARLEY_ERR_ARGUMENT);
	q.op = SESSION_CONTROL_FORWARD;
	q.port = 65536;
	assert_int_equal(refusal(&q), PARLEY_ERR_ARGUMENT);
	q.port = 1;
	q.dial = 2;
	assert_int_equal(refusal(&q), PARLEY_ERR_ARGUMENT);
	q.op = SESSION_CONTROL_OPEN;
	q.lost_ms = -1;
	assert_int_equal(refusal(&q), 0);
	q.lost_ms = -2;
	assert_int_equal(refusal(&q), PARLEY_ERR_ARGUMENT);
	q.op = SESSION_CONTROL_RECEIPT;
	q.party = -1;
	assert_int_equal(refusal(&q), PARLEY_ERR_ARGUMENT);
	q.id = 0;
	assert_int_equal(refusal(&q), PARLEY_ERR_FORMAT);
}

static void replies_errors_and_events_are_read_as_written(void **state)
{
	struct session_dcbor_writer w = {0};
	struct session_control_reply a;

	(void)state;
	session_control_put_reply(&w, 7, 1);
	session_dcbor_put_uint(&w, 99);
	assert_int_equal(session_control_decode_reply(&a, w.p, w.len), 0);
	assert_int_equal(a.id, 7);
	assert_int_equal(a.status, 0);
	assert_int_equal(a.n, 1);
	assert_int_equal(session_dcbor_take_uint(&a.rest), 99);
	assert_int_equal(session_dcbor_end(&a.rest), 0);
	w.len = 0;
	session_control_put_error(&w, 8, PARLEY_ERR_LOST, "lost", 2);
	assert_int_equal(session_control_decode_reply(&a, w.p, w.len), 0);
	assert_int_equal(a.status, PARLEY_ERR_LOST);
	assert_int_equal(a.party, 2);
	assert_memory_equal(a.text.p, "lost", 4);
	w.len = 0;
	session_control_put_event(&w, 3, -1, PARLEY_SESSION_READY, "");
	assert_int_equal(session_control_decode_reply(&a, w.p, w.len), 0);
	assert_int_equal(a.status, SESSION_CONTROL_EVENT);
	assert_int_equal(a.session, 3);
	assert_int_equal(a.state, PARLEY_SESSION_READY);
	/* With one item more than an event has. */
	w.p[0]++;
	session_dcbor_put_uint(&w, 0);
	assert_int_equal(session_control_decode_reply(&a, w.p, w.len),
			 PARLEY_ERR_FORMAT);
	w.len = 0;
	session_control_put_reply(&w, 7, 0);
	w.p[1]++;
	assert_int_equal(session_control_decode_reply(&a, w.p, w.len),
			 PARLEY_ERR_VERSION);
	free(w.p);
}

static struct session_dcbor_string text(const char *p)
{
	return (struct session_dcbor_string){.p = p, .len = strlen(p)};
}

static bool says(struct session_dcbor_string s, const char *p)
{
	return s.len == strlen(p) && memcmp(s.p, p, s.len) == 0;
}

/* CONTROL.md, 3: what status and receipt answer. */
static void results_are_read_as_written(void **state)
{
	static const char hash[PARLEY_AGREEMENT_HASH_LEN] = {1, 2, 3};
	const struct session_control_session s = {
	    .session = 7,
	    .name = text("demo"),
	    .hash = {.p = hash, .len = sizeof(hash)},
	    .did = text("did:key:z6Mk"),
	    .self = 2,
	    .state = PARLEY_SESSION_CLOSED,
	    .age_ms = 1000000,
	    .clients = 3,
	    .forwarding = true,
	    .error = text("no"),
	    .n = 1};
	const struct session_control_party p = {.did = text("did:key:z6Mr"),
						.name = text(""),
						.state = PARLEY_PARTY_LOST,
						.detail = text("it left"),
						.messages_sent = 1,
						.messages_received = 2,
						.bytes_sent = 300,
						.bytes_received = 70000,
						.resumes = 5,
						.handshake_us = 6};
	const struct session_control_receipt t = {.accept = text("{}"),
						  .confirm = text("{1}"),
						  .finished = text("AA")};
	struct session_dcbor_writer w = {0};
	struct session_control_receipt t2;
	struct session_control_session s2;
	struct session_control_party p2;
	struct session_dcbor_reader r;

	(void)state;
	session_control_put_session(&w, &s);
	session_control_put_party(&w, &p);
	session_control_put_receipt(&w, &t);
	assert_false(w.failed);
	session_dcbor_reader_init(&r, w.p, w.len);
	session_control_take_session(&r, &s2);
	session_control_take_party(&r, &p2);
	session_control_take_receipt(&r, &t2);
	assert_false(r.failed);
	assert_int_equal(session_dcbor_take_uint(&r), 0);
	assert_true(r.failed); /* that was all */
	assert_true(s2.session == 7 && says(s2.name, "demo") &&
		    memcmp(s2.hash.p, hash, sizeof(hash)) == 0 &&
		    says(s2.did, "did:key:z6Mk") && s2.self == 2 &&
		    s2.state == PARLEY_SESSION_CLOSED && s2.age_ms == 1000000 &&
		    s2.clients == 3 && s2.forwarding && says(s2.error, "no") &&
		    s2.n == 1);
	assert_true(says(p2.did, "did:key:z6Mr") && says(p2.name, "") &&
		    p2.state == PARLEY_PARTY_LOST &&
		    says(p2.detail, "it left") && p2.messages_sent == 1 &&
		    p2.messages_received == 2 && p2.bytes_sent == 300 &&
		    p2.bytes_received == 70000 && p2.resumes == 5 &&
		    p2.handshake_us == 6);
	assert_true(says(t2.accept, "{}") && says(t2.confirm, "{1}") &&
		    says(t2.finished, "AA"));
	/* With other numbers of items than they have. */
	w.p[0]--;
	session_dcbor_reader_init(&r, w.p, w.len);
	session_control_take_session(&r, &s2);
	assert_true(r.failed);
	w.len = 0;
	session_control_put_party(&w, &p);
	w.p[0]--;
	session_dcbor_reader_init(&r, w.p, w.len);
	session_control_take_party(&r, &p2);
	assert_true(r.failed);
	free(w.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(integers_have_their_published_form),
	    cmocka_unit_test(other_forms_of_a_value_are_refused),
	    cmocka_unit_test(strings_are_whole_and_text_is_utf8),
	    cmocka_unit_test(an_array_promises_no_more_than_is_there),
	    cmocka_unit_test(the_first_failure_sticks),
	    cmocka_unit_test(foreign_text_becomes_utf8),
	    cmocka_unit_test(every_request_is_read_as_written),
	    cmocka_unit_test(example_of_the_document_is_what_is_sent),
	    cmocka_unit_test(numbers_out_of_range_are_refused),
	    cmocka_unit_test(replies_errors_and_events_are_read_as_written),
	    cmocka_unit_test(results_are_read_as_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
