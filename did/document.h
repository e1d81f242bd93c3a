/*
 * DID documents: the keys of a DID and what each may be used for.
 */
#ifndef DID_DOCUMENT_H
#define DID_DOCUMENT_H

#include <stddef.h>

#include <jansson.h>

#include <parley/did.h>

#include "did/key.h"

/* Verification relationships (DID Core 5.3), as a set of bits. */
enum did_relation {
	DID_RELATION_AUTHENTICATION = 1 << 0,
	DID_RELATION_ASSERTION = 1 << 1,
	DID_RELATION_KEY_AGREEMENT = 1 << 2,
	DID_RELATION_INVOCATION = 1 << 3,
	DID_RELATION_DELEGATION = 1 << 4,
};

enum {
	DID_DOCUMENT_METHODS_MAX = 32,
	DID_DOCUMENT_SERVICES_MAX = 32,
	DID_DOCUMENT_TEXT_MAX = 65536, /* longest that is fetched or read */
};

struct did_method {
	char *id; /* absolute DID URL; owned by the document */
	struct did_key key;
	unsigned relations; /* enum did_relation, or-ed */
};

/*
 * Methods are those with keys of our types; others stand in the JSON only.  A
 * relation that the type of a key cannot serve (signing with X25519, agreement
 * with Ed25519) is left out of its bits, whatever the document says.
 */
struct did_document {
	char *id; /* the DID */
	size_t n_methods;
	struct did_method *methods;
	json_t *json; /* what it was read from; NULL if made from a key */
};

/* How strictly did_document_parse() reads ids. */
enum did_document_ids {
	DID_DOCUMENT_IDS_ANY,	   /* relative ones belong to the DID */
	DID_DOCUMENT_IDS_ABSOLUTE, /* relative ones are refused (did:web) */
};

/*
 * did_document_from_key(docp, did, key):
 * Make the document of a DID that is one key (did:key, did:peer:0); free it
 * with did_document_free().
 *
 * Returns 0, or PARLEY_ERR_MEMORY, PARLEY_ERR_KEY.
 *
 * Spec: did:key method v0.9, "Document Creation Algorithm".
 */
int did_document_from_key(struct did_document **docp, const char *did,
			  const struct did_key *key)
    __attribute__((warn_unused_result));

/*
 * did_document_parse(docp, json, did, ids):
 * Read the document ${json}, whose id must be ${did}, and return it in
 * ${*docp}; free it with did_document_free().  The reference to ${json} is
 * taken on success only.
 *
 * Verification methods may be listed, or embedded in a relation; types
 * Multikey, JsonWebKey, JsonWebKey2020, Ed25519VerificationKey2018 and 2020,
 * X25519KeyAgreementKey2019 and 2020, EcdsaSecp256k1VerificationKey2019,
 * P256Key2021; each
 * with one of publicKeyMultibase, publicKeyJwk, publicKeyBase58.  Other types,
 * types of key not known here, and methods that belong to another DID are
 * passed over.
 *
 * Returns 0, or PARLEY_ERR_DOCUMENT (a member is missing or of another type, id
 * differs, an id is repeated, a key does not decode, too many methods or
 * services), PARLEY_ERR_MEMORY.
 *
 * Spec: DID Core 5; Controlled Identifiers 1.0, 2.
 */
int did_document_parse(struct did_document **docp, json_t *json,
		       const char *did, enum did_document_ids ids)
    __attribute__((warn_unused_result));

/*
 * did_document_method(doc, id):
 * Return the method whose absolute id is ${id}, or NULL.  Borrowed.
 */
const struct did_method *did_document_method(const struct did_document *doc,
					     const char *id);

/*
 * did_document_services(doc):
 * The services, an array of objects as the document has them, or NULL if it has
 * none.  Ids may be relative.  Borrowed.
 */
const json_t *did_document_services(const struct did_document *doc);

/*
 * did_document_find(doc, id):
 * The JSON of the verification method or service whose absolute id is ${id}: a
 * new reference, or NULL if there is none (or no memory).
 */
json_t *did_document_find(const struct did_document *doc, const char *id);

/*
 * did_document_to_json(doc):
 * Return ${doc} as JSON (a new reference; json_decref() it), or NULL when out
 * of memory.  What was read is given as it was; what was made of a key has type
 * Multikey, and methods referenced from the relations.
 * Spec: did:key v0.9; DID Core 5.
 */
json_t *did_document_to_json(const struct did_document *doc);

/* did_document_free(doc): NULL is allowed. */
void did_document_free(struct did_document *doc);

#endif /* !DID_DOCUMENT_H */
