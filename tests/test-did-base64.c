/*
 * base64url without padding; vectors/encoding/multibase.json.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include <parley/err.h>

#include "did/base64.h"
#include "tests/vector.h"

static int decode(const char *text, size_t text_len)
{
	uint8_t bytes[64];
	size_t len;

	return did_base64_decode(bytes, sizeof(bytes), &len, text, text_len);
}

static void published_texts_are_read_and_written(void **state)
{
	json_t *file = vector_load("encoding/multibase.json");
	uint8_t bytes[64], decoded[64];
	size_t i, len, decoded_len;
	const char *expected;
	char text[128];
	json_t *v;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		len = vector_hex(bytes, sizeof(bytes), v, "bytes");
		expected = vector_text(v, "base64url");
		did_base64_encode(text, bytes, len);
		assert_string_equal(text, expected);
		assert_int_equal(did_base64_decode(decoded, sizeof(decoded),
						   &decoded_len, expected,
						   strlen(expected)),
				 0);
		assert_int_equal(decoded_len, len);
		assert_memory_equal(decoded, bytes, len);
	}
	print_message("%zu base64url vectors\n", i);
	json_decref(file);
}

static void every_length_comes_back(void **state)
{
	uint8_t bytes[64] = {0}, decoded[64];
	char text[DID_BASE64_LEN(64) + 1];
	size_t n;

	(void)state;
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		memset(bytes, (int)(0xff - len), len);
		did_base64_encode(text, bytes, len);
		assert_int_equal(strlen(text), DID_BASE64_LEN(len));
		assert_int_equal(DID_BASE64_BYTES(strlen(text)), len);
		/* Exactly as much room as is needed. */
		assert_int_equal(
		    did_base64_decode(decoded, len, &n, text, strlen(text)), 0);
		assert_int_equal(n, len);
		assert_int_equal(
		    did_base64_decode_exact(decoded, len, text, strlen(text)),
		    0);
		if (len > 0)
			assert_memory_equal(decoded, bytes, len);
	}
}

static void only_64_characters_are_accepted(void **state)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz"
				       "0123456789-_";
	char text[12]; /* a whole group of eight, and half of one */

	(void)state;
	for (int c = 0; c < 256; c++) {
		int expected = c != 0 && strchr(alphabet, c) != NULL
				   ? 0
				   : PARLEY_ERR_ENCODING;

		for (size_t at = 0; at < sizeof(text); at++) {
			memset(text, at % 2 ? 'A' : '_', sizeof(text));
			text[at] = (char)c;
			assert_int_equal(decode(text, sizeof(text)), expected);
		}
	}
}

/* libsodium has a codec of its own; both directions, all lengths and bytes. */
static void texts_and_bytes_are_those_of_libsodium(void **state)
{
	enum { LEN_MAX = 100, N_ROUNDS = 200 };
	uint8_t bytes[LEN_MAX], decoded[LEN_MAX];
	char text[DID_BASE64_LEN(LEN_MAX) + 1], expected[sizeof(text) + 1];
	size_t n;

	(void)state;
	for (size_t i = 0; i < N_ROUNDS * LEN_MAX; i++) {
		size_t len = i % (LEN_MAX + 1);

		randombytes_buf(bytes, len);
		did_base64_encode(text, bytes, len);
		sodium_bin2base64(expected, sizeof(expected), bytes, len,
				  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
		assert_string_equal(text, expected);
		assert_int_equal(
		    did_base64_decode(decoded, len, &n, text, strlen(text)), 0);
		assert_int_equal(n, len);
		assert_memory_equal(decoded, bytes, len);
	}
}

static void text_with_padding_is_refused(void **state)
{
	(void)state;
	assert_int_equal(decode("AA", 2), 0);
	assert_int_equal(decode("AA=", 3), PARLEY_ERR_ENCODING);
	assert_int_equal(decode("AA==", 4), PARLEY_ERR_ENCODING);
	assert_int_equal(decode("AAA=", 4), PARLEY_ERR_ENCODING);
	assert_int_equal(decode("A=", 2), PARLEY_ERR_ENCODING);
	assert_int_equal(decode("=", 1), PARLEY_ERR_ENCODING);
	assert_int_equal(decode("AAAA====", 8), PARLEY_ERR_ENCODING);
}

static void text_with_white_space_is_refused(void **state)
{
	(void)state;
	assert_int_equal(decode(" AAAA", 5), PARLEY_ERR_ENCODING);
	assert_int_equal(decode("AA\nAA", 5), PARLEY_ERR_ENCODING);
	assert_int_equal(decode("AAAA\n", 5), PARLEY_ERR_ENCODING);
	assert_int_equal(decode("AAAA\0", 5), PARLEY_ERR_ENCODING);
}

static void impossible_length_is_refused(void **state)
{
	(void)state;
	assert_int_equal(decode("A", 1), PARLEY_ERR_ENCODING);
	assert_int_equal(decode("AAAAA", 5), PARLEY_ERR_ENCODING);
}

static void unused_bits_must_be_zero(void **state)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz"
				       "0123456789-_";
	char text[3] = "AA";

	(void)state;
	for (size_t i = 0; i < 64; i++) {
		text[1] = alphabet[i];
		assert_int_equal(decode(text, 2),
				 i % 16 == 0 ? 0 : PARLEY_ERR_ENCODING);
		text[2] = alphabet[i];
		text[1] = 'A';
		assert_int_equal(decode(text, 3),
				 i % 4 == 0 ? 0 : PARLEY_ERR_ENCODING);
	}
}

static void bytes_without_room_are_refused(void **state)
{
	uint8_t bytes[3];
	size_t len;

	(void)state;
	assert_int_equal(did_base64_decode(bytes, 2, &len, "AAAA", 4),
			 PARLEY_ERR_TOO_LARGE);
	assert_int_equal(did_base64_decode(bytes, 0, &len, "AA", 2),
			 PARLEY_ERR_TOO_LARGE);
	assert_int_equal(did_base64_decode(bytes, 3, &len, "AAAA", SIZE_MAX),
			 PARLEY_ERR_TOO_LARGE);
}

static void exact_length_is_demanded(void **state)
{
	uint8_t bytes[3];

	(void)state;
	assert_int_equal(did_base64_decode_exact(bytes, 2, "AAAA", 4),
			 PARLEY_ERR_LENGTH);
	assert_int_equal(did_base64_decode_exact(bytes, 3, "AAA", 3),
			 PARLEY_ERR_LENGTH);
	assert_int_equal(did_base64_decode_exact(bytes, 3, "", 0),
			 PARLEY_ERR_LENGTH);
	assert_int_equal(did_base64_decode_exact(bytes, 3, "AA+A", 4),
			 PARLEY_ERR_ENCODING);
	assert_int_equal(did_base64_decode_exact(bytes, 2, "AAB", 3),
			 PARLEY_ERR_ENCODING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(published_texts_are_read_and_written),
	    cmocka_unit_test(every_length_comes_back),
	    cmocka_unit_test(only_64_characters_are_accepted),
	    cmocka_unit_test(texts_and_bytes_are_those_of_libsodium),
	    cmocka_unit_test(text_with_padding_is_refused),
	    cmocka_unit_test(text_with_white_space_is_refused),
	    cmocka_unit_test(impossible_length_is_refused),
	    cmocka_unit_test(unused_bits_must_be_zero),
	    cmocka_unit_test(bytes_without_room_are_refused),
	    cmocka_unit_test(exact_length_is_demanded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
