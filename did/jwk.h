/*
 * JSON Web Keys (RFC 7517, 7518, 8037, 8812), and the method did:jwk.
 *
 * Choice: cjose is not used for this.  It knows no OKP and no secp256k1, its
 * base64url aborts the process on "A=", and it ignores x and y where d is
 * there; behind checks that exclude all that, nothing is left for it to do.
 */
#ifndef DID_JWK_H
#define DID_JWK_H

#include <stddef.h>

#include <jansson.h>

#include "did/key.h"
#include "did/pair.h"

enum {
	DID_JWK_SECRET_SIZE = 512, /* text of the longest secret key */
};

/* Member "use" (RFC 7517 4.2). */
enum did_jwk_use {
	DID_JWK_USE_ANY, /* absent */
	DID_JWK_USE_SIG,
	DID_JWK_USE_ENC,
};

/*
 * did_jwk_to_key(key, usep, jwk):
 * Read the public key ${jwk}.  Coordinates have their full length, base64url
 * its one form; "alg", where present, must be one of this type of key.
 * Members that are not known are ignored (RFC 7517 4).  ${usep} may be NULL.
 *
 * Returns 0, or PARLEY_ERR_FORMAT (a member is missing, of another type, or
 * contradicts another), PARLEY_ERR_ENCODING, PARLEY_ERR_LENGTH, PARLEY_ERR_KEY
 * (no valid key, or it holds a secret: d, p, q, dp, dq, qi, oth, k),
 * PARLEY_ERR_UNSUPPORTED (other kty or crv), PARLEY_ERR_MEMORY.
 */
int did_jwk_to_key(struct did_key *key, enum did_jwk_use *usep,
		   const json_t *jwk) __attribute__((warn_unused_result));

/*
 * did_jwk_from_key(key):
 * Return ${key} as a JWK of kty, crv, x and y, or kty, n and e; a new
 * reference, or NULL when out of memory.
 */
json_t *did_jwk_from_key(const struct did_key *key);

/*
 * did_jwk_to_pair(pair, text, len):
 * Read a secret key, the JSON ${text}.  The public part must be there and must
 * belong to the secret.  The text of "d" is overwritten in ${text} before the
 * rest is parsed, so that no copy of it stays behind on the heap.
 *
 * Returns 0, or PARLEY_ERR_JSON, the errors of did_jwk_to_key() and
 * did_pair_from_secret(), PARLEY_ERR_KEY (secret and public key differ).
 */
int did_jwk_to_pair(struct did_pair *pair, char *text, size_t len)
    __attribute__((warn_unused_result));

/*
 * did_jwk_from_pair(text, lenp, pair):
 * Write ${pair} as JSON text and a NUL.  The caller wipes ${text}.
 *
 * Returns 0, or PARLEY_ERR_MEMORY, PARLEY_ERR_ARGUMENT (RSA).
 */
int did_jwk_from_pair(char text[DID_JWK_SECRET_SIZE], size_t *lenp,
		      const struct did_pair *pair)
    __attribute__((warn_unused_result));

/*
 * did_jwk_resolve(jsonp, did):
 * The document of a did:jwk as JSON; json_decref() it.
 *
 * Returns 0, or PARLEY_ERR_FORMAT, PARLEY_ERR_ENCODING, PARLEY_ERR_JSON, the
 * errors of did_jwk_to_key(), PARLEY_ERR_MEMORY.
 *
 * Spec: quartzjer/did-jwk, spec.md.  Vectors: vectors/did-jwk/.
 */
int did_jwk_resolve(json_t **jsonp, const char *did)
    __attribute__((warn_unused_result));

#endif /* !DID_JWK_H */
