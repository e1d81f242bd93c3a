/*
 * The cryptography of encrypted envelopes, above the keys of did/.
 *
 *   derive    the key-encrypting key: ECDH-ES and ECDH-1PU (Concat KDF)
 *   wrap      A256KW around the content key
 *   seal      the content: A256CBC-HS512, A256GCM, XC20P
 *
 * Nothing here knows envelopes, DIDs or messages.  Which library does which
 * step is said in README.md.
 */
#ifndef COMM_CRYPTO_H
#define COMM_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

enum {
	COMM_CRYPTO_CEK_LEN_MAX = 64,
	COMM_CRYPTO_IV_LEN_MAX = 24,
	COMM_CRYPTO_TAG_LEN_MAX = 32,
	COMM_CRYPTO_KEK_LEN = 32,
	COMM_CRYPTO_BLOCK_LEN = 16,
	COMM_CRYPTO_WRAP_LEN = 8, /* a wrapped key is that much longer */
};

/* Content encryption; the numbers are those of the public API. */
enum comm_crypto_enc {
	COMM_CRYPTO_A256CBC_HS512,
	COMM_CRYPTO_A256GCM,
	COMM_CRYPTO_XC20P,
};

struct comm_crypto_enc_info {
	const char *name;
	size_t cek_len;
	size_t iv_len;
	size_t tag_len;
};

/* comm_crypto_enc_info(enc): the row of ${enc}; static. */
const struct comm_crypto_enc_info *comm_crypto_enc_info(
    enum comm_crypto_enc enc);

/*
 * comm_crypto_enc_find(encp, name):
 * Returns 0, or PARLEY_ERR_ALGORITHM if ${name} is none of ours.
 */
int comm_crypto_enc_find(enum comm_crypto_enc *encp, const char *name)
    __attribute__((warn_unused_result));

/* What goes into the key derivation beside the shared secrets. */
struct comm_crypto_kdf {
	const char *alg;
	const uint8_t *apu, *apv, *tag;
	size_t apu_len, apv_len, tag_len; /* tag_len 0: ECDH-ES, no tag */
};

/*
 * comm_crypto_derive(kek, kek_len, z, z_len, kdf):
 * Derive ${kek_len} bytes, 32 at most; DIDComm always takes 32.
 * RFC 7518 4.6.2; draft-madden-jose-ecdh-1pu-04, 2.3.
 */
void comm_crypto_derive(uint8_t *kek, size_t kek_len, const uint8_t *z,
			size_t z_len, const struct comm_crypto_kdf *kdf);

/*
 * comm_crypto_wrap(wrapped, kek, cek, len), comm_crypto_unwrap(cek, kek,
 * wrapped, len):
 * A256KW (RFC 3394) of ${len} bytes, a multiple of 8 and at least 16, and
 * back; ${len} is that of the input.  The output of the first is
 * COMM_CRYPTO_WRAP_LEN longer.
 *
 * Returns 0, or PARLEY_ERR_LENGTH, PARLEY_ERR_SEAL (it does not open),
 * PARLEY_ERR_MEMORY.
 */
int comm_crypto_wrap(uint8_t *wrapped, const uint8_t kek[COMM_CRYPTO_KEK_LEN],
		     const uint8_t *cek, size_t len)
    __attribute__((warn_unused_result));
int comm_crypto_unwrap(uint8_t *cek, const uint8_t kek[COMM_CRYPTO_KEK_LEN],
		       const uint8_t *wrapped, size_t len)
    __attribute__((warn_unused_result));

/* comm_crypto_sealed_len(enc, len): bytes that ${len} bytes become. */
size_t comm_crypto_sealed_len(enum comm_crypto_enc enc, size_t len);

/*
 * comm_crypto_seal(ct, tag, enc, cek, iv, aad, aad_len, pt, len):
 * Encrypt ${len} bytes; comm_crypto_sealed_len() go to ${ct}.
 *
 * Returns 0, or PARLEY_ERR_MEMORY.
 */
int comm_crypto_seal(uint8_t *ct, uint8_t *tag, enum comm_crypto_enc enc,
		     const uint8_t *cek, const uint8_t *iv, const void *aad,
		     size_t aad_len, const uint8_t *pt, size_t len)
    __attribute__((warn_unused_result));

/*
 * comm_crypto_open(pt, lenp, enc, cek, iv, aad, aad_len, ct, len, tag):
 * Decrypt; ${pt} has room for ${len} + COMM_CRYPTO_BLOCK_LEN bytes.  ${iv} and
 * ${tag} have the lengths of comm_crypto_enc_info().
 *
 * Returns 0, or PARLEY_ERR_SEAL, PARLEY_ERR_MEMORY.
 */
int comm_crypto_open(uint8_t *pt, size_t *lenp, enum comm_crypto_enc enc,
		     const uint8_t *cek, const uint8_t *iv, const void *aad,
		     size_t aad_len, const uint8_t *ct, size_t len,
		     const uint8_t *tag) __attribute__((warn_unused_result));

#endif /* !COMM_CRYPTO_H */
