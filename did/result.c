/*
 * Results of resolution and dereferencing, and the calls that give them.
 *
 * Spec: DID Core 1.0, 7.1.2 and 7.2.2 (names like "invalidDid"; the did:key
 * method adds those of keys); DID Resolution v0.3, "Errors" (names like
 * INVALID_DID, as URLs).
 *
 * Choice: one code of ours has one row, and a failed result carries both names.
 */
#include "did/result.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "did/did.h"
#include "did/document.h"
#include "did/json.h"
#include "did/resolver.h"

struct names {
	int err;
	const char *core; /* DID Core 1.0, did:key method */
	const char *type; /* behind https://www.w3.org/ns/did# */
};

/* Where a code has another name than in the table. */
static const struct names invalid_url = {PARLEY_ERR_FORMAT, "invalidDidUrl",
					 "INVALID_DID_URL"};
static const struct names unsupported_key = {PARLEY_ERR_UNSUPPORTED,
					     "unsupportedPublicKeyType",
					     "FEATURE_NOT_SUPPORTED"};
static const struct names unsupported_url = {
    PARLEY_ERR_UNSUPPORTED, "featureNotSupported", "FEATURE_NOT_SUPPORTED"};
static const struct names table[] = {
    {PARLEY_ERR_FORMAT, "invalidDid", "INVALID_DID"},
    {PARLEY_ERR_ENCODING, "invalidDid", "INVALID_DID"},
    {PARLEY_ERR_JSON, "invalidDid", "INVALID_DID"},
    {PARLEY_ERR_LENGTH, "invalidPublicKeyLength", "INVALID_DID"},
    {PARLEY_ERR_KEY, "invalidPublicKey", "INVALID_DID"},
    {PARLEY_ERR_UNSUPPORTED, "methodNotSupported", "METHOD_NOT_SUPPORTED"},
    {PARLEY_ERR_NOT_FOUND, "notFound", "NOT_FOUND"},
    {PARLEY_ERR_DOCUMENT, "invalidDidDocument", "INVALID_DID_DOCUMENT"},
    {PARLEY_ERR_FETCH, "internalError", "INTERNAL_ERROR"},
};

/* NULL for an error that leaves no result. */
static const struct names *find_names(int err)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].err == err)
			return &table[i];
	}
	return NULL;
}

static json_t *metadata_of(int err, const struct names *names,
			   const struct parley_resolver *r)
{
	const char *detail = did_resolver_detail(r);
	char type[64];
	json_t *problem;

	snprintf(type, sizeof(type), "https://www.w3.org/ns/did#%s",
		 names->type);
	problem = json_pack("{s:s,s:s}", "type", type, "title",
			    parley_did_err_string(err));
	if (problem != NULL && detail[0] != '\0' &&
	    json_object_set_new(problem, "detail", json_string(detail)) != 0) {
		json_decref(problem);
		return NULL;
	}
	return json_pack("{s:s,s:o}", "error", names->core, "problemDetails",
			 problem);
}

static int dump(char **jsonp, int err, json_t *result)
{
	size_t len;
	int dump_err = PARLEY_ERR_MEMORY;

	if (result != NULL)
		dump_err = did_json_dump(jsonp, &len, result);
	json_decref(result);
	return dump_err != 0 ? dump_err : err;
}

int did_result_resolution(char **jsonp, int err, const struct did_document *doc,
			  const struct parley_resolver *r, const char *did)
{
	const struct names *names = find_names(err);

	if (err == 0)
		return dump(jsonp, 0,
			    json_pack("{s:{s:s},s:o,s:{}}",
				      "didResolutionMetadata", "contentType",
				      "application/did+ld+json", "didDocument",
				      did_document_to_json(doc),
				      "didDocumentMetadata"));
	if (names == NULL)
		return err;
	/* One code, two names: the method is known, so it is the key. */
	if (err == PARLEY_ERR_UNSUPPORTED && did_resolver_knows(r, did))
		names = &unsupported_key;
	return dump(jsonp, err,
		    json_pack("{s:o,s:n,s:{}}", "didResolutionMetadata",
			      metadata_of(err, names, r), "didDocument",
			      "didDocumentMetadata"));
}

/* A valid DID URL with something that is not dereferenced here? */
static bool has_path_or_query(const char *url)
{
	return strcspn(url, "/?") < strcspn(url, "#");
}

int did_result_dereferencing(char **jsonp, int err, json_t *content,
			     const struct parley_resolver *r, const char *url)
{
	const struct names *names = find_names(err);

	if (err == 0)
		return dump(
		    jsonp, 0,
		    json_pack("{s:{s:s},s:o,s:{}}", "dereferencingMetadata",
			      "contentType", "application/did+ld+json",
			      "contentStream", content, "contentMetadata"));
	json_decref(content);
	if (names == NULL)
		return err;
	if (err == PARLEY_ERR_FORMAT)
		names = &invalid_url;
	else if (err == PARLEY_ERR_UNSUPPORTED && has_path_or_query(url))
		names = &unsupported_url;
	return dump(jsonp, err,
		    json_pack("{s:o,s:n,s:{}}", "dereferencingMetadata",
			      metadata_of(err, names, r), "contentStream",
			      "contentMetadata"));
}

/*
 * The calls that give them
 */

int parley_did_resolver_json(char **jsonp, struct parley_resolver *r,
			     const char *did)
{
	struct did_document *doc = NULL;
	int resolve_err, err;

	resolve_err = did_resolver_resolve(r, &doc, did);
	err = did_result_resolution(jsonp, resolve_err, doc, r, did);
	did_document_free(doc);
	return err;
}

int parley_did_resolve(char **jsonp, const char *did)
{
	return parley_did_resolver_json(jsonp, NULL, did);
}

/* What ${url} names inside of the document of ${did}, its first part. */
static int find_content(json_t **contentp, struct parley_resolver *r,
			const char *did, const char *url, const char *fragment)
{
	struct did_document *doc = NULL;
	int err;

	err = did_resolver_resolve(r, &doc, did);
	if (err != 0)
		return err;
	if (fragment == NULL) {
		*contentp = did_document_to_json(doc);
		if (*contentp == NULL)
			err = PARLEY_ERR_MEMORY;
	} else {
		*contentp = did_document_find(doc, url);
		if (*contentp == NULL)
			err = PARLEY_ERR_NOT_FOUND;
	}
	did_document_free(doc);
	return err;
}

int parley_did_dereference(char **jsonp, struct parley_resolver *r,
			   const char *url)
{
	json_t *content = NULL;
	const char *fragment;
	char *did = NULL;
	size_t len;
	int err;

	err = did_url_split(&len, &fragment, url);
	if (err != 0)
		goto out;
	err = PARLEY_ERR_UNSUPPORTED;
	if (url[len] == '/' || url[len] == '?')
		goto out;
	err = PARLEY_ERR_MEMORY;
	did = strndup(url, len);
	if (did != NULL)
		err = find_content(&content, r, did, url, fragment);
out:
	free(did);
	return did_result_dereferencing(jsonp, err, content, r, url);
}
