/*
 * Syntax of DIDs and DID URLs; the resolution result.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <parley/err.h>

#include "did/did.h"
#include "did/json.h"

#define ED	     "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void dids_are_recognised(void **state)
{
	static const char *const dids[] = {
	    ED,
	    "did:a:b",
	    "did:example:123456789abcdefghi",
	    "did:web:example.com%3A3000:user:alice",
	    "did:0a9:A-Z._",
	    "did:x:::a",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(dids); i++)
		assert_true(did_check(dids[i], strlen(dids[i])));
}

static void other_texts_are_no_dids(void **state)
{
	static const char *const texts[] = {
	    "",
	    "d",
	    "did",
	    "did:",
	    "did::",
	    "did::x",
	    "did:key",
	    "did:key:",
	    "did:Key:x",
	    "did:k-y:x",
	    "DID:key:x",
	    "did:key:x:",
	    "did:key:x y",
	    "did:key:x#y",
	    "did:key:x?y",
	    "did:key:x/y",
	    "did:key:%4",
	    "did:key:%4g",
	    "did:key:%",
	    "did:key:x\n",
	    " did:key:x",
	    "did:key:\xc3\xa9",
	    "did:key:~",
	    "urn:key:x",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_false(did_check(texts[i], strlen(texts[i])));
	assert_false(did_check("did:key:x\0y", 11));
}

static void did_length_is_bounded(void **state)
{
	char did[PARLEY_DID_LEN_MAX + 2] = "did:key:";
	const char *fragment;
	size_t len;

	(void)state;
	memset(did + 8, 'a', PARLEY_DID_LEN_MAX + 1 - 8);
	assert_true(did_check(did, PARLEY_DID_LEN_MAX));
	assert_false(did_check(did, PARLEY_DID_LEN_MAX + 1));
	assert_int_equal(did_url_split(&len, &fragment, did),
			 PARLEY_ERR_FORMAT);
	did[PARLEY_DID_LEN_MAX] = '\0';
	assert_int_equal(did_url_split(&len, &fragment, did), 0);
	assert_int_equal(len, PARLEY_DID_LEN_MAX);
}

static void did_urls_are_split(void **state)
{
	static const struct {
		const char *url;
		size_t did_len;
		const char *fragment;
	} rows[] = {
	    {"did:a:b", 7, NULL},
	    {"did:a:b#c", 7, "c"},
	    {"did:a:b#", 7, ""},
	    {"did:a:b/path/to#c", 7, "c"},
	    {"did:a:b?q=1&r=/?#c", 7, "c"},
	    {"did:a:b/p?q#c/d?e", 7, "c/d?e"},
	    {"did:a:b?", 7, NULL},
	    {"did:a:b/", 7, NULL},
	    {"did:a:b#%41-._~!$&'()*+,;=:@", 7, "%41-._~!$&'()*+,;=:@"},
	};
	const char *fragment;
	size_t len;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(did_url_split(&len, &fragment, rows[i].url),
				 0);
		assert_int_equal(len, rows[i].did_len);
		if (rows[i].fragment == NULL)
			assert_null(fragment);
		else
			assert_string_equal(fragment, rows[i].fragment);
	}
}

static void other_texts_are_no_did_urls(void **state)
{
	static const char *const texts[] = {
	    "",		  "#a",		 "did:a:#c",	 "did:a:b#c#d",
	    "did:a:b #c", "did:a:b#c d", "did:a:b/\xff", "did:a:b?<",
	    "did:a:b#%4", "did:a:b:#c",	 "did:a:b/a[0]", "http://did:a:b",
	};
	const char *fragment;
	size_t len;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_int_equal(did_url_split(&len, &fragment, texts[i]),
				 PARLEY_ERR_FORMAT);
}

static void resolution_gives_document_and_metadata(void **state)
{
	json_t *result, *metadata;
	char *text = NULL;

	(void)state;
	assert_int_equal(parley_did_resolve(&text, ED), 0);
	assert_int_equal(did_json_parse(&result, text, strlen(text)), 0);
	assert_int_equal(json_object_size(result), 3);
	metadata = json_object_get(result, "didResolutionMetadata");
	assert_string_equal(did_json_string(metadata, "contentType"),
			    "application/did+ld+json");
	assert_null(json_object_get(metadata, "error"));
	assert_string_equal(
	    did_json_string(json_object_get(result, "didDocument"), "id"), ED);
	assert_true(
	    json_is_object(json_object_get(result, "didDocumentMetadata")));
	json_decref(result);
	free(text);
}

static void failed_resolution_names_the_error(void **state)
{
	static const struct {
		const char *did;
		int err;
		const char *name;
	} rows[] = {
	    {"", PARLEY_ERR_FORMAT, "invalidDid"},
	    {"hello", PARLEY_ERR_FORMAT, "invalidDid"},
	    {"did:peer:1z6Mk", PARLEY_ERR_UNSUPPORTED, "methodNotSupported"},
	    {ED "#fragment", PARLEY_ERR_FORMAT, "invalidDid"},
	    {"did:key:1.1:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
	     PARLEY_ERR_FORMAT, "invalidDid"},
	    {"did:key:u7QE7aie8zrakLWKjqNAqbw1zZTIVdx3iQ6Y6wEihi1naKQ",
	     PARLEY_ERR_FORMAT, "invalidDid"},
	    {"did:key:z0", PARLEY_ERR_ENCODING, "invalidDid"},
	    /* a secret key of Ed25519 */
	    {"did:key:z3u2RDonZ81AFKiw8QCPKcsyg8Yy2MmYQNxfBn51SS2QmMiw",
	     PARLEY_ERR_UNSUPPORTED, "unsupportedPublicKeyType"},
	    {"did:web:example.com", PARLEY_ERR_UNSUPPORTED,
	     "methodNotSupported"},
	    /* 31 bytes of Ed25519 */
	    {"did:key:z2DQVsnzKoPrzWGGeSt3PXeA8HH4gfaP66XgS4nugS6VH3P",
	     PARLEY_ERR_LENGTH, "invalidPublicKeyLength"},
	    /* Ed25519, all zero: of small order */
	    {"did:key:z6MkeTG3bFFSLYVU7VqhgZxqr6YzpaGrQtFMh1uvqGy1vDnP",
	     PARLEY_ERR_KEY, "invalidPublicKey"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		json_t *result;
		char *text = NULL;

		assert_int_equal(parley_did_resolve(&text, rows[i].did),
				 rows[i].err);
		assert_int_equal(did_json_parse(&result, text, strlen(text)),
				 0);
		assert_string_equal(
		    did_json_string(
			json_object_get(result, "didResolutionMetadata"),
			"error"),
		    rows[i].name);
		assert_true(
		    json_is_null(json_object_get(result, "didDocument")));
		assert_true(json_is_object(
		    json_object_get(result, "didDocumentMetadata")));
		json_decref(result);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(dids_are_recognised),
	    cmocka_unit_test(other_texts_are_no_dids),
	    cmocka_unit_test(did_length_is_bounded),
	    cmocka_unit_test(did_urls_are_split),
	    cmocka_unit_test(other_texts_are_no_did_urls),
	    cmocka_unit_test(resolution_gives_document_and_metadata),
	    cmocka_unit_test(failed_resolution_names_the_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
