/*
 * Resolvers: options, files, the cache of long forms.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <parley/did.h>

#include "did/document.h"
#include "did/json.h"
#include "did/resolver.h"
#include "tests/vector.h"

#define KEY	 "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
#define FILE_DID "did:example:a%3Ab"

struct fixture {
	char dir[64];
	char path[128];
	struct parley_resolver *r;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct parley_resolver_options options = {0};

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "test-resolver-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/did_example_a_3Ab.json", f->dir);
	options.directory = f->dir;
	assert_int_equal(parley_did_resolver_new(&f->r, &options), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	assert_int_equal(rmdir(f->dir), 0);
	parley_did_resolver_free(f->r);
	parley_did_resolver_free(NULL);
	free(f);
	return 0;
}

static void write_file(const struct fixture *f, const char *text)
{
	FILE *file = fopen(f->path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int resolve(struct parley_resolver *r, const char *did)
{
	struct did_document *doc;
	int err = did_resolver_resolve(r, &doc, did);

	if (err == 0) {
		assert_string_equal(doc->id, did);
		did_document_free(doc);
	}
	return err;
}

static void documents_in_a_directory_resolve(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(resolve(f->r, FILE_DID), PARLEY_ERR_NOT_FOUND);
	write_file(f, "{\"id\":\"" FILE_DID
		      "\",\"authentication\":[{\"id\":\"#k\",\"type\":"
		      "\"Multikey\",\"controller\":\"" FILE_DID
		      "\",\"publicKeyMultibase\":\"" KEY "\"}]}");
	assert_int_equal(resolve(f->r, FILE_DID), 0);
	/* Same file name, other DID. */
	assert_int_equal(resolve(f->r, "did:example:a_3Ab"),
			 PARLEY_ERR_DOCUMENT);
	assert_int_equal(resolve(NULL, FILE_DID), PARLEY_ERR_UNSUPPORTED);
}

static void directory_does_not_replace_what_a_did_says(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(resolve(f->r, "did:key:" KEY), 0);
	assert_int_equal(resolve(f->r, "did:key:x"), PARLEY_ERR_FORMAT);
}

static void unusable_files_are_refused(void **state)
{
	struct fixture *f = *state;
	char *large;

	write_file(f, "");
	assert_int_equal(resolve(f->r, FILE_DID), PARLEY_ERR_DOCUMENT);
	write_file(f, "[]");
	assert_int_equal(resolve(f->r, FILE_DID), PARLEY_ERR_DOCUMENT);
	write_file(f, "{\"id\":\"did:example:b\"}");
	assert_int_equal(resolve(f->r, FILE_DID), PARLEY_ERR_DOCUMENT);
	large = malloc(DID_DOCUMENT_TEXT_MAX + 2);
	assert_non_null(large);
	memset(large, ' ', DID_DOCUMENT_TEXT_MAX + 1);
	large[DID_DOCUMENT_TEXT_MAX + 1] = '\0';
	write_file(f, large);
	free(large);
	assert_int_equal(resolve(f->r, FILE_DID), PARLEY_ERR_DOCUMENT);
	unlink(f->path);
	assert_int_equal(symlink("did_example_a_3Ab.json", f->path), 0);
	assert_int_equal(resolve(f->r, FILE_DID), PARLEY_ERR_FETCH);
}

static void long_did_has_no_file(void **state)
{
	struct fixture *f = *state;
	char did[512] = "did:example:";

	memset(did + 12, 'a', sizeof(did) - 13);
	assert_int_equal(resolve(f->r, did), PARLEY_ERR_NOT_FOUND);
}

static void unknown_methods_are_unsupported(void **state)
{
	struct parley_resolver *r;

	(void)state;
	assert_int_equal(parley_did_resolver_new(&r, NULL), 0);
	assert_int_equal(resolve(r, "did:example:1"), PARLEY_ERR_UNSUPPORTED);
	assert_int_equal(resolve(r, "did:web:example.com"),
			 PARLEY_ERR_UNSUPPORTED);
	assert_false(did_resolver_knows(r, "did:example:1"));
	assert_false(did_resolver_knows(r, "did:web:example.com"));
	assert_false(did_resolver_knows(r, "did:peer:3z"));
	assert_false(did_resolver_knows(r, "hello"));
	assert_true(did_resolver_knows(r, "did:key:x"));
	assert_true(did_resolver_knows(r, "did:jwk:x"));
	assert_true(did_resolver_knows(r, "did:peer:2.x"));
	parley_did_resolver_free(r);
}

/* The long did:peer:4 of the published vectors. */
static char *load_long(void)
{
	json_t *file = vector_load("did-peer/published.json"), *v;
	char *did = NULL;
	size_t i;

	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		if (did == NULL &&
		    strncmp(vector_text(v, "did"), "did:peer:4", 10) == 0)
			did = strdup(vector_text(v, "did"));
	}
	json_decref(file);
	assert_non_null(did);
	return did;
}

static void short_form_resolves_once_the_long_one_was_seen(void **state)
{
	struct fixture *f = *state;
	char *did = load_long(), *brief;

	brief = strndup(did, strlen("did:peer:4") +
				 strcspn(did + strlen("did:peer:4"), ":"));
	assert_int_equal(resolve(f->r, brief), PARLEY_ERR_NOT_FOUND);
	assert_int_equal(resolve(NULL, did), 0);
	assert_int_equal(resolve(NULL, brief), PARLEY_ERR_NOT_FOUND);
	assert_int_equal(resolve(f->r, did), 0);
	assert_int_equal(resolve(f->r, brief), 0);
	assert_int_equal(resolve(f->r, did), 0);
	free(brief);
	free(did);
}

/* Written by tests/gen/did.py: valid long forms, one for each number. */
static void long_forms_beyond_the_limit_push_out_the_oldest(void **state)
{
	json_t *file = vector_load("did-peer/many.json"), *v;
	struct fixture *f = *state;
	size_t i, n;

	n = json_array_size(json_object_get(file, "vectors"));
	assert_int_equal(n, DID_RESOLVER_CACHE_MAX + 6);
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	    assert_int_equal(resolve(f->r, vector_text(v, "did")), 0);
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	    assert_int_equal(resolve(f->r, vector_text(v, "short")),
			     i < 6 ? PARLEY_ERR_NOT_FOUND : 0);
	json_decref(file);
}

static void options_are_copied(void **state)
{
	struct fixture *f = *state;
	char directory[64];
	struct parley_resolver_options options = {.directory = directory};
	struct parley_resolver *r;

	snprintf(directory, sizeof(directory), "%s", f->dir);
	assert_int_equal(parley_did_resolver_new(&r, &options), 0);
	memset(directory, 'x', 8);
	write_file(f, "{\"id\":\"" FILE_DID "\"}");
	assert_int_equal(resolve(r, FILE_DID), 0);
	parley_did_resolver_free(r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(documents_in_a_directory_resolve),
	    TEST(directory_does_not_replace_what_a_did_says),
	    TEST(unusable_files_are_refused),
	    TEST(long_did_has_no_file),
	    TEST(unknown_methods_are_unsupported),
	    TEST(short_form_resolves_once_the_long_one_was_seen),
	    TEST(long_forms_beyond_the_limit_push_out_the_oldest),
	    TEST(options_are_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
