/*
 * What a stranger wrote cannot steer the terminal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/out.h"

static void assert_escaped(const char *text, const char *expected)
{
	char *safe = cli_out_escape(text);

	assert_non_null(safe);
	assert_string_equal(safe, expected);
	free(safe);
}

static void printable_text_is_kept(void **state)
{
	(void)state;
	assert_escaped("", "");
	assert_escaped("did:key:z6Mk 'a' \\ ~", "did:key:z6Mk 'a' \\ ~");
	assert_escaped("J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x99\x82",
		       "J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x99\x82");
}

static void control_characters_are_shown(void **state)
{
	(void)state;
	assert_escaped("a\nb\tc\rd", "a\\nb\\tc\\x0dd");
	assert_escaped("\x1b[2J\x7f\a", "\\x1b[2J\\x7f\\x07");
	assert_escaped("\xc2\x9b", "\\u{9b}");
}

static void writing_direction_and_invisible_characters_are_shown(void **state)
{
	(void)state;
	assert_escaped("\xe2\x80\xae", "\\u{202e}");
	assert_escaped("\xe2\x81\xa6", "\\u{2066}");
	assert_escaped("\xe2\x80\xa8", "\\u{2028}");
	assert_escaped("\xe2\x80\x8b", "\\u{200b}");
	assert_escaped("\xd8\x9c", "\\u{61c}");
	assert_escaped("\xef\xbb\xbf", "\\u{feff}");
}

static void bytes_that_are_not_utf8_are_shown(void **state)
{
	(void)state;
	assert_escaped("\xff", "\\xff");
	assert_escaped("\x80", "\\x80");
	assert_escaped("\xc3", "\\xc3");
	assert_escaped("\xc3(", "\\xc3(");
	assert_escaped("\xe2\x82", "\\xe2\\x82");
	assert_escaped("\xf0\x9f\x99", "\\xf0\\x9f\\x99");
}

static void overlong_and_surrogate_forms_are_not_utf8(void **state)
{
	(void)state;
	assert_escaped("\xc0\x8a", "\\xc0\\x8a");
	assert_escaped("\xe0\x80\x8a", "\\xe0\\x80\\x8a");
	assert_escaped("\xf0\x80\x80\x8a", "\\xf0\\x80\\x80\\x8a");
	assert_escaped("\xed\xa0\x80", "\\xed\\xa0\\x80");
	assert_escaped("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(printable_text_is_kept),
	    cmocka_unit_test(control_characters_are_shown),
	    cmocka_unit_test(
		writing_direction_and_invisible_characters_are_shown),
	    cmocka_unit_test(bytes_that_are_not_utf8_are_shown),
	    cmocka_unit_test(overlong_and_surrogate_forms_are_not_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
