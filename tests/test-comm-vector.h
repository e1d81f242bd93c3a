/*
 * Reading of vector files of `key: value` lines, for the tests of comm/.
 * \xHH stands for a byte.  The directory is named by PARLEY_VECTORS.
 */
#ifndef TESTS_TEST_COMM_VECTOR_H
#define TESTS_TEST_COMM_VECTOR_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A value; ${bytes} has a NUL behind it. */
struct vector_value {
	char *bytes;
	size_t len;
};

/* Path of ${name} below the vectors; free() it. */
static inline char *vector_path(const char *name)
{
	const char *dir = getenv("PARLEY_VECTORS");
	char *path = NULL;

	assert_non_null(dir);
	assert_true(asprintf(&path, "%s/%s", dir, name) > 0);
	return path;
}

/* The whole file ${path}; free() it. */
static inline char *vector_load(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	if (f == NULL)
		fail_msg("cannot open %s", path);
	assert_true(getdelim(&text, &size, '\0', f) > 0);
	fclose(f);
	return text;
}

static inline int vector_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c == '\0' ? NULL : strchr(digits, c);

	assert_non_null(p);
	return (int)(p - digits);
}

/* The value of ${key}; ${bytes} is NULL when there is none, else free() it. */
static inline struct vector_value vector_get(const char *text, const char *key)
{
	struct vector_value v = {0};
	size_t key_len = strlen(key);
	const char *line = text;

	while (strncmp(line, key, key_len) != 0 || line[key_len] != ':') {
		line = strchr(line, '\n');
		if (line == NULL || *++line == '\0')
			return v;
	}
	line += key_len + 2;
	v.bytes = malloc(strcspn(line, "\n") + 1);
	assert_non_null(v.bytes);
	while (*line != '\n' && *line != '\0') {
		if (*line == '\\') {
			v.bytes[v.len++] = (char)(vector_digit(line[2]) << 4 |
						  vector_digit(line[3]));
			line += 4;
		} else {
			v.bytes[v.len++] = *line++;
		}
	}
	v.bytes[v.len] = '\0';
	return v;
}

/* Bytes of the hex text ${v}, in place. */
static inline void vector_unhex(struct vector_value *v)
{
	assert_int_equal(v->len % 2, 0);
	for (size_t i = 0; i < v->len / 2; i++)
		v->bytes[i] = (char)(vector_digit(v->bytes[2 * i]) << 4 |
				     vector_digit(v->bytes[2 * i + 1]));
	v->len /= 2;
}

/* Call ${replay} for each .txt file in ${dir} that begins with ${prefix}. */
static inline size_t vector_each(const char *dir, const char *prefix,
				 void (*replay)(const char *name,
						const char *text))
{
	char *dir_path = vector_path(dir), *path = NULL, *text;
	DIR *d = opendir(dir_path);
	struct dirent *entry;
	size_t n = 0;

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		if (strstr(entry->d_name, ".txt") == NULL ||
		    strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		assert_true(asprintf(&path, "%s/%s", dir_path, entry->d_name) >
			    0);
		text = vector_load(path);
		replay(entry->d_name, text);
		free(text);
		free(path);
		n++;
	}
	closedir(d);
	free(dir_path);
	return n;
}

#endif /* !TESTS_TEST_COMM_VECTOR_H */
