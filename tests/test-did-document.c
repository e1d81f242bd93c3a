/*
 * DID documents; vectors/did-key/ and vectors/did-document/.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <parley/err.h>

#include "did/document.h"
#include "did/json.h"
#include "did/resolver.h"
#include "tests/vector.h"

#define ED_KEY	     "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
#define ED_DID	     "did:key:" ED_KEY
#define X_KEY	     "z6LShs9GGnqk85isEBzzshkuVWrVKsRp24GnDuHk8QWkARMW"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *name;
	unsigned bit;
} relations[] = {
    {"authentication", DID_RELATION_AUTHENTICATION},
    {"assertionMethod", DID_RELATION_ASSERTION},
    {"keyAgreement", DID_RELATION_KEY_AGREEMENT},
    {"capabilityInvocation", DID_RELATION_INVOCATION},
    {"capabilityDelegation", DID_RELATION_DELEGATION},
};

static unsigned expected_relations(const json_t *v, const char *fragment)
{
	const json_t *lists = json_object_get(v, "relations");
	unsigned bits = 0;
	json_t *e;
	size_t j;

	for (size_t i = 0; i < COUNT(relations); i++) {
		json_array_foreach(json_object_get(lists, relations[i].name), j,
				   e)
		{
			if (strcmp(json_string_value(e), fragment) == 0)
				bits |= relations[i].bit;
		}
	}
	return bits;
}

static void check_methods(const struct did_document *doc, const json_t *v)
{
	const json_t *methods = json_object_get(v, "methods");
	const struct did_method *method;
	uint8_t bytes[DID_KEY_BYTES_MAX];
	const char *fragment;
	char id[2048];
	size_t i, len;
	json_t *e;

	assert_int_equal(doc->n_methods, json_array_size(methods));
	json_array_foreach(methods, i, e)
	{
		fragment = vector_text(e, "fragment");
		snprintf(id, sizeof(id), "%s#%s", vector_text(v, "did"),
			 fragment);
		method = did_document_method(doc, id);
		assert_non_null(method);
		assert_string_equal(did_key_info(method->key.type)->name,
				    vector_text(e, "type"));
		len = vector_hex(bytes, sizeof(bytes), e, "key");
		assert_int_equal(method->key.len, len);
		assert_memory_equal(method->key.bytes, bytes, len);
		assert_int_equal(method->relations,
				 expected_relations(v, fragment));
	}
}

/* The JSON says the same as the vector: methods, and each relation's list. */
static void check_json(const struct did_document *doc, const json_t *v)
{
	const char *did = vector_text(v, "did");
	const json_t *lists = json_object_get(v, "relations");
	json_t *json = did_document_to_json(doc);
	json_t *methods = json_object_get(json, "verificationMethod");
	json_t *e, *expected, *list;
	char id[2048];
	size_t i;

	assert_non_null(json);
	assert_string_equal(did_json_string(json, "id"), did);
	assert_int_equal(json_array_size(methods),
			 json_array_size(json_object_get(v, "methods")));
	json_array_foreach(methods, i, e)
	{
		assert_string_equal(did_json_string(e, "type"), "Multikey");
		assert_string_equal(did_json_string(e, "controller"), did);
		snprintf(id, sizeof(id), "%s#%s", did,
			 did_json_string(e, "publicKeyMultibase"));
		assert_string_equal(did_json_string(e, "id"), id);
	}
	for (size_t r = 0; r < COUNT(relations); r++) {
		expected = json_object_get(lists, relations[r].name);
		list = json_object_get(json, relations[r].name);
		assert_int_equal(json_array_size(list),
				 json_array_size(expected));
		/* A relation without keys is left out, not empty. */
		assert_int_equal(list == NULL, expected == NULL);
		json_array_foreach(expected, i, e)
		{
			snprintf(id, sizeof(id), "%s#%s", did,
				 json_string_value(e));
			assert_string_equal(
			    json_string_value(json_array_get(list, i)), id);
		}
	}
	json_decref(json);
}

static size_t run_vectors(const char *name)
{
	json_t *file = vector_load(name);
	struct did_document *doc;
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		assert_int_equal(
		    did_resolver_resolve(NULL, &doc, vector_text(v, "did")), 0);
		assert_string_equal(doc->id, vector_text(v, "did"));
		check_methods(doc, v);
		check_json(doc, v);
		did_document_free(doc);
	}
	json_decref(file);
	return i;
}

static void published_documents_have_the_same_keys_and_relations(void **state)
{
	size_t n = 0;

	(void)state;
	n += run_vectors("did-key/ed25519.json");
	n += run_vectors("did-key/x25519.json");
	n += run_vectors("did-key/documents.json");
	n += run_vectors("did-key/nist-curves.json");
	n += run_vectors("did-key/secp256k1.json");
	n += run_vectors("did-key/rsa.json");
	print_message("%zu document vectors\n", n);
}

static void dids_in_the_text_resolve(void **state)
{
	json_t *file = vector_load("did-key/text.json");
	struct did_document *doc;
	json_t *v;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		assert_int_equal(
		    did_resolver_resolve(NULL, &doc, vector_text(v, "did")), 0);
		did_document_free(doc);
	}
	json_decref(file);
}

static void dids_of_other_types_are_unsupported(void **state)
{
	json_t *file = vector_load("did-key/other-types.json");
	struct did_document *doc;
	json_t *v;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	    assert_int_equal(
		did_resolver_resolve(NULL, &doc, vector_text(v, "did")),
		PARLEY_ERR_UNSUPPORTED);
	json_decref(file);
}

static void document_is_written_as_version_0_9_says(void **state)
{
	static const char expected[] =
	    "{\"@context\":[\"https://www.w3.org/ns/did/v1.1\"],"
	    "\"id\":\"" ED_DID "\",\"verificationMethod\":["
	    "{\"id\":\"" ED_DID "#" ED_KEY "\",\"type\":\"Multikey\","
	    "\"controller\":\"" ED_DID "\",\"publicKeyMultibase\":\"" ED_KEY
	    "\"},"
	    "{\"id\":\"" ED_DID "#" X_KEY "\",\"type\":\"Multikey\","
	    "\"controller\":\"" ED_DID "\",\"publicKeyMultibase\":\"" X_KEY
	    "\"}],"
	    "\"authentication\":[\"" ED_DID "#" ED_KEY "\"],"
	    "\"assertionMethod\":[\"" ED_DID "#" ED_KEY "\"],"
	    "\"capabilityDelegation\":[\"" ED_DID "#" ED_KEY "\"],"
	    "\"capabilityInvocation\":[\"" ED_DID "#" ED_KEY "\"],"
	    "\"keyAgreement\":[\"" ED_DID "#" X_KEY "\"]}";
	struct did_document *doc;
	json_t *json;
	char *text;
	size_t len;

	(void)state;
	assert_int_equal(did_resolver_resolve(NULL, &doc, ED_DID), 0);
	json = did_document_to_json(doc);
	assert_int_equal(did_json_dump(&text, &len, json), 0);
	assert_string_equal(text, expected);
	free(text);
	json_decref(json);
	did_document_free(doc);
}

static void method_is_found_by_its_absolute_id_only(void **state)
{
	struct did_document *doc;

	(void)state;
	assert_int_equal(did_resolver_resolve(NULL, &doc, ED_DID), 0);
	assert_non_null(did_document_method(doc, ED_DID "#" ED_KEY));
	assert_non_null(did_document_method(doc, ED_DID "#" X_KEY));
	assert_null(did_document_method(doc, "#" ED_KEY));
	assert_null(did_document_method(doc, ED_DID));
	assert_null(did_document_method(doc, ED_DID "#" ED_KEY " "));
	assert_null(did_document_method(doc, ""));
	did_document_free(doc);
}

static void what_is_no_did_is_refused(void **state)
{
	static const char *const dids[] = {
	    "",		"did:key:",    ED_DID "#" ED_KEY, ED_DID "/path",
	    " " ED_DID, "DID:key:z6Mk"};
	char long_did[PARLEY_DID_LEN_MAX + 2] = "did:key:";
	struct did_document *doc = NULL;

	(void)state;
	for (size_t i = 0; i < COUNT(dids); i++) {
		assert_int_equal(did_resolver_resolve(NULL, &doc, dids[i]),
				 PARLEY_ERR_FORMAT);
	}
	memset(long_did + 8, 'z', PARLEY_DID_LEN_MAX + 1 - 8);
	assert_int_equal(did_resolver_resolve(NULL, &doc, long_did),
			 PARLEY_ERR_FORMAT);
	assert_null(doc);
}

static void other_methods_are_unsupported(void **state)
{
	static const char *const dids[] = {"did:web:example.com", "did:ke:x",
					   "did:keys:x", "did:peer:1z6Mk"};
	struct did_document *doc = NULL;

	(void)state;
	for (size_t i = 0; i < COUNT(dids); i++) {
		assert_int_equal(did_resolver_resolve(NULL, &doc, dids[i]),
				 PARLEY_ERR_UNSUPPORTED);
	}
	assert_null(doc);
}

static int parse(struct did_document **docp, const json_t *v,
		 enum did_document_ids ids)
{
	json_t *copy = json_deep_copy(json_object_get(v, "document"));
	int err;

	assert_non_null(copy);
	err = did_document_parse(docp, copy, vector_text(v, "did"), ids);
	if (err != 0)
		json_decref(copy);
	return err;
}

static void published_documents_of_all_ages_are_read(void **state)
{
	json_t *file = vector_load("did-document/published.json");
	struct did_document *doc;
	json_t *v, *again;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		assert_int_equal(parse(&doc, v, DID_DOCUMENT_IDS_ANY), 0);
		check_methods(doc, v);
		again = did_document_to_json(doc);
		assert_true(json_equal(again, json_object_get(v, "document")));
		json_decref(again);
		did_document_free(doc);
	}
	assert_int_equal(i, 30);
	print_message("%zu published documents read\n", i);
	json_decref(file);
}

static void hostile_documents_are_refused(void **state)
{
	json_t *file = vector_load("did-document/hostile.json");
	struct did_document *doc;
	json_t *v;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	    vector_expect(v, parse(&doc, v, DID_DOCUMENT_IDS_ANY));
	print_message("%zu hostile documents\n", i);
	json_decref(file);
}

static json_t *load_text(const char *text)
{
	json_t *obj = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(obj);
	return obj;
}

#define DID "did:example:1"
#define METHOD(id, value)                                                \
	"{\"id\":\"" id "\",\"type\":\"Multikey\",\"controller\":\"" DID \
	"\",\"publicKeyMultibase\":\"" value "\"}"

static void relative_ids_are_refused_where_they_must_be_absolute(void **state)
{
	static const char text[] =
	    "{\"id\":\"" DID
	    "\",\"verificationMethod\":[" METHOD("#k", ED_KEY) "]}";
	struct did_document *doc;
	json_t *json = load_text(text);

	(void)state;
	assert_int_equal(
	    did_document_parse(&doc, json, DID, DID_DOCUMENT_IDS_ABSOLUTE),
	    PARLEY_ERR_DOCUMENT);
	assert_int_equal(
	    did_document_parse(&doc, json, DID, DID_DOCUMENT_IDS_ANY), 0);
	assert_non_null(did_document_method(doc, DID "#k"));
	did_document_free(doc);
}

static void key_serves_no_relation_that_it_cannot(void **state)
{
	static const char text[] =
	    "{\"id\":\"" DID
	    "\",\"verificationMethod\":[" METHOD("#ed", ED_KEY) "," METHOD(
		"#x", X_KEY) "],\"authentication\":[\"#ed\",\"#x\"],"
			     "\"keyAgreement\":[\"#ed\",\"#x\"]}";
	struct did_document *doc;

	(void)state;
	assert_int_equal(did_document_parse(&doc, load_text(text), DID,
					    DID_DOCUMENT_IDS_ANY),
			 0);
	assert_int_equal(did_document_method(doc, DID "#ed")->relations,
			 DID_RELATION_AUTHENTICATION);
	assert_int_equal(did_document_method(doc, DID "#x")->relations,
			 DID_RELATION_KEY_AGREEMENT);
	did_document_free(doc);
}

static void what_belongs_to_others_gives_no_key(void **state)
{
	static const char text[] =
	    "{\"id\":\"" DID "\",\"verificationMethod\":[" METHOD(
		"did:example:2#k",
		ED_KEY) ","
			"{\"id\":\"#bls\",\"type\":\"Bls12381G2Key2020\","
			"\"controller\":"
			"\"" DID "\",\"publicKeyBase58\":\"x\"}," METHOD(
			    DID "?versionId=1#k",
			    "z3tEFALUKUzzCAvytMHX8X4SnsNsq6T5tC5Zb18oQEt1FqNcJX"
			    "qJ3AA9umgzA9yoqPBeWA") "],\"authentication\":["
						    "\"did:example:2#k\",\"#"
						    "bls\",\"#none\"]}";
	struct did_document *doc;

	(void)state;
	assert_int_equal(did_document_parse(&doc, load_text(text), DID,
					    DID_DOCUMENT_IDS_ANY),
			 0);
	assert_int_equal(doc->n_methods, 0);
	did_document_free(doc);
}

static void methods_and_services_are_found_by_id(void **state)
{
	static const char text[] =
	    "{\"id\":\"" DID "\",\"keyAgreement\":[" METHOD(
		"#x", X_KEY) "],"
			     "\"service\":[{\"id\":\"#s\",\"type\":\"t\","
			     "\"serviceEndpoint\":"
			     "\"https://example.com\"}]}";
	struct did_document *doc;
	json_t *found;

	(void)state;
	assert_int_equal(did_document_parse(&doc, load_text(text), DID,
					    DID_DOCUMENT_IDS_ANY),
			 0);
	found = did_document_find(doc, DID "#x");
	assert_string_equal(did_json_string(found, "type"), "Multikey");
	json_decref(found);
	found = did_document_find(doc, DID "#s");
	assert_string_equal(did_json_string(found, "type"), "t");
	json_decref(found);
	assert_null(did_document_find(doc, DID "#y"));
	assert_null(did_document_find(doc, "#x"));
	assert_int_equal(json_array_size(did_document_services(doc)), 1);
	did_document_free(doc);
	assert_int_equal(did_resolver_resolve(NULL, &doc, ED_DID), 0);
	found = did_document_find(doc, ED_DID "#" X_KEY);
	assert_string_equal(did_json_string(found, "publicKeyMultibase"),
			    X_KEY);
	json_decref(found);
	assert_null(did_document_services(doc));
	did_document_free(doc);
}

static void null_can_be_freed(void **state)
{
	(void)state;
	did_document_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		published_documents_have_the_same_keys_and_relations),
	    cmocka_unit_test(dids_in_the_text_resolve),
	    cmocka_unit_test(dids_of_other_types_are_unsupported),
	    cmocka_unit_test(document_is_written_as_version_0_9_says),
	    cmocka_unit_test(method_is_found_by_its_absolute_id_only),
	    cmocka_unit_test(what_is_no_did_is_refused),
	    cmocka_unit_test(other_methods_are_unsupported),
	    cmocka_unit_test(published_documents_of_all_ages_are_read),
	    cmocka_unit_test(hostile_documents_are_refused),
	    cmocka_unit_test(
		relative_ids_are_refused_where_they_must_be_absolute),
	    cmocka_unit_test(key_serves_no_relation_that_it_cannot),
	    cmocka_unit_test(what_belongs_to_others_gives_no_key),
	    cmocka_unit_test(methods_and_services_are_found_by_id),
	    cmocka_unit_test(null_can_be_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
