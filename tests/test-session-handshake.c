/*
 * The handshake: the vectors, every flipped byte, every length, and what
 * becomes of secrets.
 */
#include "tests/handshake.h"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <sodium.h>

#include "did/identity.h"

/*
 * Vectors
 */

struct replayed {
	struct run run;
	struct parley_agreement *a[2];
	struct parley_identity *id[2];
};

static void take(uint8_t *dst, size_t len, const json_t *v, const char *name)
{
	assert_int_equal(vector_hex(dst, len, v, name), len);
}

static void replayed_side(struct replayed *p, int role, const json_t *v)
{
	const json_t *w = json_object_get(v, role ? "R" : "I");
	struct side *s = role ? &p->run.r : &p->run.i;
	const char *text = vector_text(w, "agreement");
	uint8_t seed[DID_IDENTITY_SEED_LEN];
	const json_t *suites = json_object_get(w, "suites");

	assert_int_equal(parley_session_agreement_parse(&p->a[role], NULL, text,
							strlen(text)),
			 0);
	take(seed, sizeof(seed), w, "seed");
	assert_int_equal(did_identity_from_seed(&p->id[role], seed), 0);
	assert_string_equal(parley_did_identity_did(p->id[role]),
			    vector_text(w, "did"));
	side_init(s, p->a[role], p->id[role], 0);
	s->self.index = (size_t)vector_int(w, "index");
	take(s->self.instance, SESSION_INSTANCE_LEN, w, "instance");
	s->self.n_suites = json_array_size(suites);
	for (size_t i = 0; i < s->self.n_suites; i++)
		s->self.suites[i] =
		    (uint8_t)json_integer_value(json_array_get(suites, i));
	if (role == SESSION_INITIATOR)
		take(s->random.tag, SESSION_TAG_LEN, v, "tag");
	take(s->random.ephemeral, SESSION_EPHEMERAL_LEN, w, "ephemeral_secret");
	take(s->random.message_id, 16, w, "message_id");
}

static void replayed_init(struct replayed *p, const json_t *v)
{
	memset(p, 0, sizeof(*p));
	assert_int_equal(vector_int(v, "time"), NOW);
	replayed_side(p, SESSION_INITIATOR, v);
	replayed_side(p, SESSION_RESPONDER, v);
	p->run.dialled = (size_t)vector_int(v, "dialled");
	run_propose(&p->run);
}

static void replayed_free(struct replayed *p)
{
	run_free(&p->run);
	for (int i = 0; i < 2; i++) {
		parley_session_agreement_free(p->a[i]);
		parley_did_identity_free(p->id[i]);
	}
}

/* "parties[3].did" is the field "parties.did" of the vectors. */
static void assert_field(const struct session_handshake *h, const json_t *list)
{
	const char *first = json_string_value(json_array_get(list, 0));
	const char *field = session_handshake_field(h);
	const char *dot = strchr(field, ']');
	char general[SESSION_FIELD_PATH_SIZE];

	snprintf(general, sizeof(general), "%s", field);
	if (dot)
		snprintf(general, sizeof(general), "parties%s", dot + 1);
	assert_non_null(first);
	assert_string_equal(general, first);
}

static void check_results(struct run *run, const json_t *v)
{
	struct session_handshake_result i, r;

	run_results(run, &i, &r);
	assert_int_equal(i.suite, vector_int(v, "suite"));
	assert_int_equal(r.suite, vector_int(v, "suite"));
	assert_vector(i.traffic.secret[SESSION_INITIATOR], 32, v, "s_I");
	assert_vector(i.traffic.secret[SESSION_RESPONDER], 32, v, "s_R");
	assert_vector(i.traffic.resume, 32, v, "resume");
	assert_memory_equal(&i.traffic, &r.traffic, sizeof(i.traffic));
	assert_memory_equal(i.instance, run->r.self.instance,
			    sizeof(i.instance));
	assert_memory_equal(r.instance, run->i.self.instance,
			    sizeof(r.instance));
	assert_int_equal(i.peer, run->r.self.index);
	assert_int_equal(r.peer, run->i.self.index);
}

static size_t n_good, n_differ, n_refuse, n_bad_propose, n_bad_accept,
    n_bad_confirm;

static void replay_good(struct replayed *p, const json_t *v)
{
	struct run *run = &p->run;
	int expect = vector_error(v);

	assert_vector(run->propose, run->propose_len, v, "propose");
	assert_int_equal(run_accept_of(run, run->propose, run->propose_len), 0);
	assert_vector(run->accept, run->accept_len, v, "accept");
	assert_error(run_confirm_of(run, run->accept, run->accept_len), expect,
		     "accept");
	assert_vector(run->confirm, run->confirm_len, v, "confirm");
	assert_error(run_finish_of(run, run->confirm, run->confirm_len), expect,
		     "confirm");
	if (expect) {
		assert_field(run->i.h, json_object_get(v, "differ_I"));
		assert_field(run->r.h, json_object_get(v, "differ_R"));
		n_differ++;
	} else {
		check_results(run, v);
		n_good++;
	}
}

static void replay_refuse(struct replayed *p, const json_t *v)
{
	static const int errors[] = {0, PARLEY_ERR_ADDRESS, PARLEY_ERR_SUITE,
				     PARLEY_ERR_VERSION};
	struct bytes propose = vector_bytes(v, "propose");
	struct run *run = &p->run;
	json_int_t reason = vector_int(v, "reason");

	assert_true(reason >= 1 && reason <= 3);
	assert_error(run_accept_of(run, propose.p, propose.len), errors[reason],
		     "propose");
	assert_vector(run->accept, run->accept_len, v, "refuse");
	/* This version sends no propose of version 2, so that one's refuse
	 * means nothing to it. */
	assert_error(run_confirm_of(run, run->accept, run->accept_len),
		     reason == SESSION_REFUSE_VERSION ? PARLEY_ERR_GATE
						      : vector_error(v),
		     "refuse");
	if (reason == SESSION_REFUSE_DID) {
		assert_vector(run->confirm, run->confirm_len, v, "dispute");
		assert_error(run_finish_of(run, run->confirm, run->confirm_len),
			     PARLEY_ERR_AGREEMENT, "dispute");
	} else {
		assert_null(run->confirm);
	}
	free(propose.p);
	n_refuse++;
}

static void replay(const char *name, const json_t *v)
{
	struct bytes propose = vector_bytes(v, "propose"), accept, confirm;
	struct replayed p;
	struct run *run = &p.run;

	replayed_init(&p, v);
	if (json_object_get(v, "refuse")) {
		replay_refuse(&p, v);
	} else if (!json_object_get(v, "accept")) {
		assert_propose_refused(run, propose.p, propose.len,
				       vector_error(v),
				       vector_error(v) == PARLEY_ERR_DH, name);
		n_bad_propose++;
	} else if (!json_object_get(v, "confirm")) {
		assert_vector(run->propose, run->propose_len, v, "propose");
		accept = vector_bytes(v, "accept");
		assert_i_refuses(run, accept.p, accept.len, vector_error(v),
				 name);
		free(accept.p);
		n_bad_accept++;
	} else if (strncmp(name, "bad-", 4) == 0) {
		assert_int_equal(run_accept_of(run, propose.p, propose.len), 0);
		assert_vector(run->accept, run->accept_len, v, "accept");
		confirm = vector_bytes(v, "confirm");
		assert_r_refuses(run, confirm.p, confirm.len, vector_error(v),
				 name);
		free(confirm.p);
		n_bad_confirm++;
	} else {
		replay_good(&p, v);
	}
	free(propose.p);
	replayed_free(&p);
}

static void vectors_are_met_byte_for_byte(void **state)
{
	(void)state;
	vector_each("handshake", "", replay);
	print_message("%zu handshakes, %zu with different agreements, "
		      "%zu refuses; bad: %zu proposes, %zu accepts, "
		      "%zu confirms\n",
		      n_good, n_differ, n_refuse, n_bad_propose, n_bad_accept,
		      n_bad_confirm);
	assert_true(n_good && n_differ && n_refuse && n_bad_propose &&
		    n_bad_accept && n_bad_confirm);
}

/*
 * What goes well
 */

static void both_sides_have_the_same_keys(void **state)
{
	struct session_handshake_result i, r;
	struct run run;

	(void)state;
	for (uint8_t suite = 1; suite <= 2; suite++) {
		run_init(&run, 10);
		run.r.self.suites[0] = suite;
		run.r.self.suites[1] = (uint8_t)(3 - suite);
		run_all(&run, &i, &r);
		assert_int_equal(i.suite, suite);
		assert_int_equal(r.suite, suite);
		assert_int_equal(i.peer, BOB);
		assert_int_equal(r.peer, ALICE);
		assert_memory_equal(&i.traffic, &r.traffic, sizeof(i.traffic));
		assert_memory_not_equal(i.traffic.secret[0],
					i.traffic.secret[1], 32);
		assert_memory_equal(i.instance, run.r.self.instance, 16);
		assert_memory_equal(r.instance, run.i.self.instance, 16);
		assert_string_equal(session_handshake_signer(run.i.h),
				    did_of(BOB));
		assert_string_equal(session_handshake_signer(run.r.h),
				    did_of(ALICE));
		assert_int_equal(session_handshake_peer(run.i.h), BOB);
		assert_int_equal(session_handshake_peer(run.r.h), ALICE);
		run_free(&run);
	}
}

static void two_runs_never_share_a_key(void **state)
{
	enum { RUNS = 8, KEYS = 3 * RUNS };
	uint8_t keys[KEYS][32];
	struct session_handshake_result i, r;
	struct run run;

	(void)state;
	for (int n = 0; n < RUNS; n++) {
		/* The ephemeral key of one side is enough, either's. */
		run_init(&run, 10);
		if (n % 2)
			memset(run.i.random.ephemeral, n, 32);
		else
			memset(run.r.random.ephemeral, n + 1, 32);
		run_all(&run, &i, &r);
		memcpy(keys[3 * n], i.traffic.secret[0], 32);
		memcpy(keys[3 * n + 1], i.traffic.secret[1], 32);
		memcpy(keys[3 * n + 2], i.traffic.resume, 32);
		run_free(&run);
	}
	for (int a = 0; a < KEYS; a++)
		for (int b = 0; b < a; b++)
			assert_memory_not_equal(keys[a], keys[b], 32);
}

static void result_is_given_once_and_only_at_the_end(void **state)
{
	struct session_handshake_result result;
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	assert_int_equal(session_handshake_result(run.i.h, &result),
			 PARLEY_ERR_STATE);
	assert_int_equal(session_handshake_result(run.r.h, &result),
			 PARLEY_ERR_STATE);
	assert_int_equal(run_confirm_of(&run, run.accept, run.accept_len), 0);
	assert_int_equal(session_handshake_result(run.r.h, &result),
			 PARLEY_ERR_STATE);
	assert_int_equal(session_handshake_result(run.i.h, &result), 0);
	assert_int_equal(session_handshake_result(run.i.h, &result),
			 PARLEY_ERR_STATE);
	assert_int_equal(run_finish_of(&run, run.confirm, run.confirm_len), 0);
	assert_int_equal(session_handshake_result(run.r.h, &result), 0);
	assert_int_equal(session_handshake_result(run.r.h, &result),
			 PARLEY_ERR_STATE);
	run_free(&run);
}

static void calls_out_of_order_are_refused(void **state)
{
	uint8_t *confirm;
	struct run run;
	size_t len;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	/* The calls of the other role change nothing. */
	assert_int_equal(
	    session_handshake_finish(run.i.h, run.accept, run.accept_len, NOW),
	    PARLEY_ERR_STATE);
	assert_int_equal(session_handshake_confirm(run.r.h, &confirm, &len,
						   run.accept, run.accept_len,
						   &run.r.random, NOW),
			 PARLEY_ERR_STATE);
	assert_null(confirm);
	assert_int_equal(run_confirm_of(&run, run.accept, run.accept_len), 0);
	confirm = run.confirm;
	run.confirm = NULL;
	/* A second accept, or a late refuse. */
	assert_int_equal(run_confirm_of(&run, run.accept, run.accept_len),
			 PARLEY_ERR_STATE);
	assert_null(run.confirm);
	run.accept[0] = SESSION_WIRE_REFUSE;
	assert_int_equal(run_confirm_of(&run, run.accept, SESSION_REFUSE_LEN),
			 PARLEY_ERR_STATE);
	run.confirm = confirm;
	assert_int_equal(run_finish_of(&run, run.confirm, run.confirm_len), 0);
	assert_int_equal(run_finish_of(&run, run.confirm, run.confirm_len),
			 PARLEY_ERR_STATE);
	run_free(&run);
}

/*
 * Flipped bytes
 */

static void every_flipped_byte_of_propose_is_refused_in_silence(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_propose(&run);
	for (size_t at = 0; at < run.propose_len; at++)
		for (size_t p = 0; p < N_OF(patterns); p++) {
			int expected = at == 0	  ? PARLEY_ERR_FORMAT
				       : at == 18 ? PARLEY_ERR_LENGTH
						  : PARLEY_ERR_GATE;

			run.propose[at] ^= patterns[p];
			assert_propose_refused(&run, run.propose,
					       run.propose_len, expected, 0,
					       "flipped propose");
			run.propose[at] ^= patterns[p];
		}
	/* No trace: the right one is taken, and Alice goes on with it. */
	assert_int_equal(run_accept_of(&run, run.propose, run.propose_len), 0);
	assert_int_equal(run_confirm_of(&run, run.accept, run.accept_len), 0);
	assert_int_equal(run_finish_of(&run, run.confirm, run.confirm_len), 0);
	print_message("%zu bytes of propose\n", run.propose_len);
	run_free(&run);
}

/* What a flipped byte of an accept may be taken for. */
static void assert_accept_error(int err, size_t at)
{
	if (at == 0)
		assert_error(err, PARLEY_ERR_FORMAT, "type");
	else if (at < 17)
		assert_error(err, PARLEY_ERR_TRANSCRIPT, "tag");
	else if (at == 17)
		assert_true(err == PARLEY_ERR_SUITE || err == PARLEY_ERR_SEAL);
	else
		assert_error(err, PARLEY_ERR_SEAL, "sealed");
}

static void every_flipped_byte_of_accept_is_refused_by_i(void **state)
{
	struct session_handshake_result result;
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	for (size_t at = 0; at < run.accept_len; at++)
		for (size_t p = 0; p < N_OF(patterns); p++) {
			again_i(&run);
			run.accept[at] ^= patterns[p];
			assert_accept_error(
			    run_confirm_of(&run, run.accept, run.accept_len),
			    at);
			run.accept[at] ^= patterns[p];
			assert_null(run.confirm);
			assert_int_equal(
			    session_handshake_result(run.i.h, &result),
			    PARLEY_ERR_STATE);
			assert_int_equal(run.i.gate.n_tags, 1);
		}
	/* A failed handshake is over, with the right message as well. */
	assert_int_equal(run_confirm_of(&run, run.accept, run.accept_len),
			 PARLEY_ERR_STATE);
	/* Bob noticed nothing. */
	again_i(&run);
	assert_int_equal(run_confirm_of(&run, run.accept, run.accept_len), 0);
	assert_int_equal(run_finish_of(&run, run.confirm, run.confirm_len), 0);
	print_message("%zu bytes of accept\n", run.accept_len);
	run_free(&run);
}

static void every_flipped_byte_of_confirm_is_refused_by_r(void **state)
{
	struct session_handshake_result i, r;
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_confirm(&run);
	for (size_t at = 0; at < run.confirm_len; at++)
		for (size_t p = 0; p < N_OF(patterns); p++) {
			int expected = at == 0	 ? PARLEY_ERR_FORMAT
				       : at < 17 ? PARLEY_ERR_TRANSCRIPT
						 : PARLEY_ERR_SEAL;

			again_r(&run);
			run.confirm[at] ^= patterns[p];
			assert_r_refuses(&run, run.confirm, run.confirm_len,
					 expected, "flipped confirm");
			run.confirm[at] ^= patterns[p];
		}
	assert_int_equal(run_finish_of(&run, run.confirm, run.confirm_len),
			 PARLEY_ERR_STATE);
	again_r(&run);
	assert_int_equal(run_finish_of(&run, run.confirm, run.confirm_len), 0);
	run_results(&run, &i, &r);
	assert_memory_equal(&i.traffic, &r.traffic, sizeof(i.traffic));
	print_message("%zu bytes of confirm\n", run.confirm_len);
	run_free(&run);
}

/*
 * Lengths
 */

static void propose_of_another_length_is_refused(void **state)
{
	uint8_t msg[200] = {0}, *large = calloc(1, 1 << 20);
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_propose(&run);
	for (size_t len = 0; len < sizeof(msg); len++) {
		memcpy(msg, run.propose, run.propose_len);
		if (len == run.propose_len)
			continue;
		assert_propose_refused(&run, msg, len,
				       len == 0 ? PARLEY_ERR_FORMAT
						: PARLEY_ERR_LENGTH,
				       0, "length of propose");
		/* A holder's gate does not help. */
		if (len > 40) {
			regate(&run, msg, len);
			assert_propose_refused(&run, msg, len,
					       PARLEY_ERR_LENGTH, 0,
					       "length of propose");
		}
	}
	memcpy(large, run.propose, run.propose_len);
	assert_propose_refused(&run, large, 1 << 20, PARLEY_ERR_LENGTH, 0,
			       "1 MiB");
	free(large);
	run_free(&run);
}

static void propose_with_0_or_17_suites_is_refused(void **state)
{
	uint8_t msg[200] = {0};
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_propose(&run);
	for (size_t m = 0; m <= 20; m++) {
		const size_t len = 83 + m;

		memcpy(msg, run.propose, 18);
		msg[18] = (uint8_t)m;
		for (size_t i = 0; i < m; i++)
			msg[19 + i] = (uint8_t)(100 + i);
		memcpy(msg + 19 + m, run.propose + 21, 64);
		regate(&run, msg, len);
		if (m == 0 || m > 16) {
			assert_propose_refused(&run, msg, len,
					       PARLEY_ERR_LENGTH, 0,
					       "number of suites");
			continue;
		}
		/* Taken apart, but nothing in common. */
		side_again(&run.r);
		assert_error(run_accept_of(&run, msg, len), PARLEY_ERR_SUITE,
			     "number of suites");
		assert_non_null(run.accept);
	}
	run_free(&run);
}

static void accept_of_another_length_is_refused(void **state)
{
	const size_t max = SESSION_HANDSHAKE_LEN_MAX;
	uint8_t *large = calloc(1, max + 1);
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_accept(&run);
	for (size_t len = 0; len < run.accept_len; len++) {
		again_i(&run);
		assert_i_refuses(&run, run.accept, len,
				 len == 0   ? PARLEY_ERR_FORMAT
				 : len < 98 ? PARLEY_ERR_LENGTH
					    : PARLEY_ERR_SEAL,
				 "truncated accept");
	}
	memcpy(large, run.accept, run.accept_len);
	again_i(&run);
	assert_i_refuses(&run, large, run.accept_len + 1, PARLEY_ERR_SEAL,
			 "one byte more");
	again_i(&run);
	assert_i_refuses(&run, large, max, PARLEY_ERR_SEAL, "128 KiB");
	again_i(&run);
	assert_i_refuses(&run, large, max + 1, PARLEY_ERR_LENGTH,
			 "more than 128 KiB");
	again_i(&run);
	assert_int_equal(run_confirm_of(&run, run.accept, run.accept_len), 0);
	free(large);
	run_free(&run);
}

static void confirm_of_another_length_is_refused(void **state)
{
	const size_t max = SESSION_HANDSHAKE_LEN_MAX;
	uint8_t *large = calloc(1, max + 1);
	struct run run;

	(void)state;
	run_init(&run, 10);
	run_confirm(&run);
	for (size_t len = 0; len < run.confirm_len; len++) {
		again_r(&run);
		assert_r_refuses(&run, run.confirm, len,
				 len == 0   ? PARLEY_ERR_FORMAT
				 : len < 65 ? PARLEY_ERR_LENGTH
					    : PARLEY_ERR_SEAL,
				 "truncated confirm");
	}
	memcpy(large, run.confirm, run.confirm_len);
	again_r(&run);
	assert_r_refuses(&run, large, run.confirm_len + 1, PARLEY_ERR_SEAL,
			 "one byte more");
	again_r(&run);
	assert_r_refuses(&run, large, max, PARLEY_ERR_SEAL, "128 KiB");
	again_r(&run);
	assert_r_refuses(&run, large, max + 1, PARLEY_ERR_LENGTH,
			 "more than 128 KiB");
	again_r(&run);
	assert_int_equal(run_finish_of(&run, run.confirm, run.confirm_len), 0);
	free(large);
	run_free(&run);
}

/* An agreement with as much of everything as PROTOCOL 2.1 allows. */
static struct parley_agreement *largest_agreement(void)
{
	json_t *root = json_object(), *parties = json_array();
	json_t *parameters = json_object(), *digests = json_object();
	struct parley_agreement *a;
	struct parley_identity *id;
	char name[80], *text;
	uint8_t seed[32];

	for (int i = 0; i < 256; i++) {
		snprintf(name, sizeof(name), "%064d", i);
		json_object_set_new(parameters, name, json_true());
		json_object_set_new(digests, name,
				    json_sprintf("sha256:%064d", i));
	}
	for (unsigned i = 0; i < PARLEY_AGREEMENT_PARTIES_MAX; i++) {
		memset(seed, 0, sizeof(seed));
		memcpy(seed, &i, sizeof(i));
		assert_int_equal(did_identity_from_seed(&id, seed), 0);
		json_array_append_new(
		    parties, json_pack("{s:s, s:[s]}", "did",
				       i < 2 ? did_of((int)i)
					     : parley_did_identity_did(id),
				       "endpoints", "tcp://party.example:1"));
		parley_did_identity_free(id);
	}
	json_object_set_new(root, "parties", parties);
	json_object_set_new(root, "parameters", parameters);
	json_object_set_new(
	    root, "program",
	    json_pack("{s:s, s:o}", "name", "test", "digests", digests));
	text = json_dumps(root, 0);
	a = make_agreement(ID_A, text);
	free(text);
	json_decref(root);
	return a;
}

static void largest_agreement_fits_into_the_messages(void **state)
{
	struct parley_agreement *large = largest_agreement();
	struct session_handshake_result i, r;
	struct run run;

	(void)state;
	run_init(&run, 10);
	side_free(&run.i);
	side_free(&run.r);
	side_init(&run.i, large, ids[ALICE], 10);
	side_init(&run.r, large, ids[BOB], 11);
	run_all(&run, &i, &r);
	print_message("largest: accept %zu, confirm %zu bytes\n",
		      run.accept_len, run.confirm_len);
	run_free(&run);
	parley_session_agreement_free(large);
}

/*
 * Limits and secrets
 */

static void tags_8193_and_on_are_refused(void **state)
{
	struct session_handshake *h = NULL;
	uint8_t msg[SESSION_PROPOSE_LEN_MAX];
	uint8_t first[SESSION_PROPOSE_LEN_MAX];
	struct run run, full;
	size_t len = 0;

	(void)state;
	run_init(&full, 10);
	run_init(&run, 20);
	run_propose(&run);
	/* Own ones do not count: one may dial as often as one likes. */
	for (unsigned n = 1; n <= SESSION_TAGS_MAX + 10; n++) {
		memcpy(full.i.random.tag, &n, sizeof(n));
		assert_int_equal(session_handshake_propose(
				     &h, msg, &len, &full.r.gate, &full.r.self,
				     ALICE, &full.i.random),
				 0);
		session_handshake_free(h);
		h = NULL;
	}
	assert_int_equal(full.r.gate.n_seen, 0);
	/* Each with another tag, and so none of them to Bob: a refuse costs
	 * less than an accept. */
	for (unsigned n = 0; n < SESSION_TAGS_MAX; n++) {
		memcpy(run.propose + 2, &n, sizeof(n));
		regate(&full, run.propose, run.propose_len);
		if (n == 0)
			memcpy(first, run.propose, run.propose_len);
		assert_error(run_accept_of(&full, run.propose, run.propose_len),
			     PARLEY_ERR_ADDRESS, "another tag");
		session_handshake_free(full.r.h);
		full.r.h = NULL;
	}
	assert_int_equal(full.r.gate.n_seen, SESSION_TAGS_MAX);

	/* Those known are still known. */
	assert_propose_refused(&full, first, run.propose_len, PARLEY_ERR_REPLAY,
			       0, "seen");
	assert_propose_refused(&full, msg, len, PARLEY_ERR_REFLECTION, 0,
			       "own");
	run_free(&run);
	run_init(&run, 30);
	run_propose(&run);
	assert_propose_refused(&full, run.propose, run.propose_len,
			       PARLEY_ERR_EXHAUSTED, 0, "8193rd");
	run_free(&run);
	run_free(&full);
}

/*
 * Memory that is given back is searched for secrets.  It is read through
 * /proc/self/mem, so that valgrind does not mind what was never written.
 */

enum { N_SECRETS = 8 };

static struct {
	bool armed;
	int fd;
	size_t n, n_freed, n_found;
	uint8_t secret[N_SECRETS][32];
} watch;

void __real_free(void *p);
void __wrap_free(void *p);

void __wrap_free(void *p)
{
	static uint8_t copy[1 << 18];
	size_t size = watch.armed && p ? malloc_usable_size(p) : 0;

	if (size > 0 && size <= sizeof(copy) &&
	    pread(watch.fd, copy, size, (off_t)(uintptr_t)p) == (ssize_t)size) {
		watch.n_freed++;
		for (size_t i = 0; i < watch.n; i++)
			if (memmem(copy, size, watch.secret[i], 32)) {
				watch.n_found++;
				/* Not once more, of who gets this block. */
				sodium_memzero(p, size);
			}
	}
	__real_free(p);
}

static void watch_secret(const uint8_t secret[32])
{
	assert_true(watch.n < N_SECRETS);
	memcpy(watch.secret[watch.n++], secret, 32);
}

static void secrets_are_wiped_before_memory_is_freed(void **state)
{
	struct session_handshake_result i, r;
	struct inside in;
	uint8_t *p;
	struct run run;

	(void)state;
	memset(&watch, 0, sizeof(watch));
	watch.fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	assert_true(watch.fd >= 0);

	/* All that is secret in this run, from a first one. */
	run_init(&run, 10);
	for (size_t n = 0; n < 32; n++) {
		run.i.random.ephemeral[n] = (uint8_t)(n * 7);
		run.r.random.ephemeral[n] = (uint8_t)(n * 11 + 3);
	}
	run_all(&run, &i, &r);
	inside_init(&in, &run, run.i.random.ephemeral, run.accept + 18,
		    run.accept);
	watch_secret(in.k.hs);
	watch_secret(in.k.key[SESSION_INITIATOR]);
	watch_secret(in.k.key[SESSION_RESPONDER]);
	watch_secret(in.k.finished[SESSION_INITIATOR]);
	watch_secret(i.traffic.secret[0]);
	watch_secret(i.traffic.resume);
	watch_secret(run.i.random.ephemeral);
	watch_secret(run.r.random.ephemeral);

	/* The watch sees what it should see. */
	watch.armed = true;
	p = malloc(64);
	for (int n = 0; n < 32; n++) /* volatile: a dead store otherwise */
		((volatile uint8_t *)p)[10 + n] = in.k.hs[n];
	free(p);
	assert_int_equal(watch.n_found, 1);
	watch.n_found = watch.n_freed = 0;

	/* Success, taken and not taken; failure of either side. */
	watch.armed = false;
	again_i(&run);
	again_r(&run);
	watch.armed = true;
	run_confirm_of(&run, run.accept, run.accept_len);
	assert_int_equal(run_finish_of(&run, run.confirm, run.confirm_len), 0);
	assert_int_equal(session_handshake_result(run.i.h, &i), 0);
	again_i(&run); /* frees */
	again_r(&run);
	run.confirm[100] ^= 1;
	assert_int_equal(run_finish_of(&run, run.confirm, run.confirm_len),
			 PARLEY_ERR_SEAL);
	run.accept[100] ^= 1;
	assert_int_equal(run_confirm_of(&run, run.accept, run.accept_len),
			 PARLEY_ERR_SEAL);
	run_free(&run);
	watch.armed = false;
	close(watch.fd);
	assert_int_equal(watch.n_found, 0);
	assert_true(watch.n_freed > 10);
	print_message("%zu freed blocks searched\n", watch.n_freed);
}

static void secrets_die_with_the_key_split(void **state)
{
	struct session_handshake_result i, r;
	struct inside in;
	size_t size;
	struct run run;
	uint8_t *copy;
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	run_init(&run, 10);
	for (size_t n = 0; n < 32; n++)
		run.i.random.ephemeral[n] = (uint8_t)(n * 7);
	run_all(&run, &i, &r);
	inside_init(&in, &run, run.i.random.ephemeral, run.accept + 18,
		    run.accept);
	/* The handshake is still there, its secrets are not. */
	size = malloc_usable_size(run.i.h);
	copy = malloc(size);
	assert_true(pread(fd, copy, size, (off_t)(uintptr_t)run.i.h) ==
		    (ssize_t)size);
	assert_non_null(memmem(copy, size, run.i.random.tag, 16));
	assert_null(memmem(copy, size, run.i.random.ephemeral, 32));
	assert_null(memmem(copy, size, in.k.hs, 32));
	for (int role = 0; role < 2; role++) {
		assert_null(memmem(copy, size, in.k.key[role], 32));
		assert_null(memmem(copy, size, in.k.finished[role], 32));
		assert_null(memmem(copy, size, i.traffic.secret[role], 32));
	}
	free(copy);
	close(fd);
	run_free(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(vectors_are_met_byte_for_byte),
	    cmocka_unit_test(both_sides_have_the_same_keys),
	    cmocka_unit_test(two_runs_never_share_a_key),
	    cmocka_unit_test(result_is_given_once_and_only_at_the_end),
	    cmocka_unit_test(calls_out_of_order_are_refused),
	    cmocka_unit_test(
		every_flipped_byte_of_propose_is_refused_in_silence),
	    cmocka_unit_test(every_flipped_byte_of_accept_is_refused_by_i),
	    cmocka_unit_test(every_flipped_byte_of_confirm_is_refused_by_r),
	    cmocka_unit_test(propose_of_another_length_is_refused),
	    cmocka_unit_test(propose_with_0_or_17_suites_is_refused),
	    cmocka_unit_test(accept_of_another_length_is_refused),
	    cmocka_unit_test(confirm_of_another_length_is_refused),
	    cmocka_unit_test(largest_agreement_fits_into_the_messages),
	    cmocka_unit_test(tags_8193_and_on_are_refused),
	    cmocka_unit_test(secrets_are_wiped_before_memory_is_freed),
	    cmocka_unit_test(secrets_die_with_the_key_split),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
