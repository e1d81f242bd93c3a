/*
 * examples/rows.c: a column of a file becomes sums, or an error with its line.
 */
#include "examples/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct figures_sums sums;
static unsigned long n_skipped;
static char error[ROWS_ERROR_SIZE];

static int sum_text(const char *text, struct rows_options o)
{
	char path[] = "/tmp/test-examples-rows-XXXXXX";
	const size_t len = strlen(text);
	int fd, r;

	fd = mkstemp(path);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	close(fd);
	memset(&sums, 0xff, sizeof(sums));
	error[0] = '\0';
	r = rows_sum(&sums, &n_skipped, error, path, &o);
	unlink(path);
	return r;
}

static const struct rows_options plain = {
    .column = "x", .decimals = 1, .limit = 1000000};

static void expect_error(const char *text, const char *want)
{
	assert_int_equal(sum_text(text, plain), -1);
	assert_string_equal(error, want);
	assert_true(sums.count == 0 && sums.sum == 0 && sums.squares == 0);
}

static void column_is_summed_in_units(void **state)
{
	(void)state;
	assert_int_equal(sum_text("id,x\n1,-2.5\n2,3\r\n3,\"0.1\"\n", plain),
			 0);
	assert_true(sums.count == 3);
	assert_true(sums.sum == -25 + 30 + 1);
	assert_true(sums.squares == 625 + 900 + 1);
	assert_int_equal(n_skipped, 0);
}

static void header_alone_gives_no_rows(void **state)
{
	(void)state;
	assert_int_equal(sum_text("id,x\n", plain), 0);
	assert_true(sums.count == 0 && sums.sum == 0 && sums.squares == 0);
}

static void empty_cell_is_an_error_unless_skipped(void **state)
{
	struct rows_options skip = plain;

	(void)state;
	expect_error("id,x\n1,2\n2,\n", "line 3: 'x' is empty");
	skip.skip_missing = true;
	assert_int_equal(sum_text("id,x\n1,2\n2,\n3,\n", skip), 0);
	assert_true(sums.count == 1 && sums.sum == 20);
	assert_int_equal(n_skipped, 2);
	assert_int_equal(sum_text("id,x\n1, \n", skip), -1);
}

static void wrong_cells_are_named_with_their_line(void **state)
{
	(void)state;
	expect_error("id,x\n1,2\n2,two\n", "line 3: 'x' is not a number");
	expect_error("id,x\n1,2.25\n",
		     "line 2: 'x' has more decimals than agreed");
	expect_error("id,x\n\"1\n\",5\n3,2e5\n", "line 4: 'x' is not a number");
	expect_error("id,x\n1\n",
		     "line 2: row has not as many fields as the header");
}

static void wrong_column_is_an_error(void **state)
{
	(void)state;
	expect_error("id,y\n1,2\n", "there is no column 'x'");
	expect_error("x,x\n1,2\n", "there is more than one column 'x'");
	expect_error("", "the file is empty");
}

static void overflow_is_refused_with_its_line(void **state)
{
	(void)state;
	/* 1000 units squared is the limit. */
	assert_int_equal(sum_text("x\n100.0\n", plain), 0);
	assert_true(sums.squares == 1000000);
	expect_error("x\n100.0\n0.1\n",
		     "line 3: 'x' makes the sums too large for the field");
	expect_error("x\n-100.1\n",
		     "line 2: 'x' makes the sums too large for the field");
}

static void missing_file_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(
	    rows_sum(&sums, &n_skipped, error, "/nonexistent/file.csv", &plain),
	    -1);
	assert_string_equal(error,
			    "cannot be opened: No such file or directory");
}

static void directory_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(rows_sum(&sums, &n_skipped, error, "/", &plain), -1);
	assert_string_equal(error, "line 1: cannot be read");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(column_is_summed_in_units),
	    cmocka_unit_test(header_alone_gives_no_rows),
	    cmocka_unit_test(empty_cell_is_an_error_unless_skipped),
	    cmocka_unit_test(wrong_cells_are_named_with_their_line),
	    cmocka_unit_test(wrong_column_is_an_error),
	    cmocka_unit_test(overflow_is_refused_with_its_line),
	    cmocka_unit_test(missing_file_is_an_error),
	    cmocka_unit_test(directory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
