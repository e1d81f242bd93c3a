/*
 * Vector files for tests.
 *
 * Whatever is wrong with a file ends the test program: nothing here returns
 * an error, so no test can pass over one.
 */
#include "tests/vector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include <parley/err.h>

static void __attribute__((noreturn))
give_up(const char *what, const char *name)
{
	fprintf(stderr, "vectors: %s: %s\n", name, what);
	exit(1);
}

json_t *vector_load(const char *name)
{
	const char *directory = getenv("PARLEY_VECTORS");
	json_error_t error;
	char path[4096];
	json_t *obj;

	if (directory == NULL)
		directory = VECTORS;
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	obj = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (obj == NULL)
		give_up(error.text, path);
	if (json_array_size(json_object_get(obj, "vectors")) == 0)
		give_up("no vectors", path);
	return obj;
}

const char *vector_text(const json_t *v, const char *name)
{
	const char *text = json_string_value(json_object_get(v, name));

	if (text == NULL)
		give_up("no such text", name);
	return text;
}

size_t vector_hex(uint8_t *bytes, size_t size, const json_t *v,
		  const char *name)
{
	const char *text = vector_text(v, name);
	const char *end;
	size_t len;

	if (sodium_hex2bin(bytes, size, text, strlen(text), NULL, &len, &end) !=
		0 ||
	    *end != '\0')
		give_up("not hex, or too long", name);
	return len;
}

size_t vector_raw(uint8_t *bytes, size_t size, const json_t *v,
		  const char *name)
{
	size_t len;

	if (json_object_get(v, "hex") != NULL) {
		len = vector_hex(bytes, size - 1, v, "hex");
	} else {
		len = strlen(vector_text(v, name));
		if (len >= size)
			give_up("too long", name);
		memcpy(bytes, vector_text(v, name), len);
	}
	bytes[len] = '\0';
	return len;
}

void vector_expect(const json_t *v, int err)
{
	const char *expected = json_string_value(json_object_get(v, "expect"));

	if (expected == NULL)
		expected = "PARLEY_OK";
	if (strcmp(parley_did_err_name(err), expected) != 0)
		fail_msg("%s: %s, not %s", vector_text(v, "tests"),
			 parley_did_err_name(err), expected);
}
