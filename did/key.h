/*
 * Public keys and their text: multikey and did:key.
 *
 *   multikey = "z" base58btc( varint(multicodec) || key bytes )
 *   did:key  = "did:key:" multikey
 *   key id   = did:key "#" multikey of that key
 *
 * One table (in key.c) lists every type with its multicodec, length, JWK names
 * and what can be done with it.  Spec: did:key method v0.9; multicodec table.
 */
#ifndef DID_KEY_H
#define DID_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum did_key_type {
	DID_KEY_ED25519,
	DID_KEY_X25519,
	DID_KEY_P256,
	DID_KEY_P384,
	DID_KEY_P521,
	DID_KEY_SECP256K1,
	DID_KEY_RSA,
};

enum {
	DID_KEY_N_TYPES = DID_KEY_RSA + 1,
	DID_KEY_ED25519_LEN = 32,
	DID_KEY_X25519_LEN = 32,
	DID_KEY_BYTES_MAX = 600,
	DID_KEY_MULTIKEY_SIZE = 832, /* text of the longest key, with NUL */
};

struct did_key {
	enum did_key_type type;
	size_t len;
	uint8_t bytes[DID_KEY_BYTES_MAX];
};

/* What a type is; see did_key_info(). */
struct did_key_info {
	enum did_key_type type;
	const char *name; /* "Ed25519"; also the JWK crv, except for RSA */
	const char *kty;  /* JWK kty: "OKP", "EC", "RSA" */
	uint32_t codec;	  /* multicodec of the public key */
	size_t len;	  /* bytes of the key; 0: more than one (RSA) */
	const char *alg;  /* JWS algorithm that is verified here, or NULL */
	bool can_sign;	  /* authentication and assertion relations */
	bool can_agree;	  /* keyAgreement relation by itself */
};

/* did_key_info(type): the row of ${type}; static. */
const struct did_key_info *did_key_info(enum did_key_type type);

/*
 * did_key_from_bytes(key, type, bytes, len):
 * Make ${key} from the bytes that multikey holds, which are copied and
 * checked: raw for Ed25519 and X25519, a compressed point for the other
 * curves, DER of an RSAPublicKey.
 *
 * Returns 0, or PARLEY_ERR_LENGTH, PARLEY_ERR_KEY (not on the curve, of small
 * order, not canonical; RSA under 2048 or over 4096 bits).  ${key} is untouched
 * on error; so it is for all functions below.
 */
int did_key_from_bytes(struct did_key *key, enum did_key_type type,
		       const uint8_t *bytes, size_t len)
    __attribute__((warn_unused_result));

/*
 * did_key_from_xy(key, type, x, y):
 * Make the key of a point on P-256, P-384, P-521 or secp256k1 from its two
 * coordinates, each of full length (did_ec_coordinate_len()).
 *
 * Returns 0, or PARLEY_ERR_KEY (not on the curve), PARLEY_ERR_MEMORY,
 * PARLEY_ERR_ARGUMENT (another type).
 */
int did_key_from_xy(struct did_key *key, enum did_key_type type,
		    const uint8_t *x, const uint8_t *y)
    __attribute__((warn_unused_result));

/*
 * did_key_from_multikey(key, text, text_len):
 * Parse a multikey, "z6Mk...".
 *
 * Returns 0, or PARLEY_ERR_FORMAT (does not begin with "z"),
 * PARLEY_ERR_ENCODING (base58btc or varint), PARLEY_ERR_LENGTH,
 * PARLEY_ERR_KEY, PARLEY_ERR_UNSUPPORTED (unknown multicodec, or that of a
 * secret key).
 */
int did_key_from_multikey(struct did_key *key, const char *text,
			  size_t text_len) __attribute__((warn_unused_result));

/*
 * did_key_to_multikey(text, key):
 * Write the multikey of ${key} and a NUL to ${text}.
 */
void did_key_to_multikey(char text[DID_KEY_MULTIKEY_SIZE],
			 const struct did_key *key);

/*
 * did_key_decode(key, did, did_len):
 * Parse the did:key ${did} (${did_len} bytes, no NUL needed).  Exactly three
 * parts: the form with a version is refused, and so is multibase `u`, which
 * would give one key two names.
 *
 * Returns 0, or PARLEY_ERR_FORMAT (not "did:key:z..."), or the errors of
 * did_key_from_multikey().
 */
int did_key_decode(struct did_key *key, const char *did, size_t did_len)
    __attribute__((warn_unused_result));

/*
 * did_key_encode(did, size, key):
 * Write the did:key of ${key} and a NUL to ${did} (capacity ${size}).
 *
 * Returns 0, or PARLEY_ERR_TOO_LARGE.
 */
int did_key_encode(char *did, size_t size, const struct did_key *key)
    __attribute__((warn_unused_result));

/*
 * did_key_derive_x25519(x, ed):
 * Set ${x} to the X25519 key that belongs to the Ed25519 key ${ed}
 * (RFC 7748: u = (1 + y) / (1 - y)), which was made by the functions above and
 * so is not checked a second time.
 *
 * Returns 0, or PARLEY_ERR_KEY (small order after all), PARLEY_ERR_ARGUMENT
 * (not an Ed25519 key), PARLEY_ERR_MEMORY.
 */
int did_key_derive_x25519(struct did_key *x, const struct did_key *ed)
    __attribute__((warn_unused_result));

/* did_key_equal(a, b): same type and bytes.  Not constant time: public. */
bool did_key_equal(const struct did_key *a, const struct did_key *b);

/*
 * did_key_verify(key, sig, sig_len, msg, len):
 * Verify a raw JOSE signature over ${msg}, 64 bytes for all three: EdDSA with
 * Ed25519 (RFC 8037), ES256 with P-256, ES256K with secp256k1 (r || s).
 *
 * Returns 0, or PARLEY_ERR_SIGNATURE (wrong, also by length),
 * PARLEY_ERR_UNSUPPORTED (the type does not sign here: X25519, P-384, P-521,
 * RSA), PARLEY_ERR_MEMORY.
 */
int did_key_verify(const struct did_key *key, const uint8_t *sig,
		   size_t sig_len, const void *msg, size_t len)
    __attribute__((warn_unused_result));

#endif /* !DID_KEY_H */
