/*
 * base58btc; vectors/encoding/multibase.json.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <parley/err.h>

#include "did/base58.h"
#include "tests/vector.h"

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
		expected = vector_text(v, "base58btc");
		assert_int_equal(
		    did_base58_encode(text, sizeof(text), bytes, len), 0);
		assert_string_equal(text, expected);
		assert_int_equal(did_base58_decode(decoded, sizeof(decoded),
						   &decoded_len, expected,
						   strlen(expected)),
				 0);
		assert_int_equal(decoded_len, len);
		assert_memory_equal(decoded, bytes, len);
	}
	print_message("%zu base58btc vectors\n", i);
	json_decref(file);
}

static void nothing_is_the_empty_text(void **state)
{
	uint8_t bytes[1];
	char text[1];
	size_t len;

	(void)state;
	assert_int_equal(did_base58_encode(text, sizeof(text), NULL, 0), 0);
	assert_string_equal(text, "");
	assert_int_equal(did_base58_decode(bytes, 0, &len, "", 0), 0);
	assert_int_equal(len, 0);
}

static void leading_zeroes_are_ones(void **state)
{
	static const uint8_t zeroes[3];
	uint8_t bytes[4];
	char text[8];
	size_t len;

	(void)state;
	assert_int_equal(did_base58_encode(text, sizeof(text), zeroes, 3), 0);
	assert_string_equal(text, "111");
	assert_int_equal(
	    did_base58_decode(bytes, sizeof(bytes), &len, "1112", 4), 0);
	assert_int_equal(len, 4);
	assert_memory_equal(bytes, "\0\0\0\1", 4);
}

static void every_other_character_is_refused(void **state)
{
	static const char alphabet[] =
	    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
	uint8_t bytes[8];
	char text[3];
	size_t len;

	(void)state;
	for (int c = 0; c < 256; c++) {
		int expected = c != 0 && strchr(alphabet, c) != NULL
				   ? 0
				   : PARLEY_ERR_ENCODING;

		for (size_t at = 0; at < 3; at++) {
			memcpy(text, "2z2", 3);
			text[at] = (char)c;
			assert_int_equal(did_base58_decode(bytes, sizeof(bytes),
							   &len, text, 3),
					 expected);
		}
	}
}

static void text_without_room_is_refused(void **state)
{
	static const uint8_t bytes[2] = {0, 0xff};
	char text[4];

	(void)state;
	/* 0xff is 4 * 58 + 23. */
	assert_int_equal(did_base58_encode(text, 3, bytes, 2),
			 PARLEY_ERR_TOO_LARGE);
	assert_int_equal(did_base58_encode(text, 0, bytes, 0),
			 PARLEY_ERR_TOO_LARGE);
	assert_int_equal(did_base58_encode(text, 4, bytes, 2), 0);
	assert_string_equal(text, "15Q");
}

static void bytes_without_room_are_refused(void **state)
{
	uint8_t bytes[2];
	size_t len;

	(void)state;
	assert_int_equal(did_base58_decode(bytes, 1, &len, "15Q", 3),
			 PARLEY_ERR_TOO_LARGE);
	assert_int_equal(did_base58_decode(bytes, 2, &len, "15Q", 3), 0);
	assert_int_equal(len, 2);
}

static void longest_bytes_come_back(void **state)
{
	static uint8_t bytes[DID_BASE58_BYTES_MAX + 1], decoded[sizeof(bytes)];
	static char text[DID_BASE58_TEXT_MAX + 1];
	size_t len;

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(
	    did_base58_encode(text, sizeof(text), bytes, DID_BASE58_BYTES_MAX),
	    0);
	assert_int_equal(did_base58_decode(decoded, sizeof(decoded), &len, text,
					   strlen(text)),
			 0);
	assert_int_equal(len, DID_BASE58_BYTES_MAX);
	assert_memory_equal(decoded, bytes, len);
	assert_int_equal(did_base58_encode(text, sizeof(text), bytes,
					   DID_BASE58_BYTES_MAX + 1),
			 PARLEY_ERR_TOO_LARGE);
}

static void longer_text_is_refused_before_any_work(void **state)
{
	static char text[DID_BASE58_TEXT_MAX + 1];
	static uint8_t bytes[DID_BASE58_TEXT_MAX];
	size_t len;

	(void)state;
	memset(text, 'z', sizeof(text));
	assert_int_equal(
	    did_base58_decode(bytes, sizeof(bytes), &len, text, sizeof(text)),
	    PARLEY_ERR_TOO_LARGE);
	assert_int_equal(did_base58_decode(bytes, sizeof(bytes), &len, text,
					   sizeof(text) - 1),
			 0);
	memset(text, '1', sizeof(text));
	assert_int_equal(did_base58_decode(bytes, sizeof(bytes), &len, text,
					   sizeof(text) - 1),
			 0);
	assert_int_equal(len, DID_BASE58_TEXT_MAX);
}

static void every_length_comes_back(void **state)
{
	uint8_t bytes[80] = {0}, decoded[80];
	char text[120];
	size_t decoded_len;

	(void)state;
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)(i * 37 + len * 101);
		assert_int_equal(
		    did_base58_encode(text, sizeof(text), bytes, len), 0);
		assert_int_equal(did_base58_decode(decoded, sizeof(decoded),
						   &decoded_len, text,
						   strlen(text)),
				 0);
		assert_int_equal(decoded_len, len);
		if (len > 0)
			assert_memory_equal(decoded, bytes, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(published_texts_are_read_and_written),
	    cmocka_unit_test(nothing_is_the_empty_text),
	    cmocka_unit_test(leading_zeroes_are_ones),
	    cmocka_unit_test(every_other_character_is_refused),
	    cmocka_unit_test(text_without_room_is_refused),
	    cmocka_unit_test(bytes_without_room_are_refused),
	    cmocka_unit_test(longest_bytes_come_back),
	    cmocka_unit_test(longer_text_is_refused_before_any_work),
	    cmocka_unit_test(every_length_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
