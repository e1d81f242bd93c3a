/*
 * Small files; what is written is also tested in test-did-identity.c.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <parley/err.h>

#include "did/file.h"
#include "did/secret.h"
#include "tests/scratch.h"

static void file_comes_back_with_a_nul_behind(void **state)
{
	struct scratch *f = *state;
	uint8_t *bytes;
	struct stat st;
	size_t len;

	assert_int_equal(did_file_create(f->path, (const uint8_t *)"a\0b", 3),
			 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(did_file_read(&bytes, &len, f->path, 3), 0);
	assert_int_equal(len, 3);
	assert_memory_equal(bytes, "a\0b", 4);
	did_secret_free(bytes);
	assert_int_equal(did_file_create(f->path, (const uint8_t *)"c", 1),
			 PARLEY_ERR_EXISTS);
}

static void files_that_cannot_be_read_are_told_apart(void **state)
{
	struct scratch *f = *state;
	uint8_t *bytes;
	size_t len;

	assert_int_equal(did_file_read(&bytes, &len, f->path, 3),
			 PARLEY_ERR_NOT_FOUND);
	assert_int_equal(did_file_read(&bytes, &len, f->dir, 3),
			 PARLEY_ERR_FILE_FORMAT);
	assert_int_equal(did_file_create(f->path, (const uint8_t *)"abcd", 4),
			 0);
	assert_int_equal(did_file_read(&bytes, &len, f->path, 3),
			 PARLEY_ERR_TOO_LARGE);
	unlink(f->path);
	assert_int_equal(symlink("a", f->path), 0);
	assert_int_equal(did_file_read(&bytes, &len, f->path, 3),
			 PARLEY_ERR_SYSTEM);
	assert_int_equal(errno, ELOOP);
}

static void directory_that_is_missing_is_a_system_error(void **state)
{
	(void)state;
	assert_int_equal(did_file_create("absent/a", (const uint8_t *)"a", 1),
			 PARLEY_ERR_SYSTEM);
	assert_int_equal(errno, ENOENT);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(file_comes_back_with_a_nul_behind),
	    TEST(files_that_cannot_be_read_are_told_apart),
	    TEST(directory_that_is_missing_is_a_system_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
