/*
 * base64url without padding (RFC 4648 section 5, RFC 7515 section 2), strict:
 * padding, white space, characters of other alphabets, impossible lengths and
 * unused bits that are not zero are refused, so one byte string has one text.
 */
#ifndef DID_BASE64_H
#define DID_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Characters, without NUL, that ${len} bytes take. */
#define DID_BASE64_LEN(len) (((len)*4 + 2) / 3)

/* Bytes that ${text_len} characters give. */
#define DID_BASE64_BYTES(text_len) ((text_len)*3 / 4)

/*
 * did_base64_encode(text, bytes, len):
 * Write DID_BASE64_LEN(${len}) characters and a NUL to ${text}.
 */
void did_base64_encode(char *text, const void *bytes, size_t len);

/*
 * did_base64_decode(bytes, size, lenp, text, text_len):
 * Decode into ${bytes} (capacity ${size}) and set ${*lenp}.
 *
 * Returns 0, or PARLEY_ERR_ENCODING, PARLEY_ERR_TOO_LARGE.  Outputs are
 * unspecified on error.
 */
int did_base64_decode(void *bytes, size_t size, size_t *lenp, const char *text,
		      size_t text_len) __attribute__((warn_unused_result));

/*
 * did_base64_decode_exact(bytes, len, text, text_len):
 * Decode into ${bytes}, which must come out as exactly ${len} bytes.
 *
 * Returns 0, or PARLEY_ERR_ENCODING, PARLEY_ERR_LENGTH.
 */
int did_base64_decode_exact(void *bytes, size_t len, const char *text,
			    size_t text_len)
    __attribute__((warn_unused_result));

#endif /* !DID_BASE64_H */
