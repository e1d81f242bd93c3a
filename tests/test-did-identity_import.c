/*
 * Import and export of secret keys; vectors/keys/import.json.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <parley/did.h>

#include "did/file.h"
#include "did/identity.h"
#include "did/secret.h"
#include "tests/scratch.h"
#include "tests/vector.h"

#define PASS	     "correct horse"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const enum parley_identity_type types[] = {PARLEY_IDENTITY_ED25519,
						  PARLEY_IDENTITY_P256};
static const enum parley_key_format formats[] = {PARLEY_KEY_JWK, PARLEY_KEY_PEM,
						 PARLEY_KEY_SEED};

static enum parley_key_format format_of(const json_t *v)
{
	const char *name = vector_text(v, "format");

	if (strcmp(name, "jwk") == 0)
		return PARLEY_KEY_JWK;
	return strcmp(name, "pem") == 0 ? PARLEY_KEY_PEM : PARLEY_KEY_SEED;
}

static void keys_of_other_programs_are_read_or_refused(void **state)
{
	json_t *file = vector_load("keys/import.json");
	struct scratch *f = *state;
	size_t i, n_read = 0;
	json_t *v;

	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		const char *text = vector_text(v, "text");
		const char *pass =
		    json_string_value(json_object_get(v, "passphrase"));
		struct parley_identity *id = NULL;
		int err;

		assert_int_equal(did_file_create(f->path, (const uint8_t *)text,
						 strlen(text)),
				 0);
		err =
		    parley_did_identity_import(&id, f->path, format_of(v), pass,
					       pass != NULL ? strlen(pass) : 0);
		unlink(f->path);
		vector_expect(v, err);
		if (err != 0) {
			assert_null(id);
			continue;
		}
		assert_string_equal(parley_did_identity_did(id),
				    vector_text(v, "did"));
		parley_did_identity_free(id);
		n_read++;
	}
	print_message("%zu key files, %zu of them read\n", i, n_read);
	json_decref(file);
}

static void exported_identity_comes_back(void **state)
{
	struct scratch *f = *state;
	struct parley_identity *id, *again;
	struct stat st;

	for (size_t t = 0; t < COUNT(types); t++) {
		assert_int_equal(parley_did_identity_new_type(&id, types[t]),
				 0);
		for (size_t i = 0; i < COUNT(formats); i++) {
			if (formats[i] == PARLEY_KEY_SEED && t > 0)
				continue;
			assert_int_equal(parley_did_identity_export(
					     id, f->path, formats[i], NULL, 0),
					 0);
			assert_int_equal(stat(f->path, &st), 0);
			assert_int_equal(st.st_mode & 07777, 0600);
			assert_int_equal(
			    parley_did_identity_import(&again, f->path,
						       formats[i], NULL, 0),
			    0);
			assert_string_equal(parley_did_identity_did(again),
					    parley_did_identity_did(id));
			parley_did_identity_free(again);
			assert_int_equal(parley_did_identity_export(
					     id, f->path, formats[i], NULL, 0),
					 PARLEY_ERR_EXISTS);
			unlink(f->path);
		}
		parley_did_identity_free(id);
	}
}

static void encrypted_pem_needs_its_passphrase(void **state)
{
	struct scratch *f = *state;
	struct parley_identity *id, *again;
	uint8_t *bytes;
	size_t len;

	for (size_t t = 0; t < COUNT(types); t++) {
		assert_int_equal(parley_did_identity_new_type(&id, types[t]),
				 0);
		assert_int_equal(parley_did_identity_export(id, f->path,
							    PARLEY_KEY_PEM,
							    PASS, strlen(PASS)),
				 0);
		assert_int_equal(did_file_read(&bytes, &len, f->path, 4096), 0);
		assert_non_null(
		    strstr((const char *)bytes, "BEGIN ENCRYPTED PRIVATE KEY"));
		did_secret_free(bytes);
		assert_int_equal(parley_did_identity_import(
				     &again, f->path, PARLEY_KEY_PEM, NULL, 0),
				 PARLEY_ERR_PASSPHRASE);
		assert_int_equal(parley_did_identity_import(&again, f->path,
							    PARLEY_KEY_PEM,
							    "wrong", 5),
				 PARLEY_ERR_PASSPHRASE);
		assert_int_equal(parley_did_identity_import(&again, f->path,
							    PARLEY_KEY_PEM,
							    PASS, strlen(PASS)),
				 0);
		assert_string_equal(parley_did_identity_did(again),
				    parley_did_identity_did(id));
		parley_did_identity_free(again);
		parley_did_identity_free(id);
		unlink(f->path);
	}
}

static void encrypted_jwk_needs_its_passphrase(void **state)
{
	struct scratch *f = *state;
	struct parley_identity *id, *again;

	assert_int_equal(parley_did_identity_new(&id), 0);
	assert_int_equal(parley_did_identity_export(id, f->path, PARLEY_KEY_JWK,
						    PASS, strlen(PASS)),
			 0);
	assert_int_equal(parley_did_identity_import(&again, f->path,
						    PARLEY_KEY_JWK, NULL, 0),
			 PARLEY_ERR_PASSPHRASE);
	assert_int_equal(parley_did_identity_import(&again, f->path,
						    PARLEY_KEY_JWK, "wrong", 5),
			 PARLEY_ERR_PASSPHRASE);
	assert_int_equal(parley_did_identity_import(&again, f->path,
						    PARLEY_KEY_JWK, PASS,
						    strlen(PASS)),
			 0);
	assert_string_equal(parley_did_identity_did(again),
			    parley_did_identity_did(id));
	parley_did_identity_free(again);
	parley_did_identity_free(id);
}

static void arguments_that_do_not_fit_are_refused(void **state)
{
	static const char longest[PARLEY_PASSPHRASE_LEN_MAX + 1] = {1};
	struct scratch *f = *state;
	struct parley_identity *ed, *p256;

	assert_int_equal(parley_did_identity_new(&ed), 0);
	assert_int_equal(
	    parley_did_identity_new_type(&p256, PARLEY_IDENTITY_P256), 0);
	assert_int_equal(
	    parley_did_identity_export(ed, f->path, PARLEY_KEY_PEM, "", 0),
	    PARLEY_ERR_ARGUMENT);
	assert_int_equal(parley_did_identity_export(ed, f->path, PARLEY_KEY_PEM,
						    longest, sizeof(longest)),
			 PARLEY_ERR_ARGUMENT);
	assert_int_equal(parley_did_identity_export(
			     ed, f->path, PARLEY_KEY_SEED, PASS, strlen(PASS)),
			 PARLEY_ERR_ARGUMENT);
	assert_int_equal(
	    parley_did_identity_export(p256, f->path, PARLEY_KEY_SEED, NULL, 0),
	    PARLEY_ERR_ARGUMENT);
	assert_int_equal(access(f->path, F_OK), -1);
	parley_did_identity_free(ed);
	parley_did_identity_free(p256);
}

static void files_that_cannot_be_read_or_written_are_told_apart(void **state)
{
	struct scratch *f = *state;
	struct parley_identity *id = NULL;
	char large[16 * 1024 + 1];

	assert_int_equal(
	    parley_did_identity_import(&id, f->path, PARLEY_KEY_PEM, NULL, 0),
	    PARLEY_ERR_NOT_FOUND);
	assert_int_equal(
	    parley_did_identity_import(&id, f->dir, PARLEY_KEY_PEM, NULL, 0),
	    PARLEY_ERR_FORMAT);
	memset(large, ' ', sizeof(large));
	assert_int_equal(
	    did_file_create(f->path, (const uint8_t *)large, sizeof(large)), 0);
	assert_int_equal(
	    parley_did_identity_import(&id, f->path, PARLEY_KEY_JWK, NULL, 0),
	    PARLEY_ERR_TOO_LARGE);
	assert_null(id);
	assert_int_equal(parley_did_identity_new(&id), 0);
	for (size_t i = 0; i < COUNT(formats); i++) {
		assert_int_equal(parley_did_identity_export(
				     id, "absent/a", formats[i], NULL, 0),
				 PARLEY_ERR_SYSTEM);
		assert_int_equal(errno, ENOENT);
	}
	parley_did_identity_free(id);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(keys_of_other_programs_are_read_or_refused),
	    TEST(exported_identity_comes_back),
	    TEST(encrypted_pem_needs_its_passphrase),
	    TEST(encrypted_jwk_needs_its_passphrase),
	    TEST(arguments_that_do_not_fit_are_refused),
	    TEST(files_that_cannot_be_read_or_written_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
