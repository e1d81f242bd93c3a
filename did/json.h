/*
 * Strict JSON: one way in, one way out, for everything that is parsed here.
 */
#ifndef DID_JSON_H
#define DID_JSON_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

enum {
	DID_JSON_DEPTH_MAX = 32,
};

/*
 * did_json_parse(objp, text, len):
 * Parse ${len} bytes that must be one JSON object and nothing after it.
 * Refused: duplicate members, invalid UTF-8, NUL in strings, integers over 63
 * bits, nesting over DID_JSON_DEPTH_MAX (checked before parsing, so that the
 * stack is safe).  Returned in ${*objp}; json_decref() it.
 *
 * Returns 0, or PARLEY_ERR_JSON, PARLEY_ERR_MEMORY.
 */
int did_json_parse(json_t **objp, const char *text, size_t len)
    __attribute__((warn_unused_result));

/*
 * did_json_dump(textp, lenp, obj):
 * Write ${obj} without white space, members in the order in which they were
 * set, as a new NUL-terminated string; free() it.
 *
 * Returns 0, or PARLEY_ERR_MEMORY.
 */
int did_json_dump(char **textp, size_t *lenp, const json_t *obj)
    __attribute__((warn_unused_result));

/*
 * did_json_string(obj, name):
 * Return the text of the member ${name}, or NULL if it is absent or not a
 * string.  Borrowed from ${obj}.
 */
const char *did_json_string(const json_t *obj, const char *name);

#endif /* !DID_JSON_H */
