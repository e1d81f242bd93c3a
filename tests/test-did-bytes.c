/*
 * Byte reader and writer; vectors/encoding/varint.json.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <parley/err.h>

#include "did/bytes.h"
#include "tests/vector.h"

static const uint8_t count[] = {0, 1,  2,  3,  4,  5,  6,  7,  8,
				9, 10, 11, 12, 13, 14, 15, 16, 17};

static void integers_are_big_endian(void **state)
{
	uint8_t buf[15];
	struct did_writer w;
	struct did_reader r;
	size_t len;

	(void)state;
	did_writer_init(&w, buf, sizeof(buf));
	did_writer_u8(&w, 0);
	did_writer_u16(&w, 0x0102);
	did_writer_u32(&w, 0x03040506);
	did_writer_u64(&w, 0x0708090a0b0c0d0e);
	assert_int_equal(did_writer_end(&w, &len), 0);
	assert_int_equal(len, 15);
	assert_memory_equal(buf, count, 15);

	did_reader_init(&r, count, 15);
	assert_int_equal(did_reader_u8(&r), 0);
	assert_int_equal(did_reader_u16(&r), 0x0102);
	assert_int_equal(did_reader_u32(&r), 0x03040506);
	assert_true(did_reader_u64(&r) == 0x0708090a0b0c0d0e);
	assert_int_equal(did_reader_end(&r), 0);
}

static void first_failed_read_sticks(void **state)
{
	uint8_t copy[4] = {9, 9, 9, 9};
	struct did_reader r;

	(void)state;
	did_reader_init(&r, count, 3);
	assert_int_equal(did_reader_u32(&r), 0);
	/* Three bytes are there, but the list of steps is wrong already. */
	assert_int_equal(did_reader_u8(&r), 0);
	assert_int_equal(did_reader_u16(&r), 0);
	assert_true(did_reader_u64(&r) == 0);
	assert_true(did_reader_varint(&r) == 0);
	assert_null(did_reader_take(&r, 0));
	did_reader_copy(&r, copy, sizeof(copy));
	assert_memory_equal(copy, "\0\0\0\0", 4);
	assert_int_equal(did_reader_end(&r), PARLEY_ERR_LENGTH);
}

static void bytes_left_over_are_an_error(void **state)
{
	struct did_reader r;

	(void)state;
	did_reader_init(&r, count, 2);
	assert_int_equal(did_reader_u8(&r), 0);
	assert_int_equal(did_reader_end(&r), PARLEY_ERR_LENGTH);
	assert_int_equal(did_reader_u8(&r), 1);
	assert_int_equal(did_reader_end(&r), 0);
}

static void taken_bytes_are_borrowed_from_the_input(void **state)
{
	struct did_reader r;

	(void)state;
	did_reader_init(&r, count, sizeof(count));
	assert_ptr_equal(did_reader_take(&r, 5), count);
	assert_ptr_equal(did_reader_take(&r, 1), count + 5);
	assert_null(did_reader_take(&r, SIZE_MAX));
}

static void empty_input_can_be_read(void **state)
{
	struct did_reader r;

	(void)state;
	did_reader_init(&r, NULL, 0);
	assert_non_null(did_reader_take(&r, 0));
	did_reader_copy(&r, NULL, 0);
	assert_int_equal(did_reader_end(&r), 0);
	did_reader_u8(&r);
	assert_int_equal(did_reader_end(&r), PARLEY_ERR_LENGTH);
}

static void first_failed_write_sticks(void **state)
{
	uint8_t buf[4] = {9, 9, 9, 9};
	struct did_writer w;
	size_t len = 77;

	(void)state;
	did_writer_init(&w, buf, 3);
	did_writer_u16(&w, 0x0102);
	did_writer_copy(&w, count, 2);
	did_writer_u8(&w, 3);
	assert_null(did_writer_reserve(&w, 0));
	assert_int_equal(did_writer_end(&w, &len), PARLEY_ERR_TOO_LARGE);
	assert_int_equal(len, 77);
	assert_memory_equal(buf, "\1\2\11\11", 4);
}

static void buffer_can_be_filled_exactly(void **state)
{
	uint8_t buf[6];
	struct did_writer w;
	uint8_t *p;
	size_t len;

	(void)state;
	did_writer_init(&w, buf, sizeof(buf));
	did_writer_copy(&w, count, 4);
	p = did_writer_reserve(&w, 2);
	assert_ptr_equal(p, buf + 4);
	p[0] = 4;
	p[1] = 5;
	did_writer_copy(&w, NULL, 0);
	assert_int_equal(did_writer_end(&w, &len), 0);
	assert_int_equal(len, 6);
	assert_memory_equal(buf, count, 6);
}

static void nothing_fits_into_no_buffer(void **state)
{
	struct did_writer w;
	size_t len;

	(void)state;
	did_writer_init(&w, NULL, 0);
	did_writer_copy(&w, NULL, 0);
	assert_int_equal(did_writer_end(&w, &len), 0);
	assert_int_equal(len, 0);
	did_writer_u8(&w, 1);
	assert_int_equal(did_writer_end(&w, &len), PARLEY_ERR_TOO_LARGE);
}

static void published_varints_are_read_and_written(void **state)
{
	json_t *file = vector_load("encoding/varint.json");
	uint8_t bytes[16], written[16];
	struct did_reader r;
	struct did_writer w;
	size_t i, len, written_len;
	uint64_t value;
	json_t *v;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		len = vector_hex(bytes, sizeof(bytes), v, "bytes");
		did_reader_init(&r, bytes, len);
		value = did_reader_varint(&r);
		if (json_object_get(v, "expect") != NULL) {
			assert_true(r.failed);
			continue;
		}
		assert_int_equal(did_reader_end(&r), 0);
		assert_int_equal(
		    value, json_integer_value(json_object_get(v, "value")));
		did_writer_init(&w, written, sizeof(written));
		did_writer_varint(&w, value);
		assert_int_equal(did_writer_end(&w, &written_len), 0);
		assert_int_equal(written_len, len);
		assert_memory_equal(written, bytes, len);
	}
	print_message("%zu varint vectors\n", i);
	json_decref(file);
}

static void varints_of_every_length_come_back(void **state)
{
	uint8_t buf[16];
	struct did_writer w;
	struct did_reader r;
	size_t len;

	(void)state;
	for (unsigned bit = 0; bit < 63; bit++) {
		for (uint64_t v = (UINT64_C(1) << bit) - 1;
		     v <= UINT64_C(1) << bit; v++) {
			did_writer_init(&w, buf, sizeof(buf));
			did_writer_varint(&w, v);
			assert_int_equal(did_writer_end(&w, &len), 0);
			did_reader_init(&r, buf, len);
			assert_true(did_reader_varint(&r) == v);
			assert_int_equal(did_reader_end(&r), 0);
		}
	}
}

static void varint_of_63_bits_is_the_largest(void **state)
{
	static const uint8_t largest[] = {0xff, 0xff, 0xff, 0xff, 0xff,
					  0xff, 0xff, 0xff, 0x7f};
	static const uint8_t larger[] = {0x80, 0x80, 0x80, 0x80, 0x80,
					 0x80, 0x80, 0x80, 0x80, 0x01};
	uint8_t buf[16];
	struct did_reader r;
	struct did_writer w;
	size_t len;

	(void)state;
	did_reader_init(&r, largest, sizeof(largest));
	assert_true(did_reader_varint(&r) == (uint64_t)INT64_MAX);
	assert_int_equal(did_reader_end(&r), 0);
	did_reader_init(&r, larger, sizeof(larger));
	assert_true(did_reader_varint(&r) == 0);
	assert_true(r.failed);
	did_writer_init(&w, buf, sizeof(buf));
	did_writer_varint(&w, (uint64_t)INT64_MAX + 1);
	assert_int_equal(did_writer_end(&w, &len), PARLEY_ERR_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(integers_are_big_endian),
	    cmocka_unit_test(first_failed_read_sticks),
	    cmocka_unit_test(bytes_left_over_are_an_error),
	    cmocka_unit_test(taken_bytes_are_borrowed_from_the_input),
	    cmocka_unit_test(empty_input_can_be_read),
	    cmocka_unit_test(first_failed_write_sticks),
	    cmocka_unit_test(buffer_can_be_filled_exactly),
	    cmocka_unit_test(nothing_fits_into_no_buffer),
	    cmocka_unit_test(published_varints_are_read_and_written),
	    cmocka_unit_test(varints_of_every_length_come_back),
	    cmocka_unit_test(varint_of_63_bits_is_the_largest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
