/*
 * Public keys of X25519 by way of Edwards: RFC 7748, and against those of
 * libsodium, which goes another way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include <parley/err.h>

#include "did/x25519.h"

enum {
	N_RANDOM = 400,
};

/* RFC 7748 6.1. */
static void published_secrets_give_their_keys(void **state)
{
	static const char *const hex[2][2] = {
	    {"77076d0a7318a57d3c16c17251b26645"
	     "df4c2f87ebc0992ab177fba51db92c2a",
	     "8520f0098930a754748b7ddcb43ef75a"
	     "0dbf3a0d26381af4eba4a98eaa9b4e6a"},
	    {"5dab087e624a8a4b79e17f8b83800ee6"
	     "6f3bb1292618b6fd1c2f8b27ff88e0eb",
	     "de9edb7d7b7dc1b4d35b61c2ece43537"
	     "3f8343c85b78674dadfc7e146f882b4f"},
	};
	uint8_t scalar[32], u[32];
	char text[65];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(
		    sodium_hex2bin(scalar, 32, hex[i][0], 64, NULL, NULL, NULL),
		    0);
		assert_int_equal(did_x25519_public(u, scalar), 0);
		sodium_bin2hex(text, sizeof(text), u, 32);
		assert_string_equal(text, hex[i][1]);
	}
}

static void every_scalar_gives_the_key_of_libsodium(void **state)
{
	uint8_t scalar[32], u[32], expected[32];

	(void)state;
	for (size_t i = 0; i < N_RANDOM; i++) {
		randombytes_buf(scalar, sizeof(scalar));
		/* All bits that clamping sets or clears, both ways. */
		if (i < 32) {
			memset(scalar, i & 16 ? 0xff : 0, sizeof(scalar));
			scalar[0] = (uint8_t)(i | 1);
			scalar[31] = (uint8_t)(i << 5);
		}
		assert_int_equal(crypto_scalarmult_base(expected, scalar), 0);
		assert_int_equal(did_x25519_public(u, scalar), 0);
		assert_memory_equal(u, expected, sizeof(u));
	}
}

static void zero_is_no_secret(void **state)
{
	uint8_t scalar[32] = {0}, u[32];

	(void)state;
	assert_int_equal(did_x25519_public(u, scalar), PARLEY_ERR_KEY);
}

static void every_ed25519_key_gives_the_key_of_libsodium(void **state)
{
	uint8_t seed[32], ed[32], sk[64], u[32], expected[32];

	(void)state;
	for (size_t i = 0; i < N_RANDOM / 4; i++) {
		randombytes_buf(seed, sizeof(seed));
		assert_int_equal(crypto_sign_seed_keypair(ed, sk, seed), 0);
		assert_int_equal(
		    crypto_sign_ed25519_pk_to_curve25519(expected, ed), 0);
		assert_int_equal(did_x25519_from_edwards(u, ed), 0);
		assert_memory_equal(u, expected, sizeof(u));
	}
}

/*
 * u (1 - y) = 1 + y, at the y around 0 and p, which need not be reduced: those
 * up to 2^255 - 1 = p + 18.  y = p - 1 has u = 0, y = 1 has none and gives 0.
 */
static void values_at_the_edge_are_reduced(void **state)
{
	static const struct {
		uint8_t low, rest, high; /* bytes of y, and of u */
		uint8_t u_low, u_rest, u_high;
	} edges[] = {
	    {0x00, 0x00, 0x00, 0x01, 0x00, 0x00}, /* 0 */
	    {0x01, 0x00, 0x00, 0x00, 0x00, 0x00}, /* 1 */
	    {0xec, 0xff, 0x7f, 0x00, 0x00, 0x00}, /* p - 1 */
	    {0xed, 0xff, 0x7f, 0x01, 0x00, 0x00}, /* p */
	    {0xee, 0xff, 0x7f, 0x00, 0x00, 0x00}, /* p + 1 */
	    {0x02, 0x00, 0x00, 0xea, 0xff, 0x7f}, /* 2: -3 */
	    {0xef, 0xff, 0x7f, 0xea, 0xff, 0x7f}, /* p + 2 */
	    {0x02, 0x00, 0x80, 0xea, 0xff, 0x7f}, /* 2, other sign */
	};
	uint8_t y[32], u[32], expected[32];

	(void)state;
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		memset(y, edges[i].rest, sizeof(y));
		y[0] = edges[i].low;
		y[31] = edges[i].high;
		memset(expected, edges[i].u_rest, sizeof(expected));
		expected[0] = edges[i].u_low;
		expected[31] = edges[i].u_high;
		assert_int_equal(did_x25519_from_edwards(u, y), 0);
		assert_memory_equal(u, expected, sizeof(u));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(published_secrets_give_their_keys),
	    cmocka_unit_test(every_scalar_gives_the_key_of_libsodium),
	    cmocka_unit_test(zero_is_no_secret),
	    cmocka_unit_test(every_ed25519_key_gives_the_key_of_libsodium),
	    cmocka_unit_test(values_at_the_edge_are_reduced),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("did/x25519.c", tests, NULL, NULL);
}
