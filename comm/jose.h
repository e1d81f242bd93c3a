/*
 * What signed and encrypted envelopes have in common: bounded strict JSON and
 * base64url members.
 */
#ifndef COMM_JOSE_H
#define COMM_JOSE_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

enum {
	/* JSON values in an envelope or header; ours have about twenty. */
	COMM_JOSE_VALUES_MAX = 4096,
};

/*
 * comm_jose_bound(text, len, values_max):
 * Would parsing ${text} make more than ${values_max} JSON values?  Counted
 * before parsing, because a parsed value takes up to a hundred times the memory
 * of its text.  Linear, allocates nothing.
 *
 * Returns 0, or PARLEY_ERR_TOO_LARGE.
 */
int comm_jose_bound(const char *text, size_t len, size_t values_max)
    __attribute__((warn_unused_result));

/*
 * comm_jose_load(objp, text, len):
 * The result of did_json_parse(), sooner where there are long strings.
 *
 * Returns 0, or PARLEY_ERR_JSON, PARLEY_ERR_MEMORY.
 */
int comm_jose_load(json_t **objp, const char *text, size_t len)
    __attribute__((warn_unused_result));

/*
 * comm_jose_parse(objp, text, len):
 * comm_jose_load() of an envelope or a header, with COMM_JOSE_VALUES_MAX.
 *
 * Returns 0, or PARLEY_ERR_TOO_LARGE, PARLEY_ERR_JSON, PARLEY_ERR_MEMORY.
 */
int comm_jose_parse(json_t **objp, const char *text, size_t len)
    __attribute__((warn_unused_result));

/*
 * comm_jose_decode(bytesp, lenp, text):
 * Decode the base64url JSON string ${text} into new memory with a NUL and
 * room for COMM_CRYPTO_BLOCK_LEN more behind; free() it.
 *
 * Returns 0, or PARLEY_ERR_ENCODING, PARLEY_ERR_MEMORY.
 */
int comm_jose_decode(char **bytesp, size_t *lenp, const json_t *text)
    __attribute__((warn_unused_result));

/*
 * comm_jose_encode(bytes, len):
 * Return the base64url text of ${bytes}; free() it.  NULL: no memory.
 */
char *comm_jose_encode(const void *bytes, size_t len);

/*
 * comm_jose_encode_json(json):
 * Return the base64url text of the compact form of ${json}; free() it.  NULL:
 * no memory.
 */
char *comm_jose_encode_json(const json_t *json);

/*
 * comm_jose_print(lenp, format, ...):
 * Return the formatted text; free() it; its length goes to ${*lenp}.  NULL: no
 * memory.  For envelopes and headers, whose values (base64url, DID URLs, names
 * of our tables) hold nothing that JSON would escape: jansson takes as long for
 * copying, checking and writing them as a signature takes.
 */
char *comm_jose_print(size_t *lenp, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * comm_jose_brings_key(header):
 * Does ${header} (NULL: none) hold a parameter that brings a key or where to
 * get it: jku, jwk, x5u, x5c, x5t, x5t#S256?
 */
int comm_jose_brings_key(const json_t *header);

#endif /* !COMM_JOSE_H */
