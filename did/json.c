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
#include <string.h>

#include <parley/err.h>

#include "did/secret.h"

enum {
	DUMP_SIZE = 1024, /* at first; most messages fit */
};

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

/* What was dumped so far; room for one byte more than ${len}. */
struct text {
	char *p;
	size_t len, size;
};

static int append(const char *part, size_t len, void *context)
{
	struct text *t = context;
	size_t size = t->size;
	char *p;

	while (size - t->len <= len)
		size *= 2;
	if (size != t->size) {
		/* Not realloc(): what was written may be secret. */
		p = malloc(size);
		if (p == NULL)
			return -1;
		memcpy(p, t->p, t->len);
		did_secret_wipe(t->p, t->len);
		free(t->p);
		t->p = p;
		t->size = size;
	}
	memcpy(t->p + t->len, part, len);
	t->len += len;
	return 0;
}

int did_json_dump(char **textp, size_t *lenp, const json_t *obj)
{
	/* json_dumps() may use an allocator that free() does not fit, and to
	 * ask json_dumpb() for the length first costs as much again. */
	struct text t = {.p = malloc(DUMP_SIZE), .size = DUMP_SIZE};

	if (t.p == NULL)
		return PARLEY_ERR_MEMORY;
	if (json_dump_callback(obj, append, &t, JSON_COMPACT) != 0) {
		did_secret_wipe(t.p, t.len);
		free(t.p);
		return PARLEY_ERR_MEMORY;
	}
	t.p[t.len] = '\0';
	*textp = t.p;
	*lenp = t.len;
	return 0;
}

const char *did_json_string(const json_t *obj, const char *name)
{
	return json_string_value(json_object_get(obj, name));
}
