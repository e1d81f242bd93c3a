/*
 * base58btc, strict.  Encoding and decoding are quadratic, so lengths are
 * bounded before any work is done.
 */
#ifndef DID_BASE58_H
#define DID_BASE58_H

#include <stddef.h>
#include <stdint.h>

enum {
	DID_BASE58_BYTES_MAX = 3072, /* longest byte string */
	DID_BASE58_TEXT_MAX = 4200,  /* its text, without NUL */
};

/*
 * did_base58_encode(text, text_size, bytes, len):
 * Write the base58btc text of ${len} bytes and a NUL to ${text}.
 *
 * Returns 0, or PARLEY_ERR_TOO_LARGE (more than DID_BASE58_BYTES_MAX, or
 * ${text_size} is too small).
 */
int did_base58_encode(char *text, size_t text_size, const uint8_t *bytes,
		      size_t len) __attribute__((warn_unused_result));

/*
 * did_base58_decode(bytes, size, lenp, text, text_len):
 * Decode ${text_len} characters into ${bytes} (capacity ${size}) and set
 * ${*lenp}.  Leading `1`s are leading zero bytes.  No prefix, no white space.
 *
 * Returns 0, or PARLEY_ERR_ENCODING (a character outside the alphabet),
 * PARLEY_ERR_TOO_LARGE (text over DID_BASE58_TEXT_MAX, or result over
 * ${size}).  Outputs are unspecified on error.
 */
int did_base58_decode(uint8_t *bytes, size_t size, size_t *lenp,
		      const char *text, size_t text_len)
    __attribute__((warn_unused_result));

#endif /* !DID_BASE58_H */
