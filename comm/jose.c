/*
 * Bounded strict JSON and base64url members (RFC 7515 2, RFC 8725 3.10).
 *
 * Nothing is parsed before its values are counted, and nothing is decoded
 * that is not the one canonical base64url text of its bytes.
 */
#include "comm/jose.h"

#include <stdbool.h>
#include <stdlib.h>

#include <parley/err.h>

#include "comm/crypto.h"
#include "did/base64.h"
#include "did/json.h"

/*
 * Header parameters that bring a key along.  RFC 8725 3.10: "Do Not Trust
 * Received Claims".  Choice: refused, not ignored; the key comes from the DID
 * document alone, and an honest sender has no reason to send another.
 */
static const char *const key_parameters[] = {
    "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256",
};

int comm_jose_bound(const char *text, size_t len, size_t values_max)
{
	bool quoted = false;
	size_t n = 1;

	/*
	 * Each value but the first is preceded by a bracket, a comma or a
	 * colon of its own.  The parser stops at the first error, so it never
	 * makes more than are counted here.
	 */
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
		} else if (c == '"') {
			quoted = true;
		} else if (c == '[' || c == ',' || c == ':') {
			if (++n > values_max)
				return PARLEY_ERR_TOO_LARGE;
		}
	}
	return 0;
}

int comm_jose_parse(json_t **objp, const char *text, size_t len)
{
	int err = comm_jose_bound(text, len, COMM_JOSE_VALUES_MAX);

	return err ? err : did_json_parse(objp, text, len);
}

int comm_jose_decode(char **bytesp, size_t *lenp, const json_t *text)
{
	size_t text_len = json_string_length(text);
	size_t size = DID_BASE64_BYTES(text_len);
	char *bytes = malloc(size + COMM_CRYPTO_BLOCK_LEN + 1);
	int err;

	if (bytes == NULL)
		return PARLEY_ERR_MEMORY;
	err = did_base64_decode(bytes, size, lenp, json_string_value(text),
				text_len);
	if (err) {
		free(bytes);
		return err == PARLEY_ERR_TOO_LARGE ? PARLEY_ERR_ENCODING : err;
	}
	bytes[*lenp] = '\0';
	*bytesp = bytes;
	return 0;
}

char *comm_jose_encode(const void *bytes, size_t len)
{
	char *text = malloc(DID_BASE64_LEN(len) + 1);

	if (text != NULL)
		did_base64_encode(text, bytes, len);
	return text;
}

char *comm_jose_encode_json(const json_t *json)
{
	char *dump, *text;
	size_t len;

	if (did_json_dump(&dump, &len, json) != 0)
		return NULL;
	text = comm_jose_encode(dump, len);
	free(dump);
	return text;
}

int comm_jose_brings_key(const json_t *header)
{
	for (size_t i = 0;
	     i < sizeof(key_parameters) / sizeof(key_parameters[0]); i++) {
		if (json_object_get(header, key_parameters[i]))
			return 1;
	}
	return 0;
}
