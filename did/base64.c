/*
 * base64url without padding, by libsodium, whose decoder takes the same time
 * for all texts of one length and is strict as long as it is given no
 * characters to ignore and no end pointer.  Two traps: it sets its length even
 * when it fails, so the result counts only after a return of 0; and where char
 * is signed it reads every byte from 0x80 on as `_` (measured on 1.0.18), so
 * these are refused before.
 */
#include "did/base64.h"

#include <stdbool.h>

#include <sodium.h>

#include <parley/err.h>

void did_base64_encode(char *text, const void *bytes, size_t len)
{
	sodium_bin2base64(text, DID_BASE64_LEN(len) + 1, bytes, len,
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* In constant time: the text may be that of a secret. */
static bool is_ascii(const char *text, size_t len)
{
	unsigned bits = 0;

	for (size_t i = 0; i < len; i++)
		bits |= (unsigned char)text[i];
	return (bits & 0x80) == 0;
}

int did_base64_decode(void *bytes, size_t size, size_t *lenp, const char *text,
		      size_t text_len)
{
	size_t len;

	if (text_len > SIZE_MAX / 4 || DID_BASE64_BYTES(text_len) > size)
		return PARLEY_ERR_TOO_LARGE;
	if (!is_ascii(text, text_len) ||
	    sodium_base642bin(bytes, size, text, text_len, NULL, &len, NULL,
			      sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
		return PARLEY_ERR_ENCODING;
	*lenp = len;
	return 0;
}

int did_base64_decode_exact(void *bytes, size_t len, const char *text,
			    size_t text_len)
{
	size_t n;

	if (text_len != DID_BASE64_LEN(len))
		return PARLEY_ERR_LENGTH;
	return did_base64_decode(bytes, len, &n, text, text_len);
}
