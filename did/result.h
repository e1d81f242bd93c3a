/*
 * Results of resolving and dereferencing as JSON, with the names that two
 * generations of specifications give to errors.
 */
#ifndef DID_RESULT_H
#define DID_RESULT_H

#include <jansson.h>

#include <parley/did.h>

struct did_document;

/*
 * did_result_resolution(jsonp, err, doc, r, did):
 * Write the result of resolving ${did} by ${r} (both for the metadata of a
 * failure; ${r} may be NULL): ${doc} if ${err} is 0, else its names.  free()
 * ${*jsonp}.
 *
 * Returns ${err}, or PARLEY_ERR_MEMORY; ${*jsonp} is untouched if that is what
 * it returns.
 */
int did_result_resolution(char **jsonp, int err, const struct did_document *doc,
			  const struct parley_resolver *r, const char *did)
    __attribute__((warn_unused_result));

/*
 * did_result_dereferencing(jsonp, err, content, r, url):
 * The same for dereferencing: ${content}, a reference that is taken, if ${err}
 * is 0, and NULL otherwise.
 */
int did_result_dereferencing(char **jsonp, int err, json_t *content,
			     const struct parley_resolver *r, const char *url)
    __attribute__((warn_unused_result));

#endif /* !DID_RESULT_H */
