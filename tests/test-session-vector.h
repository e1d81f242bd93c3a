/*
 * For the tests of session/: vector files of one JSON object each, and the
 * bytes in them.  The directory is named by PARLEY_VECTORS.
 */
#ifndef TESTS_TEST_SESSION_VECTOR_H
#define TESTS_TEST_SESSION_VECTOR_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include <parley/err.h>

#include "tests/vector.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Bytes of hex text; free(p). */
struct bytes {
	uint8_t *p;
	size_t len;
};

/* The member ${name}, which must be there. */
static inline struct bytes vector_bytes(const json_t *v, const char *name)
{
	struct bytes b;
	size_t size = strlen(vector_text(v, name)) / 2;

	b.p = malloc(size + 1);
	assert_non_null(b.p);
	b.len = vector_hex(b.p, size, v, name);
	return b;
}

/* ${len} bytes at ${p} are those of the member ${name}. */
static inline void assert_vector(const void *p, size_t len, const json_t *v,
				 const char *name)
{
	struct bytes b = vector_bytes(v, name);

	if (b.len != len || memcmp(p, b.p, len) != 0)
		fail_msg("%s is not that of the vector", name);
	free(b.p);
}

/* The integer ${name}, which must be there. */
static inline json_int_t vector_int(const json_t *v, const char *name)
{
	const json_t *n = json_object_get(v, name);

	if (!json_is_integer(n))
		fail_msg("no integer %s in the vector", name);
	return json_integer_value(n);
}

/* The error that the member `expect` names; 0 if there is none. */
static inline int vector_error(const json_t *v)
{
#define VECTOR_ERROR(name, number, class_, text)                \
	if (expect && strcmp(expect, "PARLEY_ERR_" #name) == 0) \
		return -(number);
	const char *expect = json_string_value(json_object_get(v, "expect"));

	PARLEY_ERR_TABLE(VECTOR_ERROR)
#undef VECTOR_ERROR
	if (expect)
		fail_msg("unknown error %s", expect);
	return 0;
}

/* An error against what was expected, with names. */
static inline void assert_error(int err, int expected, const char *what)
{
	if (err != expected)
		fail_msg("%s: %s, not %s", what, parley_did_err_name(err),
			 parley_did_err_name(expected));
}

/*
 * Call ${replay} for each file in ${dir} whose name begins with ${prefix};
 * fails the test if there is none.
 */
static inline size_t vector_each(const char *dir, const char *prefix,
				 void (*replay)(const char *name,
						const json_t *v))
{
	const char *base = getenv("PARLEY_VECTORS");
	struct dirent *entry;
	json_error_t error;
	char path[4096];
	size_t n = 0;
	json_t *v;
	DIR *d;

	assert_non_null(base);
	snprintf(path, sizeof(path), "%s/%s", base, dir);
	d = opendir(path);
	if (!d)
		fail_msg("no directory %s", path);
	while ((entry = readdir(d))) {
		if (!strstr(entry->d_name, ".json") ||
		    strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s", base, dir,
			 entry->d_name);
		v = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
		if (!v)
			fail_msg("%s: %s", entry->d_name, error.text);
		replay(entry->d_name, v);
		json_decref(v);
		n++;
	}
	closedir(d);
	if (n == 0)
		fail_msg("no vectors %s/%s*", dir, prefix);
	return n;
}

#endif /* !TESTS_TEST_SESSION_VECTOR_H */
