/*
 * The syntax of DIDs and DID URLs, and the resolution result.
 *
 * DID Core 3.1:
 *   did     = "did:" method-name ":" method-specific-id
 *   method-name        = 1*( a-z / 0-9 )
 *   method-specific-id = *( *idchar ":" ) 1*idchar
 *   idchar  = ALPHA / DIGIT / "." / "-" / "_" / "%" HEXDIG HEXDIG
 * DID Core 3.2:
 *   did-url = did path-abempty [ "?" query ] [ "#" fragment ]
 *
 * DIDs compare as byte strings; nothing is normalised.
 */
#include "did/did.h"

#include <stdint.h>
#include <string.h>

#include <jansson.h>

#include "did/document.h"
#include "did/json.h"

/* isalnum() and its like depend on the locale. */
static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_lower(c) || (c >= 'A' && c <= 'Z') || is_digit(c);
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/*
 * Length of the longest start of ${text} made of letters, digits, percent
 * escapes and the characters of ${others}.
 */
static size_t span(const char *text, size_t len, const char *others)
{
	size_t i = 0;

	while (i < len) {
		if (text[i] == '%' && len - i > 2 && is_hex(text[i + 1]) &&
		    is_hex(text[i + 2]))
			i += 3;
		else if (is_alnum(text[i]) ||
			 memchr(others, text[i], strlen(others)) != NULL)
			i++;
		else
			break;
	}
	return i;
}

/* Length of the DID that ${text} begins with, or 0. */
static size_t did_span(const char *text, size_t len)
{
	size_t method, id;

	if (len < 4 || memcmp(text, "did:", 4) != 0)
		return 0;
	method = 4;
	while (method < len &&
	       (is_lower(text[method]) || is_digit(text[method])))
		method++;
	if (method == 4 || method == len || text[method] != ':')
		return 0;
	id = span(text + method + 1, len - method - 1, ".-_:");
	if (id == 0 || text[method + id] == ':')
		return 0;
	return method + 1 + id;
}

bool did_check(const char *did, size_t len)
{
	return len > 0 && len <= PARLEY_DID_LEN_MAX &&
	       did_span(did, len) == len;
}

int did_url_split(size_t *did_len, const char **fragment, const char *url)
{
	/* RFC 3986: pchar, and what else each part may hold. */
	static const char path[] = "-._~!$&'()*+,;=:@/";
	static const char query[] = "-._~!$&'()*+,;=:@/?";
	size_t len = strnlen(url, PARLEY_DID_LEN_MAX + 1);
	size_t did, at;

	if (len > PARLEY_DID_LEN_MAX)
		return PARLEY_ERR_FORMAT;
	did = at = did_span(url, len);
	if (did == 0)
		return PARLEY_ERR_FORMAT;
	if (url[at] == '/')
		at += span(url + at, len - at, path);
	if (url[at] == '?')
		at += 1 + span(url + at + 1, len - at - 1, query);
	if (at < len && url[at] != '#')
		return PARLEY_ERR_FORMAT;
	if (at < len && at + 1 + span(url + at + 1, len - at - 1, query) < len)
		return PARLEY_ERR_FORMAT;
	*did_len = did;
	*fragment = at < len ? url + at + 1 : NULL;
	return 0;
}

/* Codes for which parley_did_resolve() returns a result all the same. */
static bool is_resolution_error(int err)
{
	return err == PARLEY_ERR_FORMAT || err == PARLEY_ERR_ENCODING ||
	       err == PARLEY_ERR_LENGTH || err == PARLEY_ERR_KEY ||
	       err == PARLEY_ERR_UNSUPPORTED;
}

/* DID Core 7.1: the three members of a result, in the order of the text. */
static json_t *resolution_result(int err, const char *did,
				 const struct did_document *doc)
{
	const char *name;

	if (err == 0)
		return json_pack("{s:{s:s},s:o,s:{}}", "didResolutionMetadata",
				 "contentType", "application/did+ld+json",
				 "didDocument", did_document_to_json(doc),
				 "didDocumentMetadata");
	/* One code, two names: the method is known, so it is the key. */
	name = err == PARLEY_ERR_UNSUPPORTED && did_document_knows_method(did)
		   ? "unsupportedPublicKeyType"
		   : did_document_error_name(err);
	return json_pack("{s:{s:s},s:n,s:{}}", "didResolutionMetadata", "error",
			 name, "didDocument", "didDocumentMetadata");
}

int parley_did_resolve(char **jsonp, const char *did)
{
	struct did_document *doc = NULL;
	json_t *result = NULL;
	size_t len;
	int resolve_err, err;

	resolve_err = did_document_resolve(&doc, did);
	if (resolve_err != 0 && !is_resolution_error(resolve_err))
		return resolve_err;
	result = resolution_result(resolve_err, did, doc);
	if (result == NULL) {
		err = PARLEY_ERR_MEMORY;
		goto out;
	}
	err = did_json_dump(jsonp, &len, result);
out:
	json_decref(result);
	did_document_free(doc);
	return err != 0 ? err : resolve_err;
}
