/*
 * The syntax of DIDs and DID URLs (DID Core 1.0, 3.1 and 3.2).
 */
#ifndef DID_DID_H
#define DID_DID_H

#include <stdbool.h>
#include <stddef.h>

#include <parley/did.h>

/*
 * did_check(did, len):
 * Is this a DID: "did:" method ":" id, nothing else, within
 * PARLEY_DID_LEN_MAX?
 */
bool did_check(const char *did, size_t len);

/*
 * did_url_split(did_len, fragment, url):
 * Split the DID URL ${url} into its DID (the first ${*did_len} bytes) and its
 * fragment (${*fragment} points behind the `#`, or is NULL).  A path or a
 * query is allowed and skipped.
 *
 * Returns 0, or PARLEY_ERR_FORMAT.
 */
int did_url_split(size_t *did_len, const char **fragment, const char *url)
    __attribute__((warn_unused_result));

#endif /* !DID_DID_H */
