/*
 * base58btc: the bytes as one big number, written in base 58.
 *
 * Both directions multiply a number in one base, digit by digit, low digit
 * first, and add the next digit of the other base.  Leading zeroes have no
 * weight in a number and are carried over one by one.  Not for secrets: time
 * depends on the value.
 *
 * Alphabet: draft-msporny-base58, the one multibase calls `z`.
 */
#include "did/base58.h"

#include <string.h>

#include <parley/err.h>

static const char alphabet[] =
    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

int did_base58_encode(char *text, size_t text_size, const uint8_t *bytes,
		      size_t len)
{
	uint8_t digits[DID_BASE58_TEXT_MAX];
	size_t n_zeroes = 0, n = 0;

	if (len > DID_BASE58_BYTES_MAX)
		return PARLEY_ERR_TOO_LARGE;
	while (n_zeroes < len && bytes[n_zeroes] == 0)
		n_zeroes++;
	for (size_t i = n_zeroes; i < len; i++) {
		unsigned carry = bytes[i];

		for (size_t j = 0; j < n; j++) {
			carry += 256u * digits[j];
			digits[j] = (uint8_t)(carry % 58);
			carry /= 58;
		}
		for (; carry > 0; carry /= 58)
			digits[n++] = (uint8_t)(carry % 58);
	}
	if (n_zeroes + n >= text_size)
		return PARLEY_ERR_TOO_LARGE;
	memset(text, alphabet[0], n_zeroes);
	for (size_t i = 0; i < n; i++)
		text[n_zeroes + i] = alphabet[digits[n - 1 - i]];
	text[n_zeroes + n] = '\0';
	return 0;
}

/* The value of a character, or -1. */
static int digit_value(char c)
{
	const char *p = memchr(alphabet, c, sizeof(alphabet) - 1);

	return p != NULL ? (int)(p - alphabet) : -1;
}

int did_base58_decode(uint8_t *bytes, size_t size, size_t *lenp,
		      const char *text, size_t text_len)
{
	uint8_t number[DID_BASE58_TEXT_MAX];
	size_t n_zeroes = 0, n = 0;

	if (text_len > DID_BASE58_TEXT_MAX)
		return PARLEY_ERR_TOO_LARGE;
	while (n_zeroes < text_len && text[n_zeroes] == alphabet[0])
		n_zeroes++;
	for (size_t i = n_zeroes; i < text_len; i++) {
		int value = digit_value(text[i]);
		unsigned carry;

		if (value < 0)
			return PARLEY_ERR_ENCODING;
		carry = (unsigned)value;
		for (size_t j = 0; j < n; j++) {
			carry += 58u * number[j];
			number[j] = (uint8_t)carry;
			carry >>= 8;
		}
		if (carry > 0)
			number[n++] = (uint8_t)carry;
	}
	if (n_zeroes + n > size)
		return PARLEY_ERR_TOO_LARGE;
	if (n_zeroes > 0)
		memset(bytes, 0, n_zeroes);
	for (size_t i = 0; i < n; i++)
		bytes[n_zeroes + i] = number[n - 1 - i];
	*lenp = n_zeroes + n;
	return 0;
}
