/*
 * The syntax of DIDs and DID URLs.
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

#include <string.h>

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
