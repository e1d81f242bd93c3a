/*
 * Encrypted JWKs; what others write, and hostile ones, are in
 * vectors/keys/import.json and tested in test-did-identity_import.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <parley/err.h>

#include "did/pbes.h"

#define PASS "correct horse"

static void text_comes_back(void **state)
{
	static const size_t lens[] = {0, 1, 300, DID_PBES_PLAIN_MAX};
	static uint8_t plain[DID_PBES_PLAIN_MAX], again[DID_PBES_PLAIN_MAX];
	static char text[DID_PBES_TEXT_SIZE];
	size_t len, text_len;

	(void)state;
	memset(plain, 0x5a, sizeof(plain));
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		assert_int_equal(did_pbes_seal(text, &text_len, plain, lens[i],
					       PASS, strlen(PASS)),
				 0);
		assert_int_equal(strlen(text), text_len);
		assert_int_equal(did_pbes_open(again, &len, text, text_len,
					       PASS, strlen(PASS)),
				 0);
		assert_int_equal(len, lens[i]);
		assert_memory_equal(again, plain, len);
	}
}

static void what_is_too_large_is_refused(void **state)
{
	static uint8_t plain[DID_PBES_PLAIN_MAX + 1];
	static char text[DID_PBES_TEXT_SIZE + 2];
	size_t len;

	(void)state;
	assert_int_equal(
	    did_pbes_seal(text, &len, plain, sizeof(plain), PASS, strlen(PASS)),
	    PARLEY_ERR_TOO_LARGE);
	memset(text, 'e', DID_PBES_TEXT_MAX + 1);
	assert_int_equal(did_pbes_open(plain, &len, text, DID_PBES_TEXT_MAX + 1,
				       PASS, strlen(PASS)),
			 PARLEY_ERR_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_comes_back),
	    cmocka_unit_test(what_is_too_large_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
