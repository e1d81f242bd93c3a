/*
 * PBES2 JWE, for keys at rest.
 *
 * Spec: RFC 7516 3.1 and 5 (compact JWE), RFC 7518 4.8 (PBES2), 5.2 (AES-CBC
 * with HMAC), 5.3 (AES-GCM), RFC 7517 7 and Appendix C.
 *
 *   header "." encrypted key "." iv "." ciphertext "." tag       base64url each
 *
 * By OpenSSL; cjose has no PBES2.  The content key is used once and wiped.
 */
#include "did/pbes.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>

#include <parley/err.h>

#include "did/base64.h"
#include "did/json.h"
#include "did/secret.h"

enum {
	N_PARTS = 5,
	SALT_MIN = 8, /* RFC 7518 4.8.1.1 */
	SALT_MAX = 64,
	SALT_LEN = 16,
	KEK_MAX = 32,
	CEK_MAX = 64,
	WRAPPED_MAX = CEK_MAX + 8,
	IV_MAX = 16,
	TAG_MAX = 32,
	NAME_MAX_LEN = 32,
};

struct alg {
	const char *name;
	const char *hash;
	const char *wrap;
	size_t kek_len;
};

static const struct alg algs[] = {
    {"PBES2-HS256+A128KW", "SHA256", "AES-128-WRAP", 16},
    {"PBES2-HS384+A192KW", "SHA384", "AES-192-WRAP", 24},
    {"PBES2-HS512+A256KW", "SHA512", "AES-256-WRAP", 32},
};

struct enc {
	const char *name;
	const char *cipher;
	const char *hash; /* of the HMAC; NULL for GCM */
	size_t key_len;	  /* of both keys together */
	size_t iv_len;
	size_t tag_len;
};

static const struct enc encs[] = {
    {"A128GCM", "AES-128-GCM", NULL, 16, 12, 16},
    {"A192GCM", "AES-192-GCM", NULL, 24, 12, 16},
    {"A256GCM", "AES-256-GCM", NULL, 32, 12, 16},
    {"A128CBC-HS256", "AES-128-CBC", "SHA256", 32, 16, 16},
    {"A192CBC-HS384", "AES-192-CBC", "SHA384", 48, 16, 24},
    {"A256CBC-HS512", "AES-256-CBC", "SHA512", 64, 16, 32},
};

/* A parsed JWE.  Parts that are not long stand here, decoded. */
struct jwe {
	const struct alg *alg;
	const struct enc *enc;
	unsigned rounds;
	uint8_t salt[NAME_MAX_LEN + 1 + SALT_MAX]; /* alg, 0, p2s */
	size_t salt_len;
	uint8_t wrapped[WRAPPED_MAX];
	size_t wrapped_len;
	uint8_t iv[IV_MAX];
	uint8_t tag[TAG_MAX];
	const char *header; /* text, as associated data */
	size_t header_len;
};

static void set_salt(struct jwe *jwe, const uint8_t *p2s, size_t len)
{
	size_t name_len = strlen(jwe->alg->name);

	memcpy(jwe->salt, jwe->alg->name, name_len);
	jwe->salt[name_len] = 0;
	memcpy(jwe->salt + name_len + 1, p2s, len);
	jwe->salt_len = name_len + 1 + len;
}

static int derive_kek(uint8_t kek[KEK_MAX], const struct jwe *jwe,
		      const char *passphrase, size_t passphrase_len)
{
	const EVP_MD *hash = EVP_get_digestbyname(jwe->alg->hash);

	if (hash == NULL ||
	    PKCS5_PBKDF2_HMAC(passphrase, (int)passphrase_len, jwe->salt,
			      (int)jwe->salt_len, (int)jwe->rounds, hash,
			      (int)jwe->alg->kek_len, kek) != 1)
		return PARLEY_ERR_MEMORY;
	return 0;
}

/* RFC 3394; ${encrypt} makes 8 bytes more, decrypting 8 less. */
static int wrap(uint8_t *out, const struct alg *alg, const uint8_t *kek,
		const uint8_t *in, size_t len, bool encrypt)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, alg->wrap, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int err = PARLEY_ERR_MEMORY;
	int n;

	if (cipher == NULL || ctx == NULL)
		goto out;
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	if (EVP_CipherInit_ex2(ctx, cipher, kek, NULL, encrypt, NULL) != 1)
		goto out;
	if (EVP_CipherUpdate(ctx, out, &n, in, (int)len) == 1)
		err = 0;
	else
		err = PARLEY_ERR_PASSPHRASE;
out:
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	return err;
}

static int run_gcm(uint8_t *out, const struct jwe *jwe, const uint8_t *cek,
		   const uint8_t *in, size_t len, uint8_t tag[TAG_MAX],
		   bool encrypt)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, jwe->enc->cipher, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	const int tag_len = (int)jwe->enc->tag_len;
	int err = PARLEY_ERR_MEMORY;
	int n;

	if (cipher == NULL || ctx == NULL ||
	    EVP_CipherInit_ex2(ctx, cipher, cek, jwe->iv, encrypt, NULL) != 1 ||
	    EVP_CipherUpdate(ctx, NULL, &n, (const uint8_t *)jwe->header,
			     (int)jwe->header_len) != 1 ||
	    EVP_CipherUpdate(ctx, out, &n, in, (int)len) != 1)
		goto out;
	if (!encrypt &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, tag_len, tag) != 1)
		goto out;
	err = PARLEY_ERR_PASSPHRASE;
	if (EVP_CipherFinal_ex(ctx, out + n, &n) != 1)
		goto out;
	err = PARLEY_ERR_MEMORY;
	if (!encrypt ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, tag_len, tag) == 1)
		err = 0;
out:
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	return err;
}

/* RFC 7518 5.2.2.1: HMAC of header, iv, ciphertext, length of the header. */
static bool is_cbc_tag(const struct jwe *jwe, const uint8_t *cek,
		       const uint8_t *in, size_t len)
{
	const size_t half = jwe->enc->key_len / 2;
	const uint64_t bits = (uint64_t)jwe->header_len * 8;
	uint8_t mac[EVP_MAX_MD_SIZE], *joined;
	size_t n = jwe->header_len;
	bool good;

	joined = malloc(n + IV_MAX + len + 8);
	if (joined == NULL)
		return false;
	memcpy(joined, jwe->header, n);
	memcpy(joined + n, jwe->iv, jwe->enc->iv_len);
	n += jwe->enc->iv_len;
	memcpy(joined + n, in, len);
	n += len;
	for (unsigned i = 0; i < 8; i++)
		joined[n++] = (uint8_t)(bits >> (56 - 8 * i));
	good = HMAC(EVP_get_digestbyname(jwe->enc->hash), cek, (int)half,
		    joined, n, mac, NULL) != NULL &&
	       sodium_memcmp(mac, jwe->tag, jwe->enc->tag_len) == 0;
	free(joined);
	did_secret_wipe(mac, sizeof(mac));
	return good;
}

static int open_cbc(uint8_t *out, size_t *lenp, const struct jwe *jwe,
		    const uint8_t *cek, const uint8_t *in, size_t len)
{
	EVP_CIPHER *cipher = NULL;
	EVP_CIPHER_CTX *ctx = NULL;
	int err = PARLEY_ERR_PASSPHRASE;
	int n, last;

	if (!is_cbc_tag(jwe, cek, in, len))
		return err;
	cipher = EVP_CIPHER_fetch(NULL, jwe->enc->cipher, NULL);
	ctx = EVP_CIPHER_CTX_new();
	if (cipher == NULL || ctx == NULL ||
	    EVP_CipherInit_ex2(ctx, cipher, cek + jwe->enc->key_len / 2,
			       jwe->iv, 0, NULL) != 1) {
		err = PARLEY_ERR_MEMORY;
		goto out;
	}
	if (EVP_CipherUpdate(ctx, out, &n, in, (int)len) != 1 ||
	    EVP_CipherFinal_ex(ctx, out + n, &last) != 1)
		goto out;
	*lenp = (size_t)(n + last);
	err = 0;
out:
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	return err;
}

static int append(char *text, size_t *lenp, const void *bytes, size_t len,
		  char after)
{
	if (DID_PBES_TEXT_SIZE - *lenp < DID_BASE64_LEN(len) + 2)
		return PARLEY_ERR_TOO_LARGE;
	did_base64_encode(text + *lenp, bytes, len);
	*lenp += DID_BASE64_LEN(len);
	if (after != '\0')
		text[(*lenp)++] = after;
	text[*lenp] = '\0';
	return 0;
}

int did_pbes_seal(char text[DID_PBES_TEXT_SIZE], size_t *lenp,
		  const void *plain, size_t len, const char *passphrase,
		  size_t passphrase_len)
{
	char header[192], salt_text[DID_BASE64_LEN(SALT_LEN) + 1];
	struct jwe jwe = {.alg = &algs[2], .enc = &encs[2]};
	uint8_t salt[SALT_LEN], kek[KEK_MAX], cek[CEK_MAX];
	uint8_t *sealed = NULL;
	size_t n = 0;
	int err;

	if (len > DID_PBES_PLAIN_MAX)
		return PARLEY_ERR_TOO_LARGE;
	ERR_set_mark();
	randombytes_buf(salt, sizeof(salt));
	randombytes_buf(cek, sizeof(cek));
	randombytes_buf(jwe.iv, sizeof(jwe.iv));
	did_base64_encode(salt_text, salt, sizeof(salt));
	set_salt(&jwe, salt, sizeof(salt));
	jwe.rounds = DID_PBES_ROUNDS;
	snprintf(header, sizeof(header),
		 "{\"alg\":\"%s\",\"enc\":\"%s\",\"p2s\":\"%s\",\"p2c\":%u,"
		 "\"cty\":\"jwk+json\"}",
		 jwe.alg->name, jwe.enc->name, salt_text, jwe.rounds);
	err = PARLEY_ERR_MEMORY;
	sealed = malloc(len + 1);
	if (sealed == NULL)
		goto out;
	if ((err = append(text, &n, header, strlen(header), '.')) != 0)
		goto out;
	jwe.header = text;
	jwe.header_len = n - 1;
	jwe.wrapped_len = jwe.enc->key_len + 8;
	if ((err = derive_kek(kek, &jwe, passphrase, passphrase_len)) != 0 ||
	    (err = wrap(jwe.wrapped, jwe.alg, kek, cek, jwe.enc->key_len,
			true)) != 0 ||
	    (err = run_gcm(sealed, &jwe, cek, plain, len, jwe.tag, true)) !=
		0 ||
	    (err = append(text, &n, jwe.wrapped, jwe.wrapped_len, '.')) != 0 ||
	    (err = append(text, &n, jwe.iv, jwe.enc->iv_len, '.')) != 0 ||
	    (err = append(text, &n, sealed, len, '.')) != 0 ||
	    (err = append(text, &n, jwe.tag, jwe.enc->tag_len, '\0')) != 0)
		goto out;
	*lenp = n;
out:
	did_secret_wipe(kek, sizeof(kek));
	did_secret_wipe(cek, sizeof(cek));
	free(sealed);
	ERR_pop_to_mark();
	return err;
}

static int read_header(struct jwe *jwe, const json_t *header)
{
	const char *alg = did_json_string(header, "alg");
	const char *enc = did_json_string(header, "enc");
	const json_t *p2s = json_object_get(header, "p2s");
	const json_t *p2c = json_object_get(header, "p2c");
	uint8_t salt[SALT_MAX];
	size_t len;
	int err;

	if (alg == NULL || enc == NULL || !json_is_string(p2s) ||
	    !json_is_integer(p2c) || json_object_get(header, "zip") != NULL ||
	    json_object_get(header, "crit") != NULL)
		return PARLEY_ERR_FORMAT;
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		if (strcmp(algs[i].name, alg) == 0)
			jwe->alg = &algs[i];
	}
	for (size_t i = 0; i < sizeof(encs) / sizeof(encs[0]); i++) {
		if (strcmp(encs[i].name, enc) == 0)
			jwe->enc = &encs[i];
	}
	if (jwe->alg == NULL || jwe->enc == NULL)
		return PARLEY_ERR_ALGORITHM;
	if (json_integer_value(p2c) < DID_PBES_ROUNDS_MIN ||
	    json_integer_value(p2c) > DID_PBES_ROUNDS_MAX)
		return PARLEY_ERR_TOO_LARGE;
	jwe->rounds = (unsigned)json_integer_value(p2c);
	err =
	    did_base64_decode(salt, sizeof(salt), &len, json_string_value(p2s),
			      json_string_length(p2s));
	if (err != 0 || len < SALT_MIN)
		return err == PARLEY_ERR_ENCODING ? err : PARLEY_ERR_LENGTH;
	set_salt(jwe, salt, len);
	return 0;
}

static int parse_header(struct jwe *jwe, const char *text, size_t len)
{
	json_t *header;
	uint8_t *bytes;
	size_t n;
	int err;

	bytes = malloc(len + 1);
	if (bytes == NULL)
		return PARLEY_ERR_MEMORY;
	jwe->header = text;
	jwe->header_len = len;
	err = did_base64_decode(bytes, len + 1, &n, text, len);
	if (err == 0)
		err = did_json_parse(&header, (const char *)bytes, n);
	if (err == 0) {
		err = read_header(jwe, header);
		json_decref(header);
	}
	free(bytes);
	return err;
}

/* Cut ${text} into its parts. */
static int split(const char *parts[N_PARTS], size_t lens[N_PARTS],
		 const char *text, size_t len)
{
	size_t n = 0, start = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && text[i] != '.')
			continue;
		if (n == N_PARTS)
			return PARLEY_ERR_FORMAT;
		parts[n] = text + start;
		lens[n++] = i - start;
		start = i + 1;
	}
	return n == N_PARTS ? 0 : PARLEY_ERR_FORMAT;
}

int did_pbes_open(uint8_t plain[DID_PBES_PLAIN_MAX], size_t *lenp,
		  const char *text, size_t len, const char *passphrase,
		  size_t passphrase_len)
{
	uint8_t kek[KEK_MAX], cek[WRAPPED_MAX];
	uint8_t sealed[DID_PBES_PLAIN_MAX];
	const char *parts[N_PARTS];
	size_t lens[N_PARTS], n;
	struct jwe jwe = {0};
	int err;

	if (len > DID_PBES_TEXT_MAX)
		return PARLEY_ERR_TOO_LARGE;
	if ((err = split(parts, lens, text, len)) != 0 ||
	    (err = parse_header(&jwe, parts[0], lens[0])) != 0 ||
	    (err = did_base64_decode_exact(jwe.wrapped, jwe.enc->key_len + 8,
					   parts[1], lens[1])) != 0 ||
	    (err = did_base64_decode_exact(jwe.iv, jwe.enc->iv_len, parts[2],
					   lens[2])) != 0 ||
	    (err = did_base64_decode(sealed, sizeof(sealed), &n, parts[3],
				     lens[3])) != 0 ||
	    (err = did_base64_decode_exact(jwe.tag, jwe.enc->tag_len, parts[4],
					   lens[4])) != 0)
		return err;
	ERR_set_mark();
	if ((err = derive_kek(kek, &jwe, passphrase, passphrase_len)) != 0 ||
	    (err = wrap(cek, jwe.alg, kek, jwe.wrapped, jwe.enc->key_len + 8,
			false)) != 0)
		goto out;
	if (jwe.enc->hash != NULL) {
		err = open_cbc(plain, lenp, &jwe, cek, sealed, n);
		goto out;
	}
	err = run_gcm(plain, &jwe, cek, sealed, n, jwe.tag, false);
	if (err == 0)
		*lenp = n;
out:
	did_secret_wipe(kek, sizeof(kek));
	did_secret_wipe(cek, sizeof(cek));
	ERR_pop_to_mark();
	return err;
}
