/*
 * comm/signed.c: signed envelopes.  The scenarios of vectors/jws/ come from
 * tests/gen/jws.py, which shares no code with the library; the published ones
 * from the places that their files name.
 */
#include "comm/signed.h"

#include <stdbool.h>

#include <jansson.h>

#include "did/base64.h"
#include "did/identity.h"
#include "did/key.h"
#include "did/pair.h"
#include "test-comm-vector.h"

static const uint8_t seed[DID_IDENTITY_SEED_LEN] = {1, 2, 3};

static struct {
	size_t opened;
	size_t refused;
} counts;

/* An envelope that ${id} signs over ${message}, with a NUL behind. */
static char *pack(const struct parley_identity *id, const char *message)
{
	char *envelope;
	size_t len;

	assert_int_equal(parley_comm_signed_pack(&envelope, &len, id, message,
						 strlen(message)),
			 0);
	assert_int_equal(strlen(envelope), len);
	return envelope;
}

/* A message of ${id} to itself; free() it. */
static char *own_message(const struct parley_identity *id)
{
	const char *did = parley_did_identity_did(id);
	char *message = NULL;

	assert_true(asprintf(&message,
			     " {\"id\":\"1\", \"type\":\"a:b/p/1.0/m\","
			     "\"from\":\"%s\",\n\"to\":[\"%s\"],\"body\":{}} ",
			     did, did) > 0);
	return message;
}

static int set_up(void **state)
{
	struct parley_identity *id = NULL;

	if (did_identity_from_seed(&id, seed) != 0)
		return -1;
	*state = id;
	return 0;
}

static int tear_down(void **state)
{
	parley_did_identity_free(*state);
	return 0;
}

static void check_opened(const char *name, const char *text,
			 const struct comm_signed *s)
{
	struct vector_value signer = vector_get(text, "signer");
	struct vector_value message = vector_get(text, "message");

	assert_non_null(signer.bytes);
	assert_non_null(message.bytes);
	if (strcmp(s->signer, signer.bytes) != 0 ||
	    strcmp(s->message.from, signer.bytes) != 0)
		fail_msg("%s: signer is %s", name, s->signer);
	assert_int_equal(s->payload_len, message.len);
	assert_memory_equal(s->payload, message.bytes, message.len);
	assert_int_equal(s->payload[s->payload_len], '\0');
	assert_memory_equal(s->kid, signer.bytes, signer.len);
	assert_int_equal(s->kid[signer.len], '#');
	free(signer.bytes);
	free(message.bytes);
}

/* Has every did:key at hand; ${context} is where it keeps the last one. */
static const struct did_key *know(const void *context, const char *did)
{
	struct did_key *const *keyp = context;

	return did_key_decode(*keyp, did, strlen(did)) == 0 ? *keyp : NULL;
}

/* Knows the key of somebody else only. */
static const struct did_key *mistake(const void *context, const char *did)
{
	(void)did;
	return did_identity_key(context);
}

/* Who has the keys at hand comes to the same end. */
static void replay_known(const char *name, const char *expect, const char *text,
			 size_t len)
{
	struct comm_signed s;
	struct did_key key, *place = &key;
	int err = comm_signed_open_known(&s, text, len, know, &place);

	if (strcmp(parley_did_err_name(err), expect) != 0)
		fail_msg("%s, key at hand: %s, not %s", name,
			 parley_did_err_name(err), expect);
	if (err == 0)
		comm_signed_wipe(&s);
}

/*
 * The envelope is copied into memory of exactly its size, so that a read
 * behind it is seen by the sanitizer and valgrind.
 */
static void replay(const char *name, const char *text)
{
	struct vector_value expect = vector_get(text, "expect");
	struct vector_value envelope = vector_get(text, "envelope");
	struct comm_signed s = {0}, zero = {0};
	char *exact = malloc(envelope.len ? envelope.len : 1);
	int err;

	assert_non_null(expect.bytes);
	assert_non_null(envelope.bytes);
	assert_non_null(exact);
	memcpy(exact, envelope.bytes, envelope.len);
	err = comm_signed_open(&s, exact, envelope.len);
	if (strcmp(parley_did_err_name(err), expect.bytes) != 0)
		fail_msg("%s: %s, not %s", name, parley_did_err_name(err),
			 expect.bytes);
	if (err == 0) {
		check_opened(name, text, &s);
		comm_signed_wipe(&s);
		counts.opened++;
	} else {
		counts.refused++;
	}
	assert_memory_equal(&s, &zero, sizeof(s));
	replay_known(name, expect.bytes, exact, envelope.len);
	free(exact);
	free(expect.bytes);
	free(envelope.bytes);
}

static void every_scenario_ends_as_expected(void **state)
{
	size_t n;

	(void)state;
	counts.opened = counts.refused = 0;
	n = vector_each("jws", "", replay);
	print_message("jws vectors: %zu replayed, %zu opened, %zu refused\n", n,
		      counts.opened, counts.refused);
	assert_int_equal(counts.opened, 21);
	assert_int_equal(counts.refused, 178);
}

static void published_envelopes_of_unknown_dids_are_unsupported(void **state)
{
	size_t n;

	(void)state;
	n = vector_each("didcomm", "signed-", replay);
	print_message("didcomm signed vectors: %zu replayed\n", n);
	assert_int_equal(n, 3);
}

static void published_envelope_without_kid_is_refused(void **state)
{
	(void)state;
	assert_int_equal(vector_each("jws/published", "cookbook-", replay), 1);
}

/* Verify the signature of the file ${name} with the key that it gives. */
static void verify_published(const char *name)
{
	char *path = vector_path(name), *text = vector_load(path), *input;
	struct vector_value key_hex = vector_get(text, "key");
	struct vector_value protected = vector_get(text, "protected");
	struct vector_value payload = vector_get(text, "payload");
	struct vector_value sig_text = vector_get(text, "signature");
	struct did_key key;
	uint8_t sig[64];
	int len;

	vector_unhex(&key_hex);
	assert_int_equal(did_key_from_bytes(&key, DID_KEY_ED25519,
					    (const uint8_t *)key_hex.bytes,
					    key_hex.len),
			 0);
	assert_int_equal(did_base64_decode_exact(sig, sizeof(sig),
						 sig_text.bytes, sig_text.len),
			 0);
	len = asprintf(&input, "%s.%s", protected.bytes, payload.bytes);
	assert_true(len > 0);
	assert_int_equal(
	    did_key_verify(&key, sig, sizeof(sig), input, (size_t)len), 0);
	input[len - 1] ^= 1;
	assert_int_equal(
	    did_key_verify(&key, sig, sizeof(sig), input, (size_t)len),
	    PARLEY_ERR_SIGNATURE);
	free(input);
	free(key_hex.bytes);
	free(protected.bytes);
	free(payload.bytes);
	free(sig_text.bytes);
	free(text);
	free(path);
}

static void published_eddsa_signatures_verify(void **state)
{
	(void)state;
	verify_published("didcomm/signed-eddsa.txt");
	verify_published("jws/published/cookbook-ed25519.txt");
}

/* One line of Wycheproof: id, result, key, signature, message. */
static bool wycheproof_line_holds(char *line, bool *valid)
{
	struct vector_value v[3];
	char *save, *id = strtok_r(line, " \n", &save);
	char *result = strtok_r(NULL, " \n", &save);
	struct did_key key;
	int err;

	for (size_t i = 0; i < 3; i++) {
		v[i].bytes = strtok_r(NULL, " \n", &save);
		assert_non_null(v[i].bytes);
		v[i].len = v[i].bytes[0] == '-' ? 0 : strlen(v[i].bytes);
		vector_unhex(&v[i]);
	}
	*valid = strcmp(result, "valid") == 0;
	err = did_key_from_bytes(&key, DID_KEY_ED25519,
				 (const uint8_t *)v[0].bytes, v[0].len);
	if (err == 0)
		err = did_key_verify(&key, (const uint8_t *)v[1].bytes,
				     v[1].len, v[2].bytes, v[2].len);
	if ((err == 0) == *valid && (err == 0 || err == PARLEY_ERR_SIGNATURE))
		return true;
	print_message("tcId %s: %s, got %s\n", id, result,
		      parley_did_err_name(err));
	return false;
}

static void wycheproof_ed25519_results_hold(void **state)
{
	char *path = vector_path("jws/published/wycheproof-ed25519.txt");
	FILE *f = fopen(path, "r");
	size_t n_valid = 0, n_invalid = 0, n_wrong = 0, size = 0;
	char *line = NULL;
	bool valid;

	(void)state;
	assert_non_null(f);
	while (getline(&line, &size, f) > 0) {
		if (line[0] == '#')
			continue;
		n_wrong += !wycheproof_line_holds(line, &valid);
		if (valid)
			n_valid++;
		else
			n_invalid++;
	}
	print_message("Wycheproof Ed25519: %zu valid, %zu invalid, "
		      "%zu with another result\n",
		      n_valid, n_invalid, n_wrong);
	assert_int_equal(n_wrong, 0);
	assert_int_equal(n_valid, 88);
	assert_int_equal(n_invalid, 63);
	free(line);
	fclose(f);
	free(path);
}

static void packed_envelope_equals_that_of_another_implementation(void **state)
{
	char *path = vector_path("jws/general.txt"), *text = vector_load(path);
	struct vector_value seed_hex = vector_get(text, "seed");
	struct vector_value message = vector_get(text, "message");
	struct vector_value envelope = vector_get(text, "envelope");
	struct parley_identity *id;
	char *packed;

	(void)state;
	vector_unhex(&seed_hex);
	assert_int_equal(seed_hex.len, DID_IDENTITY_SEED_LEN);
	assert_int_equal(
	    did_identity_from_seed(&id, (const uint8_t *)seed_hex.bytes), 0);
	packed = pack(id, message.bytes);
	assert_string_equal(packed, envelope.bytes);
	free(packed);
	parley_did_identity_free(id);
	free(seed_hex.bytes);
	free(message.bytes);
	free(envelope.bytes);
	free(text);
	free(path);
}

static void packed_message_comes_out_byte_for_byte(void **state)
{
	char *message = own_message(*state), *envelope = pack(*state, message);
	char signer[PARLEY_DID_SIZE], *out;
	size_t len;

	assert_int_equal(parley_comm_signed_unpack(&out, &len, signer, envelope,
						   strlen(envelope)),
			 0);
	assert_int_equal(len, strlen(message));
	assert_string_equal(out, message);
	assert_string_equal(signer, parley_did_identity_did(*state));
	free(out);
	free(envelope);
	free(message);
}

static void message_that_is_not_ones_own_is_not_signed(void **state)
{
	static const char *const messages[] = {
	    "{\"id\":\"1\",\"type\":\"a:b/p/1.0/m\"}",
	    "{\"id\":\"1\",\"type\":\"a:b/p/1.0/m\",\"from\":\"did:a:b\"}",
	};
	char *envelope = NULL;
	size_t len = 7;

	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(parley_comm_signed_pack(&envelope, &len,
							 *state, messages[i],
							 strlen(messages[i])),
				 PARLEY_ERR_ADDRESS);
		assert_null(envelope);
		assert_int_equal(len, 7);
	}
}

static void key_that_cannot_sign_does_not(void **state)
{
	char *message = own_message(*state), *envelope = NULL;
	struct did_pair pair;
	size_t len = 7;

	assert_int_equal(did_pair_new(&pair, DID_KEY_X25519), 0);
	assert_int_equal(comm_signed_seal(&envelope, &len, message,
					  strlen(message),
					  did_identity_kid(*state), &pair),
			 PARLEY_ERR_ARGUMENT);
	assert_null(envelope);
	assert_int_equal(len, 7);
	did_pair_wipe(&pair);
	free(message);
}

static void text_that_is_no_message_is_not_signed(void **state)
{
	char *envelope = NULL;
	size_t len;

	assert_int_equal(
	    parley_comm_signed_pack(&envelope, &len, *state, "{}", 2),
	    PARLEY_ERR_MESSAGE);
	assert_int_equal(
	    parley_comm_signed_pack(&envelope, &len, *state, "{", 1),
	    PARLEY_ERR_JSON);
	assert_int_equal(
	    parley_comm_signed_pack(&envelope, &len, *state, "{}",
				    (size_t)PARLEY_COMM_LEN_MAX + 1),
	    PARLEY_ERR_TOO_LARGE);
	assert_null(envelope);
}

/* ${message} grown by white space to ${len} bytes, which signs just as well. */
static char *pad_message(const char *message, size_t len)
{
	size_t message_len = strlen(message);
	char *padded = malloc(len + 1);

	assert_non_null(padded);
	assert_true(message_len <= len);
	memset(padded, ' ', len);
	memcpy(padded, message, message_len);
	padded[len] = '\0';
	return padded;
}

static void envelope_over_the_limit_is_not_packed(void **state)
{
	/* Each fits as a message: not as base64url, not as an envelope. */
	static const size_t lens[] = {PARLEY_COMM_LEN_MAX / 4 * 3 + 1,
				      PARLEY_COMM_LEN_MAX / 4 * 3};
	char *message = own_message(*state), *envelope = NULL;
	size_t envelope_len;

	for (size_t i = 0; i < 2; i++) {
		char *padded = pad_message(message, lens[i]);

		assert_int_equal(parley_comm_signed_pack(&envelope,
							 &envelope_len, *state,
							 padded, lens[i]),
				 PARLEY_ERR_TOO_LARGE);
		assert_null(envelope);
		free(padded);
	}
	free(message);
}

static void envelope_near_the_limit_is_packed_and_opened(void **state)
{
	size_t len = PARLEY_COMM_LEN_MAX / 4 * 3 - 1024, out_len;
	char *message = own_message(*state);
	char *padded = pad_message(message, len), *envelope, *out;
	char signer[PARLEY_DID_SIZE];

	envelope = pack(*state, padded);
	assert_int_equal(parley_comm_signed_unpack(&out, &out_len, signer,
						   envelope, strlen(envelope)),
			 0);
	assert_int_equal(out_len, len);
	assert_memory_equal(out, padded, len);
	free(out);
	free(envelope);
	free(padded);
	free(message);
}

static void envelope_over_the_limit_is_not_read(void **state)
{
	char signer[PARLEY_DID_SIZE] = "untouched", *out = NULL;
	size_t len = 7;

	(void)state;
	assert_int_equal(
	    parley_comm_signed_unpack(&out, &len, signer, "{}",
				      (size_t)PARLEY_COMM_LEN_MAX + 1),
	    PARLEY_ERR_TOO_LARGE);
	assert_null(out);
	assert_int_equal(len, 7);
	assert_string_equal(signer, "untouched");
}

/* Where the first character of the signature stands. */
static size_t signature_at(const char *envelope)
{
	static const char before[] = "\"signature\":\"";
	size_t at = 0;

	while (envelope[at] && strncmp(envelope + at, before, strlen(before)))
		at++;
	assert_true(envelope[at] != '\0');
	return at + strlen(before);
}

static void outputs_are_untouched_on_error(void **state)
{
	char *message = own_message(*state), *envelope = pack(*state, message);
	char signer[PARLEY_DID_SIZE] = "untouched", *out = NULL;
	size_t at;
	size_t len = 7;

	at = signature_at(envelope);
	envelope[at] = envelope[at] == 'A' ? 'B' : 'A';
	assert_int_equal(parley_comm_signed_unpack(&out, &len, signer, envelope,
						   strlen(envelope)),
			 PARLEY_ERR_SIGNATURE);
	assert_null(out);
	assert_int_equal(len, 7);
	assert_string_equal(signer, "untouched");
	free(envelope);
	free(message);
}

static void every_flipped_byte_is_refused(void **state)
{
	/* The nearest other byte, and one that is never ASCII. */
	static const uint8_t flips[] = {0x01, 0xff};
	char *message = own_message(*state), *envelope = pack(*state, message);
	size_t len = strlen(envelope), n = 0;
	struct comm_signed s;

	for (size_t i = 0; i < len; i++) {
		for (size_t j = 0; j < sizeof(flips); j++) {
			envelope[i] = (char)(envelope[i] ^ flips[j]);
			if (comm_signed_open(&s, envelope, len) == 0)
				fail_msg("byte %zu flipped by %02x: opened", i,
					 flips[j]);
			envelope[i] = (char)(envelope[i] ^ flips[j]);
			n++;
		}
	}
	assert_int_equal(comm_signed_open(&s, envelope, len), 0);
	comm_signed_wipe(&s);
	print_message("%zu flipped bytes refused\n", n);
	free(envelope);
	free(message);
}

static void every_truncation_is_refused(void **state)
{
	char *message = own_message(*state), *envelope = pack(*state, message);
	size_t len = strlen(envelope);
	struct comm_signed s;

	for (size_t i = 0; i < len; i++) {
		char *cut = malloc(i + 1);

		assert_non_null(cut);
		memcpy(cut, envelope, i);
		assert_int_equal(comm_signed_open(&s, cut, i), PARLEY_ERR_JSON);
		free(cut);
	}
	free(envelope);
	free(message);
}

/* Allocations that the JSON library may make before it gets none. */
static size_t allocations_left;

static void *allocate_some(size_t size)
{
	if (allocations_left == 0)
		return NULL;
	allocations_left--;
	return malloc(size);
}

/* Fails for each n at the n-th allocation; returns how often it failed. */
static size_t starve(int (*step)(struct parley_identity *id, char *text),
		     struct parley_identity *id, char *text)
{
	size_t n = 0;
	int err;

	do {
		allocations_left = n++;
		json_set_alloc_funcs(allocate_some, free);
		err = step(id, text);
		json_set_alloc_funcs(malloc, free);
		/* The JSON parser cannot always tell why it stopped. */
		if (err != 0 && err != PARLEY_ERR_JSON)
			assert_int_equal(err, PARLEY_ERR_MEMORY);
	} while (err != 0);
	return n - 1;
}

static int step_pack(struct parley_identity *id, char *message)
{
	char *envelope;
	size_t len;
	int err = parley_comm_signed_pack(&envelope, &len, id, message,
					  strlen(message));

	if (err == 0)
		free(envelope);
	return err;
}

static int step_open(struct parley_identity *id, char *envelope)
{
	struct comm_signed s;
	int err = comm_signed_open(&s, envelope, strlen(envelope));

	(void)id;
	if (err == 0)
		comm_signed_wipe(&s);
	return err;
}

static void lack_of_memory_is_reported_and_leaves_nothing(void **state)
{
	char *message = own_message(*state), *envelope = pack(*state, message);

	assert_true(starve(step_pack, *state, message) > 10);
	assert_true(starve(step_open, *state, envelope) > 10);
	free(envelope);
	free(message);
}

static void the_key_at_hand_is_the_one_that_verifies(void **state)
{
	char *message = own_message(*state), *envelope = pack(*state, message);
	struct parley_identity *other;
	struct comm_signed s;

	assert_int_equal(parley_did_identity_new(&other), 0);
	assert_int_equal(comm_signed_open_known(&s, envelope, strlen(envelope),
						mistake, other),
			 PARLEY_ERR_SIGNATURE);
	assert_int_equal(comm_signed_open_known(&s, envelope, strlen(envelope),
						mistake, *state),
			 0);
	comm_signed_wipe(&s);
	parley_did_identity_free(other);
	free(envelope);
	free(message);
}

static void wiping_twice_is_allowed(void **state)
{
	char *message = own_message(*state), *envelope = pack(*state, message);
	struct comm_signed s;

	assert_int_equal(comm_signed_open(&s, envelope, strlen(envelope)), 0);
	assert_string_equal(s.message.id, "1");
	comm_signed_wipe(&s);
	assert_null(s.payload);
	comm_signed_wipe(&s);
	free(envelope);
	free(message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_scenario_ends_as_expected),
	    cmocka_unit_test(
		published_envelopes_of_unknown_dids_are_unsupported),
	    cmocka_unit_test(published_envelope_without_kid_is_refused),
	    cmocka_unit_test(published_eddsa_signatures_verify),
	    cmocka_unit_test(wycheproof_ed25519_results_hold),
	    cmocka_unit_test(
		packed_envelope_equals_that_of_another_implementation),
	    cmocka_unit_test(packed_message_comes_out_byte_for_byte),
	    cmocka_unit_test(message_that_is_not_ones_own_is_not_signed),
	    cmocka_unit_test(key_that_cannot_sign_does_not),
	    cmocka_unit_test(text_that_is_no_message_is_not_signed),
	    cmocka_unit_test(envelope_over_the_limit_is_not_packed),
	    cmocka_unit_test(envelope_near_the_limit_is_packed_and_opened),
	    cmocka_unit_test(envelope_over_the_limit_is_not_read),
	    cmocka_unit_test(outputs_are_untouched_on_error),
	    cmocka_unit_test(every_flipped_byte_is_refused),
	    cmocka_unit_test(every_truncation_is_refused),
	    cmocka_unit_test(lack_of_memory_is_reported_and_leaves_nothing),
	    cmocka_unit_test(the_key_at_hand_is_the_one_that_verifies),
	    cmocka_unit_test(wiping_twice_is_allowed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
