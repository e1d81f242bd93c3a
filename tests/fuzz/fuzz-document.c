/*
 * A DID document that came from outside: did:web, a file, did:peer:4.
 *
 * Expected: it is refused, or all methods belong to the DID, hold valid keys,
 * and have no relation that their key cannot serve.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "did/document.h"
#include "did/json.h"
#include "did/jwk.h"
#include "did/key.h"

#define DID "did:example:1"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static void check_method(const struct did_method *method)
{
	const struct did_key_info *info = did_key_info(method->key.type);
	const unsigned agreement = DID_RELATION_KEY_AGREEMENT;
	struct did_key again;
	json_t *jwk;

	require(strncmp(method->id, DID, strlen(DID)) == 0);
	require(info->can_agree || (method->relations & agreement) == 0);
	require(info->can_sign || (method->relations & ~agreement) == 0);
	jwk = did_jwk_from_key(&method->key);
	require(jwk != NULL);
	require(did_jwk_to_key(&again, NULL, jwk) == 0);
	require(did_key_equal(&again, &method->key));
	json_decref(jwk);
}

static void check(struct did_document *doc)
{
	json_t *found;

	require(strcmp(doc->id, DID) == 0);
	for (size_t i = 0; i < doc->n_methods; i++) {
		check_method(&doc->methods[i]);
		found = did_document_find(doc, doc->methods[i].id);
		require(found != NULL);
		json_decref(found);
	}
	require(json_array_size(did_document_services(doc)) <=
		DID_DOCUMENT_SERVICES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum did_document_ids ids[] = {DID_DOCUMENT_IDS_ANY,
						    DID_DOCUMENT_IDS_ABSOLUTE};
	struct did_document *doc;
	json_t *json;

	if (size > DID_DOCUMENT_TEXT_MAX ||
	    did_json_parse(&json, (const char *)data, size) != 0)
		return 0;
	for (size_t i = 0; i < 2; i++) {
		if (did_document_parse(&doc, json_incref(json), DID, ids[i]) !=
		    0) {
			json_decref(json);
			continue;
		}
		check(doc);
		did_document_free(doc);
	}
	json_decref(json);
	return 0;
}
