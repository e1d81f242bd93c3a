/*
 * The envelopes of a handshake: each with one thing wrong, and the error of it.
 */
#include "tests/handshake.h"

/*
 * What a holder who knows one ephemeral key can do
 */

/* Bob's accept with another envelope (NULL: its own). */
static uint8_t *lying_accept(struct run *run, size_t *lenp, int who,
			     const char *path, const char *value, uint8_t flip)
{
	struct inside in;

	inside_init(&in, run, run->i.random.ephemeral, run->accept + 18,
		    run->accept);
	return inside_lie(&in, lenp, run->accept, run->accept_len,
			  SESSION_ACCEPT_CLEAR_LEN, SESSION_RESPONDER, who,
			  path, value, flip);
}

/*
 * Envelopes with one thing wrong.  One table for both messages.
 */

enum { IN_ACCEPT = 1, IN_CONFIRM = 2, IN_BOTH = 3 };

static const struct {
	int in;
	const char *path, *value;
	int err;
} lies[] = {
    {IN_ACCEPT, "type", CONFIRM, PARLEY_ERR_PURPOSE},
    {IN_CONFIRM, "type", ACCEPT, PARLEY_ERR_PURPOSE},
    {IN_BOTH, "type", "\"urn:parley:session/2.0/accept\"", PARLEY_ERR_PURPOSE},
    {IN_BOTH, "type", "\"https://didcomm.org/basicmessage/2.0/message\"",
     PARLEY_ERR_PURPOSE},
    {IN_BOTH, "thid", NULL, PARLEY_ERR_TRANSCRIPT},
    {IN_BOTH, "thid", "\"00000000000000000000000000000000\"",
     PARLEY_ERR_TRANSCRIPT},
    {IN_BOTH, "thid", "\"0A\"", PARLEY_ERR_TRANSCRIPT},
    {IN_CONFIRM, "to", NULL, PARLEY_ERR_ADDRESS},
    {IN_BOTH, "to", "[\"did:example:carol\"]", PARLEY_ERR_ADDRESS},
    {IN_BOTH, "expires_time", NULL, PARLEY_ERR_MESSAGE},
    {IN_BOTH, "expires_time", "1767225600", PARLEY_ERR_EXPIRED},
    {IN_BOTH, "expires_time", "1", PARLEY_ERR_EXPIRED},
    {IN_BOTH, "body.index", NULL, PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.index", "\"0\"", PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.index", "0.0", PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.index", "-1", PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.index", "2", PARLEY_ERR_INDEX},
    {IN_BOTH, "body.index", "4294967296", PARLEY_ERR_INDEX},
    {IN_BOTH, "body.index", "4294967297", PARLEY_ERR_INDEX},
    {IN_BOTH, "body.agreement", NULL, PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.agreement", "\"AAAA\"", PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.agreement", "7", PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.fields", NULL, PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.fields", "[]", PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.fields", "\"name\"", PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.instance", NULL, PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.instance", "\"AAAAAAAAAAAAAAAAAAAA\"", PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.instance", "1", PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.transcript", NULL, PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.transcript", "\"AAAA\"", PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.transcript", "\"!\"", PARLEY_ERR_MESSAGE},
    {IN_BOTH, "body.transcript", LONG_B64, PARLEY_ERR_TRANSCRIPT},
    {IN_BOTH, "body", "{}", PARLEY_ERR_MESSAGE},
};

/* Whether Alice is told something wrong by ${who}. */
static void try_accept(struct run *run, int who, const char *path,
		       const char *value, uint8_t flip, int expected)
{
	struct session_handshake_result result;
	uint8_t *msg;
	size_t len;

	again_i(run);
	msg = lying_accept(run, &len, who, path, value, flip);
	if (expected == PARLEY_ERR_INDEX && who == BOB) {
		/* C10: found when the confirm is made already. */
		assert_error(run_confirm_of(run, msg, len), expected, path);
		assert_int_equal(session_handshake_result(run->i.h, &result),
				 PARLEY_ERR_STATE);
	} else if (expected) {
		assert_i_refuses(run, msg, len, expected, path ? path : "");
	} else {
		assert_int_equal(run_confirm_of(run, msg, len), 0);
	}
	free(msg);
}

static void lie_in_a_signed_envelope_is_refused_with_its_error(void **state)
{
	struct run run, other;
	size_t n = 0;

	(void)state;
	run_init(&run, 10);
	run_confirm(&run);
	run_init(&other, 10);
	run_accept(&other);
	for (size_t i = 0; i < N_OF(lies); i++) {
		if (lies[i].in & IN_ACCEPT) {
			try_accept(&other, BOB, lies[i].path, lies[i].value, 0,
				   lies[i].err);
			n++;
		}
		if (lies[i].in & IN_CONFIRM) {
			try_confirm(&run, ALICE, lies[i].path, lies[i].value, 0,
				    lies[i].err);
			n++;
		}
	}
	print_message("%zu lies\n", n);

	/* Signed anew without a lie they are taken: the tools do not fail. */
	try_accept(&other, BOB, NULL, NULL, 0, 0);
	try_confirm(&run, ALICE, NULL, NULL, 0, 0);
	try_accept(&other, BOB, "body.more", "1", 0, 0);
	try_confirm(&run, ALICE, "expires_time", "1767225601", 0, 0);
	run_free(&other);
	run_free(&run);
}

static void confirm_to_two_parties_is_refused(void **state)
{
	char to[2 * PARLEY_DID_SIZE + 16];
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_confirm(&run);
	snprintf(to, sizeof(to), "[\"%s\",\"%s\"]", did_of(BOB), did_of(CAROL));
	try_confirm(&run, ALICE, "to", to, 0, PARLEY_ERR_ADDRESS);
	snprintf(to, sizeof(to), "[\"%s\"]", did_of(CAROL));
	try_confirm(&run, ALICE, "to", to, 0, PARLEY_ERR_ADDRESS);
	snprintf(to, sizeof(to), "[\"%s\"]", did_of(ALICE));
	try_confirm(&run, ALICE, "to", to, 0, PARLEY_ERR_ADDRESS);
	run_free(&run);

	/* An accept has none, not even the right one. */
	run_init(&run, 10);
	run_accept(&run);
	try_accept(&run, BOB, "to", to, 0, PARLEY_ERR_ADDRESS);
	run_free(&run);
}

static void wrong_finished_is_refused(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	try_accept(&run, BOB, NULL, NULL, 1, PARLEY_ERR_FINISHED);
	run_free(&run);
	run_init(&run, 10);
	run_confirm(&run);
	try_confirm(&run, ALICE, NULL, NULL, 0x80, PARLEY_ERR_FINISHED);
	run_free(&run);
}

static void signer_outside_the_roster_is_refused(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	try_accept(&run, DAVE, NULL, NULL, 0, PARLEY_ERR_ROSTER);
	assert_string_equal(session_handshake_signer(run.i.h), did_of(DAVE));
	run_free(&run);
	run_init(&run, 10);
	run_confirm(&run);
	try_confirm(&run, DAVE, NULL, NULL, 0, PARLEY_ERR_ROSTER);
	assert_string_equal(session_handshake_signer(run.r.h), did_of(DAVE));
	assert_int_equal(session_handshake_peer(run.r.h), -1);
	run_free(&run);
}

static void signer_under_another_index_is_refused(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	/* Carol answers for Bob, under his index and under hers. */
	try_accept(&run, CAROL, NULL, NULL, 0, PARLEY_ERR_INDEX);
	try_accept(&run, CAROL, "body.index", "2", 0, PARLEY_ERR_INDEX);
	try_accept(&run, ALICE, NULL, NULL, 0, PARLEY_ERR_INDEX);
	run_free(&run);
	run_init(&run, 10);
	run_confirm(&run);
	try_confirm(&run, CAROL, NULL, NULL, 0, PARLEY_ERR_INDEX);
	/* Bob's own name, from outside. */
	try_confirm(&run, BOB, "body.index", "1", 0, PARLEY_ERR_INDEX);
	try_confirm(&run, BOB, NULL, NULL, 0, PARLEY_ERR_INDEX);
	run_free(&run);
}

static void too_many_fields_are_refused(void **state)
{
	json_t *fields = json_object();
	char name[16], *text;
	struct run run;

	(void)state;
	for (int i = 0; i <= SESSION_FIELDS_MAX; i++) {
		snprintf(name, sizeof(name), "%x", (unsigned)i);
		json_object_set_new(fields, name, json_integer(0));
	}
	text = json_dumps(fields, JSON_COMPACT);
	run_init(&run, 10);
	run_confirm(&run);
	try_confirm(&run, ALICE, "body.fields", text, 0, PARLEY_ERR_MESSAGE);
	free(text);
	json_object_del(fields, "0");
	text = json_dumps(fields, JSON_COMPACT);
	/* The hash decides whether there is a difference. */
	try_confirm(&run, ALICE, "body.fields", text, 0, 0);
	free(text);
	run_free(&run);
	json_decref(fields);
}

/* An envelope in the keys of a session that it was not signed for. */
static void stolen_envelope_is_of_no_use(void **state)
{
	struct run old, run;
	struct inside in;
	char *stolen;
	uint8_t *msg;
	size_t len;

	(void)state;
	/* Bob restarts.  Mallory, who holds the agreement and has seen inside
	 * the former session, dials with the same tag and a key of hers. */
	run_init(&old, 10);
	run_confirm(&old);
	inside_at_t5(&in, &old);
	stolen = inside_open(&in, old.confirm, old.confirm_len,
			     SESSION_CONFIRM_CLEAR_LEN, SESSION_INITIATOR);

	run_init(&run, 20);
	memcpy(run.i.random.tag, old.i.random.tag, SESSION_TAG_LEN);
	run_confirm(&run);
	inside_at_t5(&in, &run);
	msg = inside_seal(&in, &len, run.confirm, SESSION_CONFIRM_CLEAR_LEN,
			  SESSION_INITIATOR, stolen, 0);
	assert_r_refuses(&run, msg, len, PARLEY_ERR_TRANSCRIPT,
			 "stolen confirm");
	free(msg);
	free(stolen);
	run_free(&run);

	/* The same with Bob's accept towards Alice. */
	inside_init(&in, &old, old.i.random.ephemeral, old.accept + 18,
		    old.accept);
	stolen = inside_open(&in, old.accept, old.accept_len,
			     SESSION_ACCEPT_CLEAR_LEN, SESSION_RESPONDER);
	run_init(&run, 20);
	memcpy(run.i.random.tag, old.i.random.tag, SESSION_TAG_LEN);
	run_accept(&run);
	inside_init(&in, &run, run.i.random.ephemeral, run.accept + 18,
		    run.accept);
	msg = inside_seal(&in, &len, run.accept, SESSION_ACCEPT_CLEAR_LEN,
			  SESSION_RESPONDER, stolen, 0);
	assert_i_refuses(&run, msg, len, PARLEY_ERR_TRANSCRIPT,
			 "stolen accept");
	free(msg);
	free(stolen);
	run_free(&run);
	run_free(&old);
}

/* Bob's accept envelope of this very session where a confirm is due. */
static void accept_envelope_as_confirm_is_refused(void **state)
{
	struct inside in;
	char *envelope;
	struct run run;
	uint8_t *msg;
	size_t len;

	(void)state;
	run_init(&run, 10);
	run_confirm(&run);
	inside_init(&in, &run, run.r.random.ephemeral, run.propose + 21,
		    run.accept);
	envelope = inside_open(&in, run.accept, run.accept_len,
			       SESSION_ACCEPT_CLEAR_LEN, SESSION_RESPONDER);
	inside_at_t5(&in, &run);
	msg = inside_seal(&in, &len, run.confirm, SESSION_CONFIRM_CLEAR_LEN,
			  SESSION_INITIATOR, envelope, 0);
	assert_r_refuses(&run, msg, len, PARLEY_ERR_PURPOSE, "purpose");
	free(msg);
	free(envelope);
	run_free(&run);
}

static void spoiled_envelope_is_refused_with_the_error_of_comm(void **state)
{
	static const struct {
		const char *text;
		int err;
	} envelopes[] = {
	    {"", PARLEY_ERR_JSON},
	    {"{}", PARLEY_ERR_ENVELOPE},
	    {"{\"payload\":\"\",\"signatures\":[]}", PARLEY_ERR_ENVELOPE},
	};
	struct inside in;
	char *envelope, *at;
	struct run run;
	uint8_t *msg;
	size_t len;

	(void)state;
	run_init(&run, 10);
	run_confirm(&run);
	for (size_t i = 0; i < N_OF(envelopes); i++) {
		again_r(&run);
		inside_at_t5(&in, &run);
		msg = inside_seal(&in, &len, run.confirm,
				  SESSION_CONFIRM_CLEAR_LEN, SESSION_INITIATOR,
				  envelopes[i].text, 0);
		assert_r_refuses(&run, msg, len, envelopes[i].err,
				 envelopes[i].text);
		free(msg);
	}
	/* A signature that does not verify, in keys that are right. */
	again_r(&run);
	inside_at_t5(&in, &run);
	{
		struct inside next = in;

		envelope =
		    inside_open(&next, run.confirm, run.confirm_len,
				SESSION_CONFIRM_CLEAR_LEN, SESSION_INITIATOR);
	}
	at = strstr(envelope, "\"signature\":\"");
	assert_non_null(at);
	at += strlen("\"signature\":\"") + 5;
	*at = *at == 'A' ? 'B' : 'A';
	msg = inside_seal(&in, &len, run.confirm, SESSION_CONFIRM_CLEAR_LEN,
			  SESSION_INITIATOR, envelope, 0);
	assert_r_refuses(&run, msg, len, PARLEY_ERR_SIGNATURE, "signature");
	free(msg);
	free(envelope);
	run_free(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		lie_in_a_signed_envelope_is_refused_with_its_error),
	    cmocka_unit_test(confirm_to_two_parties_is_refused),
	    cmocka_unit_test(wrong_finished_is_refused),
	    cmocka_unit_test(signer_outside_the_roster_is_refused),
	    cmocka_unit_test(signer_under_another_index_is_refused),
	    cmocka_unit_test(too_many_fields_are_refused),
	    cmocka_unit_test(stolen_envelope_is_of_no_use),
	    cmocka_unit_test(accept_envelope_as_confirm_is_refused),
	    cmocka_unit_test(
		spoiled_envelope_is_refused_with_the_error_of_comm),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
