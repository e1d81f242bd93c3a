/*
 * Results of resolution and dereferencing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <parley/did.h>

#include "did/json.h"
#include "did/result.h"

#define KEY	     "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
#define DID	     "did:key:" KEY
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static json_t *parse(char *text)
{
	json_t *obj;

	assert_int_equal(did_json_parse(&obj, text, strlen(text)), 0);
	free(text);
	return obj;
}

static void every_error_has_a_name_in_both_generations(void **state)
{
	static const struct {
		int err;
		const char *core, *type;
	} rows[] = {
	    {PARLEY_ERR_FORMAT, "invalidDid", "INVALID_DID"},
	    {PARLEY_ERR_ENCODING, "invalidDid", "INVALID_DID"},
	    {PARLEY_ERR_JSON, "invalidDid", "INVALID_DID"},
	    {PARLEY_ERR_LENGTH, "invalidPublicKeyLength", "INVALID_DID"},
	    {PARLEY_ERR_KEY, "invalidPublicKey", "INVALID_DID"},
	    {PARLEY_ERR_UNSUPPORTED, "methodNotSupported",
	     "METHOD_NOT_SUPPORTED"},
	    {PARLEY_ERR_NOT_FOUND, "notFound", "NOT_FOUND"},
	    {PARLEY_ERR_DOCUMENT, "invalidDidDocument", "INVALID_DID_DOCUMENT"},
	    {PARLEY_ERR_FETCH, "internalError", "INTERNAL_ERROR"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		json_t *result, *metadata;
		const char *type;
		char *text;

		assert_int_equal(did_result_resolution(&text, rows[i].err, NULL,
						       NULL, "did:example:1"),
				 rows[i].err);
		result = parse(text);
		assert_true(
		    json_is_null(json_object_get(result, "didDocument")));
		metadata = json_object_get(result, "didResolutionMetadata");
		assert_string_equal(did_json_string(metadata, "error"),
				    rows[i].core);
		type = did_json_string(
		    json_object_get(metadata, "problemDetails"), "type");
		assert_memory_equal(type, "https://www.w3.org/ns/did#", 26);
		assert_string_equal(type + 26, rows[i].type);
		json_decref(result);
	}
}

static void errors_that_are_no_results_leave_none(void **state)
{
	char *text = NULL;

	(void)state;
	assert_int_equal(
	    did_result_resolution(&text, PARLEY_ERR_MEMORY, NULL, NULL, DID),
	    PARLEY_ERR_MEMORY);
	assert_int_equal(
	    did_result_dereferencing(&text, PARLEY_ERR_MEMORY, NULL, NULL, DID),
	    PARLEY_ERR_MEMORY);
	assert_null(text);
}

static json_t *dereference(const char *url, int err)
{
	char *text = NULL;

	assert_int_equal(parley_did_dereference(&text, NULL, url), err);
	return parse(text);
}

static void urls_lead_to_methods_services_and_documents(void **state)
{
	static const struct {
		const char *url, *member, *value;
	} rows[] = {
	    {DID, "id", DID},
	    {DID "#" KEY, "publicKeyMultibase", KEY},
	    {"did:peer:0" KEY "#" KEY, "publicKeyMultibase", KEY},
	    {"did:peer:2.V" KEY "#key-1", "publicKeyMultibase", KEY},
	    /* {"t":"dm","s":"x"} */
	    {"did:peer:2.V" KEY ".SeyJ0IjoiZG0iLCJzIjoieCJ9#service", "type",
	     "DIDCommMessaging"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		json_t *result = dereference(rows[i].url, 0);

		assert_string_equal(
		    did_json_string(json_object_get(result, "contentStream"),
				    rows[i].member),
		    rows[i].value);
		assert_non_null(json_object_get(result, "contentMetadata"));
		json_decref(result);
	}
}

static void urls_that_lead_nowhere_name_the_error(void **state)
{
	static const struct {
		const char *url;
		int err;
		const char *name;
	} rows[] = {
	    {"", PARLEY_ERR_FORMAT, "invalidDidUrl"},
	    {"#k", PARLEY_ERR_FORMAT, "invalidDidUrl"},
	    {DID "#a#b", PARLEY_ERR_FORMAT, "invalidDidUrl"},
	    {DID "#", PARLEY_ERR_NOT_FOUND, "notFound"},
	    {DID "#nothing", PARLEY_ERR_NOT_FOUND, "notFound"},
	    {DID "/path", PARLEY_ERR_UNSUPPORTED, "featureNotSupported"},
	    {DID "?service=x#" KEY, PARLEY_ERR_UNSUPPORTED,
	     "featureNotSupported"},
	    {"did:example:1#k", PARLEY_ERR_UNSUPPORTED, "methodNotSupported"},
	    {"did:key:z0#k", PARLEY_ERR_ENCODING, "invalidDid"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		json_t *result = dereference(rows[i].url, rows[i].err);

		assert_string_equal(
		    did_json_string(
			json_object_get(result, "dereferencingMetadata"),
			"error"),
		    rows[i].name);
		assert_true(
		    json_is_null(json_object_get(result, "contentStream")));
		json_decref(result);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_error_has_a_name_in_both_generations),
	    cmocka_unit_test(errors_that_are_no_results_leave_none),
	    cmocka_unit_test(urls_lead_to_methods_services_and_documents),
	    cmocka_unit_test(urls_that_lead_nowhere_name_the_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
