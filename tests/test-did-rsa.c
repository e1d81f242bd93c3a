/*
 * RSA public keys as DER; hostile ones are in vectors/did-key/hostile.json.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <parley/err.h>

#include "did/key.h"
#include "did/rsa.h"
#include "tests/vector.h"

static void published_key_splits_and_joins(void **state)
{
	json_t *file = vector_load("did-key/rsa.json");
	uint8_t der[DID_KEY_BYTES_MAX], again[DID_KEY_BYTES_MAX];
	size_t i, len, again_len, n_len, e_len;
	const uint8_t *n, *e;
	json_t *v;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		len = vector_hex(der, sizeof(der), v, "key");
		assert_int_equal(
		    did_rsa_split(&n, &n_len, &e, &e_len, der, len), 0);
		assert_int_equal(n_len, 256);
		assert_int_equal(e_len, 3);
		assert_int_equal(did_rsa_join(again, sizeof(again), &again_len,
					      n, n_len, e, e_len),
				 0);
		assert_int_equal(again_len, len);
		assert_memory_equal(again, der, len);
		/* Cut anywhere, it is none. */
		for (size_t cut = 0; cut < len; cut++)
			assert_false(did_rsa_is_valid(der, cut));
	}
	json_decref(file);
}

static void longest_key_fits(void **state)
{
	uint8_t n[512], e[8], der[DID_KEY_BYTES_MAX];
	size_t len;

	(void)state;
	memset(n, 0xff, sizeof(n));
	memset(e, 0xff, sizeof(e));
	assert_int_equal(
	    did_rsa_join(der, sizeof(der), &len, n, sizeof(n), e, sizeof(e)),
	    0);
	assert_true(did_rsa_is_valid(der, len));
}

static void numbers_that_are_not_minimal_or_too_long_are_refused(void **state)
{
	static const uint8_t big[700] = {1};
	uint8_t der[DID_KEY_BYTES_MAX];
	size_t len;

	(void)state;
	assert_int_equal(did_rsa_join(der, sizeof(der), &len, big, 0, big, 1),
			 PARLEY_ERR_LENGTH);
	assert_int_equal(did_rsa_join(der, sizeof(der), &len, big, 1, big, 0),
			 PARLEY_ERR_LENGTH);
	assert_int_equal(
	    did_rsa_join(der, sizeof(der), &len, big + 1, 2, big, 1),
	    PARLEY_ERR_LENGTH);
	assert_int_equal(
	    did_rsa_join(der, sizeof(der), &len, big, sizeof(big), big, 1),
	    PARLEY_ERR_LENGTH);
	assert_int_equal(did_rsa_join(der, sizeof(der), &len, big, 598, big, 1),
			 PARLEY_ERR_LENGTH);
}

/* Exponents of a sound key, with lengths that DER does not know, or not here.
 */
static void lengths_that_are_not_the_shortest_are_refused(void **state)
{
	static const struct {
		bool good;
		size_t len;
		uint8_t bytes[8];
	} exponents[] = {
	    {true, 5, {0x02, 0x03, 1, 0, 1}},
	    {false, 6, {0x02, 0x81, 0x03, 1, 0, 1}},
	    {false, 7, {0x02, 0x82, 0x00, 0x03, 1, 0, 1}},
	    {false, 8, {0x02, 0x83, 0x00, 0x00, 0x03, 1, 0, 1}},
	    {false, 7, {0x02, 0x80, 1, 0, 1, 0, 0}}, /* without a length */
	    {false, 5, {0x02, 0xff, 1, 0, 1}},
	    {false, 5, {0x02, 0x04, 1, 0, 1}}, /* cut */
	    {false, 5, {0x03, 0x03, 1, 0, 1}}, /* no INTEGER */
	};
	enum { MODULUS_END = 4 + 4 + 257 };
	json_t *file = vector_load("did-key/rsa.json");
	uint8_t der[DID_KEY_BYTES_MAX];
	size_t len;

	(void)state;
	vector_hex(der, sizeof(der),
		   json_array_get(json_object_get(file, "vectors"), 0), "key");
	for (size_t i = 0; i < sizeof(exponents) / sizeof(exponents[0]); i++) {
		memcpy(der + MODULUS_END, exponents[i].bytes, exponents[i].len);
		len = MODULUS_END + exponents[i].len;
		der[2] = (uint8_t)((len - 4) >> 8);
		der[3] = (uint8_t)(len - 4);
		if (did_rsa_is_valid(der, len) != exponents[i].good)
			fail_msg("exponent %zu", i);
	}
	json_decref(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(published_key_splits_and_joins),
	    cmocka_unit_test(longest_key_fits),
	    cmocka_unit_test(
		numbers_that_are_not_minimal_or_too_long_are_refused),
	    cmocka_unit_test(lengths_that_are_not_the_shortest_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
