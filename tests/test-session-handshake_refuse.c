/*
 * Who is refused in a handshake, by word or in silence: replay, reflection,
 * gate, version, suites, small order; refuses, disputes, agreements that
 * differ.
 */
#include "tests/handshake.h"

#include <sodium.h>

/*
 * Replay, reflection, other sessions
 */

static void replayed_propose_is_refused_in_silence(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	assert_propose_refused(&run, run.propose, run.propose_len,
			       PARLEY_ERR_REPLAY, 0, "replay");
	assert_propose_refused(&run, run.propose, run.propose_len,
			       PARLEY_ERR_REPLAY, 0, "replay again");
	/* A holder changes all but the tag. */
	run.propose[30] ^= 1;
	regate(&run, run.propose, run.propose_len);
	assert_propose_refused(&run, run.propose, run.propose_len,
			       PARLEY_ERR_REPLAY, 0, "same tag");
	run_free(&run);
}

static void own_propose_is_refused_in_silence(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_propose(&run);
	assert_error(
	    session_handshake_accept(&run.r.h, &run.accept, &run.accept_len,
				     &run.i.gate, &run.i.self, run.propose,
				     run.propose_len, &run.i.random, NOW),
	    PARLEY_ERR_REFLECTION, "reflection");
	assert_null(run.accept);
	assert_null(run.r.h);
	assert_int_equal(run.i.gate.n_tags, 1);
	run_free(&run);
}

static void own_tag_is_not_used_twice(void **state)
{
	struct session_handshake *h = NULL;
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_propose(&run);
	assert_int_not_equal(session_handshake_propose(
				 &h, run.propose, &run.propose_len, &run.i.gate,
				 &run.i.self, BOB, &run.i.random),
			     0);
	assert_null(h);
	run_free(&run);
}

static void accept_of_another_session_is_refused(void **state)
{
	struct run old, run;

	(void)state;
	run_init(&old, 10);
	run_accept(&old);
	run_init(&run, 20);
	run_accept(&run);
	assert_i_refuses(&run, old.accept, old.accept_len,
			 PARLEY_ERR_TRANSCRIPT, "other session");
	/* With the tag exchanged. */
	again_i(&run);
	memcpy(old.accept + 1, run.accept + 1, SESSION_TAG_LEN);
	assert_i_refuses(&run, old.accept, old.accept_len, PARLEY_ERR_SEAL,
			 "other session, this tag");
	/* The clear part of one, the sealed part of the other. */
	again_i(&run);
	memcpy(old.accept, run.accept, SESSION_ACCEPT_CLEAR_LEN);
	assert_i_refuses(&run, old.accept, old.accept_len, PARLEY_ERR_SEAL,
			 "spliced");
	run_free(&old);
	run_free(&run);
}

static void confirm_of_another_session_is_refused(void **state)
{
	struct run old, run;

	(void)state;
	run_init(&old, 10);
	run_confirm(&old);
	run_init(&run, 20);
	run_confirm(&run);
	assert_r_refuses(&run, old.confirm, old.confirm_len,
			 PARLEY_ERR_TRANSCRIPT, "other session");
	again_r(&run);
	memcpy(old.confirm + 1, run.confirm + 1, SESSION_TAG_LEN);
	assert_r_refuses(&run, old.confirm, old.confirm_len, PARLEY_ERR_SEAL,
			 "other session, this tag");
	run_free(&old);
	run_free(&run);
}

static void message_of_another_step_is_refused(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_confirm(&run);

	/* At the listener. */
	side_again(&run.r);
	assert_propose_refused(&run, run.confirm, run.confirm_len,
			       PARLEY_ERR_FORMAT, 0, "confirm for propose");
	/* At Alice: her own messages, reflected. */
	again_i(&run);
	assert_i_refuses(&run, run.propose, run.propose_len, PARLEY_ERR_FORMAT,
			 "propose for accept");
	again_i(&run);
	assert_i_refuses(&run, run.confirm, run.confirm_len, PARLEY_ERR_FORMAT,
			 "confirm for accept");
	run_free(&run);

	/* At Bob: his own accept, reflected; the propose once more. */
	run_init(&run, 10);
	run_accept(&run);
	assert_r_refuses(&run, run.accept, run.accept_len, PARLEY_ERR_FORMAT,
			 "accept for confirm");
	again_r(&run);
	assert_r_refuses(&run, run.propose, run.propose_len, PARLEY_ERR_FORMAT,
			 "propose for confirm");
	/* Dressed as a confirm. */
	again_r(&run);
	run.accept[0] = SESSION_WIRE_CONFIRM;
	assert_r_refuses(&run, run.accept, run.accept_len, PARLEY_ERR_SEAL,
			 "accept as confirm");
	run_free(&run);
}

static void own_ephemeral_key_in_accept_is_refused(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	memcpy(run.accept + 18, run.propose + 21, SESSION_EPHEMERAL_LEN);
	assert_i_refuses(&run, run.accept, run.accept_len,
			 PARLEY_ERR_REFLECTION, "eR is eI");
	run_free(&run);
}

static void zero_is_no_ephemeral_secret(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_propose(&run);
	memset(run.r.random.ephemeral, 0, SESSION_EPHEMERAL_LEN);
	assert_int_equal(
	    session_handshake_accept(&run.r.h, &run.accept, &run.accept_len,
				     &run.r.gate, &run.r.self, run.propose,
				     run.propose_len, &run.r.random, NOW),
	    PARLEY_ERR_KEY);
	assert_null(run.r.h);
	assert_null(run.accept);
	run_free(&run);
}

/*
 * Gate, version, suites, DH
 */

static void stranger_gets_no_byte(void **state)
{
	uint8_t msg[SESSION_PROPOSE_LEN_MAX + 30];
	struct parley_agreement *foreign = make_agreement(ID_B, NULL);
	struct run run, other;

	(void)state;
	run_init(&run, 10);
	/* Another agreement with the same parties. */
	run_init(&other, 20);
	side_free(&other.i);
	side_init(&other.i, foreign, ids[ALICE], 20);
	run_propose(&other);
	assert_propose_refused(&run, other.propose, other.propose_len,
			       PARLEY_ERR_GATE, 0, "other agreement");
	run_free(&other);
	parley_session_agreement_free(foreign);

	/* Noise, with a good beginning now and then. */
	for (int n = 0; n < 2000; n++) {
		size_t len = randombytes_uniform(sizeof(msg) + 1);

		randombytes_buf(msg, sizeof(msg));
		if (n % 2)
			msg[0] = SESSION_WIRE_PROPOSE;
		if (n % 4 == 3) {
			msg[1] = SESSION_VERSION;
			msg[18] = (uint8_t)(1 + n % 16);
			len = 83u + msg[18];
		}
		run.r.h = NULL;
		assert_int_not_equal(run_accept_of(&run, msg, len), 0);
		assert_null(run.accept);
		assert_null(run.r.h);
		assert_int_equal(run.r.gate.n_tags, 0);
	}
	run_free(&run);
}

static void version_2_is_refused_by_word(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_propose(&run);
	for (int version = 0; version < 256; version += 3) {
		run.propose[1] = (uint8_t)version;
		if (version == SESSION_VERSION)
			continue;
		regate(&run, run.propose, run.propose_len);
		assert_error(run_accept_of(&run, run.propose, run.propose_len),
			     PARLEY_ERR_VERSION, "version");
		assert_int_equal(run.accept_len, SESSION_REFUSE_LEN);
		assert_int_equal(run.accept[0], SESSION_WIRE_REFUSE);
		assert_memory_equal(run.accept + 1, run.i.random.tag, 16);
		assert_int_equal(run.accept[17], SESSION_REFUSE_VERSION);
		assert_null(run.r.h);
		assert_int_equal(run.r.gate.n_tags, 0);
	}
	run_free(&run);
}

/* Even the word costs, and a holder may ask as often as it likes. */
static void a_busy_party_says_nothing_about_another_version(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_propose(&run);
	run.propose[1] = SESSION_VERSION + 1;
	regate(&run, run.propose, run.propose_len);
	run.r.gate.busy = true;
	assert_propose_refused(&run, run.propose, run.propose_len,
			       PARLEY_ERR_AGAIN, 0, "busy");
	run.r.gate.busy = false;
	assert_error(run_accept_of(&run, run.propose, run.propose_len),
		     PARLEY_ERR_VERSION, "idle");
	run_free(&run);
}

static void suites_without_a_common_one_are_refused_by_word(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run.i.self.suites[0] = 3;
	run.i.self.suites[1] = 255;
	run_propose(&run);
	assert_error(run_accept_of(&run, run.propose, run.propose_len),
		     PARLEY_ERR_SUITE, "unknown suites");
	assert_int_equal(run.accept_len, SESSION_REFUSE_LEN);
	assert_int_equal(run.accept[17], SESSION_REFUSE_SUITE);
	assert_null(run.r.h);
	assert_i_refuses(&run, run.accept, run.accept_len, PARLEY_ERR_SUITE,
			 "refuse 2");
	run_free(&run);
}

static void suite_named_twice_is_refused_in_silence(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run.i.self.suites[1] = run.i.self.suites[0];
	run_propose(&run);
	assert_propose_refused(&run, run.propose, run.propose_len,
			       PARLEY_ERR_FORMAT, 0, "twice");
	run_free(&run);
}

static void downgrade_by_a_holder_is_noticed_by_i(void **state)
{
	struct session_handshake_result i, r;
	struct run run;

	(void)state;
	/* Both prefer AES; the man in the middle leaves ChaCha only. */
	run_init(&run, 10);
	run.i.self.suites[0] = run.r.self.suites[0] = SESSION_SUITE_AES256;
	run.i.self.suites[1] = run.r.self.suites[1] = SESSION_SUITE_CHACHA20;
	run_propose(&run);
	run.propose[19] = 77;
	regate(&run, run.propose, run.propose_len);
	assert_int_equal(run_accept_of(&run, run.propose, run.propose_len), 0);
	assert_int_equal(run.accept[17], SESSION_SUITE_CHACHA20);
	assert_i_refuses(&run, run.accept, run.accept_len, PARLEY_ERR_SEAL,
			 "downgrade");
	run_free(&run);

	/* Left alone they take what Bob prefers. */
	run_init(&run, 10);
	run.r.self.suites[0] = SESSION_SUITE_AES256;
	run.r.self.suites[1] = SESSION_SUITE_CHACHA20;
	run_all(&run, &i, &r);
	assert_int_equal(i.suite, SESSION_SUITE_AES256);
	run_free(&run);
}

static void suite_that_was_not_offered_is_refused(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run.i.self.n_suites = 1; /* ChaCha only */
	run_accept(&run);
	for (int suite = 0; suite < 256; suite++) {
		if (suite == SESSION_SUITE_CHACHA20)
			continue;
		again_i(&run);
		run.accept[17] = (uint8_t)suite;
		assert_i_refuses(&run, run.accept, run.accept_len,
				 PARLEY_ERR_SUITE, "not offered");
	}
	run_free(&run);
}

/* Points of small order on Curve25519 and its twist, low byte first. */
static const char *const small_order[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

static void point_of_small_order_is_refused(void **state)
{
	uint8_t point[32], propose[SESSION_PROPOSE_LEN_MAX];
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	for (size_t n = 0; n < 2 * N_OF(small_order); n++) {
		assert_int_equal(sodium_hex2bin(point, 32, small_order[n / 2],
						64, NULL, NULL, NULL),
				 0);
		if (n % 2)
			point[31] |= 0x80; /* is ignored, RFC 7748 5 */

		again_i(&run);
		memcpy(run.accept + 18, point, 32);
		assert_i_refuses(&run, run.accept, run.accept_len,
				 PARLEY_ERR_DH, "eR");

		side_again(&run.r);
		memcpy(propose, run.propose, run.propose_len);
		memcpy(propose + 21, point, 32);
		regate(&run, propose, run.propose_len);
		/* B3 comes before B5: the tag is spent. */
		assert_propose_refused(&run, propose, run.propose_len,
				       PARLEY_ERR_DH, 1, "eI");
	}
	run_free(&run);
}

/*
 * Refuses
 */

/* What Bob would say about the propose, with a reason of our choice. */
static void make_refuse(struct run *run, uint8_t refuse[SESSION_REFUSE_LEN],
			uint8_t reason)
{
	struct session_transcript t;

	session_schedule_start(&t);
	session_schedule_absorb(&t, run->propose, run->propose_len);
	refuse[0] = SESSION_WIRE_REFUSE;
	memcpy(refuse + 1, run->i.random.tag, SESSION_TAG_LEN);
	refuse[17] = reason;
	memset(refuse + 18, 0x77, SESSION_NONCE_LEN);
	session_schedule_mac(refuse + 34, run->r.gate.key, "refuse", t.hash,
			     sizeof(t.hash), refuse + 17,
			     1 + SESSION_NONCE_LEN);
}

static void each_reason_of_a_refuse_has_its_error(void **state)
{
	static const int errors[] = {
	    PARLEY_ERR_GATE,	PARLEY_ERR_AGREEMENT, PARLEY_ERR_SUITE,
	    PARLEY_ERR_VERSION, PARLEY_ERR_GATE,
	};
	uint8_t refuse[SESSION_REFUSE_LEN];
	struct run run;

	(void)state;
	for (size_t reason = 0; reason < N_OF(errors); reason++) {
		run_init(&run, 10);
		run_accept(&run);
		make_refuse(&run, refuse, (uint8_t)reason);
		assert_error(run_confirm_of(&run, refuse, sizeof(refuse)),
			     errors[reason], "reason");
		if (reason == SESSION_REFUSE_DID) {
			assert_string_equal(session_handshake_field(run.i.h),
					    "parties[1].did");
			assert_int_equal(run.confirm_len, SESSION_DISPUTE_LEN);
			assert_int_equal(run.confirm[0], SESSION_WIRE_DISPUTE);
		} else {
			assert_null(run.confirm);
		}
		/* It is over, unless the reason is none. */
		assert_int_equal(
		    run_confirm_of(&run, run.accept, run.accept_len),
		    errors[reason] == PARLEY_ERR_GATE ? 0 : PARLEY_ERR_STATE);
		run_free(&run);
	}
}

static void refuse_after_an_accept_was_consumed_is_refused(void **state)
{
	uint8_t refuse[SESSION_REFUSE_LEN], *reply;
	size_t reply_len;
	struct run run;

	(void)state;
	for (uint8_t reason = 0; reason < 5; reason++) {
		run_init(&run, 10);
		run_confirm(&run);
		make_refuse(&run, refuse, reason);
		assert_error(session_handshake_confirm(
				 run.i.h, &reply, &reply_len, refuse,
				 sizeof(refuse), &run.i.random, NOW),
			     PARLEY_ERR_STATE, "late");
		assert_null(reply);
		assert_int_equal(
		    run_finish_of(&run, run.confirm, run.confirm_len), 0);
		run_free(&run);
	}
}

/* Carol listens where Alice expects Bob, and has said so. */
static void run_misdirected(struct run *run)
{
	run_init(run, 10);
	side_free(&run->r);
	side_init(&run->r, agreement, ids[CAROL], 11);
	run_propose(run);
	assert_error(run_accept_of(run, run->propose, run->propose_len),
		     PARLEY_ERR_ADDRESS, "other DID");
	assert_non_null(run->r.h);
	assert_int_equal(run->accept_len, SESSION_REFUSE_LEN);
	assert_int_equal(run->accept[0], SESSION_WIRE_REFUSE);
	assert_int_equal(run->accept[17], SESSION_REFUSE_DID);
}

/* ... and Alice disputes it. */
static void run_dispute(struct run *run)
{
	run_misdirected(run);
	assert_error(run_confirm_of(run, run->accept, run->accept_len),
		     PARLEY_ERR_AGREEMENT, "refuse 1");
	assert_int_equal(run->confirm_len, SESSION_DISPUTE_LEN);
	assert_int_equal(run->confirm[0], SESSION_WIRE_DISPUTE);
	assert_memory_equal(run->confirm + 1, run->i.random.tag, 16);
}

static void propose_for_another_did_is_disputed(void **state)
{
	struct session_handshake_result result;
	struct run run;

	(void)state;
	run_dispute(&run);
	assert_string_equal(session_handshake_field(run.i.h), "parties[1].did");
	assert_error(run_finish_of(&run, run.confirm, run.confirm_len),
		     PARLEY_ERR_AGREEMENT, "dispute");
	assert_non_null(
	    strstr(session_handshake_field(run.r.h), "parties[2].did"));
	/* It is over for both. */
	assert_error(run_finish_of(&run, run.confirm, run.confirm_len),
		     PARLEY_ERR_STATE, "twice");
	assert_error(run_confirm_of(&run, run.accept, run.accept_len),
		     PARLEY_ERR_STATE, "twice");
	assert_int_equal(session_handshake_result(run.i.h, &result),
			 PARLEY_ERR_STATE);
	assert_int_equal(session_handshake_result(run.r.h, &result),
			 PARLEY_ERR_STATE);
	run_free(&run);
}

static void every_flipped_byte_of_dispute_is_refused(void **state)
{
	struct run run;

	(void)state;
	for (size_t at = 0; at < SESSION_DISPUTE_LEN; at++)
		for (size_t k = 0; k < N_OF(patterns); k++) {
			run_dispute(&run);
			run.confirm[at] ^= patterns[k];
			assert_r_refuses(&run, run.confirm, run.confirm_len,
					 at == 0 ? PARLEY_ERR_FORMAT
						 : PARLEY_ERR_GATE,
					 "flipped");
			assert_string_equal(session_handshake_field(run.r.h),
					    "");
			run_free(&run);
		}
}

static void dispute_of_another_length_is_refused(void **state)
{
	uint8_t msg[SESSION_DISPUTE_LEN + 2] = {0};
	struct run run;

	(void)state;
	for (size_t len = 0; len <= sizeof(msg); len++) {
		if (len == SESSION_DISPUTE_LEN)
			continue;
		run_dispute(&run);
		memcpy(msg, run.confirm, SESSION_DISPUTE_LEN);
		assert_r_refuses(&run, msg, len, PARLEY_ERR_LENGTH, "length");
		run_free(&run);
	}
}

static void recorded_propose_to_another_is_no_difference(void **state)
{
	struct run run, other;

	(void)state;
	/* An outsider repeats to Carol what Alice said to Bob: Carol has
	 * heard nothing of a difference, whatever the outsider has seen. */
	run_dispute(&other);
	other.r.random.message_id[0] ^= 1; /* the nonce of another refuse */
	side_again(&other.r);
	assert_error(run_accept_of(&other, other.propose, other.propose_len),
		     PARLEY_ERR_ADDRESS, "repeated");
	assert_string_equal(session_handshake_field(other.r.h), "");
	assert_r_refuses(&other, other.confirm, other.confirm_len,
			 PARLEY_ERR_GATE, "dispute of an earlier refuse");
	run_free(&other);

	/* Nor is the propose itself, or the refuse, or a confirm a dispute. */
	run_misdirected(&run);
	assert_r_refuses(&run, run.propose, run.propose_len, PARLEY_ERR_LENGTH,
			 "propose");
	run_free(&run);
	run_misdirected(&run);
	assert_r_refuses(&run, run.accept, run.accept_len, PARLEY_ERR_LENGTH,
			 "refuse");
	run_free(&run);
	run_misdirected(&run);
	run.accept[0] = SESSION_WIRE_DISPUTE;
	assert_r_refuses(&run, run.accept, SESSION_DISPUTE_LEN, PARLEY_ERR_GATE,
			 "without a MAC");
	run_free(&run);
}

static void dispute_without_a_refuse_is_refused(void **state)
{
	struct run run, other;

	(void)state;
	run_dispute(&other);
	/* Where a confirm or an accept is expected. */
	run_init(&run, 10);
	run_accept(&run);
	assert_r_refuses(&run, other.confirm, other.confirm_len,
			 PARLEY_ERR_FORMAT, "for a confirm");
	run_free(&run);
	run_init(&run, 10);
	run_propose(&run);
	assert_i_refuses(&run, other.confirm, other.confirm_len,
			 PARLEY_ERR_FORMAT, "for an accept");
	assert_propose_refused(&run, other.confirm, other.confirm_len,
			       PARLEY_ERR_FORMAT, 0, "for a propose");
	run_free(&run);
	run_free(&other);
}

static void forged_refuse_is_ignored(void **state)
{
	uint8_t refuse[SESSION_REFUSE_LEN];
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	for (uint8_t reason = 0; reason < 5; reason++)
		for (size_t at = 17; at < sizeof(refuse); at++) {
			make_refuse(&run, refuse, reason);
			refuse[at] ^= 0x10;
			assert_error(
			    run_confirm_of(&run, refuse, sizeof(refuse)),
			    PARLEY_ERR_GATE, "forged");
			assert_null(run.confirm);
		}
	assert_int_equal(run_confirm_of(&run, run.accept, run.accept_len), 0);
	assert_int_equal(run_finish_of(&run, run.confirm, run.confirm_len), 0);
	run_free(&run);
}

static void refuse_of_another_session_or_length_is_ignored(void **state)
{
	uint8_t refuse[SESSION_REFUSE_LEN + 1];
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	for (size_t len = 1; len <= SESSION_REFUSE_LEN + 1; len++) {
		make_refuse(&run, refuse, SESSION_REFUSE_SUITE);
		refuse[SESSION_REFUSE_LEN] = 0;
		if (len != SESSION_REFUSE_LEN)
			assert_i_refuses(&run, refuse, len, PARLEY_ERR_GATE,
					 "length of refuse");
	}
	make_refuse(&run, refuse, SESSION_REFUSE_SUITE);
	refuse[3] ^= 1;
	assert_i_refuses(&run, refuse, SESSION_REFUSE_LEN, PARLEY_ERR_GATE,
			 "tag of refuse");
	/* The handshake goes on as if they had not come. */
	assert_int_equal(run_confirm_of(&run, run.accept, run.accept_len), 0);
	run_free(&run);
}

/*
 * Differing agreements
 */

static void difference_is_named_by_both_sides(void **state)
{
	static const struct {
		const char *change, *field;
	} cases[] = {
	    {"{\"threshold\":2}", "threshold"},
	    {"{\"parameters\":{\"column\":\"height\"}}", "parameters.column"},
	    {"{\"parameters\":{}}", "parameters.column"},
	    {"{\"name\":\"other\"}", "name"},
	    {"{\"expires\":99}", "expires"},
	    {"{\"program\":{\"name\":\"other\"}}", "program.name"},
	};
	struct session_handshake_result result;
	struct run run;

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct parley_agreement *other =
		    make_agreement(ID_A, cases[i].change);

		run_init(&run, 10);
		side_free(&run.r);
		side_init(&run.r, other, ids[BOB], 11);
		run_accept(&run);
		/* The confirm is made nevertheless, and is to be sent. */
		assert_error(run_confirm_of(&run, run.accept, run.accept_len),
			     PARLEY_ERR_AGREEMENT, cases[i].change);
		assert_non_null(run.confirm);
		assert_error(run_finish_of(&run, run.confirm, run.confirm_len),
			     PARLEY_ERR_AGREEMENT, cases[i].change);
		assert_string_equal(session_handshake_field(run.i.h),
				    cases[i].field);
		assert_string_equal(session_handshake_field(run.r.h),
				    cases[i].field);
		assert_int_equal(session_handshake_peer(run.i.h), BOB);
		assert_int_equal(session_handshake_peer(run.r.h), ALICE);
		assert_int_equal(session_handshake_result(run.i.h, &result),
				 PARLEY_ERR_STATE);
		assert_int_equal(session_handshake_result(run.r.h, &result),
				 PARLEY_ERR_STATE);
		run_free(&run);
		parley_session_agreement_free(other);
	}
}

static void same_fields_with_another_hash_are_a_difference(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_confirm(&run);
	try_confirm(&run, ALICE, "body.agreement", LONG_B64, 0,
		    PARLEY_ERR_AGREEMENT);
	assert_string_equal(session_handshake_field(run.r.h), "");
	run_free(&run);
}

static void difference_explains_a_signer_who_is_not_in_the_roster(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_confirm(&run);
	try_confirm(&run, DAVE, "body.agreement", LONG_B64, 0,
		    PARLEY_ERR_AGREEMENT);
	assert_string_equal(session_handshake_signer(run.r.h), did_of(DAVE));
	assert_int_equal(session_handshake_peer(run.r.h), -1);
	run_free(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(replayed_propose_is_refused_in_silence),
	    cmocka_unit_test(own_propose_is_refused_in_silence),
	    cmocka_unit_test(own_tag_is_not_used_twice),
	    cmocka_unit_test(accept_of_another_session_is_refused),
	    cmocka_unit_test(confirm_of_another_session_is_refused),
	    cmocka_unit_test(message_of_another_step_is_refused),
	    cmocka_unit_test(own_ephemeral_key_in_accept_is_refused),
	    cmocka_unit_test(zero_is_no_ephemeral_secret),
	    cmocka_unit_test(stranger_gets_no_byte),
	    cmocka_unit_test(version_2_is_refused_by_word),
	    cmocka_unit_test(a_busy_party_says_nothing_about_another_version),
	    cmocka_unit_test(suites_without_a_common_one_are_refused_by_word),
	    cmocka_unit_test(suite_named_twice_is_refused_in_silence),
	    cmocka_unit_test(downgrade_by_a_holder_is_noticed_by_i),
	    cmocka_unit_test(suite_that_was_not_offered_is_refused),
	    cmocka_unit_test(point_of_small_order_is_refused),
	    cmocka_unit_test(each_reason_of_a_refuse_has_its_error),
	    cmocka_unit_test(refuse_after_an_accept_was_consumed_is_refused),
	    cmocka_unit_test(propose_for_another_did_is_disputed),
	    cmocka_unit_test(every_flipped_byte_of_dispute_is_refused),
	    cmocka_unit_test(dispute_of_another_length_is_refused),
	    cmocka_unit_test(recorded_propose_to_another_is_no_difference),
	    cmocka_unit_test(dispute_without_a_refuse_is_refused),
	    cmocka_unit_test(forged_refuse_is_ignored),
	    cmocka_unit_test(refuse_of_another_session_or_length_is_ignored),
	    cmocka_unit_test(difference_is_named_by_both_sides),
	    cmocka_unit_test(same_fields_with_another_hash_are_a_difference),
	    cmocka_unit_test(
		difference_explains_a_signer_who_is_not_in_the_roster),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
