/*
 * comm/message.c: what is and what is not a plaintext message.
 */
#include "comm/message.h"

#include "did/json.h"
#include "test-comm-vector.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* Parse a minimal message with the member ${name} set to ${value}. */
static int parse_with(struct comm_message *m, const char *name,
		      const char *value)
{
	json_t *json = json_pack("{s:s, s:s}", "id", "1", "type",
				 "https://didcomm.org/empty/1.0/empty");
	json_t *v = json_loads(value, JSON_DECODE_ANY, NULL);
	char *text;
	size_t len;
	int err;

	assert_non_null(json);
	if (v == NULL)
		fail_msg("not JSON: %s", value);
	assert_int_equal(json_object_set_new(json, name, v), 0);
	assert_int_equal(did_json_dump(&text, &len, json), 0);
	err = comm_message_parse(m, text, len);
	free(text);
	json_decref(json);
	return err;
}

static void accept_each(const char *name, const char *const *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct comm_message m = {0};
		int err = parse_with(&m, name, values[i]);

		if (err != 0)
			fail_msg("%s: %s: %s", name, values[i],
				 parley_did_err_name(err));
		comm_message_wipe(&m);
	}
}

static void refuse_each(const char *name, const char *const *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct comm_message m = {0};
		int err = parse_with(&m, name, values[i]);

		if (err != PARLEY_ERR_MESSAGE)
			fail_msg("%s: %s: %s", name, values[i],
				 parley_did_err_name(err));
		assert_null(m.json);
	}
}

#define ACCEPT(name, ...)                                          \
	do {                                                       \
		static const char *const values[] = {__VA_ARGS__}; \
		accept_each(name, values, N_ELEMENTS(values));     \
	} while (0)

#define REFUSE(name, ...)                                          \
	do {                                                       \
		static const char *const values[] = {__VA_ARGS__}; \
		refuse_each(name, values, N_ELEMENTS(values));     \
	} while (0)

#define S8  "abcdefgh"
#define S64 S8 S8 S8 S8 S8 S8 S8 S8

static int parse(struct comm_message *m, const char *text)
{
	return comm_message_parse(m, text, strlen(text));
}

static void fields_are_those_of_the_text(void **state)
{
	struct comm_message m;

	(void)state;
	assert_int_equal(
	    parse(&m, "{\"id\":\"i\",\"type\":\"https://x.org/p/1.0/m\","
		      "\"typ\":\"didcomm-plain+json\",\"from\":\"did:a:b\","
		      "\"to\":[\"did:a:c\",\"did:a:d\"],\"thid\":\"t\","
		      "\"pthid\":\"p\",\"created_time\":5,\"expires_time\":7,"
		      "\"body\":{\"k\":1},\"unknown\":[null]}"),
	    0);
	assert_string_equal(m.id, "i");
	assert_string_equal(m.type, "https://x.org/p/1.0/m");
	assert_string_equal(m.typ, "didcomm-plain+json");
	assert_string_equal(m.from, "did:a:b");
	assert_string_equal(m.thid, "t");
	assert_string_equal(m.pthid, "p");
	assert_int_equal(json_array_size(m.to), 2);
	assert_int_equal(json_object_size(m.body), 1);
	assert_int_equal(m.created_time, 5);
	assert_int_equal(m.expires_time, 7);
	assert_non_null(json_object_get(m.json, "unknown"));
	comm_message_wipe(&m);
}

static void absent_fields_are_null(void **state)
{
	struct comm_message m;

	(void)state;
	assert_int_equal(parse(&m, "{\"id\":\"i\",\"type\":\"a:b/p/1/m\"}"), 0);
	assert_null(m.typ);
	assert_null(m.from);
	assert_null(m.thid);
	assert_null(m.pthid);
	assert_null(m.to);
	assert_null(m.body);
	assert_int_equal(m.created_time, -1);
	assert_int_equal(m.expires_time, -1);
	comm_message_wipe(&m);
	assert_null(m.json);
	comm_message_wipe(&m);
}

static void text_that_is_not_strict_json_is_refused(void **state)
{
	static const char *const texts[] = {
	    "",
	    "aaaa",
	    "[]",
	    "\"x\"",
	    "{\"id\":\"1\",\"type\":\"a:b/p/1/m\"} x",
	    "{\"id\":\"1\",\"type\":\"a:b/p/1/m\",\"id\":\"1\"}",
	    "{\"id\":\"1\",\"type\":\"a:b/p/1/m\",\"x\":{\"a\":1,\"a\":1}}",
	    "{\"id\":\"1\",\"type\":\"a:b/p/1/m\",\"x\":\"\xff\"}",
	    "{\"id\":\"1\",\"type\":\"a:b/p/1/m\",\"x\":\"\\u0000\"}",
	    "{\"id\":\"1\",\"type\":\"a:b/p/1/m\",}",
	};
	struct comm_message m = {0};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
		assert_int_equal(parse(&m, texts[i]), PARLEY_ERR_JSON);
		assert_null(m.json);
	}
}

static void text_over_the_limit_is_refused(void **state)
{
	struct comm_message m = {0};

	(void)state;
	assert_int_equal(
	    comm_message_parse(&m, "{}", (size_t)PARLEY_COMM_LEN_MAX + 1),
	    PARLEY_ERR_TOO_LARGE);
	assert_null(m.json);
}

static void message_without_id_or_type_is_refused(void **state)
{
	struct comm_message m;

	(void)state;
	assert_int_equal(parse(&m, "{}"), PARLEY_ERR_MESSAGE);
	assert_int_equal(parse(&m, "{\"id\":\"1\"}"), PARLEY_ERR_MESSAGE);
	assert_int_equal(parse(&m, "{\"type\":\"a:b/p/1/m\"}"),
			 PARLEY_ERR_MESSAGE);
}

static void json_that_is_not_an_object_is_refused(void **state)
{
	json_t *array = json_array();
	struct comm_message m;

	(void)state;
	assert_int_equal(comm_message_check(&m, array), PARLEY_ERR_MESSAGE);
	json_decref(array);
}

static void checked_json_is_referenced_not_taken(void **state)
{
	json_t *json = json_pack("{s:s, s:s}", "id", "1", "type", "a:b/p/1/m");
	struct comm_message m;

	(void)state;
	assert_int_equal(comm_message_check(&m, json), 0);
	assert_ptr_equal(m.json, json);
	json_decref(json);
	assert_string_equal(m.id, "1");
	comm_message_wipe(&m);
}

static void ids_are_unreserved_and_bounded(void **state)
{
	static const char *const names[] = {"id", "thid", "pthid"};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(names); i++) {
		ACCEPT(names[i], "\"1\"", "\"" S64 "\"", "\"aZ09-._~\"",
		       "\"b5d3cbd6-6f5c-4d4f-a0ab-6a5d2f1b0c8e\"");
		REFUSE(names[i], "\"\"", "\"" S64 "i\"", "\"a b\"", "\"a/b\"",
		       "\"a%20b\"", "\"\\u00e9\"", "\"a\\n\"", "\"a:b\"", "1",
		       "null", "[\"1\"]", "{}", "true");
	}
}

static void type_follows_the_message_type_uri(void **state)
{
	(void)state;
	ACCEPT("type", "\"https://didcomm.org/trust-ping/2.0/ping\"",
	       "\"https://example.com/protocols?which=lets_do_lunch/1.0/"
	       "proposal\"",
	       "\"did:example:1234567890;spec/lets_do_lunch/1.0/proposal\"",
	       "\"https://example.com/Proto.X/12.3/A-b_C.d\"",
	       "\"https://example.com/p/1/m\"",
	       "\"https://example.com/p/1.0.0-rc+1/m\"",
	       "\"did:sov:BzCbsNYhMrjHiqZDTUASHg:p/1.0/m\"");
	REFUSE("type", "\"\"", "\"ping\"", "\"p/1.0/m\"", "\"/p/1.0/m\"",
	       "\"//p/1.0/m\"", "\"https://x/p/1.0/\"", "\"https://x/p//m\"",
	       "\"https://x//1.0/m\"", "\"https://x/p/v1/m\"",
	       "\"https://x/p/1.0/m/\"", "\"https://x/p/1.0/m?\"",
	       "\"https://x/p/1.0/m#f\"", "\"https://x/p/1.0/-m\"",
	       "\"https://x/p/1.0/m-\"", "\"https://x/p~q/1.0/m\"",
	       "\"https://x/p/1.0/m n\"", "\"https://x y/p/1.0/m\"",
	       "\"https://\\u00fc/p/1.0/m\"", "\"1ttps://x/p/1.0/m\"",
	       "\":x/p/1.0/m\"", "\"https://x/p/1(0/m\"",
	       "\"a:" S64 S64 S64 S64 S64 S64 S64 S64 "/p/1.0/m\"", "1", "null",
	       "{}");
}

static void typ_names_a_plaintext_message(void **state)
{
	(void)state;
	ACCEPT("typ", "\"application/didcomm-plain+json\"",
	       "\"didcomm-plain+json\"", "\"Application/DIDComm-Plain+JSON\"");
	REFUSE("typ", "\"\"", "\"application/didcomm-signed+json\"",
	       "\"text/didcomm-plain+json\"", "\"/didcomm-plain+json\"",
	       "\"didcomm-plain+json \"", "\"application\"", "\"JWM\"",
	       "\"application/\"", "null", "7", "[]");
}

static void from_is_a_did_without_fragment(void **state)
{
	(void)state;
	ACCEPT("from", "\"did:example:alice\"", "\"did:example:alice?v=1\"",
	       "\"did:example:alice/path\"");
	REFUSE("from", "\"\"", "\"alice\"", "\"did:\"", "\"did:example:\"",
	       "\"did:example:alice#key-1\"", "\"did:example:alice#\"",
	       "\" did:example:alice\"", "\"did:Example:alice\"",
	       "\"did:example:a b\"", "null", "1", "[\"did:example:alice\"]");
}

static void to_is_an_array_of_dids_without_fragment(void **state)
{
	(void)state;
	ACCEPT("to", "[\"did:example:bob\"]",
	       "[\"did:example:bob\",\"did:example:carol?v=1\"]");
	REFUSE("to", "[]", "\"did:example:bob\"", "[\"bob\"]", "[1]", "[null]",
	       "[\"did:example:bob\",\"\"]", "[\"did:example:bob#key-1\"]",
	       "null", "{}", "[[\"did:example:bob\"]]");
}

static void to_with_too_many_entries_is_refused(void **state)
{
	struct comm_message m = {0};
	json_t *to = json_array();
	char *text;

	(void)state;
	for (size_t i = 0; i < COMM_MESSAGE_TO_MAX; i++)
		assert_int_equal(
		    json_array_append_new(to, json_string("did:example:bob")),
		    0);
	text = json_dumps(to, 0);
	assert_int_equal(parse_with(&m, "to", text), 0);
	comm_message_wipe(&m);
	free(text);
	assert_int_equal(
	    json_array_append_new(to, json_string("did:example:bob")), 0);
	text = json_dumps(to, 0);
	assert_int_equal(parse_with(&m, "to", text), PARLEY_ERR_MESSAGE);
	free(text);
	json_decref(to);
}

static void times_are_integers_not_negative(void **state)
{
	static const char *const names[] = {"created_time", "expires_time"};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(names); i++) {
		ACCEPT(names[i], "0", "1516269022", "9223372036854775807");
		REFUSE(names[i], "-1", "1.5", "1516269022.0", "1e3",
		       "\"1516269022\"", "null", "true", "[]");
	}
}

static void body_is_an_object(void **state)
{
	(void)state;
	ACCEPT("body", "{}", "{\"a\":[1,{}]}");
	REFUSE("body", "null", "[]", "\"\"", "1", "false");
}

static void texts_are_texts(void **state)
{
	(void)state;
	ACCEPT("from_prior", "\"e30.e30.e30\"");
	REFUSE("from_prior", "null", "1", "{}", "[\"e30.e30.e30\"]");
	ACCEPT("lang", "\"fr\"");
	REFUSE("lang", "null", "[\"fr\"]");
	ACCEPT("accept-lang", "[]", "[\"fr\",\"en\"]");
	REFUSE("accept-lang", "\"fr\"", "[1]", "null", "{}");
}

static void acks_are_arrays_of_ids(void **state)
{
	static const char *const names[] = {"please_ack", "ack"};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(names); i++) {
		ACCEPT(names[i], "[]", "[\"\"]", "[\"abc\",\"def\"]");
		REFUSE(names[i], "\"abc\"", "[1]", "[\"a b\"]", "null",
		       "[\"" S64 "i\"]", "{}", "true");
	}
}

static void attachments_have_data(void **state)
{
	(void)state;
	ACCEPT("attachments", "[]", "[{\"data\":{\"json\":null}}]",
	       "[{\"data\":{\"base64\":\"\"}}]",
	       "[{\"data\":{\"links\":[\"a\"],\"hash\":\"b\"}}]",
	       "[{\"data\":{\"json\":1,\"hash\":\"b\",\"jws\":{}}}]",
	       "[{\"data\":{\"json\":1,\"jws\":\"a..b\",\"x\":0},\"y\":0}]",
	       "[{\"id\":\"\",\"data\":{\"json\":1}}]");
	REFUSE("attachments", "{}", "null", "\"\"", "[1]", "[null]", "[[]]",
	       "[{}]", "[{\"data\":null}]", "[{\"data\":{}}]",
	       "[{\"data\":[]}]", "[{\"data\":\"x\"}]",
	       "[{\"data\":{\"hash\":\"b\"}}]", "[{\"data\":{\"jws\":{}}}]",
	       "[{\"data\":{\"links\":[\"a\"]}}]",
	       "[{\"data\":{\"links\":[\"a\"],\"json\":1}}]",
	       "[{\"data\":{\"links\":\"a\",\"hash\":\"b\"}}]",
	       "[{\"data\":{\"links\":[1],\"hash\":\"b\"}}]",
	       "[{\"data\":{\"links\":[\"a\"],\"hash\":1}}]",
	       "[{\"data\":{\"base64\":1}}]", "[{\"data\":{\"base64\":null}}]",
	       "[{\"data\":{\"json\":1,\"jws\":1}}]",
	       "[{\"data\":{\"json\":1}},{}]");
}

static void attachment_members_have_their_types(void **state)
{
	(void)state;
#define WITH(member) "[{" member ",\"data\":{\"json\":1}}]"
	ACCEPT("attachments", WITH("\"id\":\"a-1._~\""),
	       WITH("\"description\":\"x\""), WITH("\"filename\":\"x\""),
	       WITH("\"media_type\":\"x\""), WITH("\"format\":\"x\""),
	       WITH("\"lastmod_time\":1"), WITH("\"byte_count\":1"));
	REFUSE("attachments", WITH("\"id\":1"), WITH("\"id\":\"a/b\""),
	       WITH("\"description\":1"), WITH("\"filename\":[]"),
	       WITH("\"media_type\":null"), WITH("\"format\":{}"),
	       WITH("\"lastmod_time\":\"1\""), WITH("\"lastmod_time\":-1"),
	       WITH("\"byte_count\":1.5"), WITH("\"byte_count\":-1"));
#undef WITH
}

static void members_without_a_rule_are_kept(void **state)
{
	struct comm_message m;

	(void)state;
	assert_int_equal(parse_with(&m, "trace", "{\"x\":[1,null,2.5]}"), 0);
	assert_true(json_is_object(json_object_get(m.json, "trace")));
	comm_message_wipe(&m);
}

static void message_is_addressed_only_to_whom_it_names(void **state)
{
	struct comm_message m;

	(void)state;
	assert_int_equal(parse_with(&m, "to", "[\"did:a:b\",\"did:a:c\"]"), 0);
	assert_int_equal(comm_message_addressed(&m, "did:a:b"), 0);
	assert_int_equal(comm_message_addressed(&m, "did:a:c"), 0);
	assert_int_equal(comm_message_addressed(&m, "did:a:d"),
			 PARLEY_ERR_ADDRESS);
	assert_int_equal(comm_message_addressed(&m, "did:a:"),
			 PARLEY_ERR_ADDRESS);
	assert_int_equal(comm_message_addressed(&m, "DID:A:B"),
			 PARLEY_ERR_ADDRESS);
	comm_message_wipe(&m);
}

static void message_without_to_is_addressed_to_no_one(void **state)
{
	struct comm_message m;

	(void)state;
	assert_int_equal(parse_with(&m, "x", "1"), 0);
	assert_int_equal(comm_message_addressed(&m, "did:a:b"),
			 PARLEY_ERR_ADDRESS);
	comm_message_wipe(&m);
}

static void message_expires_at_its_time(void **state)
{
	struct comm_message m;

	(void)state;
	assert_int_equal(parse_with(&m, "expires_time", "100"), 0);
	assert_int_equal(comm_message_fresh(&m, 0), 0);
	assert_int_equal(comm_message_fresh(&m, 99), 0);
	assert_int_equal(comm_message_fresh(&m, 100), PARLEY_ERR_EXPIRED);
	assert_int_equal(comm_message_fresh(&m, INT64_MAX), PARLEY_ERR_EXPIRED);
	comm_message_wipe(&m);

	assert_int_equal(parse_with(&m, "expires_time", "0"), 0);
	assert_int_equal(comm_message_fresh(&m, 0), PARLEY_ERR_EXPIRED);
	comm_message_wipe(&m);

	assert_int_equal(parse_with(&m, "created_time", "100"), 0);
	assert_int_equal(comm_message_fresh(&m, INT64_MAX), 0);
	comm_message_wipe(&m);
}

static void replay_published(const char *name, const char *text)
{
	struct vector_value expect = vector_get(text, "expect");
	struct vector_value message = vector_get(text, "message");
	struct comm_message m = {0};
	int err;

	assert_non_null(expect.bytes);
	assert_non_null(message.bytes);
	err = comm_message_parse(&m, message.bytes, message.len);
	if (strcmp(parley_did_err_name(err), expect.bytes) != 0)
		fail_msg("%s: %s, not %s", name, parley_did_err_name(err),
			 expect.bytes);
	comm_message_wipe(&m);
	free(expect.bytes);
	free(message.bytes);
}

static void published_messages_are_read_as_published(void **state)
{
	size_t n = vector_each("didcomm", "plaintext-", replay_published);

	(void)state;
	print_message("didcomm plaintext vectors: %zu replayed\n", n);
	assert_int_equal(n, 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fields_are_those_of_the_text),
	    cmocka_unit_test(absent_fields_are_null),
	    cmocka_unit_test(text_that_is_not_strict_json_is_refused),
	    cmocka_unit_test(text_over_the_limit_is_refused),
	    cmocka_unit_test(message_without_id_or_type_is_refused),
	    cmocka_unit_test(json_that_is_not_an_object_is_refused),
	    cmocka_unit_test(checked_json_is_referenced_not_taken),
	    cmocka_unit_test(ids_are_unreserved_and_bounded),
	    cmocka_unit_test(type_follows_the_message_type_uri),
	    cmocka_unit_test(typ_names_a_plaintext_message),
	    cmocka_unit_test(from_is_a_did_without_fragment),
	    cmocka_unit_test(to_is_an_array_of_dids_without_fragment),
	    cmocka_unit_test(to_with_too_many_entries_is_refused),
	    cmocka_unit_test(times_are_integers_not_negative),
	    cmocka_unit_test(body_is_an_object),
	    cmocka_unit_test(texts_are_texts),
	    cmocka_unit_test(acks_are_arrays_of_ids),
	    cmocka_unit_test(attachments_have_data),
	    cmocka_unit_test(attachment_members_have_their_types),
	    cmocka_unit_test(members_without_a_rule_are_kept),
	    cmocka_unit_test(message_is_addressed_only_to_whom_it_names),
	    cmocka_unit_test(message_without_to_is_addressed_to_no_one),
	    cmocka_unit_test(message_expires_at_its_time),
	    cmocka_unit_test(published_messages_are_read_as_published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
