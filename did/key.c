/*
 * Public keys and their text.
 *
 * Spec: did:key method v0.9, "did:key Identifier Syntax" and "Decode Public
 * Key Algorithm"; multicodec table.csv; RFC 8032; RFC 7748; SEC 1.
 *
 * Invariant: a struct did_key that came out of this file holds a usable,
 * canonical key, so one key has one text and DIDs compare as strings.
 */
#include "did/key.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include <parley/err.h>

#include "did/base58.h"
#include "did/bytes.h"
#include "did/ec.h"
#include "did/rsa.h"
#include "did/x25519.h"

#define DID_KEY_SCHEME "did:key:"

enum {
	SCHEME_LEN = sizeof(DID_KEY_SCHEME) - 1,
	SIG_LEN = DID_EC_SIG_LEN,
	MULTIKEY_BYTES_MAX = 9 + DID_KEY_BYTES_MAX, /* varint and key */
};

_Static_assert((int)SIG_LEN == crypto_sign_BYTES, "one length of all");
_Static_assert((int)MULTIKEY_BYTES_MAX <= (int)DID_BASE58_BYTES_MAX,
	       "a multikey fits into base58");

/*
 * Secret keys have multicodecs of their own (0x1300 Ed25519, 0x1301 secp256k1,
 * 0x1302 X25519, 0x1306 to 0x1308 NIST).  None is in this table, and none may
 * enter it: who resolves a secret key as a DID has published it.
 */
static const struct did_key_info infos[DID_KEY_N_TYPES] = {
    /* type, name, kty, codec, len, alg, can_sign, can_agree */
    {DID_KEY_ED25519, "Ed25519", "OKP", 0xed, 32, "EdDSA", true, false},
    {DID_KEY_X25519, "X25519", "OKP", 0xec, 32, NULL, false, true},
    {DID_KEY_P256, "P-256", "EC", 0x1200, 33, "ES256", true, true},
    {DID_KEY_P384, "P-384", "EC", 0x1201, 49, NULL, true, true},
    {DID_KEY_P521, "P-521", "EC", 0x1202, 67, NULL, true, true},
    {DID_KEY_SECP256K1, "secp256k1", "EC", 0xe7, 33, "ES256K", true, true},
    {DID_KEY_RSA, "RSA", "RSA", 0x1205, 0, NULL, true, true},
};

const struct did_key_info *did_key_info(enum did_key_type type)
{
	assert((unsigned)type < DID_KEY_N_TYPES && infos[type].type == type);
	return &infos[type];
}

static const struct did_key_info *info_by_codec(uint64_t codec)
{
	for (size_t i = 0; i < DID_KEY_N_TYPES; i++) {
		if (infos[i].codec == codec)
			return &infos[i];
	}
	return NULL;
}

/*
 * Choice: an Ed25519 key that has no X25519 key is refused altogether, since
 * it is of small order, outside the prime-order group, or not canonical; no
 * honest key generator makes one.
 */
static bool ed25519_is_valid(const uint8_t *bytes)
{
	uint8_t x[DID_KEY_X25519_LEN];

	return crypto_sign_ed25519_pk_to_curve25519(x, bytes) == 0;
}

/* u < 2^255 - 19, in little-endian bytes; RFC 7748 would reduce it. */
static bool x25519_is_canonical(const uint8_t *u)
{
	if (u[31] < 0x7f)
		return true;
	if (u[31] > 0x7f)
		return false;
	for (size_t i = 30; i > 0; i--) {
		if (u[i] != 0xff)
			return true;
	}
	return u[0] < 0xed;
}

/*
 * The u of all points of small order on Curve25519 and its twist (RFC 7748, 7;
 * the multiples that a reduction would map to these are not canonical).  A
 * table, because a scalar multiplication for each key that is read costs as
 * much as the agreement itself.
 */
static bool x25519_is_valid(const uint8_t *bytes)
{
	static const uint8_t small_order[][DID_KEY_X25519_LEN] = {
	    {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	     0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	     0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00},
	    {0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	     0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	     0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00},
	    {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
	     0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
	     0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
	    {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1,
	     0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c,
	     0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
	    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
	};

	for (size_t i = 0; i < sizeof(small_order) / sizeof(small_order[0]);
	     i++) {
		if (memcmp(bytes, small_order[i], DID_KEY_X25519_LEN) == 0)
			return false;
	}
	return x25519_is_canonical(bytes);
}

static bool is_valid(enum did_key_type type, const uint8_t *bytes, size_t len)
{
	switch (type) {
	case DID_KEY_ED25519:
		return ed25519_is_valid(bytes);
	case DID_KEY_X25519:
		return x25519_is_valid(bytes);
	case DID_KEY_P256:
	case DID_KEY_P384:
	case DID_KEY_P521:
	case DID_KEY_SECP256K1:
		/* 4 would begin a point that is not compressed. */
		return (bytes[0] == 2 || bytes[0] == 3) &&
		       did_ec_is_point(type, bytes);
	case DID_KEY_RSA:
		return did_rsa_is_valid(bytes, len);
	}
	return false;
}

int did_key_from_bytes(struct did_key *key, enum did_key_type type,
		       const uint8_t *bytes, size_t len)
{
	const struct did_key_info *info = did_key_info(type);

	if (len == 0 || len > DID_KEY_BYTES_MAX)
		return PARLEY_ERR_LENGTH;
	if (info->len != 0 && len != info->len)
		return PARLEY_ERR_LENGTH;
	if (!is_valid(type, bytes, len))
		return PARLEY_ERR_KEY;
	memset(key, 0, sizeof(*key));
	key->type = type;
	key->len = len;
	memcpy(key->bytes, bytes, len);
	return 0;
}

int did_key_from_xy(struct did_key *key, enum did_key_type type,
		    const uint8_t *x, const uint8_t *y)
{
	uint8_t point[DID_EC_POINT_MAX];
	int err;

	if (did_ec_coordinate_len(type) == 0)
		return PARLEY_ERR_ARGUMENT;
	err = did_ec_compress(point, type, x, y);
	if (err != 0)
		return err;
	return did_key_from_bytes(key, type, point, did_key_info(type)->len);
}

int did_key_from_multikey(struct did_key *key, const char *text,
			  size_t text_len)
{
	uint8_t bytes[MULTIKEY_BYTES_MAX];
	const struct did_key_info *info;
	struct did_reader r;
	uint64_t codec;
	size_t len;
	int err;

	if (text_len == 0 || text[0] != 'z')
		return PARLEY_ERR_FORMAT;
	if (text_len >= DID_KEY_MULTIKEY_SIZE)
		return PARLEY_ERR_LENGTH;
	err = did_base58_decode(bytes, sizeof(bytes), &len, text + 1,
				text_len - 1);
	if (err != 0)
		return err == PARLEY_ERR_TOO_LARGE ? PARLEY_ERR_LENGTH : err;
	did_reader_init(&r, bytes, len);
	codec = did_reader_varint(&r);
	if (r.failed)
		return PARLEY_ERR_ENCODING;
	info = info_by_codec(codec);
	if (info == NULL)
		return PARLEY_ERR_UNSUPPORTED;
	return did_key_from_bytes(key, info->type, r.p, r.left);
}

void did_key_to_multikey(char text[DID_KEY_MULTIKEY_SIZE],
			 const struct did_key *key)
{
	uint8_t bytes[MULTIKEY_BYTES_MAX];
	struct did_writer w;
	size_t len;
	int err;

	did_writer_init(&w, bytes, sizeof(bytes));
	did_writer_varint(&w, did_key_info(key->type)->codec);
	did_writer_copy(&w, key->bytes, key->len);
	err = did_writer_end(&w, &len);
	assert(err == 0);
	text[0] = 'z';
	err =
	    did_base58_encode(text + 1, DID_KEY_MULTIKEY_SIZE - 1, bytes, len);
	assert(err == 0);
}

int did_key_decode(struct did_key *key, const char *did, size_t did_len)
{
	const char *multikey;
	size_t len;

	if (did_len < SCHEME_LEN ||
	    memcmp(did, DID_KEY_SCHEME, SCHEME_LEN) != 0)
		return PARLEY_ERR_FORMAT;
	multikey = did + SCHEME_LEN;
	len = did_len - SCHEME_LEN;
	/* did:key:1.1:z6Mk... is allowed by the method, and made by no one. */
	if (memchr(multikey, ':', len) != NULL)
		return PARLEY_ERR_FORMAT;
	return did_key_from_multikey(key, multikey, len);
}

int did_key_encode(char *did, size_t size, const struct did_key *key)
{
	char multikey[DID_KEY_MULTIKEY_SIZE];
	size_t len;

	did_key_to_multikey(multikey, key);
	len = strlen(multikey);
	if (SCHEME_LEN + len >= size)
		return PARLEY_ERR_TOO_LARGE;
	memcpy(did, DID_KEY_SCHEME, SCHEME_LEN);
	memcpy(did + SCHEME_LEN, multikey, len + 1);
	return 0;
}

int did_key_derive_x25519(struct did_key *x, const struct did_key *ed)
{
	uint8_t bytes[DID_KEY_X25519_LEN];
	int err;

	if (ed->type != DID_KEY_ED25519)
		return PARLEY_ERR_ARGUMENT;
	/* In the right group, or did_key_from_bytes() had refused it. */
	err = did_x25519_from_edwards(bytes, ed->bytes);
	if (err != 0)
		return err;
	return did_key_from_bytes(x, DID_KEY_X25519, bytes, sizeof(bytes));
}

bool did_key_equal(const struct did_key *a, const struct did_key *b)
{
	return a->type == b->type && a->len == b->len &&
	       memcmp(a->bytes, b->bytes, a->len) == 0;
}

int did_key_verify(const struct did_key *key, const uint8_t *sig,
		   size_t sig_len, const void *msg, size_t len)
{
	/* The key says which algorithm, never the message (RFC 8725 3.1). */
	if (did_key_info(key->type)->alg == NULL)
		return PARLEY_ERR_UNSUPPORTED;
	if (sig_len != SIG_LEN)
		return PARLEY_ERR_SIGNATURE;
	if (key->type != DID_KEY_ED25519)
		return did_ec_verify(key->type, key->bytes, sig, msg, len);
	if (crypto_sign_verify_detached(sig, msg, len, key->bytes) != 0)
		return PARLEY_ERR_SIGNATURE;
	return 0;
}
