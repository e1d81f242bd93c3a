/*
 * DID documents: the keys of a DID and what each may be used for.
 */
#ifndef DID_DOCUMENT_H
#define DID_DOCUMENT_H

#include <stdbool.h>
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
};

struct did_method {
	char *id; /* absolute DID URL; owned by the document */
	struct did_key key;
	unsigned relations; /* enum did_relation, or-ed */
};

struct did_document {
	char *id; /* the DID */
	size_t n_methods;
	struct did_method *methods;
};

/*
 * did_document_resolve(docp, did):
 * Resolve ${did} by its method and return the document in ${*docp}; the
 * caller frees it with did_document_free().  No I/O for did:key.
 *
 * Returns 0, or PARLEY_ERR_FORMAT (not a DID), PARLEY_ERR_UNSUPPORTED (method
 * or key type), PARLEY_ERR_MEMORY, and the errors of did_key_decode().
 */
int did_document_resolve(struct did_document **docp, const char *did)
    __attribute__((warn_unused_result));

/*
 * did_document_knows_method(did):
 * Is ${did} a DID of a method that did_document_resolve() supports?
 */
bool did_document_knows_method(const char *did);

/*
 * did_document_method(doc, id):
 * Return the method whose absolute id is ${id}, or NULL.  Borrowed.
 */
const struct did_method *did_document_method(const struct did_document *doc,
					     const char *id);

/*
 * did_document_to_json(doc):
 * Return ${doc} as JSON (a new reference; json_decref() it), or NULL when out
 * of memory.  Type Multikey, methods referenced from the relations.
 * Spec: did:key v0.9; DID Core 5.
 */
json_t *did_document_to_json(const struct did_document *doc);

/* did_document_free(doc): NULL is allowed. */
void did_document_free(struct did_document *doc);

/*
 * did_document_error_name(err):
 * The name that DID resolution metadata gives to ${err}: "invalidDid",
 * "invalidPublicKeyLength", "methodNotSupported", ...  Static text.  For
 * PARLEY_ERR_UNSUPPORTED with a method that did_document_knows_method(), the
 * name is "unsupportedPublicKeyType" instead.
 * Spec: DID Core 7.1.2; did:key method, errors.
 */
const char *did_document_error_name(int err);

#endif /* !DID_DOCUMENT_H */
