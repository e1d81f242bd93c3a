/*
 * The method did:peer: DIDs that carry their whole document.
 *
 *   0  did:peer:0 multikey                    one key
 *   2  did:peer:2 (.purpose multikey | .S service)...
 *   4  did:peer:4 hash ":" document           long form
 *      did:peer:4 hash                        short form
 *
 * Spec: peer-did-method-spec, core.md.  Vectors: vectors/did-peer/.
 */
#ifndef DID_PEER_H
#define DID_PEER_H

#include <stddef.h>

#include <jansson.h>

#include "did/key.h"

enum did_peer_form {
	DID_PEER_KEY,	/* 0 */
	DID_PEER_KEYS,	/* 2 */
	DID_PEER_LONG,	/* 4, with document */
	DID_PEER_SHORT, /* 4, without */
	DID_PEER_OTHER, /* 1, 3, and what is none */
};

/* did_peer_form(did): which form ${did} has, by how it begins. */
enum did_peer_form did_peer_form(const char *did);

/* did_peer_brief_len(did): bytes of the short form that a long one begins with.
 */
size_t did_peer_brief_len(const char *did);

/*
 * did_peer_decode_key(key, did):
 * The key of a did:peer:0.  Returns the errors of did_key_from_multikey().
 */
int did_peer_decode_key(struct did_key *key, const char *did)
    __attribute__((warn_unused_result));

/*
 * did_peer_resolve_keys(jsonp, did):
 * The document of a did:peer:2 as JSON, with ids #key-1, #key-2, ... and
 * #service, #service-1, ...; json_decref() it.
 *
 * Returns 0, or PARLEY_ERR_FORMAT, PARLEY_ERR_ENCODING, PARLEY_ERR_JSON, the
 * errors of did_key_from_multikey(), PARLEY_ERR_MEMORY.
 */
int did_peer_resolve_keys(json_t **jsonp, const char *did)
    __attribute__((warn_unused_result));

/*
 * did_peer_resolve_long(jsonp, did, as):
 * The document of the long did:peer:4 ${did} as JSON, with the id ${as}, which
 * is ${did} or its short form; the other one goes into alsoKnownAs.
 *
 * Returns 0, or PARLEY_ERR_FORMAT (the hash is not that of the document, or the
 * document has an id), PARLEY_ERR_ENCODING, PARLEY_ERR_JSON, PARLEY_ERR_MEMORY.
 */
int did_peer_resolve_long(json_t **jsonp, const char *did, const char *as)
    __attribute__((warn_unused_result));

#endif /* !DID_PEER_H */
