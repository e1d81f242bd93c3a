/*
 * NIST curves and secp256k1, by OpenSSL.
 *
 * Spec: SEC 1 2.3; RFC 7518 3.4 (ES256); RFC 8812 3.2 (ES256K); SP 800-56A
 * 5.7.1.2 (ECDH).  Points go through EC_POINT_oct2point(), which refuses what
 * is not on the curve; all four curves have cofactor 1, so what is on the curve
 * and not infinity is in the group.  Infinity has no compressed form of our
 * length.
 *
 * OpenSSL copies a secret into its own heap while it works with it, and clears
 * what it frees.  For P-256 on x86-64 (3.0.22, read together with what valgrind
 * says when the secret is marked) no address depends on a secret, and branches
 * only on these properties of one:
 *
 *   - of the secret number, how many leading bytes are zero: BN_bin2bn() and
 *     BN_lebin2bn() skip them.  Of 256 keys one has any.
 *   - of the nonce, whether it is below the group order: if not, with 2^-32, it
 *     is thrown away; it is a hash of the key, the message and randomness
 *   - of coordinates and inverses, whether the upper 64 bits are zero (2^-64)
 *     and, in additions, whether two points are the same one
 *   - of the shared x-coordinate of did_ec_agree(), how many leading bytes are
 *     zero: ossl_ecdh_simple_compute_key() writes them by memset()
 *
 * What it does with r, s and public points, which are published, is not listed.
 * secp256k1, P-384 and P-521 take OpenSSL's general code: not looked at.
 */
#include "did/ec.h"

#include <assert.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>

#include <parley/err.h>

#include "did/secret.h"

enum {
	DER_MAX = 80, /* an ECDSA signature with 32-byte numbers: at most 72 */
	HALF_LEN = DID_EC_SIG_LEN / 2,
};

struct curve {
	int nid;
	const char *group; /* OpenSSL's name */
	size_t len;	   /* bytes of a coordinate */
	bool signs;	   /* with SHA-256, in JOSE */
};

/*
 * Choice: ES384 and ES512 are not verified.  DIDComm 2.1 signs with EdDSA,
 * ES256 and ES256K only; P-384 and P-521 keys are there for encryption.
 */
static const struct curve *find_curve(enum did_key_type type)
{
	static const struct curve p256 = {NID_X9_62_prime256v1, "prime256v1",
					  32, true};
	static const struct curve p384 = {NID_secp384r1, "secp384r1", 48,
					  false};
	static const struct curve p521 = {NID_secp521r1, "secp521r1", 66,
					  false};
	static const struct curve k256 = {NID_secp256k1, "secp256k1", 32, true};

	switch (type) {
	case DID_KEY_P256:
		return &p256;
	case DID_KEY_P384:
		return &p384;
	case DID_KEY_P521:
		return &p521;
	case DID_KEY_SECP256K1:
		return &k256;
	case DID_KEY_ED25519:
	case DID_KEY_X25519:
	case DID_KEY_RSA:
		break;
	}
	return NULL;
}

size_t did_ec_coordinate_len(enum did_key_type type)
{
	const struct curve *curve = find_curve(type);

	return curve != NULL ? curve->len : 0;
}

/*
 * A group and a point of it, made and freed together.  What OpenSSL notes down
 * about failures in between is dropped: its queue is the program's.
 */
struct work {
	EC_GROUP *group;
	EC_POINT *point;
};

static void work_free(struct work *w)
{
	EC_POINT_free(w->point);
	EC_GROUP_free(w->group);
	ERR_pop_to_mark();
}

static int work_new(struct work *w, const struct curve *curve)
{
	ERR_set_mark();
	w->group = EC_GROUP_new_by_curve_name(curve->nid);
	w->point = w->group != NULL ? EC_POINT_new(w->group) : NULL;
	if (w->point != NULL)
		return 0;
	work_free(w);
	return PARLEY_ERR_MEMORY;
}

/* ${len} bytes in compressed (2, 3) or uncompressed (4) form. */
static int read_point(struct work *w, const uint8_t *bytes, size_t len)
{
	if (bytes[0] < 2 || bytes[0] > 4 ||
	    EC_POINT_oct2point(w->group, w->point, bytes, len, NULL) != 1)
		return PARLEY_ERR_KEY;
	return 0;
}

static int write_point(uint8_t *bytes, size_t len, const struct work *w,
		       point_conversion_form_t form)
{
	if (EC_POINT_point2oct(w->group, w->point, form, bytes, len, NULL) !=
	    len)
		return PARLEY_ERR_MEMORY;
	return 0;
}

bool did_ec_is_point(enum did_key_type type, const uint8_t *point)
{
	const struct curve *curve = find_curve(type);
	struct work w;
	bool good;

	if (curve == NULL || work_new(&w, curve) != 0)
		return false;
	good = read_point(&w, point, 1 + curve->len) == 0;
	work_free(&w);
	return good;
}

int did_ec_compress(uint8_t point[DID_EC_POINT_MAX], enum did_key_type type,
		    const uint8_t *x, const uint8_t *y)
{
	uint8_t bytes[1 + 2 * DID_EC_COORDINATE_MAX] = {4};
	const struct curve *curve = find_curve(type);
	struct work w;
	int err;

	assert(curve != NULL);
	err = work_new(&w, curve);
	if (err != 0)
		return err;
	memcpy(bytes + 1, x, curve->len);
	memcpy(bytes + 1 + curve->len, y, curve->len);
	err = read_point(&w, bytes, 1 + 2 * curve->len);
	if (err == 0)
		err = write_point(point, 1 + curve->len, &w,
				  POINT_CONVERSION_COMPRESSED);
	work_free(&w);
	return err;
}

int did_ec_decompress(uint8_t x[DID_EC_COORDINATE_MAX],
		      uint8_t y[DID_EC_COORDINATE_MAX], enum did_key_type type,
		      const uint8_t *point)
{
	uint8_t bytes[1 + 2 * DID_EC_COORDINATE_MAX];
	const struct curve *curve = find_curve(type);
	struct work w;
	int err;

	assert(curve != NULL);
	err = work_new(&w, curve);
	if (err != 0)
		return err;
	err = read_point(&w, point, 1 + curve->len);
	if (err == 0)
		err = write_point(bytes, 1 + 2 * curve->len, &w,
				  POINT_CONVERSION_UNCOMPRESSED);
	if (err == 0) {
		memcpy(x, bytes + 1, curve->len);
		memcpy(y, bytes + 1 + curve->len, curve->len);
	}
	work_free(&w);
	return err;
}

int did_ec_point_of(uint8_t point[DID_EC_POINT_MAX], enum did_key_type type,
		    const uint8_t *secret)
{
	const struct curve *curve = find_curve(type);
	BIGNUM *d = NULL;
	struct work w;
	int err;

	assert(curve != NULL);
	err = work_new(&w, curve);
	if (err != 0)
		return err;
	err = PARLEY_ERR_MEMORY;
	d = BN_secure_new();
	if (d == NULL || BN_bin2bn(secret, (int)curve->len, d) == NULL)
		goto out;
	BN_set_flags(d, BN_FLG_CONSTTIME);
	err = PARLEY_ERR_KEY;
	if (BN_is_zero(d) || BN_cmp(d, EC_GROUP_get0_order(w.group)) >= 0)
		goto out;
	err = PARLEY_ERR_MEMORY;
	if (EC_POINT_mul(w.group, w.point, d, NULL, NULL, NULL) == 1)
		err = write_point(point, 1 + curve->len, &w,
				  POINT_CONVERSION_COMPRESSED);
out:
	BN_clear_free(d);
	work_free(&w);
	return err;
}

/* An EVP key; ${secret} may be NULL.  NULL if not on the curve. */
static EVP_PKEY *load(const struct curve *curve, const uint8_t *point,
		      const uint8_t *secret)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;
	BIGNUM *d = NULL;

	if (build == NULL || ctx == NULL)
		goto out;
	if (OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
					    curve->group, 0) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY,
					     point, 1 + curve->len) != 1)
		goto out;
	if (secret != NULL) {
		d = BN_secure_new();
		if (d == NULL || BN_bin2bn(secret, (int)curve->len, d) == NULL)
			goto out;
		BN_set_flags(d, BN_FLG_CONSTTIME);
		/* Of fixed length, so that leading zeroes do not show. */
		if (OSSL_PARAM_BLD_push_BN_pad(build, OSSL_PKEY_PARAM_PRIV_KEY,
					       d, curve->len) != 1)
			goto out;
	}
	params = OSSL_PARAM_BLD_to_param(build);
	if (params == NULL || EVP_PKEY_fromdata_init(ctx) != 1)
		goto out;
	if (EVP_PKEY_fromdata(ctx, &key,
			      secret != NULL ? EVP_PKEY_KEYPAIR
					     : EVP_PKEY_PUBLIC_KEY,
			      params) != 1)
		key = NULL;
out:
	OSSL_PARAM_free(params);
	BN_clear_free(d);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* JOSE has r || s, OpenSSL wants DER. */
static size_t encode_der(uint8_t der[DER_MAX],
			 const uint8_t sig[DID_EC_SIG_LEN])
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(sig, HALF_LEN, NULL);
	BIGNUM *s = BN_bin2bn(sig + HALF_LEN, HALF_LEN, NULL);
	int len = 0;

	if (pair != NULL && r != NULL && s != NULL &&
	    ECDSA_SIG_set0(pair, r, s) == 1) {
		r = s = NULL; /* the pair's now */
		if (i2d_ECDSA_SIG(pair, NULL) <= DER_MAX)
			len = i2d_ECDSA_SIG(pair, &der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(pair);
	return len > 0 ? (size_t)len : 0;
}

int did_ec_verify(enum did_key_type type, const uint8_t *point,
		  const uint8_t sig[DID_EC_SIG_LEN], const void *msg,
		  size_t len)
{
	const struct curve *curve = find_curve(type);
	EVP_MD_CTX *ctx = NULL;
	EVP_PKEY *key = NULL;
	uint8_t der[DER_MAX];
	size_t der_len;
	int err = PARLEY_ERR_MEMORY;

	if (curve == NULL || !curve->signs)
		return PARLEY_ERR_UNSUPPORTED;
	ERR_set_mark();
	der_len = encode_der(der, sig);
	key = load(curve, point, NULL);
	ctx = EVP_MD_CTX_new();
	if (der_len == 0 || key == NULL || ctx == NULL ||
	    EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", NULL, NULL, key,
				    NULL) != 1)
		goto out;
	/* Refuses an r or s of 0 or beyond the group order, too. */
	err = EVP_DigestVerify(ctx, der, der_len, msg, len) == 1
		  ? 0
		  : PARLEY_ERR_SIGNATURE;
out:
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	ERR_pop_to_mark();
	return err;
}

/* Write r || s, with the lower of s and n - s. */
static int decode_der(uint8_t sig[DID_EC_SIG_LEN], const uint8_t *der,
		      size_t der_len, const struct curve *curve)
{
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)der_len);
	EC_GROUP *group = EC_GROUP_new_by_curve_name(curve->nid);
	BIGNUM *other = BN_new();
	const BIGNUM *r, *s;
	int err = PARLEY_ERR_MEMORY;

	if (pair == NULL || group == NULL || other == NULL)
		goto out;
	ECDSA_SIG_get0(pair, &r, &s);
	if (BN_sub(other, EC_GROUP_get0_order(group), s) != 1)
		goto out;
	if (BN_cmp(other, s) < 0)
		s = other;
	if (BN_bn2binpad(r, sig, HALF_LEN) == HALF_LEN &&
	    BN_bn2binpad(s, sig + HALF_LEN, HALF_LEN) == HALF_LEN)
		err = 0;
out:
	BN_free(other);
	EC_GROUP_free(group);
	ECDSA_SIG_free(pair);
	return err;
}

int did_ec_sign(uint8_t sig[DID_EC_SIG_LEN], enum did_key_type type,
		const uint8_t *point, const uint8_t *secret, const void *msg,
		size_t len)
{
	const struct curve *curve = find_curve(type);
	size_t der_len = DER_MAX;
	EVP_MD_CTX *ctx = NULL;
	EVP_PKEY *key = NULL;
	uint8_t der[DER_MAX];
	int err = PARLEY_ERR_MEMORY;

	if (curve == NULL || !curve->signs)
		return PARLEY_ERR_UNSUPPORTED;
	ERR_set_mark();
	key = load(curve, point, secret);
	ctx = EVP_MD_CTX_new();
	if (key == NULL || ctx == NULL ||
	    EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) !=
		1)
		goto out;
	err = PARLEY_ERR_SYSTEM;
	if (EVP_DigestSign(ctx, der, &der_len, msg, len) != 1)
		goto out;
	err = decode_der(sig, der, der_len, curve);
out:
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	ERR_pop_to_mark();
	return err;
}

int did_ec_agree(uint8_t shared[DID_EC_COORDINATE_MAX], enum did_key_type type,
		 const uint8_t *point, const uint8_t *secret,
		 const uint8_t *peer)
{
	const struct curve *curve = find_curve(type);
	EVP_PKEY *own = NULL, *other = NULL;
	EVP_PKEY_CTX *ctx = NULL;
	size_t len = DID_EC_COORDINATE_MAX;
	int err;

	assert(curve != NULL);
	ERR_set_mark();
	own = load(curve, point, secret);
	other = load(curve, peer, NULL);
	err = PARLEY_ERR_KEY;
	if (other == NULL)
		goto out;
	err = PARLEY_ERR_MEMORY;
	ctx = own != NULL ? EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL) : NULL;
	if (ctx == NULL || EVP_PKEY_derive_init(ctx) != 1)
		goto out;
	err = PARLEY_ERR_KEY;
	/*
	 * Without OpenSSL's own check of the peer: load() has seen that the
	 * point is on the curve, and n times a point is only worth computing
	 * where the cofactor is not 1.
	 */
	if (EVP_PKEY_derive_set_peer_ex(ctx, other, 0) != 1)
		goto out;
	err = PARLEY_ERR_MEMORY;
	if (EVP_PKEY_derive(ctx, shared, &len) == 1 && len == curve->len)
		err = 0;
out:
	if (err != 0)
		did_secret_wipe(shared, DID_EC_COORDINATE_MAX);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(other);
	EVP_PKEY_free(own);
	ERR_pop_to_mark();
	return err;
}

EVP_PKEY *did_ec_to_evp(enum did_key_type type, const uint8_t *point,
			const uint8_t *secret)
{
	const struct curve *curve = find_curve(type);

	return curve != NULL ? load(curve, point, secret) : NULL;
}
