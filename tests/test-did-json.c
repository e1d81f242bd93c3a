/*
 * Strict JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <parley/err.h>

#include "did/json.h"

static int parse(const char *text, size_t len)
{
	json_t *obj;
	int err;

	err = did_json_parse(&obj, text, len);
	if (err == 0)
		json_decref(obj);
	return err;
}

static void objects_are_accepted(void **state)
{
	static const char *const texts[] = {
	    "{}",
	    " {\"a\": [1, -2.5e3, true, null, \"\\u00e9\\ud83d\\ude00\"]}\n",
	    "{\"a\":9223372036854775807,\"b\":-9223372036854775808}",
	    "{\"a\":{\"a\":1},\"A\":2,\"\":3}",
	    "{\"a\":\"]]]}}}[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}",
	    "{\"a\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(parse(texts[i], strlen(texts[i])), 0);
}

static void other_values_and_broken_texts_are_refused(void **state)
{
	static const char *const texts[] = {
	    "",
	    " ",
	    "[]",
	    "\"a\"",
	    "1",
	    "null",
	    "{",
	    "}",
	    "{}}",
	    "{}{}",
	    "{} x",
	    "{\"a\"}",
	    "{\"a\":}",
	    "{\"a\":1,}",
	    "{a:1}",
	    "{'a':1}",
	    "{\"a\":01}",
	    "{\"a\":+1}",
	    "{\"a\":.5}",
	    "{\"a\":NaN}",
	    "{\"a\":1}//",
	    "\xef\xbb\xbf{}",
	    "{\"a\":\"\n\"}",
	    "{\"a\":\"\\x\"}",
	    "{\"a\":1 \"b\":2}",
	    "{\"a\":[1,2}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(parse(texts[i], strlen(texts[i])),
				 PARLEY_ERR_JSON);
}

static void duplicate_members_are_refused(void **state)
{
	static const char *const texts[] = {
	    "{\"a\":1,\"a\":1}",
	    "{\"b\":{\"a\":1,\"a\":2}}",
	    "{\"a\":1,\"\\u0061\":1}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(parse(texts[i], strlen(texts[i])),
				 PARLEY_ERR_JSON);
}

static void invalid_utf_8_is_refused(void **state)
{
	static const char *const texts[] = {
	    "{\"a\":\"\xff\"}",		/* no such byte */
	    "{\"a\":\"\xc3\"}",		/* cut */
	    "{\"a\":\"\xc0\xaf\"}",	/* overlong */
	    "{\"a\":\"\xed\xa0\x80\"}", /* surrogate */
	    "{\"a\":\"\xf4\x90\x80\x80\"}",
	    "{\"a\":\"\\ud800\"}",
	    "{\"\xff\":1}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(parse(texts[i], strlen(texts[i])),
				 PARLEY_ERR_JSON);
}

static void nul_is_refused(void **state)
{
	static const char inside[] = "{\"a\":\"b\0c\"}";
	static const char behind[] = "{}\0";

	(void)state;
	assert_int_equal(parse("{\"a\":\"\\u0000\"}", 14), PARLEY_ERR_JSON);
	assert_int_equal(parse("{\"\\u0000\":1}", 12), PARLEY_ERR_JSON);
	assert_int_equal(parse(inside, sizeof(inside) - 1), PARLEY_ERR_JSON);
	assert_int_equal(parse(behind, sizeof(behind) - 1), PARLEY_ERR_JSON);
}

static void numbers_out_of_range_are_refused(void **state)
{
	static const char *const texts[] = {
	    "{\"a\":9223372036854775808}",
	    "{\"a\":-9223372036854775809}",
	    "{\"a\":1e999}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(parse(texts[i], strlen(texts[i])),
				 PARLEY_ERR_JSON);
}

/* {"a":{"a":...1...}} or {"a":[[...]]}, ${depth} levels. */
static char *nested(size_t depth, int arrays)
{
	char *text = calloc(depth + 1, 8);
	char *p = text;

	assert_non_null(text);
	for (size_t i = 0; i < depth; i++)
		p = stpcpy(p, i > 0 && arrays ? "[" : "{\"a\":");
	p = stpcpy(p, "1");
	for (size_t i = depth; i > 0; i--)
		p = stpcpy(p, i > 1 && arrays ? "]" : "}");
	return text;
}

static void nesting_is_bounded(void **state)
{
	static const struct {
		size_t depth;
		int err;
	} rows[] = {
	    {1, 0},
	    {DID_JSON_DEPTH_MAX, 0},
	    {DID_JSON_DEPTH_MAX + 1, PARLEY_ERR_JSON},
	    {100000, PARLEY_ERR_JSON},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int arrays = 0; arrays < 2; arrays++) {
			char *text = nested(rows[i].depth, arrays);

			/* One "{" is what all depths have in common. */
			assert_int_equal(text[0], '{');
			assert_int_equal(parse(text, strlen(text)),
					 rows[i].err);
			free(text);
		}
	}
}

static void every_cut_is_refused(void **state)
{
	static const char text[] =
	    "{\"a\":[1,-2.5e3,true,{\"b\\\\\":\"\\u00e9\"}],\"c\":{}}";

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		/* On the heap, so that reading past the cut is seen. */
		char *cut = malloc(len + (len == 0));

		assert_non_null(cut);
		memcpy(cut, text, len);
		assert_int_equal(parse(cut, len), PARLEY_ERR_JSON);
		free(cut);
	}
}

static void dump_keeps_the_order_and_adds_no_space(void **state)
{
	static const char text[] =
	    "{\"z\":1,\"a\":[\"\xc3\xa9\",{}],\"m\":null}";
	json_t *obj;
	char *dump;
	size_t len;

	(void)state;
	assert_int_equal(did_json_parse(&obj, text, strlen(text)), 0);
	assert_int_equal(did_json_dump(&dump, &len, obj), 0);
	assert_string_equal(dump, text);
	assert_int_equal(len, strlen(text));
	free(dump);
	json_decref(obj);
}

static void string_is_given_for_strings_only(void **state)
{
	static const char text[] = "{\"s\":\"x\",\"n\":1,\"o\":{},\"e\":\"\"}";
	json_t *obj;

	(void)state;
	assert_int_equal(did_json_parse(&obj, text, strlen(text)), 0);
	assert_string_equal(did_json_string(obj, "s"), "x");
	assert_string_equal(did_json_string(obj, "e"), "");
	assert_null(did_json_string(obj, "n"));
	assert_null(did_json_string(obj, "o"));
	assert_null(did_json_string(obj, "absent"));
	json_decref(obj);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(objects_are_accepted),
	    cmocka_unit_test(other_values_and_broken_texts_are_refused),
	    cmocka_unit_test(duplicate_members_are_refused),
	    cmocka_unit_test(invalid_utf_8_is_refused),
	    cmocka_unit_test(nul_is_refused),
	    cmocka_unit_test(numbers_out_of_range_are_refused),
	    cmocka_unit_test(nesting_is_bounded),
	    cmocka_unit_test(every_cut_is_refused),
	    cmocka_unit_test(dump_keeps_the_order_and_adds_no_space),
	    cmocka_unit_test(string_is_given_for_strings_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
