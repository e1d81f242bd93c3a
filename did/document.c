/*
 * DID documents, and the table of DID methods.
 *
 * Spec: DID Core 1.0, 5; did:key method v0.9, "Document Creation Algorithm".
 * A method turns a DID into keys and relations; all else is common to all.
 *
 * Choice: the derived X25519 key of an Ed25519 DID is always listed, and an
 * X25519 key gets no relation but keyAgreement.  The algorithm as written
 * would put it into authentication, which a key without signatures cannot
 * serve; the published vectors do as we do.
 */
#include "did/document.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "did/did.h"

static const unsigned signing_relations =
    DID_RELATION_AUTHENTICATION | DID_RELATION_ASSERTION |
    DID_RELATION_INVOCATION | DID_RELATION_DELEGATION;

/* In the order in which documents list them. */
static const struct {
	enum did_relation bit;
	const char *name;
} relations[] = {
    {DID_RELATION_AUTHENTICATION, "authentication"},
    {DID_RELATION_ASSERTION, "assertionMethod"},
    {DID_RELATION_DELEGATION, "capabilityDelegation"},
    {DID_RELATION_INVOCATION, "capabilityInvocation"},
    {DID_RELATION_KEY_AGREEMENT, "keyAgreement"},
};

enum {
	N_RELATIONS = sizeof(relations) / sizeof(relations[0]),
};

/* Append ${key} as DID "#" multikey. */
static int add_method(struct did_document *doc, const struct did_key *key,
		      unsigned relations_of_key)
{
	char multikey[DID_KEY_MULTIKEY_SIZE];
	struct did_method *methods;
	char *id;

	if (doc->n_methods == DID_DOCUMENT_METHODS_MAX)
		return PARLEY_ERR_UNSUPPORTED;
	methods =
	    realloc(doc->methods, (doc->n_methods + 1) * sizeof(*methods));
	if (methods == NULL)
		return PARLEY_ERR_MEMORY;
	doc->methods = methods;
	did_key_to_multikey(multikey, key);
	if (asprintf(&id, "%s#%s", doc->id, multikey) < 0)
		return PARLEY_ERR_MEMORY;
	methods[doc->n_methods++] = (struct did_method){
	    .id = id,
	    .key = *key,
	    .relations = relations_of_key,
	};
	return 0;
}

/* did:key, "Document Creation Algorithm". */
static int expand_did_key(struct did_document *doc)
{
	const struct did_key_info *info;
	struct did_key key, derived;
	unsigned bits = 0;
	int err;

	err = did_key_decode(&key, doc->id, strlen(doc->id));
	if (err != 0)
		return err;
	info = did_key_info(key.type);
	if (info->can_sign)
		bits |= signing_relations;
	if (info->can_agree)
		bits |= DID_RELATION_KEY_AGREEMENT;
	err = add_method(doc, &key, bits);
	if (err != 0 || key.type != DID_KEY_ED25519)
		return err;
	err = did_key_derive_x25519(&derived, &key);
	if (err != 0)
		return err;
	return add_method(doc, &derived, DID_RELATION_KEY_AGREEMENT);
}

static const struct did_resolver {
	const char *name;
	/* Fill in the methods of a document that has its id. */
	int (*expand)(struct did_document *doc);
} resolvers[] = {
    {"key", expand_did_key},
};

/* The row for a DID that did_check() has passed, or NULL. */
static const struct did_resolver *find_resolver(const char *did)
{
	const char *name = did + strlen("did:");
	size_t len = strcspn(name, ":");

	for (size_t i = 0; i < sizeof(resolvers) / sizeof(resolvers[0]); i++) {
		if (strlen(resolvers[i].name) == len &&
		    memcmp(resolvers[i].name, name, len) == 0)
			return &resolvers[i];
	}
	return NULL;
}

static bool is_did(const char *did)
{
	return did_check(did, strnlen(did, PARLEY_DID_LEN_MAX + 1));
}

bool did_document_knows_method(const char *did)
{
	return is_did(did) && find_resolver(did) != NULL;
}

int did_document_resolve(struct did_document **docp, const char *did)
{
	const struct did_resolver *resolver;
	struct did_document *doc;
	int err;

	if (!is_did(did))
		return PARLEY_ERR_FORMAT;
	resolver = find_resolver(did);
	if (resolver == NULL)
		return PARLEY_ERR_UNSUPPORTED;
	doc = calloc(1, sizeof(*doc));
	if (doc == NULL)
		return PARLEY_ERR_MEMORY;
	doc->id = strdup(did);
	if (doc->id == NULL) {
		err = PARLEY_ERR_MEMORY;
		goto out;
	}
	err = resolver->expand(doc);
	if (err != 0)
		goto out;
	*docp = doc;
	doc = NULL; /* the caller's now */
out:
	did_document_free(doc);
	return err;
}

const struct did_method *did_document_method(const struct did_document *doc,
					     const char *id)
{
	for (size_t i = 0; i < doc->n_methods; i++) {
		if (strcmp(doc->methods[i].id, id) == 0)
			return &doc->methods[i];
	}
	return NULL;
}

static json_t *method_to_json(const struct did_document *doc,
			      const struct did_method *method)
{
	char multikey[DID_KEY_MULTIKEY_SIZE];

	did_key_to_multikey(multikey, &method->key);
	return json_pack("{s:s,s:s,s:s,s:s}", "id", method->id, "type",
			 "Multikey", "controller", doc->id,
			 "publicKeyMultibase", multikey);
}

/* The ids of all methods that have ${bit}: an array, perhaps empty. */
static json_t *relation_to_json(const struct did_document *doc,
				enum did_relation bit)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < doc->n_methods; i++) {
		const struct did_method *method = &doc->methods[i];

		if ((method->relations & bit) == 0)
			continue;
		if (json_array_append_new(ids, json_string(method->id)) != 0) {
			json_decref(ids);
			return NULL;
		}
	}
	return ids;
}

json_t *did_document_to_json(const struct did_document *doc)
{
	json_t *obj, *methods, *ids;

	obj = json_pack("{s:[s],s:s,s:[]}", "@context",
			"https://www.w3.org/ns/did/v1.1", "id", doc->id,
			"verificationMethod");
	if (obj == NULL)
		return NULL;
	methods = json_object_get(obj, "verificationMethod");
	for (size_t i = 0; i < doc->n_methods; i++) {
		if (json_array_append_new(
			methods, method_to_json(doc, &doc->methods[i])) != 0)
			goto fail;
	}
	for (size_t i = 0; i < N_RELATIONS; i++) {
		ids = relation_to_json(doc, relations[i].bit);
		if (ids == NULL)
			goto fail;
		if (json_array_size(ids) == 0)
			json_decref(ids);
		else if (json_object_set_new(obj, relations[i].name, ids) != 0)
			goto fail;
	}
	return obj;
fail:
	json_decref(obj);
	return NULL;
}

void did_document_free(struct did_document *doc)
{
	if (doc == NULL)
		return;
	for (size_t i = 0; i < doc->n_methods; i++)
		free(doc->methods[i].id);
	free(doc->methods);
	free(doc->id);
	free(doc);
}

const char *did_document_error_name(int err)
{
	switch (err) {
	case PARLEY_ERR_FORMAT:
	case PARLEY_ERR_ENCODING:
		return "invalidDid";
	case PARLEY_ERR_LENGTH:
		return "invalidPublicKeyLength";
	case PARLEY_ERR_KEY:
		return "invalidPublicKey";
	case PARLEY_ERR_UNSUPPORTED:
		return "methodNotSupported";
	case PARLEY_ERR_NOT_FOUND:
		return "notFound";
	}
	return "internalError";
}
