/*
 * Key pairs: a public key and its secret, of any type that signs or agrees.
 *
 * A pair lives in the caller's storage.  Keep long-lived ones in memory from
 * did_secret_new(), and end each with did_pair_wipe().
 */
#ifndef DID_PAIR_H
#define DID_PAIR_H

#include <stddef.h>
#include <stdint.h>

#include "did/ec.h"
#include "did/key.h"

enum {
	DID_PAIR_SECRET_MAX = DID_EC_COORDINATE_MAX,
	DID_PAIR_SIG_LEN = 64, /* EdDSA, ES256 and ES256K alike */
	DID_PAIR_SHARED_MAX = DID_EC_COORDINATE_MAX,
};

struct did_pair {
	struct did_key key;
	size_t secret_len; /* 32, 48 or 66 */
	/*
	 * Ed25519: the 32-byte seed, and behind it the public key, which is
	 * the form that libsodium signs with.  X25519: the scalar.  Curves of
	 * OpenSSL: the number, big-endian, of full length.
	 */
	uint8_t secret[DID_PAIR_SECRET_MAX];
};

/*
 * did_pair_new(pair, type):
 * Make a pair from the system's randomness.
 *
 * Returns 0, or PARLEY_ERR_UNSUPPORTED (RSA), PARLEY_ERR_MEMORY,
 * PARLEY_ERR_SYSTEM.
 */
int did_pair_new(struct did_pair *pair, enum did_key_type type)
    __attribute__((warn_unused_result));

/*
 * did_pair_from_secret(pair, type, secret, len):
 * Make the pair of a secret: the seed of Ed25519, the scalar of X25519, the
 * number of another curve.  ${secret} is copied and stays the caller's to wipe.
 *
 * Returns 0, or PARLEY_ERR_LENGTH, PARLEY_ERR_KEY (0, or not below the group
 * order), PARLEY_ERR_UNSUPPORTED (RSA), PARLEY_ERR_MEMORY, PARLEY_ERR_SYSTEM.
 * ${pair} holds no secret on error.
 */
int did_pair_from_secret(struct did_pair *pair, enum did_key_type type,
			 const uint8_t *secret, size_t len)
    __attribute__((warn_unused_result));

/*
 * did_pair_derive_x25519(x, ed):
 * Set ${x} to the X25519 pair that belongs to the Ed25519 pair ${ed}: the
 * clamped first half of SHA-512 of the seed.
 *
 * Returns 0, or PARLEY_ERR_ARGUMENT (not an Ed25519 pair), PARLEY_ERR_KEY,
 * PARLEY_ERR_MEMORY.
 */
int did_pair_derive_x25519(struct did_pair *x, const struct did_pair *ed)
    __attribute__((warn_unused_result));

/*
 * did_pair_sign(sig, pair, msg, len):
 * Sign ${msg}: EdDSA, ES256 or ES256K by the type of the pair.
 *
 * Returns 0, or PARLEY_ERR_UNSUPPORTED (the type does not sign here),
 * PARLEY_ERR_MEMORY, PARLEY_ERR_SYSTEM.
 */
int did_pair_sign(uint8_t sig[DID_PAIR_SIG_LEN], const struct did_pair *pair,
		  const void *msg, size_t len)
    __attribute__((warn_unused_result));

/*
 * did_pair_agree(shared, lenp, pair, peer):
 * The shared secret Z of ${pair} and the public key ${peer}, for X25519, P-256,
 * P-384 and P-521: 32, 32, 48 or 66 bytes, set in ${*lenp}.  Never used as a
 * key itself.  The caller wipes ${shared}; on error it holds zeroes.
 *
 * Returns 0, or PARLEY_ERR_ARGUMENT (types differ), PARLEY_ERR_UNSUPPORTED
 * (no agreement with this type), PARLEY_ERR_DH (X25519, all zero),
 * PARLEY_ERR_KEY, PARLEY_ERR_MEMORY.
 */
int did_pair_agree(uint8_t shared[DID_PAIR_SHARED_MAX], size_t *lenp,
		   const struct did_pair *pair, const struct did_key *peer)
    __attribute__((warn_unused_result));

/* did_pair_wipe(pair): overwrite all of ${pair}. */
void did_pair_wipe(struct did_pair *pair);

#endif /* !DID_PAIR_H */
