/*
 * The cryptography of encrypted envelopes: RFC 7518 (ECDH-ES, A256KW,
 * A256CBC-HS512, A256GCM), draft-madden-jose-ecdh-1pu-04, and the XC20P of
 * DIDComm.  The agreement itself is did_pair_agree().
 *
 * libsodium does SHA-256, HMAC and XC20P; OpenSSL does AES.  What a stranger
 * sends comes here with its lengths checked against the table.  Secret locals
 * are wiped before return.
 */
#include "comm/crypto.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/evp.h>
#include <sodium.h>

#include <parley/err.h>

#include "did/secret.h"

static const struct comm_crypto_enc_info encs[] = {
    [COMM_CRYPTO_A256CBC_HS512] = {"A256CBC-HS512", 64, 16, 32},
    [COMM_CRYPTO_A256GCM] = {"A256GCM", 32, 12, 16},
    [COMM_CRYPTO_XC20P] = {"XC20P", 32, 24, 16},
};

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

const struct comm_crypto_enc_info *comm_crypto_enc_info(
    enum comm_crypto_enc enc)
{
	return &encs[enc];
}

int comm_crypto_enc_find(enum comm_crypto_enc *encp, const char *name)
{
	for (size_t i = 0; i < N_ELEMENTS(encs); i++) {
		if (strcmp(encs[i].name, name) == 0) {
			*encp = (enum comm_crypto_enc)i;
			return 0;
		}
	}
	return PARLEY_ERR_ALGORITHM;
}

/* --- key derivation --- */

static void hash_u32(crypto_hash_sha256_state *h, size_t v)
{
	uint8_t be[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16),
			 (uint8_t)(v >> 8), (uint8_t)v};

	crypto_hash_sha256_update(h, be, sizeof(be));
}

static void hash_field(crypto_hash_sha256_state *h, const void *bytes,
		       size_t len)
{
	hash_u32(h, len);
	crypto_hash_sha256_update(h, bytes, len);
}

void comm_crypto_derive(uint8_t *kek, size_t kek_len, const uint8_t *z,
			size_t z_len, const struct comm_crypto_kdf *kdf)
{
	crypto_hash_sha256_state h;
	uint8_t hash[crypto_hash_sha256_BYTES];

	/*
	 * One round of NIST SP 800-56A Concat KDF: SHA-256 over counter, Z,
	 * AlgorithmID, PartyUInfo, PartyVInfo, SuppPubInfo.
	 * draft-madden-jose-ecdh-1pu-04 2.3: "SuppPubInfo is set to the
	 * keydatalen [...] followed by the tag", here with its length.
	 */
	crypto_hash_sha256_init(&h);
	hash_u32(&h, 1);
	crypto_hash_sha256_update(&h, z, z_len);
	hash_field(&h, kdf->alg, strlen(kdf->alg));
	hash_field(&h, kdf->apu, kdf->apu_len);
	hash_field(&h, kdf->apv, kdf->apv_len);
	hash_u32(&h, kek_len * 8);
	if (kdf->tag_len > 0)
		hash_field(&h, kdf->tag, kdf->tag_len);
	crypto_hash_sha256_final(&h, hash);
	memcpy(kek, hash, kek_len);
	did_secret_wipe(hash, sizeof(hash));
	did_secret_wipe(&h, sizeof(h));
}

/* --- key wrap --- */

/*
 * RFC 3394 2.2, one block after the other: OpenSSL's own AES-256-WRAP goes
 * through AES in tables, without the processor's instructions, which is slower
 * and does not take the same time for all keys.
 */
static const uint8_t wrap_iv[COMM_CRYPTO_WRAP_LEN] = {0xa6, 0xa6, 0xa6, 0xa6,
						      0xa6, 0xa6, 0xa6, 0xa6};

enum {
	WRAP_ROUNDS = 6,
	HALF = COMM_CRYPTO_BLOCK_LEN / 2,
};

static EVP_CIPHER_CTX *new_block_cipher(const uint8_t *key, int encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx != NULL && (EVP_CipherInit_ex(ctx, EVP_aes_256_ecb(), NULL, key,
					      NULL, encrypt) != 1 ||
			    EVP_CIPHER_CTX_set_padding(ctx, 0) != 1)) {
		EVP_CIPHER_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

static bool run_block(EVP_CIPHER_CTX *ctx, uint8_t block[COMM_CRYPTO_BLOCK_LEN])
{
	int n;

	return EVP_CipherUpdate(ctx, block, &n, block, COMM_CRYPTO_BLOCK_LEN) ==
		   1 &&
	       n == COMM_CRYPTO_BLOCK_LEN;
}

/* A ^= t; it stays below 6 * 9, so one byte holds it. */
static void xor_step(uint8_t block[COMM_CRYPTO_BLOCK_LEN], size_t t)
{
	block[HALF - 1] ^= (uint8_t)t;
}

int comm_crypto_wrap(uint8_t *wrapped, const uint8_t kek[COMM_CRYPTO_KEK_LEN],
		     const uint8_t *cek, size_t len)
{
	uint8_t block[COMM_CRYPTO_BLOCK_LEN], *r;
	EVP_CIPHER_CTX *ctx;
	size_t n = len / HALF;
	int err = PARLEY_ERR_MEMORY;

	if (len < 16 || len > COMM_CRYPTO_CEK_LEN_MAX || len % HALF != 0)
		return PARLEY_ERR_LENGTH;
	ctx = new_block_cipher(kek, 1);
	if (ctx == NULL)
		return err;
	memcpy(block, wrap_iv, HALF);
	memcpy(wrapped + HALF, cek, len);
	for (size_t j = 0; j < WRAP_ROUNDS; j++) {
		for (size_t i = 1; i <= n; i++) {
			r = wrapped + i * HALF;
			memcpy(block + HALF, r, HALF);
			if (!run_block(ctx, block))
				goto out;
			xor_step(block, n * j + i);
			memcpy(r, block + HALF, HALF);
		}
	}
	memcpy(wrapped, block, HALF);
	err = 0;
out:
	/* Not wrapped to the end, it is still the key. */
	if (err != 0)
		did_secret_wipe(wrapped, len + COMM_CRYPTO_WRAP_LEN);
	did_secret_wipe(block, sizeof(block));
	EVP_CIPHER_CTX_free(ctx);
	return err;
}

int comm_crypto_unwrap(uint8_t *cek, const uint8_t kek[COMM_CRYPTO_KEK_LEN],
		       const uint8_t *wrapped, size_t len)
{
	/* Nothing is given out before it is known to be right. */
	uint8_t out[COMM_CRYPTO_CEK_LEN_MAX + COMM_CRYPTO_WRAP_LEN];
	uint8_t block[COMM_CRYPTO_BLOCK_LEN], *r;
	EVP_CIPHER_CTX *ctx;
	size_t n = len / HALF - 1;
	int err = PARLEY_ERR_MEMORY;

	if (len < 16 + COMM_CRYPTO_WRAP_LEN || len > sizeof(out) ||
	    len % HALF != 0)
		return PARLEY_ERR_LENGTH;
	ctx = new_block_cipher(kek, 0);
	if (ctx == NULL)
		return err;
	memcpy(out, wrapped, len);
	memcpy(block, out, HALF);
	for (size_t j = WRAP_ROUNDS; j-- > 0;) {
		for (size_t i = n; i >= 1; i--) {
			r = out + i * HALF;
			xor_step(block, n * j + i);
			memcpy(block + HALF, r, HALF);
			if (!run_block(ctx, block))
				goto out;
			memcpy(r, block + HALF, HALF);
		}
	}
	err = PARLEY_ERR_SEAL;
	if (sodium_memcmp(block, wrap_iv, HALF) != 0)
		goto out;
	memcpy(cek, out + HALF, len - COMM_CRYPTO_WRAP_LEN);
	err = 0;
out:
	did_secret_wipe(out, sizeof(out));
	did_secret_wipe(block, sizeof(block));
	EVP_CIPHER_CTX_free(ctx);
	return err;
}

/* --- content --- */

size_t comm_crypto_sealed_len(enum comm_crypto_enc enc, size_t len)
{
	/* PKCS #7: 1 to 16 bytes of padding. */
	return enc == COMM_CRYPTO_A256CBC_HS512 ? len / 16 * 16 + 16 : len;
}

/* RFC 7518 5.2.2.1, steps 4 and 5: AL is the length of AAD in bits. */
static void hmac_tag(uint8_t tag[32], const uint8_t *cek, const uint8_t *iv,
		     const void *aad, size_t aad_len, const uint8_t *ct,
		     size_t len)
{
	crypto_auth_hmacsha512_state h;
	uint8_t mac[crypto_auth_hmacsha512_BYTES], al[8];
	uint64_t bits = (uint64_t)aad_len * 8;

	for (size_t i = 0; i < sizeof(al); i++)
		al[i] = (uint8_t)(bits >> (56 - 8 * i));
	crypto_auth_hmacsha512_init(&h, cek, 32);
	crypto_auth_hmacsha512_update(&h, aad, aad_len);
	crypto_auth_hmacsha512_update(&h, iv, 16);
	crypto_auth_hmacsha512_update(&h, ct, len);
	crypto_auth_hmacsha512_update(&h, al, sizeof(al));
	crypto_auth_hmacsha512_final(&h, mac);
	memcpy(tag, mac, 32);
	did_secret_wipe(&h, sizeof(h));
	did_secret_wipe(mac, sizeof(mac));
}

/* AES-256-CBC with padding, all of the input in one call. */
static int run_cbc(uint8_t *out, size_t *lenp, const uint8_t *key,
		   const uint8_t *iv, const uint8_t *in, size_t len,
		   int encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, rest = 0, err = PARLEY_ERR_MEMORY;

	if (ctx == NULL || EVP_CipherInit_ex(ctx, EVP_aes_256_cbc(), NULL, key,
					     iv, encrypt) != 1)
		goto out;
	err = PARLEY_ERR_SEAL;
	if (EVP_CipherUpdate(ctx, out, &n, in, (int)len) != 1 ||
	    EVP_CipherFinal_ex(ctx, out + n, &rest) != 1)
		goto out;
	*lenp = (size_t)n + (size_t)rest;
	err = 0;
out:
	EVP_CIPHER_CTX_free(ctx);
	return err;
}

static int seal_cbc(uint8_t *ct, uint8_t *tag, const uint8_t *cek,
		    const uint8_t *iv, const void *aad, size_t aad_len,
		    const uint8_t *pt, size_t len)
{
	size_t ct_len;
	int err = run_cbc(ct, &ct_len, cek + 32, iv, pt, len, 1);

	if (err)
		return PARLEY_ERR_MEMORY;
	hmac_tag(tag, cek, iv, aad, aad_len, ct, ct_len);
	return 0;
}

static int open_cbc(uint8_t *pt, size_t *lenp, const uint8_t *cek,
		    const uint8_t *iv, const void *aad, size_t aad_len,
		    const uint8_t *ct, size_t len, const uint8_t *tag)
{
	uint8_t own_tag[32];
	int differs;

	hmac_tag(own_tag, cek, iv, aad, aad_len, ct, len);
	differs = sodium_memcmp(own_tag, tag, sizeof(own_tag));
	did_secret_wipe(own_tag, sizeof(own_tag));
	if (differs || len == 0 || len % 16 != 0)
		return PARLEY_ERR_SEAL;
	return run_cbc(pt, lenp, cek + 32, iv, ct, len, 0);
}

static int seal_gcm(uint8_t *ct, uint8_t *tag, const uint8_t *cek,
		    const uint8_t *iv, const void *aad, size_t aad_len,
		    const uint8_t *pt, size_t len)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n, err = PARLEY_ERR_MEMORY;

	if (ctx != NULL &&
	    EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, cek, iv) == 1 &&
	    EVP_EncryptUpdate(ctx, NULL, &n, aad, (int)aad_len) == 1 &&
	    (len == 0 || EVP_EncryptUpdate(ctx, ct, &n, pt, (int)len) == 1) &&
	    EVP_EncryptFinal_ex(ctx, ct + len, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1)
		err = 0;
	EVP_CIPHER_CTX_free(ctx);
	return err;
}

static int open_gcm(uint8_t *pt, size_t *lenp, const uint8_t *cek,
		    const uint8_t *iv, const void *aad, size_t aad_len,
		    const uint8_t *ct, size_t len, const uint8_t *tag)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t none[16], given_tag[16];
	int n, err = PARLEY_ERR_MEMORY;

	memcpy(given_tag, tag, sizeof(given_tag));
	if (ctx == NULL ||
	    EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, cek, iv) != 1 ||
	    EVP_DecryptUpdate(ctx, NULL, &n, aad, (int)aad_len) != 1 ||
	    (len > 0 && EVP_DecryptUpdate(ctx, pt, &n, ct, (int)len) != 1) ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16, given_tag) != 1)
		goto out;
	err = PARLEY_ERR_SEAL;
	if (EVP_DecryptFinal_ex(ctx, none, &n) != 1) {
		did_secret_wipe(pt, len);
		goto out;
	}
	*lenp = len;
	err = 0;
out:
	EVP_CIPHER_CTX_free(ctx);
	return err;
}

int comm_crypto_seal(uint8_t *ct, uint8_t *tag, enum comm_crypto_enc enc,
		     const uint8_t *cek, const uint8_t *iv, const void *aad,
		     size_t aad_len, const uint8_t *pt, size_t len)
{
	switch (enc) {
	case COMM_CRYPTO_A256CBC_HS512:
		return seal_cbc(ct, tag, cek, iv, aad, aad_len, pt, len);
	case COMM_CRYPTO_A256GCM:
		return seal_gcm(ct, tag, cek, iv, aad, aad_len, pt, len);
	case COMM_CRYPTO_XC20P:
		crypto_aead_xchacha20poly1305_ietf_encrypt_detached(
		    ct, tag, NULL, pt, len, aad, aad_len, NULL, iv, cek);
		return 0;
	}
	return PARLEY_ERR_ALGORITHM;
}

int comm_crypto_open(uint8_t *pt, size_t *lenp, enum comm_crypto_enc enc,
		     const uint8_t *cek, const uint8_t *iv, const void *aad,
		     size_t aad_len, const uint8_t *ct, size_t len,
		     const uint8_t *tag)
{
	switch (enc) {
	case COMM_CRYPTO_A256CBC_HS512:
		return open_cbc(pt, lenp, cek, iv, aad, aad_len, ct, len, tag);
	case COMM_CRYPTO_A256GCM:
		return open_gcm(pt, lenp, cek, iv, aad, aad_len, ct, len, tag);
	case COMM_CRYPTO_XC20P:
		if (crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
			pt, NULL, ct, len, tag, aad, aad_len, iv, cek) != 0)
			return PARLEY_ERR_SEAL;
		*lenp = len;
		return 0;
	}
	return PARLEY_ERR_ALGORITHM;
}
