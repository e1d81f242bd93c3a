/*
 * Resolvers, and the table of DID methods.
 *
 * Spec: DID Core 1.0, 7.1; DID Resolution v0.3.
 *
 * Invariant: whatever a method brings, the id of the document is the DID that
 * was asked for; did_document_parse() sees to it.
 */
#include "did/resolver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "did/did.h"
#include "did/file.h"
#include "did/json.h"
#include "did/jwk.h"
#include "did/key.h"
#include "did/peer.h"
#include "did/secret.h"

enum {
	FILE_NAME_MAX = 255,
	TIMEOUT_MS = 10000,
};

/* A did:peer:4 that was resolved in its long form. */
struct seen {
	char *brief; /* the short form, a start of the other */
	char *full;
};

struct parley_resolver {
	struct did_web web;
	bool has_web;
	char *ca;
	char *directory;
	size_t next_seen; /* in a ring */
	struct seen seen[DID_RESOLVER_CACHE_MAX];
	char detail[DID_WEB_DETAIL_SIZE];
};

static int resolve_key(struct parley_resolver *r, struct did_document **docp,
		       const char *did)
{
	struct did_key key;
	int err;

	(void)r;
	err = did_key_decode(&key, did, strlen(did));
	return err != 0 ? err : did_document_from_key(docp, did, &key);
}

/* Give ${json}, which is taken, to the parser. */
static int parse_taken(struct did_document **docp, json_t *json,
		       const char *did, enum did_document_ids ids)
{
	int err = did_document_parse(docp, json, did, ids);

	if (err != 0)
		json_decref(json);
	return err;
}

static int resolve_jwk(struct parley_resolver *r, struct did_document **docp,
		       const char *did)
{
	json_t *json;
	int err;

	(void)r;
	err = did_jwk_resolve(&json, did);
	if (err != 0)
		return err;
	return parse_taken(docp, json, did, DID_DOCUMENT_IDS_ANY);
}

/* The long form of a short one, or NULL.  Borrowed. */
static const char *find_seen(const struct parley_resolver *r, const char *did)
{
	for (size_t i = 0; r != NULL && i < DID_RESOLVER_CACHE_MAX; i++) {
		if (r->seen[i].brief != NULL &&
		    strcmp(r->seen[i].brief, did) == 0)
			return r->seen[i].full;
	}
	return NULL;
}

/* Keep a long form, instead of the oldest.  What does not fit is not kept. */
static void remember(struct parley_resolver *r, const char *did)
{
	struct seen seen = {
	    .brief = strndup(did, did_peer_brief_len(did)),
	    .full = strdup(did),
	};
	struct seen *oldest = &r->seen[r->next_seen];

	if (seen.brief == NULL || seen.full == NULL ||
	    find_seen(r, seen.brief) != NULL) {
		free(seen.brief);
		free(seen.full);
		return;
	}
	free(oldest->brief);
	free(oldest->full);
	*oldest = seen;
	r->next_seen = (r->next_seen + 1) % DID_RESOLVER_CACHE_MAX;
}

static int resolve_peer(struct parley_resolver *r, struct did_document **docp,
			const char *did)
{
	struct did_key key;
	const char *full;
	json_t *json;
	int err;

	switch (did_peer_form(did)) {
	case DID_PEER_KEY:
		err = did_peer_decode_key(&key, did);
		return err != 0 ? err : did_document_from_key(docp, did, &key);
	case DID_PEER_KEYS:
		err = did_peer_resolve_keys(&json, did);
		break;
	case DID_PEER_LONG:
		err = did_peer_resolve_long(&json, did, did);
		break;
	case DID_PEER_SHORT:
		full = find_seen(r, did);
		if (full == NULL)
			return PARLEY_ERR_NOT_FOUND;
		err = did_peer_resolve_long(&json, full, did);
		break;
	case DID_PEER_OTHER:
	default:
		return PARLEY_ERR_UNSUPPORTED;
	}
	if (err != 0)
		return err;
	err = parse_taken(docp, json, did, DID_DOCUMENT_IDS_ANY);
	if (err == 0 && r != NULL && did_peer_form(did) == DID_PEER_LONG)
		remember(r, did);
	return err;
}

/* A document that came from outside as text. */
static int parse_text(struct did_document **docp, const char *text, size_t len,
		      const char *did, enum did_document_ids ids)
{
	json_t *json;
	int err;

	err = did_json_parse(&json, text, len);
	if (err != 0)
		return err == PARLEY_ERR_JSON ? PARLEY_ERR_DOCUMENT : err;
	return parse_taken(docp, json, did, ids);
}

static int resolve_web(struct parley_resolver *r, struct did_document **docp,
		       const char *did)
{
	char url[DID_WEB_URL_SIZE];
	char *text;
	size_t len;
	int err;

	err = did_web_url(url, did);
	if (err != 0)
		return err;
	err = did_web_fetch(&text, &len, &r->web, url, r->detail);
	if (err != 0)
		return err;
	err = parse_text(docp, text, len, did, DID_DOCUMENT_IDS_ABSOLUTE);
	free(text);
	return err;
}

static int resolve_file(const struct parley_resolver *r,
			struct did_document **docp, const char *did)
{
	char *path, *name;
	uint8_t *bytes;
	size_t len;
	int err;

	if (strlen(did) + strlen(".json") > FILE_NAME_MAX)
		return PARLEY_ERR_NOT_FOUND;
	if (asprintf(&path, "%s/%s.json", r->directory, did) < 0)
		return PARLEY_ERR_MEMORY;
	/* A DID has no slash, and its name begins with "did". */
	name = path + strlen(r->directory) + 1;
	while ((name = strpbrk(name, ":%")) != NULL)
		*name = '_';
	err = did_file_read(&bytes, &len, path, DID_DOCUMENT_TEXT_MAX);
	free(path);
	if (err == PARLEY_ERR_FILE_FORMAT || err == PARLEY_ERR_TOO_LARGE)
		return PARLEY_ERR_DOCUMENT;
	if (err != 0)
		return err == PARLEY_ERR_SYSTEM ? PARLEY_ERR_FETCH : err;
	err = parse_text(docp, (const char *)bytes, len, did,
			 DID_DOCUMENT_IDS_ANY);
	did_secret_free(bytes);
	return err;
}

static const struct method {
	const char *name;
	bool io; /* needs a resolver that allows it */
	int (*resolve)(struct parley_resolver *r, struct did_document **docp,
		       const char *did);
} methods[] = {
    {"key", false, resolve_key},
    {"peer", false, resolve_peer},
    {"jwk", false, resolve_jwk},
    {"web", true, resolve_web},
};

/* The row for a DID that did_check() has passed, or NULL. */
static const struct method *find_method(const char *did)
{
	const char *name = did + strlen("did:");
	size_t len = strcspn(name, ":");

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strlen(methods[i].name) == len &&
		    memcmp(methods[i].name, name, len) == 0)
			return &methods[i];
	}
	return NULL;
}

static bool is_did(const char *did)
{
	return did_check(did, strnlen(did, PARLEY_DID_LEN_MAX + 1));
}

int did_resolver_resolve(struct parley_resolver *r, struct did_document **docp,
			 const char *did)
{
	const struct method *method;
	int err;

	if (r != NULL)
		r->detail[0] = '\0';
	if (!is_did(did))
		return PARLEY_ERR_FORMAT;
	method = find_method(did);
	if (method != NULL && !method->io)
		return method->resolve(r, docp, did);
	if (r != NULL && r->directory != NULL) {
		err = resolve_file(r, docp, did);
		if (err != PARLEY_ERR_NOT_FOUND || method == NULL ||
		    !r->has_web)
			return err;
	}
	if (method == NULL || r == NULL || !r->has_web)
		return PARLEY_ERR_UNSUPPORTED;
	return method->resolve(r, docp, did);
}

bool did_resolver_knows(const struct parley_resolver *r, const char *did)
{
	const struct method *method = is_did(did) ? find_method(did) : NULL;

	if (method == NULL)
		return false;
	if (method->resolve == resolve_peer)
		return did_peer_form(did) != DID_PEER_OTHER;
	return !method->io || (r != NULL && r->has_web);
}

const char *did_resolver_detail(const struct parley_resolver *r)
{
	return r != NULL ? r->detail : "";
}

void did_resolver_set_check(struct parley_resolver *r,
			    did_web_check *may_connect)
{
	r->web.may_connect = may_connect;
}

int parley_did_resolver_new(struct parley_resolver **rp,
			    const struct parley_resolver_options *options)
{
	static const struct parley_resolver_options none;
	struct parley_resolver *r;
	int err;

	if (options == NULL)
		options = &none;
	if (options->web && !did_web_is_built())
		return PARLEY_ERR_UNSUPPORTED;
	err = did_secret_init();
	if (err != 0)
		return err;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return PARLEY_ERR_MEMORY;
	r->has_web = options->web != 0;
	if (!options->web_private)
		r->web.may_connect = did_web_is_global;
	r->web.timeout_ms =
	    options->web_timeout_ms != 0 ? options->web_timeout_ms : TIMEOUT_MS;
	r->web.redirects = options->web_redirects;
	if (options->web_ca != NULL)
		r->ca = strdup(options->web_ca);
	r->web.ca = r->ca;
	if (options->directory != NULL)
		r->directory = strdup(options->directory);
	if ((options->web_ca != NULL && r->ca == NULL) ||
	    (options->directory != NULL && r->directory == NULL)) {
		parley_did_resolver_free(r);
		return PARLEY_ERR_MEMORY;
	}
	*rp = r;
	return 0;
}

void parley_did_resolver_free(struct parley_resolver *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < DID_RESOLVER_CACHE_MAX; i++) {
		free(r->seen[i].brief);
		free(r->seen[i].full);
	}
	free(r->directory);
	free(r->ca);
	free(r);
}
