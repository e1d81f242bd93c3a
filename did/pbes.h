/*
 * Secret keys under a passphrase as a JWE: the "encrypted JWK" of RFC 7517 7,
 * in compact form, with PBES2 (RFC 7518 4.8).  For files of one's own only;
 * DIDComm has no passphrases.
 */
#ifndef DID_PBES_H
#define DID_PBES_H

#include <stddef.h>
#include <stdint.h>

enum {
	DID_PBES_PLAIN_MAX = 4096, /* longest text that is sealed or opened */
	DID_PBES_TEXT_MAX = 8192,  /* longest JWE that is opened */
	DID_PBES_TEXT_SIZE = 8192, /* room for the longest that is written */
	DID_PBES_ROUNDS = 210000,  /* of PBKDF2 with HMAC-SHA-512 */
	DID_PBES_ROUNDS_MIN = 1000,
	DID_PBES_ROUNDS_MAX = 5000000, /* what a file may ask of us */
};

/*
 * did_pbes_seal(text, lenp, plain, len, passphrase, passphrase_len):
 * Encrypt ${len} bytes with PBES2-HS512+A256KW and A256GCM, and write the JWE
 * and a NUL to ${text}.
 *
 * Returns 0, or PARLEY_ERR_TOO_LARGE, PARLEY_ERR_MEMORY.
 */
int did_pbes_seal(char text[DID_PBES_TEXT_SIZE], size_t *lenp,
		  const void *plain, size_t len, const char *passphrase,
		  size_t passphrase_len) __attribute__((warn_unused_result));

/*
 * did_pbes_open(plain, lenp, text, len, passphrase, passphrase_len):
 * Decrypt a JWE with alg PBES2-HS256+A128KW, PBES2-HS384+A192KW or
 * PBES2-HS512+A256KW, and enc AxxxGCM or AxxxCBC-HSxxx.  ${plain} is the
 * caller's to wipe; it is unspecified on error.
 *
 * Returns 0, or PARLEY_ERR_FORMAT (no such JWE, or it has zip or crit),
 * PARLEY_ERR_ENCODING, PARLEY_ERR_JSON, PARLEY_ERR_LENGTH, PARLEY_ERR_ALGORITHM
 * (other alg or enc), PARLEY_ERR_TOO_LARGE (text, or rounds out of bounds),
 * PARLEY_ERR_PASSPHRASE (wrong, or the JWE was changed), PARLEY_ERR_MEMORY.
 *
 * Vectors: vectors/keys/import.json.
 */
int did_pbes_open(uint8_t plain[DID_PBES_PLAIN_MAX], size_t *lenp,
		  const char *text, size_t len, const char *passphrase,
		  size_t passphrase_len) __attribute__((warn_unused_result));

#endif /* !DID_PBES_H */
