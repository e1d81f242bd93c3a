/*
 * JWK and did:jwk; vectors/jwk/ and vectors/did-jwk/.
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

#include "did/document.h"
#include "did/jwk.h"
#include "did/pair.h"
#include "did/secret.h"
#include "tests/vector.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static size_t check_jwks(const char *name)
{
	json_t *file = vector_load(name);
	struct did_key key, of_did;
	const char *did;
	size_t i, n = 0;
	json_t *v, *jwk, *again;

	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		jwk = json_object_get(v, "jwk");
		if (jwk == NULL)
			continue; /* published in another form */
		did = vector_text(v, "did");
		assert_int_equal(did_key_decode(&of_did, did, strlen(did)), 0);
		assert_int_equal(did_jwk_to_key(&key, NULL, jwk), 0);
		assert_true(did_key_equal(&key, &of_did));
		again = did_jwk_from_key(&key);
		assert_true(json_equal(again, jwk));
		json_decref(again);
		n++;
	}
	print_message("%zu JWKs of %s\n", n, name);
	json_decref(file);
	return n;
}

static void published_keys_come_and_go_as_jwk(void **state)
{
	(void)state;
	assert_int_equal(check_jwks("did-key/nist-curves.json"), 2);
	assert_int_equal(check_jwks("did-key/secp256k1.json"), 1);
	assert_int_equal(check_jwks("did-key/rsa.json"), 1);
}

static void every_type_comes_back(void **state)
{
	struct did_pair pair;
	struct did_key key;
	json_t *jwk;

	(void)state;
	for (unsigned t = 0; t < DID_KEY_RSA; t++) {
		assert_int_equal(did_pair_new(&pair, t), 0);
		jwk = did_jwk_from_key(&pair.key);
		assert_non_null(jwk);
		assert_int_equal(did_jwk_to_key(&key, NULL, jwk), 0);
		assert_true(did_key_equal(&key, &pair.key));
		json_decref(jwk);
	}
}

/* RFC 7518 3.1 and 4.1, RFC 8812 3.2, RFC 8037 3. */
static void an_algorithm_fits_its_type_of_key_only(void **state)
{
	static const struct {
		enum did_key_type type;
		const char *sign;
		bool agrees;
	} rows[] = {
	    {DID_KEY_ED25519, "EdDSA", false},
	    {DID_KEY_X25519, NULL, true},
	    {DID_KEY_P256, "ES256", true},
	    {DID_KEY_P384, "ES384", true},
	    {DID_KEY_P521, "ES512", true},
	    {DID_KEY_SECP256K1, "ES256K", false},
	};
	struct did_pair pair;
	struct did_key key;
	json_t *jwk;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(did_pair_new(&pair, rows[i].type), 0);
		jwk = did_jwk_from_key(&pair.key);
		for (size_t j = 0; j < COUNT(rows); j++) {
			if (rows[j].sign == NULL)
				continue;
			json_object_set_new(jwk, "alg",
					    json_string(rows[j].sign));
			assert_int_equal(did_jwk_to_key(&key, NULL, jwk),
					 i == j ? 0 : PARLEY_ERR_FORMAT);
		}
		json_object_set_new(jwk, "alg", json_string("ECDH-ES+A256KW"));
		assert_int_equal(did_jwk_to_key(&key, NULL, jwk),
				 rows[i].agrees ? 0 : PARLEY_ERR_FORMAT);
		json_decref(jwk);
	}
}

static void hostile_jwks_are_refused_each_with_its_error(void **state)
{
	json_t *file = vector_load("jwk/hostile.json");
	struct did_key key;
	json_t *v;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	    vector_expect(
		v, did_jwk_to_key(&key, NULL, json_object_get(v, "jwk")));
	assert_int_equal(did_jwk_to_key(&key, NULL, NULL), PARLEY_ERR_FORMAT);
	v = json_pack("{s:s,s:i,s:s}", "kty", "RSA", "n", 1, "e", "AQAB");
	assert_int_equal(did_jwk_to_key(&key, NULL, v), PARLEY_ERR_FORMAT);
	json_decref(v);
	print_message("%zu hostile JWKs\n", i);
	json_decref(file);
}

/* The public part: EC and RSA sets are published with d where they sign. */
static void published_key_sets_are_judged_right(void **state)
{
	/* Sets whose key is sound, but whose JWS is not, or is RSA. */
	static const char *const sound[] = {"rs256", "jws_rsa_roca_key"};
	json_t *file = vector_load("jwk/wycheproof.json");
	static const uint8_t sig[64];
	size_t i, j, n_read = 0;
	struct did_key key;
	json_t *v, *jwk;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		const char *tests = vector_text(v, "tests");
		bool expected = false;

		for (size_t s = 0; s < COUNT(sound); s++)
			expected |=
			    strncmp(tests, sound[s], strlen(sound[s])) == 0;
		json_array_foreach(json_object_get(v, "keys"), j, jwk)
		{
			int err = did_jwk_to_key(&key, NULL, jwk);
			bool mixed = strncmp(tests, "jws_mixed",
					     strlen("jws_mixed")) == 0 &&
				     j == 1;

			assert_int_equal(err == 0, expected || mixed);
			if (err != 0)
				continue;
			n_read++;
			if (key.type == DID_KEY_RSA)
				assert_int_equal(
				    did_key_verify(&key, sig, 64, "", 0),
				    PARLEY_ERR_UNSUPPORTED);
		}
	}
	assert_int_equal(i, 26);
	print_message("%zu JWK sets, %zu keys of them read\n", i, n_read);
	json_decref(file);
}

static void secret_jwk_comes_back(void **state)
{
	char text[DID_JWK_SECRET_SIZE];
	struct did_pair pair, again;
	size_t len;

	(void)state;
	for (unsigned t = 0; t < DID_KEY_RSA; t++) {
		assert_int_equal(did_pair_new(&pair, t), 0);
		assert_int_equal(did_jwk_from_pair(text, &len, &pair), 0);
		assert_int_equal(strlen(text), len);
		assert_int_equal(did_jwk_to_pair(&again, text, len), 0);
		assert_memory_equal(again.secret, pair.secret, pair.secret_len);
		assert_true(did_key_equal(&again.key, &pair.key));
		/* The text of the secret is gone. */
		assert_non_null(strstr(text, "\"d\":\"AAAAAAAAAAAAAAAAAAAA"));
	}
	pair.secret_len = 0;
	assert_int_equal(did_jwk_from_pair(text, &len, &pair),
			 PARLEY_ERR_ARGUMENT);
}

#define X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define D "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"

static int to_pair(struct did_pair *pair, const char *text)
{
	/* A guard page follows, at once where the size is a multiple of 16. */
	char *copy = did_secret_new(strlen(text) + 1);
	int err;

	assert_non_null(copy);
	memcpy(copy, text, strlen(text));
	err = did_jwk_to_pair(pair, copy, strlen(text));
	did_secret_free(copy);
	return err;
}

static void secret_jwks_are_read_strictly(void **state)
{
	static const struct {
		const char *text;
		int err;
	} rows[] = {
	    /* RFC 8037 A.1 */
	    {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"" D "\",\"x\":\"" X
	     "\"}",
	     0},
	    {" { \"d\" : \"" D "\" , \"kty\":\"OKP\", \"a\":[\"d\",{\"d\":1}],"
	     "\"crv\":\"Ed25519\",\"x\":\"" X "\" } ",
	     0},
	    /* a value "d", and a quote inside a string */
	    {"{\"kid\":\"d\",\"x5u\":\"\\\"\",\"kty\":\"OKP\","
	     "\"crv\":\"Ed25519\",\"d\":\"" D "\",\"x\":\"" X "\"}",
	     0},
	    {"", PARLEY_ERR_JSON},
	    {"[]", PARLEY_ERR_FORMAT},
	    {"{}", PARLEY_ERR_FORMAT},
	    {"{\"d\":1}", PARLEY_ERR_FORMAT},
	    {"{\"d\":\"" D, PARLEY_ERR_FORMAT},
	    {"{            \"d", PARLEY_ERR_FORMAT}, /* 15 bytes and a NUL */
	    {"{\"d\":\"" D "\"", PARLEY_ERR_JSON},
	    {"{\"d\":\"" D "\",\"d\":\"" D "\"}", PARLEY_ERR_JSON},
	    {"{\"a\":{\"d\":\"" D "\"}}", PARLEY_ERR_FORMAT},
	    {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" X "\"}",
	     PARLEY_ERR_FORMAT},
	    {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"" D "\"}",
	     PARLEY_ERR_FORMAT},
	    {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"" D "=\",\"x\":\"" X
	     "\"}",
	     PARLEY_ERR_ENCODING},
	    {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"AAAA\",\"x\":\"" X
	     "\"}",
	     PARLEY_ERR_LENGTH},
	    {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"" D D D
	     "\",\"x\":\"" X "\"}",
	     PARLEY_ERR_LENGTH},
	    /* the secret of another key */
	    {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"" X "\",\"x\":\"" X
	     "\"}",
	     PARLEY_ERR_KEY},
	    {"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\",\"d\":\"" D "\"}",
	     PARLEY_ERR_KEY},
	    {"{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"d\":\"" D "\",\"x\":\"" X
	     "\"}",
	     PARLEY_ERR_UNSUPPORTED},
	};
	struct did_pair pair;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(to_pair(&pair, rows[i].text), rows[i].err);
}

static void published_did_jwks_resolve(void **state)
{
	json_t *file = vector_load("did-jwk/published.json");
	json_t *v, *doc;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		assert_int_equal(did_jwk_resolve(&doc, vector_text(v, "did")),
				 0);
		assert_true(json_equal(doc, json_object_get(v, "document")));
		json_decref(doc);
	}
	print_message("%zu did:jwk vectors\n", i);
	json_decref(file);
}

static void hostile_did_jwks_are_refused_each_with_its_error(void **state)
{
	json_t *file = vector_load("did-jwk/hostile.json");
	json_t *v, *doc;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	    vector_expect(v, did_jwk_resolve(&doc, vector_text(v, "did")));
	assert_int_equal(did_jwk_resolve(&doc, "did:key:x"), PARLEY_ERR_FORMAT);
	print_message("%zu hostile did:jwks\n", i);
	json_decref(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(published_keys_come_and_go_as_jwk),
	    cmocka_unit_test(every_type_comes_back),
	    cmocka_unit_test(an_algorithm_fits_its_type_of_key_only),
	    cmocka_unit_test(hostile_jwks_are_refused_each_with_its_error),
	    cmocka_unit_test(published_key_sets_are_judged_right),
	    cmocka_unit_test(secret_jwk_comes_back),
	    cmocka_unit_test(secret_jwks_are_read_strictly),
	    cmocka_unit_test(published_did_jwks_resolve),
	    cmocka_unit_test(hostile_did_jwks_are_refused_each_with_its_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
