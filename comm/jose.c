/*
 * Bounded strict JSON and base64url members (RFC 7515 2, RFC 8725 3.10).
 *
 * Nothing is parsed before its values are counted, and nothing is decoded
 * that is not the one canonical base64url text of its bytes.
 */
#include "comm/jose.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <parley/err.h>

#include "comm/crypto.h"
#include "did/base64.h"
#include "did/json.h"
#include "did/secret.h"

enum {
	SLICE_LEN_MIN = 24, /* longer than what stands in their place */
	SLICES_MAX = 40,
};

/* Which slice is said in one character that stands for itself. */
_Static_assert('0' + SLICES_MAX < '\\', "no escape");

/*
 * Header parameters that bring a key along.  RFC 8725 3.10: "Do Not Trust
 * Received Claims".  Choice: refused, not ignored; the key comes from the DID
 * document alone, and an honest sender has no reason to send another.
 */
static const char *const key_parameters[] = {
    "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256",
};

/* The quote that ends the string at ${text}, or ${end}. */
static const char *find_quote(const char *text, const char *end)
{
	const char *quote = text;

	while ((quote = memchr(quote, '"', (size_t)(end - quote))) != NULL) {
		const char *p = quote;

		while (p > text && p[-1] == '\\')
			p--;
		if ((quote - p) % 2 == 0)
			return quote;
		quote++;
	}
	return end;
}

int comm_jose_bound(const char *text, size_t len, size_t values_max)
{
	const char *end = text + len;
	size_t n = 1;

	/*
	 * Each value but the first is preceded by a bracket, a comma or a
	 * colon of its own.  The parser stops at the first error, so it never
	 * makes more than are counted here.
	 */
	for (const char *p = text; p < end; p++) {
		if (*p == '"') {
			p = find_quote(p + 1, end);
		} else if (*p == '[' || *p == ',' || *p == ':') {
			if (++n > values_max)
				return PARLEY_ERR_TOO_LARGE;
		}
	}
	return 0;
}

/*
 * Long strings.  jansson reads character by character, about 15 ns each, which
 * for a message of 1 KiB is as much as its signature, and for the key ids and
 * keys of any envelope as much as its encryption.  So values that are long
 * and plain (printable ASCII without escapes: they stand for themselves) are
 * cut out before parsing and put back after it.  In their place stands a string
 * that begins with U+0001, which no other string may do then: a text that
 * writes that character at all is parsed as it is.
 */
#define MARK "\\u0001"

/* The byte ${b} in all places of a word. */
#define ALL(b) ((uint64_t)(b)*0x0101010101010101)

struct slices {
	struct {
		const char *text;
		size_t len;
	} slice[SLICES_MAX];
	size_t n;
};

static bool is_plain(char c)
{
	return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

/* The bytes of ${x}, each below 0x80, that are ${c}: their highest bit. */
static uint64_t equal_to(uint64_t x, char c)
{
	return ALL(0x80) - (x ^ ALL(c));
}

/* Length of the plain characters that ${text} begins with. */
static size_t plain_span(const char *text, size_t len)
{
	size_t n = 0;
	uint64_t x, odd;

	/* Eight at a time; each byte of the sums stays in its place. */
	for (; len - n >= sizeof(x); n += sizeof(x)) {
		memcpy(&x, text + n, sizeof(x));
		odd = x; /* 0x80 and over */
		x &= ALL(0x7f);
		odd |= ~(x + ALL(0x60)); /* below ' ' */
		odd |= x + ALL(1);	 /* over '~' */
		odd |= equal_to(x, '"') | equal_to(x, '\\');
		if (odd & ALL(0x80))
			break;
	}
	while (n < len && is_plain(text[n]))
		n++;
	return n;
}

/*
 * Copy ${text} to ${out}, which is as large, without its long values: those
 * behind a colon, and the first of an array.  Outside of strings a quote opens
 * one; inside, only an escape hides the next quote: so the two texts are cut at
 * the same places as a JSON parser would, and what is not JSON stays so.
 */
static size_t cut_out(char *out, struct slices *s, const char *text, size_t len)
{
	char before = '\0'; /* the last character but white space */
	size_t n = 0, end;

	for (size_t i = 0; i < len; i++) {
		out[n++] = text[i];
		if (text[i] != '"') {
			if (text[i] > ' ')
				before = text[i];
			continue;
		}
		end = i + 1 + plain_span(text + i + 1, len - i - 1);
		if ((before == ':' || before == '[') && end < len &&
		    text[end] == '"' && end - i > SLICE_LEN_MIN &&
		    s->n < SLICES_MAX) {
			s->slice[s->n].text = text + i + 1;
			s->slice[s->n].len = end - i - 1;
			memcpy(out + n, MARK, strlen(MARK));
			n += strlen(MARK);
			out[n++] = (char)('0' + s->n);
			s->n++;
			i = end - 1;
		} else {
			while (end < len && text[end] != '"')
				end += text[end] == '\\' ? 2 : 1;
			if (end > len)
				end = len;
			memcpy(out + n, text + i + 1, end - i - 1);
			n += end - i - 1;
			i = end - 1;
		}
		if (++i < len)
			out[n++] = text[i]; /* the closing quote */
		before = '"';
	}
	return n;
}

static int put_back(json_t *value, const struct slices *s)
{
	const char *text = json_string_value(value), *name;
	json_t *item;
	size_t i;

	if (text != NULL && text[0] == '\1') {
		i = (size_t)(text[1] - '0');
		return json_string_setn_nocheck(value, s->slice[i].text,
						s->slice[i].len);
	}
	if (json_is_array(value)) {
		json_array_foreach(value, i, item)
		{
			if (put_back(item, s) != 0)
				return -1;
		}
	} else if (json_is_object(value)) {
		json_object_foreach(value, name, item)
		{
			if (put_back(item, s) != 0)
				return -1;
		}
	}
	return 0;
}

int comm_jose_load(json_t **objp, const char *text, size_t len)
{
	struct slices s = {.n = 0};
	json_t *obj;
	char *rest;
	size_t rest_len;
	int err;

	if (len < SLICE_LEN_MIN || memmem(text, len, MARK, strlen(MARK)))
		return did_json_parse(objp, text, len);
	rest = malloc(len);
	if (rest == NULL)
		return PARLEY_ERR_MEMORY;
	rest_len = cut_out(rest, &s, text, len);
	err = did_json_parse(&obj, rest, rest_len);
	/* may be plaintext */
	did_secret_wipe(rest, rest_len);
	free(rest);
	if (err)
		return err;
	if (put_back(obj, &s) != 0) {
		json_decref(obj);
		return PARLEY_ERR_MEMORY;
	}
	*objp = obj;
	return 0;
}

int comm_jose_parse(json_t **objp, const char *text, size_t len)
{
	int err = comm_jose_bound(text, len, COMM_JOSE_VALUES_MAX);

	return err ? err : comm_jose_load(objp, text, len);
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

char *comm_jose_print(size_t *lenp, const char *format, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		return NULL;
	*lenp = (size_t)len;
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
