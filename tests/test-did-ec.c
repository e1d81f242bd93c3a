/*
 * Points of the NIST curves and secp256k1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <parley/err.h>

#include "did/ec.h"
#include "tests/vector.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const enum did_key_type curves[] = {DID_KEY_P256, DID_KEY_P384,
					   DID_KEY_P521, DID_KEY_SECP256K1};

static const uint8_t one[DID_EC_COORDINATE_MAX] = {
    [31] = 1, [47] = 1, [65] = 1};

/* The number 1 in the length of a curve. */
static const uint8_t *secret_one(enum did_key_type type)
{
	static const uint8_t ones[3][DID_EC_COORDINATE_MAX] = {
	    {[31] = 1}, {[47] = 1}, {[65] = 1}};

	switch (did_ec_coordinate_len(type)) {
	case 32:
		return ones[0];
	case 48:
		return ones[1];
	}
	return ones[2];
}

static void lengths_are_those_of_the_curves(void **state)
{
	(void)state;
	assert_int_equal(did_ec_coordinate_len(DID_KEY_P256), 32);
	assert_int_equal(did_ec_coordinate_len(DID_KEY_P384), 48);
	assert_int_equal(did_ec_coordinate_len(DID_KEY_P521), 66);
	assert_int_equal(did_ec_coordinate_len(DID_KEY_SECP256K1), 32);
	assert_int_equal(did_ec_coordinate_len(DID_KEY_ED25519), 0);
	assert_int_equal(did_ec_coordinate_len(DID_KEY_X25519), 0);
	assert_int_equal(did_ec_coordinate_len(DID_KEY_RSA), 0);
}

static void points_are_compressed_and_back(void **state)
{
	uint8_t point[DID_EC_POINT_MAX], again[DID_EC_POINT_MAX];
	uint8_t x[DID_EC_COORDINATE_MAX], y[DID_EC_COORDINATE_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(curves); i++) {
		size_t len = did_ec_coordinate_len(curves[i]);

		assert_int_equal(
		    did_ec_point_of(point, curves[i], secret_one(curves[i])),
		    0);
		assert_true(did_ec_is_point(curves[i], point));
		assert_int_equal(did_ec_decompress(x, y, curves[i], point), 0);
		assert_memory_equal(x, point + 1, len);
		assert_int_equal(y[len - 1] & 1, point[0] & 1);
		assert_int_equal(did_ec_compress(again, curves[i], x, y), 0);
		assert_memory_equal(again, point, 1 + len);
	}
}

static void bytes_off_the_curve_are_refused(void **state)
{
	uint8_t x[DID_EC_COORDINATE_MAX], y[DID_EC_COORDINATE_MAX];
	uint8_t point[DID_EC_POINT_MAX], other[DID_EC_POINT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(curves); i++) {
		size_t len = did_ec_coordinate_len(curves[i]);

		assert_int_equal(
		    did_ec_point_of(point, curves[i], secret_one(curves[i])),
		    0);
		assert_int_equal(did_ec_decompress(x, y, curves[i], point), 0);
		y[len - 1] ^= 1;
		assert_int_equal(did_ec_compress(other, curves[i], x, y),
				 PARLEY_ERR_KEY);
		memset(point + 1, 0xff, len);
		assert_false(did_ec_is_point(curves[i], point));
		assert_int_equal(did_ec_decompress(x, y, curves[i], point),
				 PARLEY_ERR_KEY);
		assert_int_equal(
		    did_ec_agree(other, curves[i], point, one, point),
		    PARLEY_ERR_KEY);
	}
	assert_false(did_ec_is_point(DID_KEY_ED25519, point));
}

static void secret_out_of_range_is_refused(void **state)
{
	uint8_t secret[DID_EC_COORDINATE_MAX], point[DID_EC_POINT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(curves); i++) {
		memset(secret, 0, sizeof(secret));
		assert_int_equal(did_ec_point_of(point, curves[i], secret),
				 PARLEY_ERR_KEY);
		memset(secret, 0xff, sizeof(secret));
		assert_int_equal(did_ec_point_of(point, curves[i], secret),
				 PARLEY_ERR_KEY);
	}
}

static void larger_curves_sign_nothing(void **state)
{
	uint8_t sig[DID_EC_SIG_LEN] = {0}, point[DID_EC_POINT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(curves); i++) {
		bool signs = did_ec_coordinate_len(curves[i]) == 32;
		const uint8_t *secret = secret_one(curves[i]);

		assert_int_equal(did_ec_point_of(point, curves[i], secret), 0);
		assert_int_equal(
		    did_ec_sign(sig, curves[i], point, secret, "x", 1),
		    signs ? 0 : PARLEY_ERR_UNSUPPORTED);
		assert_int_equal(did_ec_verify(curves[i], point, sig, "x", 1),
				 signs ? 0 : PARLEY_ERR_UNSUPPORTED);
	}
}

/* Half of the group order of P-256, rounded down. */
static const uint8_t half_order[32] = {
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b,
    0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8};

static void signatures_have_the_lower_s(void **state)
{
	uint8_t sig[DID_EC_SIG_LEN], point[DID_EC_POINT_MAX];

	(void)state;
	assert_int_equal(did_ec_point_of(point, DID_KEY_P256, one), 0);
	for (uint8_t i = 0; i < 40; i++) {
		assert_int_equal(
		    did_ec_sign(sig, DID_KEY_P256, point, one, &i, 1), 0);
		assert_true(memcmp(sig + 32, half_order, 32) <= 0);
		assert_int_equal(did_ec_verify(DID_KEY_P256, point, sig, &i, 1),
				 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lengths_are_those_of_the_curves),
	    cmocka_unit_test(points_are_compressed_and_back),
	    cmocka_unit_test(bytes_off_the_curve_are_refused),
	    cmocka_unit_test(secret_out_of_range_is_refused),
	    cmocka_unit_test(larger_curves_sign_nothing),
	    cmocka_unit_test(signatures_have_the_lower_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
