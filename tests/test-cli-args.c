/*
 * The command line; numbers, durations, and misspelt words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/args.h"

static void integers_have_one_form_and_bounds(void **state)
{
	static const char *const bad[] = {
	    "",	   "-",	  "+1",
	    "-0",  "01",  "1 ",
	    "0x1", "1e3", "9223372036854775808",
	    "11",  "-6",
	};
	int64_t v = 0;

	(void)state;
	assert_true(cli_args_integer(&v, "0", -5, 10));
	assert_int_equal(v, 0);
	assert_true(cli_args_integer(&v, "10", -5, 10));
	assert_int_equal(v, 10);
	assert_true(cli_args_integer(&v, "-5", -5, 10));
	assert_int_equal(v, -5);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(cli_args_integer(&v, bad[i], -5, 10));
	assert_int_equal(v, -5);
}

static void seconds_have_at_most_three_decimals(void **state)
{
	static const char *const bad[] = {
	    "", "-1", ".5", "1.2.3", "1.2345", "61", "1e1", "9999999999999",
	};
	int ms = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(cli_args_milliseconds(&ms, bad[i], 60000));
	assert_int_equal(ms, 7);
	assert_true(cli_args_milliseconds(&ms, "60", 60000));
	assert_int_equal(ms, 60000);
	assert_true(cli_args_milliseconds(&ms, "0.25", 60000));
	assert_int_equal(ms, 250);
	assert_true(cli_args_milliseconds(&ms, "0", 60000));
	assert_int_equal(ms, 0);
}

static void durations_have_a_unit(void **state)
{
	static const char *const bad[] = {
	    "", "d", "30", "0d", "-1d", "1.5h", "30 d", "1y", "9999999999s",
	};
	int64_t seconds = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(cli_args_duration(&seconds, bad[i]));
	assert_int_equal(seconds, 7);
	assert_true(cli_args_duration(&seconds, "45s"));
	assert_int_equal(seconds, 45);
	assert_true(cli_args_duration(&seconds, "30d"));
	assert_int_equal(seconds, 30 * 86400);
	assert_true(cli_args_duration(&seconds, "2w"));
	assert_int_equal(seconds, 14 * 86400);
}

static void the_nearest_word_is_found_if_it_is_near(void **state)
{
	static const char *const words[] = {"identity", "resolve", "ping"};

	(void)state;
	assert_string_equal(cli_args_nearest("identty", words, 3), "identity");
	assert_string_equal(cli_args_nearest("pnig", words, 3), "ping");
	assert_string_equal(cli_args_nearest("resolv", words, 3), "resolve");
	assert_null(cli_args_nearest("agreement", words, 3));
	assert_null(cli_args_nearest("", words, 3));
	assert_null(
	    cli_args_nearest("pingpingpingpingpingpingpingpingping", words, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(integers_have_one_form_and_bounds),
	    cmocka_unit_test(seconds_have_at_most_three_decimals),
	    cmocka_unit_test(durations_have_a_unit),
	    cmocka_unit_test(the_nearest_word_is_found_if_it_is_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
