/*
 * The method did:web: a document fetched by HTTPS.  The only network access of
 * did/, and only for a resolver that asks for it.
 */
#ifndef DID_WEB_H
#define DID_WEB_H

#include <stdbool.h>
#include <stddef.h>

#include <parley/did.h>

struct sockaddr;

enum {
	DID_WEB_URL_SIZE = PARLEY_DID_LEN_MAX + 64, /* with NUL */
	DID_WEB_DETAIL_SIZE = 256,
};

typedef bool did_web_check(const struct sockaddr *address);

/* How to fetch.  Borrows what it points to. */
struct did_web {
	did_web_check *may_connect; /* NULL: anywhere */
	const char *ca;		    /* PEM file instead of the system's CAs */
	unsigned timeout_ms;	    /* for everything together */
	unsigned redirects;	    /* followed at most */
};

/* did_web_is_built(): was libcurl there when this was built? */
bool did_web_is_built(void);

/*
 * did_web_url(url, did):
 * The URL of the document of a did:web.
 *
 * Returns 0, or PARLEY_ERR_FORMAT: the host is not a domain name of letters,
 * digits and hyphens (an IP address is none), the port is not 1 to 65535, a
 * segment of the path is empty, `.` or `..`, or has an escape for one of `/`,
 * `\`, `.`, `%` or a control character, in any spelling.
 *
 * Spec: did:web method, "Read (Resolve)".  Vectors: vectors/did-web/.
 */
int did_web_url(char url[DID_WEB_URL_SIZE], const char *did)
    __attribute__((warn_unused_result));

/*
 * did_web_is_global(address):
 * Is this an IPv4 or IPv6 address of the public internet, that is, none of
 * IANA's special-purpose registries (RFC 6890), no multicast, and nothing that
 * embeds such an IPv4 address?
 */
bool did_web_is_global(const struct sockaddr *address);

/*
 * did_web_fetch(textp, lenp, web, url, detail):
 * GET ${url}.  The body, at most DID_DOCUMENT_TEXT_MAX bytes and a NUL, is
 * returned in ${*textp}; free() it.  On failure ${detail} says why in words.
 * Blocks; no signals are used.
 *
 * Returns 0, or PARLEY_ERR_NOT_FOUND (HTTP 404 or 410), PARLEY_ERR_FETCH
 * (anything else), PARLEY_ERR_UNSUPPORTED (!did_web_is_built()),
 * PARLEY_ERR_MEMORY.
 */
int did_web_fetch(char **textp, size_t *lenp, const struct did_web *web,
		  const char *url, char detail[DID_WEB_DETAIL_SIZE])
    __attribute__((warn_unused_result));

#endif /* !DID_WEB_H */
