/*
 * A DID or DID URL of a stranger: first line of every input that names
 * somebody.
 *
 * Expected: the text is refused, or it resolves to a document whose id it is,
 * whose keys are valid, and which reads back from its own JSON.  Only methods
 * without I/O.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <parley/did.h>

#include "did/did.h"
#include "did/document.h"
#include "did/key.h"
#include "did/resolver.h"
#include "did/web.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static void check_key(const struct did_key *key)
{
	char multikey[DID_KEY_MULTIKEY_SIZE];
	struct did_key again;

	did_key_to_multikey(multikey, key);
	require(did_key_from_multikey(&again, multikey, strlen(multikey)) == 0);
	require(did_key_equal(&again, key));
}

static void check_document(struct did_document *doc, const char *did)
{
	struct did_document *again;
	json_t *json;

	require(strcmp(doc->id, did) == 0);
	for (size_t i = 0; i < doc->n_methods; i++) {
		check_key(&doc->methods[i].key);
		require(strncmp(doc->methods[i].id, did, strlen(did)) == 0);
	}
	json = did_document_to_json(doc);
	require(json != NULL);
	require(did_document_parse(&again, json, did, DID_DOCUMENT_IDS_ANY) ==
		0);
	require(again->n_methods == doc->n_methods);
	did_document_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct did_document *doc;
	struct did_key key;
	char *text, *json, url[DID_WEB_URL_SIZE];
	bool is_did;

	if (size > PARLEY_DID_LEN_MAX + 64)
		return 0;
	text = malloc(size + 1);
	require(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	is_did = did_check(text, size);
	if (did_key_decode(&key, text, size) == 0) {
		require(is_did);
		check_key(&key);
	}
	if (did_resolver_resolve(NULL, &doc, text) == 0) {
		check_document(doc, text);
		did_document_free(doc);
	}
	if (is_did && did_web_url(url, text) == 0)
		require(strncmp(url, "https://", 8) == 0 &&
			strstr(url, "/../") == NULL);
	json = NULL;
	(void)!parley_did_dereference(&json, NULL, text);
	free(json);
	free(text);
	return 0;
}
