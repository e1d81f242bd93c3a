/*
 * Key pairs; vectors/did-key/, and those of Wycheproof in vectors/x25519/ and
 * vectors/ecdh/.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <parley/err.h>

#include "did/pair.h"
#include "tests/vector.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const enum did_key_type all[] = {DID_KEY_ED25519, DID_KEY_X25519,
					DID_KEY_P256,	 DID_KEY_P384,
					DID_KEY_P521,	 DID_KEY_SECP256K1};

static size_t check_secrets(const char *name, const char *member)
{
	json_t *file = vector_load(name);
	uint8_t secret[DID_PAIR_SECRET_MAX], bytes[DID_KEY_BYTES_MAX];
	size_t i, len, n = 0;
	struct did_pair pair;
	struct did_key key;
	const char *did;
	json_t *v;

	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		did = vector_text(v, "did");
		assert_int_equal(did_key_decode(&key, did, strlen(did)), 0);
		len = vector_hex(secret, sizeof(secret), v, member);
		assert_int_equal(
		    did_pair_from_secret(&pair, key.type, secret, len), 0);
		assert_true(did_key_equal(&pair.key, &key));
		len = vector_hex(bytes, sizeof(bytes), v, "key");
		assert_memory_equal(pair.key.bytes, bytes, len);
		did_pair_wipe(&pair);
		n++;
	}
	print_message("%zu secrets of %s\n", n, name);
	json_decref(file);
	return n;
}

static void published_secrets_give_their_keys(void **state)
{
	(void)state;
	assert_int_equal(check_secrets("did-key/ed25519.json", "seed"), 2);
	assert_int_equal(check_secrets("did-key/nist-curves.json", "secret"),
			 3);
	assert_int_equal(check_secrets("did-key/secp256k1.json", "secret"), 3);
}

static void published_x25519_secrets_agree(void **state)
{
	json_t *file = vector_load("x25519/wycheproof.json");
	uint8_t secret[32], public[32], expected[32];
	uint8_t shared[DID_PAIR_SHARED_MAX];
	size_t i, len, n_refused = 0;
	struct did_pair pair;
	struct did_key peer;
	json_t *v;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		vector_hex(secret, sizeof(secret), v, "secret");
		vector_hex(public, sizeof(public), v, "public");
		vector_hex(expected, sizeof(expected), v, "shared");
		if (did_key_from_bytes(&peer, DID_KEY_X25519, public, 32) !=
		    0) {
			/* Not canonical, or of small order. */
			assert_string_equal(vector_text(v, "expect"),
					    "acceptable");
			n_refused++;
			continue;
		}
		assert_int_equal(
		    did_pair_from_secret(&pair, DID_KEY_X25519, secret, 32), 0);
		assert_int_equal(did_pair_agree(shared, &len, &pair, &peer), 0);
		assert_int_equal(len, 32);
		assert_memory_equal(shared, expected, 32);
	}
	assert_int_equal(i, 518);
	print_message("%zu X25519 vectors, %zu keys refused\n", i, n_refused);
	json_decref(file);
}

/* The key of a point as SEC 1 writes it. */
static int read_point(struct did_key *key, const uint8_t *bytes, size_t len)
{
	if (len == 65 && bytes[0] == 4)
		return did_key_from_xy(key, DID_KEY_P256, bytes + 1,
				       bytes + 33);
	return did_key_from_bytes(key, DID_KEY_P256, bytes, len);
}

static void published_p256_secrets_agree(void **state)
{
	json_t *file = vector_load("ecdh/p256.json");
	uint8_t secret[64], padded[32], public[256], expected[32];
	size_t i, len, n_refused = 0;
	uint8_t shared[DID_PAIR_SHARED_MAX];
	struct did_pair pair;
	struct did_key peer;
	json_t *v;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		/* The number has no fixed length in these. */
		len = vector_hex(secret, sizeof(secret), v, "secret");
		memset(padded, 0, sizeof(padded));
		if (len > 32)
			memcpy(padded, secret + len - 32, 32);
		else
			memcpy(padded + 32 - len, secret, len);
		len = vector_hex(public, sizeof(public), v, "public");
		if (len == 0 || read_point(&peer, public, len) != 0) {
			assert_string_equal(vector_text(v, "expect"),
					    "invalid");
			n_refused++;
			continue;
		}
		assert_string_not_equal(vector_text(v, "expect"), "invalid");
		vector_hex(expected, sizeof(expected), v, "shared");
		assert_int_equal(
		    did_pair_from_secret(&pair, DID_KEY_P256, padded, 32), 0);
		assert_int_equal(did_pair_agree(shared, &len, &pair, &peer), 0);
		assert_memory_equal(shared, expected, 32);
	}
	assert_int_equal(i, 355);
	assert_int_equal(n_refused, 24);
	print_message("%zu P-256 ECDH vectors, %zu keys refused\n", i,
		      n_refused);
	json_decref(file);
}

static void both_ends_agree_on_one_secret(void **state)
{
	uint8_t a_shared[DID_PAIR_SHARED_MAX], b_shared[DID_PAIR_SHARED_MAX];
	struct did_pair a, b;
	size_t a_len, b_len;

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		bool agrees =
		    all[i] != DID_KEY_ED25519 && all[i] != DID_KEY_SECP256K1;

		assert_int_equal(did_pair_new(&a, all[i]), 0);
		assert_int_equal(did_pair_new(&b, all[i]), 0);
		assert_false(did_key_equal(&a.key, &b.key));
		assert_int_equal(did_pair_agree(a_shared, &a_len, &a, &b.key),
				 agrees ? 0 : PARLEY_ERR_UNSUPPORTED);
		if (!agrees)
			continue;
		assert_int_equal(did_pair_agree(b_shared, &b_len, &b, &a.key),
				 0);
		assert_int_equal(a_len, b_len);
		assert_int_equal(a_len, a.secret_len);
		assert_memory_equal(a_shared, b_shared, a_len);
	}
}

static void keys_of_two_types_do_not_agree(void **state)
{
	uint8_t shared[DID_PAIR_SHARED_MAX];
	struct did_pair a, b;
	size_t len;

	(void)state;
	assert_int_equal(did_pair_new(&a, DID_KEY_P256), 0);
	assert_int_equal(did_pair_new(&b, DID_KEY_P384), 0);
	assert_int_equal(did_pair_agree(shared, &len, &a, &b.key),
			 PARLEY_ERR_ARGUMENT);
}

static void all_zero_result_is_refused(void **state)
{
	static const uint8_t zero[DID_PAIR_SHARED_MAX];
	uint8_t shared[DID_PAIR_SHARED_MAX];
	struct did_key peer = {.type = DID_KEY_X25519, .len = 32};
	struct did_pair pair;
	size_t len = 7;

	(void)state;
	/* A key that no function here would have made. */
	assert_int_equal(did_pair_new(&pair, DID_KEY_X25519), 0);
	assert_int_equal(did_pair_agree(shared, &len, &pair, &peer),
			 PARLEY_ERR_DH);
	assert_memory_equal(shared, zero, sizeof(zero));
	assert_int_equal(len, 7);
}

static void every_type_that_signs_verifies(void **state)
{
	uint8_t sig[DID_PAIR_SIG_LEN];
	struct did_pair pair;

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		bool signs = did_key_info(all[i])->alg != NULL;

		assert_int_equal(did_pair_new(&pair, all[i]), 0);
		assert_int_equal(did_pair_sign(sig, &pair, "hello", 5),
				 signs ? 0 : PARLEY_ERR_UNSUPPORTED);
		if (!signs)
			continue;
		assert_int_equal(did_key_verify(&pair.key, sig, 64, "hello", 5),
				 0);
		assert_int_equal(did_key_verify(&pair.key, sig, 64, "hallo", 5),
				 PARLEY_ERR_SIGNATURE);
		assert_int_equal(did_key_verify(&pair.key, sig, 63, "hello", 5),
				 PARLEY_ERR_SIGNATURE);
	}
}

static void x25519_of_a_seed_is_that_of_its_key(void **state)
{
	struct did_pair ed, x, other;
	struct did_key key;

	(void)state;
	assert_int_equal(did_pair_new(&ed, DID_KEY_ED25519), 0);
	assert_int_equal(did_pair_derive_x25519(&x, &ed), 0);
	assert_int_equal(did_key_derive_x25519(&key, &ed.key), 0);
	assert_true(did_key_equal(&x.key, &key));
	assert_int_equal(did_pair_derive_x25519(&other, &x),
			 PARLEY_ERR_ARGUMENT);
}

static void secrets_of_wrong_length_or_range_are_refused(void **state)
{
	static const struct did_pair empty;
	uint8_t secret[DID_PAIR_SECRET_MAX + 1] = {0};
	struct did_pair pair;

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		size_t len =
		    all[i] == DID_KEY_ED25519 || all[i] == DID_KEY_X25519
			? 32
			: did_ec_coordinate_len(all[i]);

		assert_int_equal(
		    did_pair_from_secret(&pair, all[i], secret, len - 1),
		    PARLEY_ERR_LENGTH);
		assert_int_equal(
		    did_pair_from_secret(&pair, all[i], secret, len + 1),
		    PARLEY_ERR_LENGTH);
		if (all[i] == DID_KEY_ED25519 || all[i] == DID_KEY_X25519)
			continue;
		memset(secret, 0xff, sizeof(secret));
		assert_int_equal(
		    did_pair_from_secret(&pair, all[i], secret, len),
		    PARLEY_ERR_KEY);
		assert_memory_equal(&pair, &empty, sizeof(pair));
		memset(secret, 0, sizeof(secret));
		assert_int_equal(
		    did_pair_from_secret(&pair, all[i], secret, len),
		    PARLEY_ERR_KEY);
	}
	assert_int_equal(did_pair_from_secret(&pair, DID_KEY_RSA, secret, 32),
			 PARLEY_ERR_UNSUPPORTED);
	assert_int_equal(did_pair_new(&pair, DID_KEY_RSA),
			 PARLEY_ERR_UNSUPPORTED);
}

static void wiped_pair_is_all_zero(void **state)
{
	static const struct did_pair empty;
	struct did_pair pair;

	(void)state;
	assert_int_equal(did_pair_new(&pair, DID_KEY_P521), 0);
	did_pair_wipe(&pair);
	assert_memory_equal(&pair, &empty, sizeof(pair));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(published_secrets_give_their_keys),
	    cmocka_unit_test(published_x25519_secrets_agree),
	    cmocka_unit_test(published_p256_secrets_agree),
	    cmocka_unit_test(both_ends_agree_on_one_secret),
	    cmocka_unit_test(keys_of_two_types_do_not_agree),
	    cmocka_unit_test(all_zero_result_is_refused),
	    cmocka_unit_test(every_type_that_signs_verifies),
	    cmocka_unit_test(x25519_of_a_seed_is_that_of_its_key),
	    cmocka_unit_test(secrets_of_wrong_length_or_range_are_refused),
	    cmocka_unit_test(wiped_pair_is_all_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
