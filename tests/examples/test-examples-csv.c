/*
 * examples/csv.c: what is read, and what is refused with which line.
 */
#include "examples/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct csv csv;
static FILE *file;

static void begin_len(const char *text, size_t len)
{
	file = tmpfile();
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	rewind(file);
	csv_init(&csv, file);
}

static void begin(const char *text)
{
	begin_len(text, strlen(text));
}

static void expect_row(const char *first, const char *second)
{
	assert_int_equal(csv_read(&csv), 1);
	assert_int_equal(csv.n_fields, 2);
	assert_string_equal(csv_field(&csv, 0), first);
	assert_string_equal(csv_field(&csv, 1), second);
}

static void expect_end(void)
{
	assert_int_equal(csv_read(&csv), 0);
	fclose(file);
}

static void expect_error(const char *error, unsigned long line)
{
	int r;

	while ((r = csv_read(&csv)) == 1)
		continue;
	assert_int_equal(r, -1);
	assert_string_equal(csv.error, error);
	assert_int_equal(csv.line, line);
	fclose(file);
}

static void rows_are_split_at_commas(void **state)
{
	(void)state;
	begin("a,b\n1,2\n,\n");
	expect_row("a", "b");
	expect_row("1", "2");
	expect_row("", "");
	expect_end();
}

static void last_line_may_lack_its_end(void **state)
{
	(void)state;
	begin("a,b\n1,2");
	expect_row("a", "b");
	expect_row("1", "2");
	expect_end();
}

static void crlf_ends_a_line(void **state)
{
	(void)state;
	begin("a,b\r\n1,2\r\n\"3\",\"4\"\r\n");
	expect_row("a", "b");
	expect_row("1", "2");
	expect_row("3", "4");
	expect_end();
}

static void quoted_fields_hold_commas_quotes_and_line_ends(void **state)
{
	(void)state;
	begin("\"a\",b\n\"1,\"\"x\"\"\",\"2\n3\"\n\"\",5\n");
	expect_row("a", "b");
	expect_row("1,\"x\"", "2\n3");
	assert_int_equal(csv.line, 2);
	expect_row("", "5");
	assert_int_equal(csv.line, 4);
	expect_end();
}

static void byte_order_mark_is_skipped(void **state)
{
	(void)state;
	begin("\xef\xbb\xbf"
	      "a,b\n");
	expect_row("a", "b");
	expect_end();
}

static void empty_file_has_no_rows(void **state)
{
	(void)state;
	begin("");
	expect_end();
}

static void fields_are_found_by_name(void **state)
{
	(void)state;
	begin("a,b,a\n");
	assert_int_equal(csv_read(&csv), 1);
	assert_int_equal(csv_find(&csv, "b"), 1);
	assert_int_equal(csv_find(&csv, "c"), -1);
	assert_int_equal(csv_find(&csv, "a"), -2);
	expect_end();
}

static void malformed_files_are_refused_with_the_line(void **state)
{
	(void)state;
	begin("a,b\n1,2\n1\n");
	expect_error("row has not as many fields as the header", 3);
	begin("a,b\n1,2,3\n");
	expect_error("row has not as many fields as the header", 2);
	begin("a,b\n\n");
	expect_error("row has not as many fields as the header", 2);
	begin("a,b\n1\"2\",3\n");
	expect_error("stray quote", 2);
	begin("a,b\n\"1\"2,3\n");
	expect_error("text after a closing quote", 2);
	begin("a,b\n1,\"2\n3,4\n");
	expect_error("quote is never closed", 2);
	begin("a,b\n1,2\r3,4\n");
	expect_error("carriage return without line feed", 2);
	begin("a,b\n1,2\r");
	expect_error("carriage return without line feed", 2);
	begin("\xef\xbbx");
	expect_error("is not UTF-8 text", 1);
	begin_len("a,b\n1,\0"
		  "2\n",
		  9);
	expect_error("NUL byte; is this a text file?", 2);
}

static void rows_over_the_limits_are_refused(void **state)
{
	char *text = malloc(CSV_ROW_MAX + 1);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', CSV_ROW_MAX);
	begin_len(text, CSV_ROW_MAX - 1);
	assert_int_equal(csv_read(&csv), 1);
	expect_end();
	begin_len(text, CSV_ROW_MAX);
	expect_error("row is too long", 1);
	memset(text, ',', CSV_ROW_MAX);
	begin_len(text, CSV_FIELDS_MAX - 1);
	assert_int_equal(csv_read(&csv), 1);
	assert_int_equal(csv.n_fields, CSV_FIELDS_MAX);
	expect_end();
	begin_len(text, CSV_FIELDS_MAX);
	expect_error("row has too many fields", 1);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_are_split_at_commas),
	    cmocka_unit_test(last_line_may_lack_its_end),
	    cmocka_unit_test(crlf_ends_a_line),
	    cmocka_unit_test(quoted_fields_hold_commas_quotes_and_line_ends),
	    cmocka_unit_test(byte_order_mark_is_skipped),
	    cmocka_unit_test(empty_file_has_no_rows),
	    cmocka_unit_test(fields_are_found_by_name),
	    cmocka_unit_test(malformed_files_are_refused_with_the_line),
	    cmocka_unit_test(rows_over_the_limits_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
