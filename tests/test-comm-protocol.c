/*
 * comm/protocol.c, comm/invitation.c, comm/jose.c: what is built is read again;
 * the published invitation; long strings.
 */
#include <stdbool.h>

#include <parley/comm.h>

#include "comm/jose.h"
#include "comm/message.h"
#include "did/json.h"
#include "test-comm-party.h"

static const struct parley_comm_header header = {
    .from = "did:example:alice",
    .to = "did:example:bob",
    .thid = "t-1",
    .pthid = "p-1",
    .created_time = 1,
    .expires_time = 2,
};

/* Read the built ${message} and free it. */
static struct parley_comm_protocol read_back(char *message, size_t len)
{
	struct parley_comm_protocol p;

	assert_int_equal(strlen(message), len);
	assert_int_equal(parley_comm_protocol_read(&p, message, len), 0);
	assert_string_equal(p.from, "did:example:alice");
	assert_string_equal(p.thid, "t-1");
	assert_int_equal(strlen(p.id), 32);
	free(message);
	return p;
}

static void simple_messages_are_read_as_built(void **state)
{
	struct parley_comm_protocol p;
	char *m;
	size_t len;

	(void)state;
	assert_int_equal(parley_comm_protocol_empty(&m, &len, &header), 0);
	p = read_back(m, len);
	assert_int_equal(p.kind, PARLEY_COMM_PROTOCOL_EMPTY);
	parley_comm_protocol_wipe(&p);
	for (int requested = 0; requested < 2; requested++) {
		assert_int_equal(
		    parley_comm_protocol_ping(&m, &len, &header, requested), 0);
		p = read_back(m, len);
		assert_int_equal(p.kind, PARLEY_COMM_PROTOCOL_PING);
		assert_int_equal(p.response_requested, requested);
		parley_comm_protocol_wipe(&p);
	}
	assert_int_equal(parley_comm_protocol_ping_response(&m, &len, &header),
			 0);
	p = read_back(m, len);
	assert_int_equal(p.kind, PARLEY_COMM_PROTOCOL_PING_RESPONSE);
	parley_comm_protocol_wipe(&p);
	parley_comm_protocol_wipe(&p);
}

static void features_are_read_as_built(void **state)
{
	static const struct parley_comm_feature f[] = {
	    {"protocol", "https://didcomm.org/*"}, {"goal-code", "a.b"}};
	struct parley_comm_protocol p;
	char *m;
	size_t len;

	(void)state;
	assert_int_equal(parley_comm_protocol_queries(&m, &len, &header, f, 2),
			 0);
	p = read_back(m, len);
	assert_int_equal(p.kind, PARLEY_COMM_PROTOCOL_QUERIES);
	assert_int_equal(p.n_features, 2);
	assert_string_equal(p.features[0].id, f[0].id);
	assert_string_equal(p.features[1].type, "goal-code");
	parley_comm_protocol_wipe(&p);
	assert_int_equal(parley_comm_protocol_disclose(&m, &len, &header, f, 0),
			 0);
	p = read_back(m, len);
	assert_int_equal(p.kind, PARLEY_COMM_PROTOCOL_DISCLOSE);
	assert_int_equal(p.n_features, 0);
	parley_comm_protocol_wipe(&p);
	assert_true(parley_comm_protocol_feature_matches("a*", "abc"));
	assert_true(parley_comm_protocol_feature_matches("*", ""));
	assert_true(parley_comm_protocol_feature_matches("abc", "abc"));
	assert_false(parley_comm_protocol_feature_matches("ab", "abc"));
	assert_false(parley_comm_protocol_feature_matches("abcd*", "abc"));
}

static void report_is_read_as_built(void **state)
{
	static const char *const args[] = {"one", "two"};
	struct parley_comm_report r = {.code = "e.p.req.time",
				       .comment = "{2} {1} {3} {x} {",
				       .args = args,
				       .n_args = 2,
				       .escalate_to = "mailto:a@b"};
	struct parley_comm_protocol p;
	char *m, *text;
	size_t len;

	(void)state;
	assert_int_equal(parley_comm_protocol_report(&m, &len, &header, &r), 0);
	p = read_back(m, len);
	assert_int_equal(p.kind, PARLEY_COMM_PROTOCOL_REPORT);
	assert_string_equal(p.report.code, r.code);
	assert_string_equal(p.report.escalate_to, r.escalate_to);
	assert_string_equal(p.pthid, "p-1");
	assert_int_equal(parley_comm_protocol_report_text(&text, &p.report), 0);
	assert_string_equal(text, "two one ? {x} {");
	free(text);
	parley_comm_protocol_wipe(&p);
	r = (struct parley_comm_report){.code = "w.m.msg.bad-lang"};
	assert_int_equal(parley_comm_protocol_report_text(&text, &r), 0);
	assert_string_equal(text, r.code);
	free(text);
}

static void what_is_missing_or_wrong_is_not_built(void **state)
{
	static const char *const codes[] = {
	    "",	     "e",      "x.p.msg", "e.p",    "e.p.",	     "e..msg",
	    "e.p.A", "e.p.-a", "e.p.a_b", "e.p.a-", "me.res.storage"};
	struct parley_comm_header h = {.from = "did:example:alice"};
	struct parley_comm_report r = {.code = "e.p.msg"};
	struct parley_comm_feature f = {"a", "b"};
	char *m = NULL;
	size_t len;

	(void)state;
	assert_int_equal(parley_comm_protocol_ping_response(&m, &len, &h),
			 PARLEY_ERR_ARGUMENT);
	assert_int_equal(parley_comm_protocol_report(&m, &len, &h, &r),
			 PARLEY_ERR_ARGUMENT);
	assert_int_equal(parley_comm_protocol_disclose(&m, &len, &h, &f, 1),
			 PARLEY_ERR_ARGUMENT);
	assert_int_equal(parley_comm_protocol_queries(&m, &len, &h, &f, 0),
			 PARLEY_ERR_ARGUMENT);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		r.code = codes[i];
		assert_int_equal(
		    parley_comm_protocol_report(&m, &len, &header, &r),
		    PARLEY_ERR_ARGUMENT);
	}
	h.from = "alice";
	assert_int_equal(parley_comm_protocol_empty(&m, &len, &h),
			 PARLEY_ERR_ARGUMENT);
	assert_null(m);
}

#define BODY(type, body)                                     \
	"{\"id\":\"1\",\"type\":\"https://didcomm.org/" type \
	"\",\"body\":" body "}"

static void bodies_of_wrong_form_are_refused(void **state)
{
	static const char *const messages[] = {
	    BODY("trust-ping/2.0/ping", "{\"response_requested\":1}"),
	    BODY("trust-ping/2.0/ping-response", "{}"),
	    BODY("discover-features/2.0/queries", "{}"),
	    BODY("discover-features/2.0/queries", "{\"queries\":[{}]}"),
	    BODY("discover-features/2.0/disclose", "{\"disclosures\":[1]}"),
	    BODY("report-problem/2.0/problem-report", "{\"code\":\"e.p.msg\"}"),
	    BODY("out-of-band/2.0/invitation", "{}"),
	    "{\"id\":\"1\",\"pthid\":\"2\",\"type\":\"https://didcomm.org/"
	    "report-problem/2.0/problem-report\",\"body\":"
	    "{\"code\":\"e.p.msg\",\"args\":[\"a\",1]}}",
	    "{\"id\":\"1\",\"from\":\"did:example:alice\",\"type\":"
	    "\"https://didcomm.org/out-of-band/2.0/invitation\",\"body\":"
	    "{\"accept\":[\"didcomm/v2\",1]}}",
	};
	struct parley_comm_protocol p;

	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		assert_int_equal(parley_comm_protocol_read(&p, messages[i],
							   strlen(messages[i])),
				 PARLEY_ERR_MESSAGE);
	assert_int_equal(parley_comm_protocol_read(&p, "{", 1),
			 PARLEY_ERR_JSON);
}

static void types_compare_by_major_version_and_plain_names(void **state)
{
	static const char ping[] = "https://didcomm.org/trust-ping/2.0/ping";

	(void)state;
	assert_true(comm_message_is_type(ping, ping));
	assert_true(comm_message_is_type(
	    "https://didcomm.org/Trust_Ping/2.7/PING", ping));
	assert_false(comm_message_is_type(
	    "https://didcomm.org/trust-ping/3.0/ping", ping));
	assert_false(comm_message_is_type(
	    "https://didcomm.org/trust-ping/20.0/ping", ping));
	assert_false(comm_message_is_type(
	    "https://example.org/trust-ping/2.0/ping", ping));
	assert_false(comm_message_is_type("ping", ping));
}

static void published_invitation_is_read_in_every_form(void **state)
{
	static const char *const forms[] = {"url", "oob", "json"};
	json_t *root, *v,
	    *vectors = party_vectors(&root, "oob/invitation.json");

	(void)state;
	v = json_array_get(vectors, 0);
	for (size_t i = 0; i < 3; i++) {
		const char *text = party_text(v, forms[i]);
		char *m, *url;
		size_t len;

		assert_int_equal(
		    parley_comm_invitation_parse(&m, &len, text, strlen(text)),
		    0);
		assert_string_equal(m, party_text(v, "json"));
		assert_int_equal(parley_comm_invitation_url(
				     &url, m, len, "https://example.com/path"),
				 0);
		assert_string_equal(url, party_text(v, "url"));
		free(url);
		assert_int_equal(parley_comm_invitation_url(&url, m, len, NULL),
				 0);
		assert_string_equal(url, party_text(v, "oob"));
		free(url);
		free(m);
	}
	print_message("oob/invitation.json: %zu of %zu ran, in 3 forms\n",
		      (size_t)1, json_array_size(vectors));
	json_decref(root);
}

static void invitation_is_read_as_built(void **state)
{
	static const char *const accept[] = {"didcomm/v2"};
	struct parley_comm_invitation i = {.goal_code = "meet",
					   .goal = "to compute",
					   .accept = accept,
					   .n_accept = 1,
					   .attachment = "{\"a\":1}"};
	struct parley_comm_protocol p;
	char *m, *url, *again;
	size_t len, again_len;

	(void)state;
	assert_int_equal(parley_comm_invitation_new(&m, &len, &header, &i), 0);
	assert_int_equal(parley_comm_invitation_url(&url, m, len, "x:y?a=b"),
			 0);
	assert_int_equal(strncmp(url, "x:y?a=b&_oob=", 13), 0);
	assert_int_equal(
	    parley_comm_invitation_parse(&again, &again_len, url, strlen(url)),
	    0);
	assert_string_equal(again, m);
	free(again);
	free(url);
	/* As it comes out of a file or a mail. */
	assert_true(asprintf(&url, "\r\n %s\t\r\n ", m) > 0);
	assert_int_equal(
	    parley_comm_invitation_parse(&again, &again_len, url, strlen(url)),
	    0);
	assert_string_equal(again, m);
	free(url);
	free(m);
	p = read_back(again, again_len);
	assert_int_equal(p.kind, PARLEY_COMM_PROTOCOL_INVITATION);
	assert_string_equal(p.goal, "to compute");
	assert_string_equal(p.goal_code, "meet");
	assert_int_equal(p.n_accept, 1);
	assert_string_equal(p.accept[0], "didcomm/v2");
	parley_comm_protocol_wipe(&p);
}

static void texts_that_are_no_invitation_are_refused(void **state)
{
	static const struct {
		int err;
		const char *text;
	} rows[] = {
	    {PARLEY_ERR_FORMAT, ""},
	    {PARLEY_ERR_FORMAT, " \n"},
	    {PARLEY_ERR_FORMAT, "https://example.com/"},
	    {PARLEY_ERR_FORMAT, "https://example.com/?oob=e30"},
	    {PARLEY_ERR_FORMAT, "https://example.com/#?_oob=e30"},
	    {PARLEY_ERR_UNSUPPORTED, "https://example.com/?_oobid=1"},
	    {PARLEY_ERR_ENCODING, "https://example.com/?_oob=e30="},
	    {PARLEY_ERR_ENCODING, "e 30"},
	    {PARLEY_ERR_MESSAGE, "e30"},
	    {PARLEY_ERR_MESSAGE, "{}"},
	    {PARLEY_ERR_JSON, "{"},
	    {PARLEY_ERR_UNSUPPORTED, BODY("empty/1.0/empty", "{}")},
	};
	char *m = NULL, *big = malloc(200000);
	struct parley_comm_invitation i = {.attachment = "{"};
	size_t len;

	(void)state;
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		int err = parley_comm_invitation_parse(&m, &len, rows[k].text,
						       strlen(rows[k].text));

		if (err != rows[k].err)
			fail_msg("%s: %s", rows[k].text,
				 parley_did_err_name(err));
	}
	assert_non_null(big);
	memset(big, 'A', 200000);
	assert_int_equal(parley_comm_invitation_parse(&m, &len, big, 200000),
			 PARLEY_ERR_TOO_LARGE);
	/* As an URL it could have that length, as a message not. */
	big[0] = '{';
	assert_int_equal(parley_comm_invitation_parse(&m, &len, big, 100000),
			 PARLEY_ERR_TOO_LARGE);
	free(big);
	assert_int_equal(parley_comm_invitation_new(&m, &len, &header, &i),
			 PARLEY_ERR_JSON);
	i.attachment = NULL;
	assert_int_equal(parley_comm_invitation_new(
			     &m, &len, &(struct parley_comm_header){0}, &i),
			 PARLEY_ERR_ARGUMENT);
	assert_int_equal(parley_comm_invitation_url(
			     &m, BODY("empty/1.0/empty", "{}"),
			     strlen(BODY("empty/1.0/empty", "{}")), NULL),
			 PARLEY_ERR_UNSUPPORTED);
	assert_null(m);
}

/* A string of 100 characters that are not escaped. */
#define TEN  "0123456789"
#define LONG TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void load_both_ways(const char *text, size_t len)
{
	json_t *a = NULL, *b = NULL;
	int err = comm_jose_load(&a, text, len);

	assert_int_equal(err, did_json_parse(&b, text, len));
	if (err == 0)
		assert_true(json_equal(a, b));
	json_decref(a);
	json_decref(b);
}

static void long_strings_load_as_by_the_parser_alone(void **state)
{
	static const char *const texts[] = {
	    "{\"a\":\"" LONG "\",\"b\":[\"" LONG "\",{\"c\" : \"" LONG "\"}]}",
	    "{\"" LONG "\":\"" LONG "\",\"b\":\"" LONG "\"}",
	    "{\"a\":\"" LONG "\",\"a\":\"" LONG "\"}",
	    "{\"" LONG "\":1,\"" LONG "\":2}",
	    "{\"a\":\"" LONG "\\n\",\"b\":\"" LONG "\\\\\",\"c\":\"" LONG "\"}",
	    "{\"a\":\"\\u00010\",\"b\":\"" LONG "\"}",
	    "{\"a\":\"\\\\u00010\",\"b\":\"" LONG "\"}",
	    "{\"a\":\"\\\"\",\"b\":\"" LONG "\\\"\",\"c\":\":\"}",
	    "{\"a\":\"" LONG "\"\"" LONG "\"}",
	    "{\"a\":\"" LONG,
	    "{\"a\":\"" LONG "\\",
	    "{\"a\":" LONG "\"}",
	    "{\"a\":\"" LONG "\x7f\",\"b\":\"" LONG "\xc3\xa4\"}",
	    "{\"a\":\"" LONG "\x01\"}",
	    "{:\"" LONG "\"}",
	    "[\"" LONG "\"]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		load_both_ways(texts[i], strlen(texts[i]));
}

/* Each byte at each place of a word, and in each length around the least. */
static void any_byte_in_a_long_string_loads_as_by_the_parser_alone(void **state)
{
	char text[64];

	(void)state;
	for (int byte = 0; byte < 256; byte++) {
		for (size_t at = 0; at < 18; at++) {
			int len =
			    snprintf(text, sizeof(text), "{\"a\":[\"%.*s\"]}",
				     20 + byte % 20, LONG);

			text[7 + at] = (char)byte;
			load_both_ways(text, (size_t)len);
		}
	}
}

/* More strings than are cut out. */
static void many_long_strings_load_as_by_the_parser_alone(void **state)
{
	char text[100 * sizeof(LONG)];
	size_t len = 0;

	(void)state;
	for (int i = 0; i < 90; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"%c\"%d\":\"%02d%.60s\"",
					i == 0 ? '{' : ',', i, i, LONG);
	text[len++] = '}';
	load_both_ways(text, len);
}

static void values_are_counted_before_parsing(void **state)
{
	(void)state;
	assert_int_equal(comm_jose_bound("[1,2,3]", 7, 4), 0);
	assert_int_equal(comm_jose_bound("[1,2,3]", 7, 3),
			 PARLEY_ERR_TOO_LARGE);
	assert_int_equal(comm_jose_bound("{\"a,\\\",\":1}", 11, 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(simple_messages_are_read_as_built),
	    cmocka_unit_test(features_are_read_as_built),
	    cmocka_unit_test(report_is_read_as_built),
	    cmocka_unit_test(what_is_missing_or_wrong_is_not_built),
	    cmocka_unit_test(bodies_of_wrong_form_are_refused),
	    cmocka_unit_test(types_compare_by_major_version_and_plain_names),
	    cmocka_unit_test(published_invitation_is_read_in_every_form),
	    cmocka_unit_test(invitation_is_read_as_built),
	    cmocka_unit_test(texts_that_are_no_invitation_are_refused),
	    cmocka_unit_test(long_strings_load_as_by_the_parser_alone),
	    cmocka_unit_test(
		any_byte_in_a_long_string_loads_as_by_the_parser_alone),
	    cmocka_unit_test(many_long_strings_load_as_by_the_parser_alone),
	    cmocka_unit_test(values_are_counted_before_parsing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
