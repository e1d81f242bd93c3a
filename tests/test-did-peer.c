/*
 * did:peer; vectors/did-peer/.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <parley/err.h>

#include "did/document.h"
#include "did/json.h"
#include "did/peer.h"
#include "did/resolver.h"
#include "tests/vector.h"

static void forms_are_told_apart(void **state)
{
	static const struct {
		const char *did;
		enum did_peer_form form;
	} rows[] = {
	    {"did:peer:0z", DID_PEER_KEY},
	    {"did:peer:1z", DID_PEER_OTHER},
	    {"did:peer:2.V", DID_PEER_KEYS},
	    {"did:peer:3z", DID_PEER_OTHER},
	    {"did:peer:4z:z", DID_PEER_LONG},
	    {"did:peer:4z", DID_PEER_SHORT},
	    {"did:peer:", DID_PEER_OTHER},
	    {"did:peer:x", DID_PEER_OTHER},
	    {"did:peers:0", DID_PEER_OTHER},
	    {"did:key:z", DID_PEER_OTHER},
	    {"", DID_PEER_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(did_peer_form(rows[i].did), rows[i].form);
	assert_int_equal(did_peer_brief_len("did:peer:4zab:zcd"), 13);
}

/* ${doc} with each text ${from} replaced by ${to} as its start. */
static json_t *rename_did(const json_t *doc, const char *from, const char *to)
{
	char *text = json_dumps(doc, 0), *out = calloc(1, 65536), *p = text;
	json_t *renamed;
	char *at;

	assert_non_null(out);
	while ((at = strstr(p, from)) != NULL) {
		strncat(out, p, (size_t)(at - p));
		strcat(out, to);
		p = at + strlen(from);
	}
	strcat(out, p);
	renamed = json_loads(out, 0, NULL);
	free(out);
	free(text);
	return renamed;
}

static void check_published(const json_t *v, const struct did_document *doc)
{
	const char *equivalent =
	    json_string_value(json_object_get(v, "equivalent"));
	const char *alias =
	    json_string_value(json_object_get(v, "alsoKnownAs"));
	json_t *json = did_document_to_json(doc), *expected;
	struct did_document *other;

	if (equivalent != NULL) {
		assert_int_equal(did_resolver_resolve(NULL, &other, equivalent),
				 0);
		expected = did_document_to_json(other);
		did_document_free(other);
		other = NULL;
		{
			json_t *renamed = rename_did(expected, equivalent,
						     vector_text(v, "did"));

			assert_true(json_equal(json, renamed));
			json_decref(renamed);
		}
		json_decref(expected);
	} else if (alias != NULL) {
		assert_string_equal(
		    json_string_value(json_array_get(
			json_object_get(json, "alsoKnownAs"), 0)),
		    alias);
	} else {
		assert_true(json_equal(json, json_object_get(v, "document")));
	}
	json_decref(json);
}

static void published_dids_resolve(void **state)
{
	json_t *file = vector_load("did-peer/published.json");
	struct parley_resolver *r;
	struct did_document *doc;
	json_t *v;
	size_t i;

	(void)state;
	assert_int_equal(parley_did_resolver_new(&r, NULL), 0);
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		assert_int_equal(
		    did_resolver_resolve(r, &doc, vector_text(v, "did")), 0);
		check_published(v, doc);
		did_document_free(doc);
	}
	parley_did_resolver_free(r);
	print_message("%zu did:peer vectors\n", i);
	json_decref(file);
}

static void check_keys(const struct did_document *doc, const json_t *keys)
{
	uint8_t bytes[32];
	json_t *key;
	size_t i, n_found = 0;

	json_array_foreach(keys, i, key)
	{
		json_t *v = json_pack("{s:O}", "key", key);

		vector_hex(bytes, sizeof(bytes), v, "key");
		json_decref(v);
		for (size_t m = 0; m < doc->n_methods; m++)
			n_found += memcmp(doc->methods[m].key.bytes, bytes,
					  sizeof(bytes)) == 0;
	}
	assert_int_equal(n_found, json_array_size(keys));
}

static void dids_of_an_older_library_have_the_same_keys(void **state)
{
	json_t *file = vector_load("did-peer/older.json");
	struct did_document *doc;
	size_t i, n_refused = 0;
	json_t *v;
	int err;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		err = did_resolver_resolve(NULL, &doc, vector_text(v, "did"));
		if (json_object_get(v, "expect") != NULL) {
			assert_string_equal(vector_text(v, "expect"),
					    parley_did_err_name(err));
			n_refused++;
			continue;
		}
		assert_int_equal(err, 0);
		check_keys(doc, json_object_get(v, "keys"));
		assert_int_equal(
		    json_array_size(did_document_services(doc)),
		    json_integer_value(json_object_get(v, "services")));
		did_document_free(doc);
	}
	print_message("%zu older did:peers, %zu refused\n", i, n_refused);
	json_decref(file);
}

/* The method's table of purposes; each key is for that one only. */
static void a_key_has_the_purpose_of_its_letter(void **state)
{
	static const struct {
		char letter;
		const char *relation;
	} rows[] = {{'A', "assertionMethod"},
		    {'D', "capabilityDelegation"},
		    {'I', "capabilityInvocation"},
		    {'V', "authentication"}};
	static const char key[] =
	    "z6Mkj3PUd1WjvaDhNZhhhXQdz5UnZXmS7ehtx8bsPpD47kKc";
	struct did_document *doc;
	char did[128];
	json_t *json;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(did, sizeof(did), "did:peer:2.%c%s", rows[i].letter,
			 key);
		assert_int_equal(did_resolver_resolve(NULL, &doc, did), 0);
		json = did_document_to_json(doc);
		for (size_t j = 0; j < sizeof(rows) / sizeof(rows[0]); j++)
			assert_int_equal(json_array_size(json_object_get(
					     json, rows[j].relation)),
					 i == j);
		json_decref(json);
		did_document_free(doc);
	}
}

static void published_inputs_come_out_completed(void **state)
{
	json_t *file = vector_load("did-peer/inputs.json");
	json_t *v, *json, *value;
	struct did_document *doc;
	const char *name;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	{
		assert_int_equal(
		    did_resolver_resolve(NULL, &doc, vector_text(v, "did")), 0);
		json = did_document_to_json(doc);
		assert_string_equal(did_json_string(json, "id"),
				    vector_text(v, "did"));
		json_object_foreach(json_object_get(v, "input"), name, value)
		    assert_non_null(json_object_get(json, name));
		json_decref(json);
		did_document_free(doc);
	}
	print_message("%zu did:peer:4 inputs\n", i);
	json_decref(file);
}

static void hostile_dids_are_refused_each_with_its_error(void **state)
{
	json_t *file = vector_load("did-peer/hostile.json");
	struct did_document *doc;
	json_t *v;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(file, "vectors"), i, v)
	    vector_expect(
		v, did_resolver_resolve(NULL, &doc, vector_text(v, "did")));
	print_message("%zu hostile did:peers\n", i);
	json_decref(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(forms_are_told_apart),
	    cmocka_unit_test(published_dids_resolve),
	    cmocka_unit_test(dids_of_an_older_library_have_the_same_keys),
	    cmocka_unit_test(a_key_has_the_purpose_of_its_letter),
	    cmocka_unit_test(published_inputs_come_out_completed),
	    cmocka_unit_test(hostile_dids_are_refused_each_with_its_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
