/*
 * Resolution: from a DID to its document, by the table of methods.
 *
 * The public part is in <parley/did.h>.
 */
#ifndef DID_RESOLVER_H
#define DID_RESOLVER_H

#include <stdbool.h>

#include <parley/did.h>

#include "did/document.h"
#include "did/web.h"

enum {
	DID_RESOLVER_CACHE_MAX = 64, /* long forms that are kept */
};

/*
 * did_resolver_resolve(r, docp, did):
 * Resolve ${did} by its method and return the document in ${*docp}; the caller
 * frees it with did_document_free().  ${r} may be NULL: no I/O then (key,
 * peer 0, 2 and 4, jwk), and no short forms.
 *
 * Returns 0, or the errors of parley_did_resolver_json().
 */
int did_resolver_resolve(struct parley_resolver *r, struct did_document **docp,
			 const char *did) __attribute__((warn_unused_result));

/*
 * did_resolver_knows(r, did):
 * Is ${did} a DID of a method that ${r} resolves?  Then what is not supported
 * is its type of key.
 */
bool did_resolver_knows(const struct parley_resolver *r, const char *did);

/*
 * did_resolver_detail(r):
 * What the last failure of ${r} says in words, or "".  Borrowed, until the next
 * call.  ${r} may be NULL.
 */
const char *did_resolver_detail(const struct parley_resolver *r);

/*
 * did_resolver_set_check(r, may_connect):
 * Decide by ${may_connect} which addresses may be connected to; for tests,
 * whose servers have private addresses.
 */
void did_resolver_set_check(struct parley_resolver *r,
			    did_web_check *may_connect);

#endif /* !DID_RESOLVER_H */
