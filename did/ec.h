/*
 * The curves P-256, P-384, P-521 and secp256k1, by OpenSSL.
 *
 * A point is handled in compressed form (SEC 1, 2.3.3), as multikey has it:
 * one point, one byte string.  Secrets are big-endian numbers of the length of
 * a coordinate.
 */
#ifndef DID_EC_H
#define DID_EC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "did/key.h"

struct evp_pkey_st;

enum {
	DID_EC_COORDINATE_MAX = 66,
	DID_EC_POINT_MAX = 1 + DID_EC_COORDINATE_MAX, /* compressed */
	DID_EC_SIG_LEN = 64, /* r and s of ES256 and ES256K */
};

/*
 * did_ec_coordinate_len(type):
 * Bytes of a coordinate, of a secret, and of a shared secret: 32, 48, 66, 32;
 * 0 if ${type} is not one of the four curves.
 */
size_t did_ec_coordinate_len(enum did_key_type type);

/*
 * did_ec_is_point(type, point):
 * Is the compressed ${point} on the curve?
 */
bool did_ec_is_point(enum did_key_type type, const uint8_t *point);

/*
 * did_ec_compress(point, type, x, y):
 * Compress the point of two coordinates of full length.
 *
 * Returns 0, or PARLEY_ERR_KEY (not on the curve), PARLEY_ERR_MEMORY.
 */
int did_ec_compress(uint8_t point[DID_EC_POINT_MAX], enum did_key_type type,
		    const uint8_t *x, const uint8_t *y)
    __attribute__((warn_unused_result));

/*
 * did_ec_decompress(x, y, type, point):
 * The coordinates of ${point}, left-padded to their full length.
 *
 * Returns 0, or PARLEY_ERR_KEY (not on the curve), PARLEY_ERR_MEMORY.
 */
int did_ec_decompress(uint8_t x[DID_EC_COORDINATE_MAX],
		      uint8_t y[DID_EC_COORDINATE_MAX], enum did_key_type type,
		      const uint8_t *point) __attribute__((warn_unused_result));

/*
 * did_ec_point_of(point, type, secret):
 * The public point of ${secret}.  In constant time.
 *
 * Returns 0, or PARLEY_ERR_KEY (0, or not below the group order),
 * PARLEY_ERR_MEMORY.
 */
int did_ec_point_of(uint8_t point[DID_EC_POINT_MAX], enum did_key_type type,
		    const uint8_t *secret) __attribute__((warn_unused_result));

/*
 * did_ec_verify(type, point, sig, msg, len):
 * Verify ES256 (P-256) or ES256K (secp256k1): SHA-256, r || s.  Either of the
 * two values of s is accepted: RFC 7518 3.4 and RFC 8812 ask for no more, and
 * nothing here takes a signature for a unique name of what it signs.
 *
 * Returns 0, or PARLEY_ERR_SIGNATURE, PARLEY_ERR_UNSUPPORTED (other curve),
 * PARLEY_ERR_MEMORY.
 */
int did_ec_verify(enum did_key_type type, const uint8_t *point,
		  const uint8_t sig[DID_EC_SIG_LEN], const void *msg,
		  size_t len) __attribute__((warn_unused_result));

/*
 * did_ec_sign(sig, type, point, secret, msg, len):
 * Sign with ES256 or ES256K.  The nonce is OpenSSL's: random, mixed with the
 * secret and the message.  The lower value of s is given, since some verifiers
 * of ES256K demand it.
 *
 * Returns 0, or PARLEY_ERR_UNSUPPORTED (other curve), PARLEY_ERR_MEMORY,
 * PARLEY_ERR_SYSTEM (no randomness).
 */
int did_ec_sign(uint8_t sig[DID_EC_SIG_LEN], enum did_key_type type,
		const uint8_t *point, const uint8_t *secret, const void *msg,
		size_t len) __attribute__((warn_unused_result));

/*
 * did_ec_agree(shared, type, point, secret, peer):
 * The x coordinate of ${secret} times the point ${peer} (SP 800-56A 5.7.1.2),
 * as long as a coordinate.  ${point} is the public point of ${secret}.
 *
 * Returns 0, or PARLEY_ERR_KEY (${peer} is not on the curve),
 * PARLEY_ERR_MEMORY.
 */
int did_ec_agree(uint8_t shared[DID_EC_COORDINATE_MAX], enum did_key_type type,
		 const uint8_t *point, const uint8_t *secret,
		 const uint8_t *peer) __attribute__((warn_unused_result));

/*
 * did_ec_to_evp(type, point, secret):
 * OpenSSL's key object; EVP_PKEY_free() it.  ${secret} may be NULL.  Returns
 * NULL if ${point} is not on the curve, or out of memory.
 */
struct evp_pkey_st *did_ec_to_evp(enum did_key_type type, const uint8_t *point,
				  const uint8_t *secret);

#endif /* !DID_EC_H */
