/*
 * Strict JSON, by jansson.
 *
 * jansson refuses by itself: invalid UTF-8, NUL, unpaired surrogates, numbers
 * out of range, anything behind the value.  It takes the last of duplicate
 * members unless told not to, and recurses 2048 levels deep; both are dealt
 * with here.
 */
#include "did/json.h"

#include <stdbool.h>
#include <stdlib.h>

#include <parley/err.h>

/*
 * Counts brackets outside of strings.  What is not JSON may be counted
 * wrongly, but never as less deep than jansson would go: it recurses on the
 * same brackets and stops at the first error.
 */
static bool too_deep(const char *text, size_t len)
{
	bool quoted = false;
	size_t depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
		} else if (c == '"') {
			quoted = true;
		} else if (c == '{' || c == '[') {
			if (++depth > DID_JSON_DEPTH_MAX)
				return true;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return false;
}

int did_json_parse(json_t **objp, const char *text, size_t len)
{
	json_error_t error = {0};
	json_t *obj;

	if (len == 0 || too_deep(text, len))
		return PARLEY_ERR_JSON;
	obj = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	/* Out of memory early on, jansson leaves ${error} as it was. */
	if (obj == NULL)
		return error.text[0] == '\0' || json_error_code(&error) ==
						    json_error_out_of_memory
			   ? PARLEY_ERR_MEMORY
			   : PARLEY_ERR_JSON;
	if (!json_is_object(obj)) {
		json_decref(obj);
		return PARLEY_ERR_JSON;
	}
	*objp = obj;
	return 0;
}

int did_json_dump(char **textp, size_t *lenp, const json_t *obj)
{
	/* json_dumps() may use an allocator that free() does not fit. */
	size_t len = json_dumpb(obj, NULL, 0, JSON_COMPACT);
	char *text;

	if (len == 0)
		return PARLEY_ERR_MEMORY;
	text = malloc(len + 1);
	if (text == NULL)
		return PARLEY_ERR_MEMORY;
	if (json_dumpb(obj, text, len, JSON_COMPACT) != len) {
		free(text);
		return PARLEY_ERR_MEMORY;
	}
	text[len] = '\0';
	*textp = text;
	*lenp = len;
	return 0;
}

const char *did_json_string(const json_t *obj, const char *name)
{
	return json_string_value(json_object_get(obj, name));
}
