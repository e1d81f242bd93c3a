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

static const struct did_file_rules guarded = {.guarded = true};

/* What is wrong with the file of ${f} under ${rules}. */
static enum did_file_flaw flaw_of(const struct scratch *f,
				  const struct did_file_rules *rules)
{
	struct did_file_fault fault;
	uint8_t *bytes;
	size_t len;
	int err =
	    did_file_read_checked(&bytes, &len, &fault, f->path, 3, rules);

	if (err == 0)
		did_secret_free(bytes);
	assert_int_equal(err,
			 fault.flaw == DID_FILE_SOUND ? 0 : PARLEY_ERR_UNSAFE);
	assert_int_equal(did_file_check(&fault, f->path, rules), err);
	return fault.flaw;
}

static void directory_that_others_can_write_to_is_refused(void **state)
{
	struct scratch *f = *state;
	struct did_file_fault fault;
	char *dir, text[DID_FILE_PATH_SIZE + 100];

	assert_int_equal(did_file_create(f->path, (const uint8_t *)"a", 1), 0);
	assert_int_equal(flaw_of(f, &guarded), DID_FILE_SOUND);
	assert_int_equal(chmod(f->dir, 0777), 0);
	assert_int_equal(flaw_of(f, &guarded), DID_FILE_DIRECTORY_OPEN);
	assert_int_equal(did_file_check(&fault, f->path, &guarded),
			 PARLEY_ERR_UNSAFE);
	did_file_fault_text(text, sizeof(text), &fault);
	dir = realpath(f->dir, NULL);
	assert_non_null(dir);
	assert_non_null(strstr(text, dir));
	assert_non_null(strstr(text, "by other users (mode 0777)"));
	free(dir);
	/* Nobody but the owner renames anything there. */
	assert_int_equal(chmod(f->dir, 01777), 0);
	assert_int_equal(flaw_of(f, &guarded), DID_FILE_SOUND);
	assert_int_equal(chmod(f->dir, 0700), 0);
}

static void every_flaw_has_its_sentence(void **state)
{
	static const struct {
		struct did_file_fault fault;
		const char *text;
	} rows[] = {
	    {{DID_FILE_SOUND, 0600, "a"}, "'a' is as it should be"},
	    {{DID_FILE_FOREIGN, 0600, "a"}, "'a' belongs to another user"},
	    {{DID_FILE_OPEN, 0640, "a"},
	     "'a' can be read by other users (mode 0640)"},
	    {{DID_FILE_OPEN, 0620, "a"},
	     "'a' can be changed by other users (mode 0620)"},
	    {{DID_FILE_OPEN, 0602, "a"},
	     "'a' can be changed by other users (mode 0602)"},
	    {{DID_FILE_LINK, 0777, "a"}, "'a' is a symbolic link"},
	    {{DID_FILE_DIRECTORY_FOREIGN, 0755, "b"},
	     "'b' belongs to another user"},
	    {{DID_FILE_DIRECTORY_OPEN, 0777, "b"},
	     "'b' can be written to by other users (mode 0777)"},
	};
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		did_file_fault_text(text, sizeof(text), &rows[i].fault);
		assert_string_equal(text, rows[i].text);
	}
}

static void directory_above_that_others_can_write_to_is_refused(void **state)
{
	struct scratch *f = *state, below = {0};

	snprintf(below.dir, sizeof(below.dir), "%.50s/b", f->dir);
	snprintf(below.path, sizeof(below.path), "%s/a", below.dir);
	assert_int_equal(mkdir(below.dir, 0700), 0);
	assert_int_equal(did_file_create(below.path, (const uint8_t *)"a", 1),
			 0);
	assert_int_equal(flaw_of(&below, &guarded), DID_FILE_SOUND);
	assert_int_equal(chmod(f->dir, 0702), 0);
	assert_int_equal(flaw_of(&below, &guarded), DID_FILE_DIRECTORY_OPEN);
	assert_int_equal(chmod(f->dir, 0700), 0);
	unlink(below.path);
	assert_int_equal(rmdir(below.dir), 0);
}

static void link_is_not_followed_where_the_directory_counts(void **state)
{
	struct scratch *f = *state;
	const struct did_file_rules any = {0};
	char target[128];

	snprintf(target, sizeof(target), "%s/target", f->dir);
	assert_int_equal(did_file_create(target, (const uint8_t *)"a", 1), 0);
	assert_int_equal(symlink("target", f->path), 0);
	assert_int_equal(flaw_of(f, &guarded), DID_FILE_LINK);
	assert_int_equal(flaw_of(f, &any), DID_FILE_SOUND);
	unlink(target);
}

static void mode_is_that_of_the_open_file(void **state)
{
	struct scratch *f = *state;
	const struct did_file_rules closed = {.forbidden = 077, .owned = true};
	struct did_file_fault fault;

	assert_int_equal(did_file_create(f->path, (const uint8_t *)"a", 1), 0);
	assert_int_equal(flaw_of(f, &closed), DID_FILE_SOUND);
	assert_int_equal(chmod(f->path, 0640), 0);
	assert_int_equal(flaw_of(f, &closed), DID_FILE_OPEN);
	assert_int_equal(did_file_check(&fault, f->path, &guarded), 0);
	assert_int_equal(fault.mode, 0640);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(file_comes_back_with_a_nul_behind),
	    TEST(files_that_cannot_be_read_are_told_apart),
	    TEST(directory_that_is_missing_is_a_system_error),
	    TEST(directory_that_others_can_write_to_is_refused),
	    cmocka_unit_test(every_flaw_has_its_sentence),
	    TEST(directory_above_that_others_can_write_to_is_refused),
	    TEST(link_is_not_followed_where_the_directory_counts),
	    TEST(mode_is_that_of_the_open_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
