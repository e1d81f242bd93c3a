/*
 * RSA public keys as bytes: DER of an RSAPublicKey (RFC 8017 A.1.1).
 *
 * They are resolved and shown, and used for nothing: DIDComm has no algorithm
 * for them.
 */
#ifndef DID_RSA_H
#define DID_RSA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * did_rsa_split(n, n_lenp, e, e_lenp, der, len):
 * Point ${*n} and ${*e} at modulus and exponent inside ${der}, big-endian and
 * without leading zeroes.  Borrowed from ${der}.
 *
 * Returns 0, or PARLEY_ERR_KEY: not DER in its one form, modulus even or not
 * of 2048 to 4096 bits, exponent even, 1, or over 64 bits.
 */
int did_rsa_split(const uint8_t **n, size_t *n_lenp, const uint8_t **e,
		  size_t *e_lenp, const uint8_t *der, size_t len)
    __attribute__((warn_unused_result));

/*
 * did_rsa_join(der, size, lenp, n, n_len, e, e_len):
 * Write the DER of a modulus and an exponent without leading zeroes.
 *
 * Returns 0, or PARLEY_ERR_LENGTH (more than ${size} bytes, or a number is
 * empty or has a leading zero).
 */
int did_rsa_join(uint8_t *der, size_t size, size_t *lenp, const uint8_t *n,
		 size_t n_len, const uint8_t *e, size_t e_len)
    __attribute__((warn_unused_result));

/* did_rsa_is_valid(der, len): does did_rsa_split() take it? */
bool did_rsa_is_valid(const uint8_t *der, size_t len);

#endif /* !DID_RSA_H */
