/*
 * Every code of the table has a name, a text and a class of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <parley/err.h>

#define ERR_ROW(name, number, class_, text) \
	{-(number), "PARLEY_ERR_" #name, PARLEY_ERR_CLASS_##class_, text},

static const struct {
	int err;
	const char *name;
	enum parley_err_class class_;
	const char *text;
} rows[] = {PARLEY_ERR_TABLE(ERR_ROW)};

enum {
	N_ROWS = sizeof(rows) / sizeof(rows[0]),
};

static void every_code_has_name_text_and_class(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ROWS; i++) {
		int err = rows[i].err;

		assert_string_equal(parley_did_err_name(err), rows[i].name);
		assert_string_equal(parley_did_err_string(err), rows[i].text);
		assert_int_equal(parley_did_err_class(err), rows[i].class_);
	}
}

static void numbers_run_from_one_without_gaps(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ROWS; i++)
		assert_int_equal(rows[i].err, -(int)i - 1);
}

static void no_two_codes_have_the_same_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ROWS; i++) {
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(rows[i].text, rows[j].text);
	}
}

static void texts_are_fragments_of_a_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ROWS; i++) {
		const char *text = rows[i].text;

		/* Diffie-Hellman is a name. */
		assert_true((text[0] >= 'a' && text[0] <= 'z') ||
			    strncmp(text, "Diffie", 6) == 0);
		assert_int_not_equal(text[strlen(text) - 1], '.');
	}
}

static void zero_is_success(void **state)
{
	(void)state;
	assert_string_equal(parley_did_err_name(0), "PARLEY_OK");
	assert_string_equal(parley_did_err_string(0), "success");
	assert_int_equal(parley_did_err_class(0), PARLEY_ERR_CLASS_NONE);
}

static void other_numbers_are_unknown(void **state)
{
	static const int others[] = {1, -(int)N_ROWS - 1, INT32_MIN, INT32_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_string_equal(parley_did_err_name(others[i]),
				    "PARLEY_ERR_UNKNOWN");
		assert_string_equal(parley_did_err_string(others[i]),
				    "unknown error");
		assert_int_equal(parley_did_err_class(others[i]),
				 PARLEY_ERR_CLASS_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_code_has_name_text_and_class),
	    cmocka_unit_test(numbers_run_from_one_without_gaps),
	    cmocka_unit_test(no_two_codes_have_the_same_text),
	    cmocka_unit_test(texts_are_fragments_of_a_sentence),
	    cmocka_unit_test(zero_is_success),
	    cmocka_unit_test(other_numbers_are_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
