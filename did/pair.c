/*
 * Key pairs: signatures and key agreement with a secret.
 *
 * Spec: RFC 8032, RFC 7748 (libsodium); RFC 7518 3.4, RFC 8812, SP 800-56A
 * (OpenSSL, in did/ec.c).
 *
 * Invariant: the public key of a pair was computed from its secret here, so a
 * signature made with one always verifies under the other.
 */
#include "did/pair.h"

#include <string.h>

#include <sodium.h>

#include <parley/err.h>

#include "did/secret.h"
#include "did/x25519.h"

enum {
	SEED_LEN = crypto_sign_SEEDBYTES,
	SCALAR_LEN = crypto_scalarmult_SCALARBYTES,
};

_Static_assert(crypto_sign_SECRETKEYBYTES <= (int)DID_PAIR_SECRET_MAX,
	       "libsodium's secret key of Ed25519");
_Static_assert((int)DID_PAIR_SIG_LEN == crypto_sign_BYTES &&
		   (int)DID_PAIR_SIG_LEN == (int)DID_EC_SIG_LEN,
	       "one length of all signatures");

static int set_ed25519(struct did_pair *pair, const uint8_t *seed)
{
	uint8_t pk[DID_KEY_ED25519_LEN];

	crypto_sign_seed_keypair(pk, pair->secret, seed);
	pair->secret_len = SEED_LEN;
	return did_key_from_bytes(&pair->key, DID_KEY_ED25519, pk, sizeof(pk));
}

static int set_x25519(struct did_pair *pair, const uint8_t *scalar)
{
	uint8_t pk[DID_KEY_X25519_LEN];
	int err;

	err = did_x25519_public(pk, scalar);
	if (err != 0)
		return err;
	memcpy(pair->secret, scalar, SCALAR_LEN);
	pair->secret_len = SCALAR_LEN;
	return did_key_from_bytes(&pair->key, DID_KEY_X25519, pk, sizeof(pk));
}

static int set_ec(struct did_pair *pair, enum did_key_type type,
		  const uint8_t *secret)
{
	const size_t len = did_ec_coordinate_len(type);
	uint8_t point[DID_EC_POINT_MAX];
	int err;

	err = did_ec_point_of(point, type, secret);
	if (err != 0)
		return err;
	memcpy(pair->secret, secret, len);
	pair->secret_len = len;
	return did_key_from_bytes(&pair->key, type, point, 1 + len);
}

/* Bytes of a secret, or 0 for a type that has none here. */
static size_t secret_len(enum did_key_type type)
{
	switch (type) {
	case DID_KEY_ED25519:
		return SEED_LEN;
	case DID_KEY_X25519:
		return SCALAR_LEN;
	case DID_KEY_P256:
	case DID_KEY_P384:
	case DID_KEY_P521:
	case DID_KEY_SECP256K1:
		return did_ec_coordinate_len(type);
	case DID_KEY_RSA:
		break;
	}
	return 0;
}

int did_pair_from_secret(struct did_pair *pair, enum did_key_type type,
			 const uint8_t *secret, size_t len)
{
	int err;

	memset(pair, 0, sizeof(*pair));
	if (secret_len(type) == 0)
		return PARLEY_ERR_UNSUPPORTED;
	if (len != secret_len(type))
		return PARLEY_ERR_LENGTH;
	err = did_secret_init();
	if (err != 0)
		return err;
	if (type == DID_KEY_ED25519)
		err = set_ed25519(pair, secret);
	else if (type == DID_KEY_X25519)
		err = set_x25519(pair, secret);
	else
		err = set_ec(pair, type, secret);
	if (err != 0)
		did_pair_wipe(pair);
	return err;
}

int did_pair_new(struct did_pair *pair, enum did_key_type type)
{
	const size_t len = secret_len(type);
	uint8_t secret[DID_PAIR_SECRET_MAX];
	int err;

	if (len == 0)
		return PARLEY_ERR_UNSUPPORTED;
	err = did_secret_init();
	if (err != 0)
		return err;
	/* SP 800-56A 5.6.1.2.2: draw again what is 0 or beyond the order. */
	do {
		randombytes_buf(secret, len);
		if (type == DID_KEY_P521)
			secret[0] &= 1; /* 521 bits */
		err = did_pair_from_secret(pair, type, secret, len);
	} while (err == PARLEY_ERR_KEY);
	did_secret_wipe(secret, sizeof(secret));
	return err;
}

int did_pair_derive_x25519(struct did_pair *x, const struct did_pair *ed)
{
	uint8_t scalar[SCALAR_LEN];
	int err;

	if (ed->key.type != DID_KEY_ED25519)
		return PARLEY_ERR_ARGUMENT;
	if (crypto_sign_ed25519_sk_to_curve25519(scalar, ed->secret) != 0)
		return PARLEY_ERR_KEY;
	err = did_pair_from_secret(x, DID_KEY_X25519, scalar, sizeof(scalar));
	did_secret_wipe(scalar, sizeof(scalar));
	return err;
}

int did_pair_sign(uint8_t sig[DID_PAIR_SIG_LEN], const struct did_pair *pair,
		  const void *msg, size_t len)
{
	switch (pair->key.type) {
	case DID_KEY_ED25519:
		return crypto_sign_detached(sig, NULL, msg, len,
					    pair->secret) == 0
			   ? 0
			   : PARLEY_ERR_SYSTEM;
	case DID_KEY_P256:
	case DID_KEY_SECP256K1:
		return did_ec_sign(sig, pair->key.type, pair->key.bytes,
				   pair->secret, msg, len);
	case DID_KEY_X25519:
	case DID_KEY_P384:
	case DID_KEY_P521:
	case DID_KEY_RSA:
		break;
	}
	return PARLEY_ERR_UNSUPPORTED;
}

int did_pair_agree(uint8_t shared[DID_PAIR_SHARED_MAX], size_t *lenp,
		   const struct did_pair *pair, const struct did_key *peer)
{
	size_t len = pair->secret_len;
	int err = PARLEY_ERR_UNSUPPORTED;

	memset(shared, 0, DID_PAIR_SHARED_MAX);
	if (pair->key.type != peer->type)
		return PARLEY_ERR_ARGUMENT;
	switch (pair->key.type) {
	case DID_KEY_X25519:
		/* RFC 7748 6.1: -1 for an all-zero result. */
		err = crypto_scalarmult(shared, pair->secret, peer->bytes) == 0
			  ? 0
			  : PARLEY_ERR_DH;
		break;
	case DID_KEY_P256:
	case DID_KEY_P384:
	case DID_KEY_P521:
		/* Zero is a result like others here: a point can have x = 0. */
		err = did_ec_agree(shared, pair->key.type, pair->key.bytes,
				   pair->secret, peer->bytes);
		break;
	case DID_KEY_ED25519:
	case DID_KEY_SECP256K1: /* no JOSE algorithm agrees with it */
	case DID_KEY_RSA:
		break;
	}
	if (err != 0)
		did_secret_wipe(shared, DID_PAIR_SHARED_MAX);
	else
		*lenp = len;
	return err;
}

void did_pair_wipe(struct did_pair *pair)
{
	did_secret_wipe(pair, sizeof(*pair));
}
