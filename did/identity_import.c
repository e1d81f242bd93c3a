/*
 * Secret keys in the formats of other programs: JWK, PKCS #8, raw seed.
 *
 * Spec: RFC 7517, RFC 8037 (JWK, and under a passphrase its JWE); RFC 7468, RFC
 * 5958, RFC 8410, RFC 8018 (PEM).
 *
 * Invariant: the DID follows from the secret alone; where a file holds a public
 * key as well, it must be the same.
 */
#include "did/identity.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <sodium.h>

#include "did/ec.h"
#include "did/file.h"
#include "did/jwk.h"
#include "did/key.h"
#include "did/pair.h"
#include "did/pbes.h"
#include "did/secret.h"

enum {
	FILE_LEN_MAX = 16 * 1024,
	PBKDF2_ROUNDS = 600000,
	POINT_MAX = 1 + 2 * DID_EC_COORDINATE_MAX,
};

struct passphrase {
	const char *text;
	size_t len;
	bool asked;
};

/* OpenSSL asks for the passphrase; -1 says that there is none. */
static int give_passphrase(char *buf, int size, int writing, void *arg)
{
	struct passphrase *passphrase = arg;

	(void)writing;
	passphrase->asked = true;
	if (passphrase->text == NULL || passphrase->len == 0 ||
	    passphrase->len > (size_t)size)
		return -1;
	memcpy(buf, passphrase->text, passphrase->len);
	return (int)passphrase->len;
}

static bool is_curve(const EVP_PKEY *pkey, const char *name)
{
	char group[32];
	size_t len;

	return EVP_PKEY_is_a(pkey, "EC") &&
	       EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME,
					      group, sizeof(group),
					      &len) == 1 &&
	       strcmp(group, name) == 0;
}

/* The public key that stands in an EC key file. */
static int read_ec_public(struct did_key *key, const EVP_PKEY *pkey)
{
	uint8_t point[POINT_MAX];
	size_t len;

	if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY,
					    point, sizeof(point), &len) != 1)
		return PARLEY_ERR_KEY;
	if (len == 65 && point[0] == 4)
		return did_key_from_xy(key, DID_KEY_P256, point + 1,
				       point + 33);
	return did_key_from_bytes(key, DID_KEY_P256, point, len);
}

static int pair_from_ec(struct did_pair *pair, const EVP_PKEY *pkey)
{
	uint8_t secret[DID_EC_COORDINATE_MAX];
	const size_t len = did_ec_coordinate_len(DID_KEY_P256);
	struct did_key key;
	BIGNUM *d = NULL;
	int err;

	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &d) != 1)
		return PARLEY_ERR_FORMAT;
	err =
	    BN_bn2binpad(d, secret, (int)len) == (int)len ? 0 : PARLEY_ERR_KEY;
	BN_clear_free(d);
	if (err == 0)
		err = did_pair_from_secret(pair, DID_KEY_P256, secret, len);
	did_secret_wipe(secret, sizeof(secret));
	if (err != 0)
		return err;
	err = read_ec_public(&key, pkey);
	if (err == 0 && !did_key_equal(&key, &pair->key))
		err = PARLEY_ERR_KEY;
	if (err != 0)
		did_pair_wipe(pair);
	return err;
}

static int pair_from_ed25519(struct did_pair *pair, const EVP_PKEY *pkey)
{
	uint8_t seed[DID_IDENTITY_SEED_LEN];
	size_t len = sizeof(seed);
	int err;

	if (EVP_PKEY_get_raw_private_key(pkey, seed, &len) != 1)
		return PARLEY_ERR_FORMAT;
	err = did_pair_from_secret(pair, DID_KEY_ED25519, seed, len);
	did_secret_wipe(seed, sizeof(seed));
	return err;
}

static int pair_from_pem(struct did_pair *pair, const uint8_t *text, size_t len,
			 struct passphrase *passphrase)
{
	EVP_PKEY *pkey = NULL;
	BIO *bio;
	int err;

	bio = BIO_new_mem_buf(text, (int)len);
	if (bio == NULL)
		return PARLEY_ERR_MEMORY;
	ERR_set_mark();
	pkey = PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, passphrase);
	ERR_pop_to_mark();
	if (pkey == NULL)
		err = passphrase->asked ? PARLEY_ERR_PASSPHRASE
					: PARLEY_ERR_FORMAT;
	else if (EVP_PKEY_is_a(pkey, "ED25519"))
		err = pair_from_ed25519(pair, pkey);
	else if (is_curve(pkey, "prime256v1"))
		err = pair_from_ec(pair, pkey);
	else
		err = PARLEY_ERR_UNSUPPORTED;
	EVP_PKEY_free(pkey);
	BIO_free(bio);
	return err;
}

/* A JWK, or the JWE of one (RFC 7517 7); its first byte tells. */
static int pair_from_jwk(struct did_pair *pair, char *text, size_t len,
			 const struct passphrase *passphrase)
{
	size_t plain_len;
	uint8_t *plain;
	int err;

	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		text[--len] = '\0';
	if (len == 0 || text[0] != 'e') /* base64url of `{` */
		return did_jwk_to_pair(pair, text, len);
	if (passphrase->text == NULL || passphrase->len == 0)
		return PARLEY_ERR_PASSPHRASE;
	plain = did_secret_new(DID_PBES_PLAIN_MAX + 1);
	if (plain == NULL)
		return PARLEY_ERR_MEMORY;
	err = did_pbes_open(plain, &plain_len, text, len, passphrase->text,
			    passphrase->len);
	if (err == 0)
		err = did_jwk_to_pair(pair, (char *)plain, plain_len);
	did_secret_free(plain);
	return err;
}

int parley_did_identity_import(struct parley_identity **idp, const char *path,
			       enum parley_key_format format,
			       const char *passphrase, size_t passphrase_len)
{
	struct passphrase given = {.text = passphrase, .len = passphrase_len};
	struct did_pair *pair = NULL;
	uint8_t *bytes = NULL;
	size_t len;
	int err;

	err = did_file_read(&bytes, &len, path, FILE_LEN_MAX);
	if (err != 0)
		return err == PARLEY_ERR_FILE_FORMAT ? PARLEY_ERR_FORMAT : err;
	err = PARLEY_ERR_MEMORY;
	pair = did_secret_new(sizeof(*pair));
	if (pair == NULL)
		goto out;
	err = PARLEY_ERR_ARGUMENT;
	switch (format) {
	case PARLEY_KEY_JWK:
		err = pair_from_jwk(pair, (char *)bytes, len, &given);
		break;
	case PARLEY_KEY_PEM:
		err = pair_from_pem(pair, bytes, len, &given);
		break;
	case PARLEY_KEY_SEED:
		err = did_pair_from_secret(pair, DID_KEY_ED25519, bytes, len);
		break;
	}
	if (err == 0)
		err = did_identity_from_secret(idp, pair->key.type,
					       pair->secret, pair->secret_len);
out:
	did_secret_free(pair);
	did_secret_free(bytes);
	return err;
}

static EVP_PKEY *to_evp(const struct did_pair *pair)
{
	if (pair->key.type == DID_KEY_ED25519)
		return EVP_PKEY_new_raw_private_key(
		    EVP_PKEY_ED25519, NULL, pair->secret, pair->secret_len);
	return did_ec_to_evp(pair->key.type, pair->key.bytes, pair->secret);
}

/* PBES2 (RFC 8018 6.2), with more rounds than OpenSSL would take. */
static X509_SIG *encrypt(PKCS8_PRIV_KEY_INFO *info, const char *passphrase,
			 size_t passphrase_len)
{
	uint8_t salt[16];
	X509_ALGOR *pbe;
	X509_SIG *sealed;

	randombytes_buf(salt, sizeof(salt));
	pbe = PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), PBKDF2_ROUNDS, salt,
				sizeof(salt), NULL, NID_hmacWithSHA256);
	if (pbe == NULL)
		return NULL;
	sealed = PKCS8_set0_pbe(passphrase, (int)passphrase_len, info, pbe);
	if (sealed == NULL)
		X509_ALGOR_free(pbe);
	return sealed;
}

/* Put a copy of ${len} bytes in locked memory. */
static int keep(uint8_t **bytesp, size_t *lenp, const void *bytes, size_t len)
{
	*bytesp = did_secret_new(len);
	if (*bytesp == NULL)
		return PARLEY_ERR_MEMORY;
	memcpy(*bytesp, bytes, len);
	*lenp = len;
	return 0;
}

static int encode_pem(uint8_t **bytesp, size_t *lenp,
		      const struct did_pair *pair, const char *passphrase,
		      size_t passphrase_len)
{
	PKCS8_PRIV_KEY_INFO *info = NULL;
	BIO *bio = BIO_new(BIO_s_secmem());
	X509_SIG *sealed = NULL;
	EVP_PKEY *pkey = NULL;
	char *text;
	long len;
	int err = PARLEY_ERR_MEMORY;

	pkey = to_evp(pair);
	info = pkey != NULL ? EVP_PKEY2PKCS8(pkey) : NULL;
	if (bio == NULL || info == NULL)
		goto out;
	if (passphrase == NULL) {
		if (PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info) != 1)
			goto out;
	} else {
		sealed = encrypt(info, passphrase, passphrase_len);
		if (sealed == NULL || PEM_write_bio_PKCS8(bio, sealed) != 1)
			goto out;
	}
	len = BIO_get_mem_data(bio, &text);
	if (len > 0)
		err = keep(bytesp, lenp, text, (size_t)len);
out:
	X509_SIG_free(sealed);
	PKCS8_PRIV_KEY_INFO_free(info);
	EVP_PKEY_free(pkey);
	BIO_free(bio);
	return err;
}

static int encode_jwk(uint8_t **bytesp, size_t *lenp,
		      const struct did_pair *pair, const char *passphrase,
		      size_t passphrase_len)
{
	char *text = did_secret_new(DID_JWK_SECRET_SIZE);
	char *sealed = malloc(DID_PBES_TEXT_SIZE);
	const char *content = text;
	int err = PARLEY_ERR_MEMORY;
	size_t len;

	if (text == NULL || sealed == NULL)
		goto out;
	err = did_jwk_from_pair(text, &len, pair);
	if (err == 0 && passphrase != NULL) {
		err = did_pbes_seal(sealed, &len, text, len, passphrase,
				    passphrase_len);
		content = sealed;
	}
	if (err == 0)
		err = keep(bytesp, lenp, content, len);
out:
	free(sealed);
	did_secret_free(text);
	return err;
}

int did_identity_encode(uint8_t **bytesp, size_t *lenp,
			const struct parley_identity *id,
			enum parley_key_format format, const char *passphrase,
			size_t passphrase_len)
{
	const struct did_pair *pair = did_identity_pair(id);

	if (passphrase != NULL &&
	    (format == PARLEY_KEY_SEED || passphrase_len == 0 ||
	     passphrase_len > PARLEY_PASSPHRASE_LEN_MAX))
		return PARLEY_ERR_ARGUMENT;
	switch (format) {
	case PARLEY_KEY_JWK:
		return encode_jwk(bytesp, lenp, pair, passphrase,
				  passphrase_len);
	case PARLEY_KEY_PEM:
		return encode_pem(bytesp, lenp, pair, passphrase,
				  passphrase_len);
	case PARLEY_KEY_SEED:
		if (pair->key.type != DID_KEY_ED25519)
			return PARLEY_ERR_ARGUMENT;
		return keep(bytesp, lenp, pair->secret, pair->secret_len);
	}
	return PARLEY_ERR_ARGUMENT;
}

int parley_did_identity_export(const struct parley_identity *id,
			       const char *path, enum parley_key_format format,
			       const char *passphrase, size_t passphrase_len)
{
	uint8_t *bytes;
	size_t len;
	int err, saved;

	err = did_identity_encode(&bytes, &len, id, format, passphrase,
				  passphrase_len);
	if (err != 0)
		return err;
	err = did_file_create(path, bytes, len);
	saved = errno;
	did_secret_free(bytes);
	errno = saved;
	return err;
}
