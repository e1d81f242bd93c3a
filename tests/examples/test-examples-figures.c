/*
 * examples/figures.c: fixed-point reading, sums at their limits, and figures
 * as text.  The expected figures were computed by Python's decimal module with
 * 200 digits.
 */
#include "examples/figures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "examples/field.h"

static void numbers_are_read_in_units(void **state)
{
	static const struct {
		const char *text;
		unsigned decimals;
		int64_t v;
	} rows[] = {
	    {"0", 0, 0},
	    {"-0", 0, 0},
	    {"7", 0, 7},
	    {"007", 0, 7},
	    {"7", 3, 7000},
	    {"-7.5", 1, -75},
	    {"7.5", 2, 750},
	    {"-0.001", 3, -1},
	    {"9223372036854775807", 0, INT64_MAX},
	    {"-9223372036854775807", 0, -INT64_MAX},
	    {"9223372036.854775807", 9, INT64_MAX},
	};
	int64_t v;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_null(figures_parse(&v, rows[i].text, rows[i].decimals));
		assert_true(v == rows[i].v);
	}
}

static void text_that_is_no_plain_number_is_refused(void **state)
{
	static const char *const rows[] = {
	    "-",   "+1",   " 1",    "1 ",  "1,5",	   ".5",
	    "1.",  "1..2", "1.2.3", "1e3", "0x10",	   "nan",
	    "inf", "--1",  "1-",    "NA",  "\342\210\2221"};
	int64_t v = 11;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(figures_parse(&v, rows[i], 9),
				    "is not a number");
	assert_string_equal(figures_parse(&v, "", 9), "is empty");
	assert_true(v == 11);
}

static void more_decimals_than_agreed_are_refused(void **state)
{
	int64_t v = 11;

	(void)state;
	assert_string_equal(figures_parse(&v, "1.25", 1),
			    "has more decimals than agreed");
	assert_string_equal(figures_parse(&v, "1.20", 1),
			    "has more decimals than agreed");
	assert_string_equal(figures_parse(&v, "1.0", 0),
			    "has more decimals than agreed");
	assert_true(v == 11);
}

static void numbers_over_63_bits_are_refused(void **state)
{
	int64_t v = 11;

	(void)state;
	assert_string_equal(figures_parse(&v, "9223372036854775808", 0),
			    "is too large");
	assert_string_equal(figures_parse(&v, "922337203685477581", 1),
			    "is too large");
	assert_string_equal(figures_parse(&v, "-9223372036.854775808", 9),
			    "is too large");
	assert_string_equal(
	    figures_parse(&v,
			  "99999999999999999999999999999999999999999999"
			  "99999999999999999999999999999999999999999",
			  0),
	    "is too large");
	assert_true(v == 11);
}

static void sums_stop_at_the_limit_and_do_not_wrap(void **state)
{
	struct figures_sums s = {0}, before;
	const i128 limit = FIELD_HALF / 3;

	(void)state;
	/* 2^62 squared is 2^124; the limit is 4/3 of that. */
	assert_true(figures_add(&s, (int64_t)1 << 62, limit));
	before = s;
	assert_false(figures_add(&s, (int64_t)1 << 62, limit));
	assert_memory_equal(&s, &before, sizeof(s));
	assert_true(s.count == 1 && s.squares == (i128)1 << 124);

	s = (struct figures_sums){.sum = 99};
	assert_true(figures_add(&s, 1, 100));
	assert_false(figures_add(&s, 1, 100));
	s = (struct figures_sums){.sum = -99};
	assert_true(figures_add(&s, -1, 100));
	assert_false(figures_add(&s, -1, 100));
	s = (struct figures_sums){.count = 100};
	assert_false(figures_add(&s, 0, 100));
	s = (struct figures_sums){.squares = 96};
	assert_true(figures_add(&s, -2, 100));
	assert_false(figures_add(&s, 1, 100));
	s = (struct figures_sums){0};
	assert_false(figures_add(&s, INT64_MIN, FIELD_HALF)); /* 2^126 */
	assert_true(figures_add(&s, INT64_MAX, FIELD_HALF));
}

static void expect_text(const char *got, const char *want)
{
	assert_string_equal(*got == '\0' ? "-" : got, want);
}

static void figures_equal_those_of_python(void **state)
{
	const char *dir = getenv("EXAMPLES_VECTORS");
	static char line[8192], values[4096], want[8][80];
	struct figures_sums s;
	struct figures f;
	char path[4096];
	unsigned decimals;
	char *value;
	int n = 0;
	FILE *file;

	(void)state;
	assert_non_null(dir);
	snprintf(path, sizeof(path), "%s/figures.txt", dir);
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (line[0] == '#')
			continue;
		assert_int_equal(
		    sscanf(line,
			   "%u %4095s %79s %79s %79s %79s %79s %79s %79s %79s",
			   &decimals, values, want[0], want[1], want[2],
			   want[3], want[4], want[5], want[6], want[7]),
		    10);
		s = (struct figures_sums){0};
		for (value = strtok(values, ","); value != NULL;
		     value = strtok(NULL, ","))
			assert_true(figures_add(&s, strtoll(value, NULL, 10),
						FIELD_HALF));
		assert_true(figures_compute(&f, &s, decimals));
		expect_text(f.count, want[0]);
		expect_text(f.sum, want[1]);
		expect_text(f.squares, want[2]);
		expect_text(f.mean, want[3]);
		expect_text(f.variance, want[4]);
		expect_text(f.deviation, want[5]);
		expect_text(f.population_variance, want[6]);
		expect_text(f.population_deviation, want[7]);
		n++;
	}
	fclose(file);
	assert_int_equal(n, 84);
}

static void expect(const int64_t *v, size_t n, unsigned decimals,
		   const char *mean)
{
	struct figures_sums s = {0};
	struct figures f;
	size_t i;

	for (i = 0; i < n; i++)
		assert_true(figures_add(&s, v[i], FIELD_HALF));
	assert_true(figures_compute(&f, &s, decimals));
	assert_string_equal(f.mean, mean);
	assert_string_equal(f.variance, "");
	assert_string_equal(f.deviation, "");
}

static void too_few_rows_leave_figures_out(void **state)
{
	static const int64_t v[] = {-25};

	(void)state;
	expect(v, 0, 1, "");
	expect(v, 1, 1, "-2.5000000");
}

static void impossible_sums_are_refused(void **state)
{
	static const struct figures_sums rows[] = {
	    {.count = -1},
	    {.count = 1, .squares = -1},
	    {.count = 0, .sum = 1},
	    {.count = 0, .squares = 1},
	    {.count = 1, .sum = 2, .squares = 3},
	    {.count = 1, .sum = 2, .squares = 5},
	    {.count = 2, .sum = 5, .squares = 12},
	    {.count = 3, .sum = -30, .squares = 299},
	    {.count = (i128)1 << 60},
	    {.count = 1, .sum = (i128)1 << 100, .squares = (i128)1 << 125},
	};
	struct figures f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_false(figures_compute(&f, &rows[i], 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_are_read_in_units),
	    cmocka_unit_test(text_that_is_no_plain_number_is_refused),
	    cmocka_unit_test(more_decimals_than_agreed_are_refused),
	    cmocka_unit_test(numbers_over_63_bits_are_refused),
	    cmocka_unit_test(sums_stop_at_the_limit_and_do_not_wrap),
	    cmocka_unit_test(figures_equal_those_of_python),
	    cmocka_unit_test(too_few_rows_leave_figures_out),
	    cmocka_unit_test(impossible_sums_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
