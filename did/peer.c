/*
 * did:peer 0, 2 and 4.
 *
 * Spec: peer-did-method-spec, core.md, "Method 0", "Method 2", "Method 4".  Its
 * ABNF and regular expression are older than its text, and are not used.
 *
 * Invariant: nothing is looked up; a DID has one document for ever.
 */
#include "did/peer.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include <parley/err.h>

#include "did/base58.h"
#include "did/base64.h"
#include "did/bytes.h"
#include "did/document.h"
#include "did/json.h"

#define DID_PEER_SCHEME "did:peer:"

enum {
	/* "did:peer:" and the number. */
	PREFIX_LEN = sizeof(DID_PEER_SCHEME),
	SHA256_CODE = 0x12, /* multihash */
	HASH_LEN = 2 + crypto_hash_sha256_BYTES,
	HASH_SIZE = 64, /* text of a hash, with z and NUL: 48 */
	JSON_CODE = 0x0200,
};

enum did_peer_form did_peer_form(const char *did)
{
	if (strncmp(did, DID_PEER_SCHEME, PREFIX_LEN - 1) != 0)
		return DID_PEER_OTHER;
	switch (did[PREFIX_LEN - 1]) {
	case '0':
		return DID_PEER_KEY;
	case '2':
		return DID_PEER_KEYS;
	case '4':
		return strchr(did + PREFIX_LEN, ':') != NULL ? DID_PEER_LONG
							     : DID_PEER_SHORT;
	}
	return DID_PEER_OTHER;
}

size_t did_peer_brief_len(const char *did)
{
	return PREFIX_LEN + strcspn(did + PREFIX_LEN, ":");
}

int did_peer_decode_key(struct did_key *key, const char *did)
{
	return did_key_from_multikey(key, did + PREFIX_LEN,
				     strlen(did + PREFIX_LEN));
}

/* "z" and base58btc of the multihash of ${text}. */
static void write_hash(char hash[HASH_SIZE], const char *text, size_t len)
{
	uint8_t bytes[HASH_LEN] = {SHA256_CODE, crypto_hash_sha256_BYTES};
	int err;

	crypto_hash_sha256(bytes + 2, (const uint8_t *)text, len);
	hash[0] = 'z';
	err = did_base58_encode(hash + 1, HASH_SIZE - 1, bytes, sizeof(bytes));
	assert(err == 0);
	(void)err;
}

/* Purpose codes of did:peer:2. */
static const char *relation_of(char purpose)
{
	switch (purpose) {
	case 'A':
		return "assertionMethod";
	case 'D':
		return "capabilityDelegation";
	case 'E':
		return "keyAgreement";
	case 'I':
		return "capabilityInvocation";
	case 'V':
		return "authentication";
	}
	return NULL;
}

static json_t *get_or_add_array(json_t *doc, const char *name)
{
	json_t *list = json_object_get(doc, name);

	if (list == NULL && json_object_set_new(doc, name, json_array()) == 0)
		list = json_object_get(doc, name);
	return list;
}

static int add_key(json_t *doc, const char *did, char purpose, const char *text,
		   size_t len)
{
	const char *relation = relation_of(purpose);
	json_t *methods = json_object_get(doc, "verificationMethod");
	struct did_key key;
	char id[32];
	int err;

	if (relation == NULL)
		return PARLEY_ERR_FORMAT;
	err = did_key_from_multikey(&key, text, len);
	if (err != 0)
		return err;
	if (json_array_size(methods) == DID_DOCUMENT_METHODS_MAX)
		return PARLEY_ERR_FORMAT;
	snprintf(id, sizeof(id), "#key-%zu", json_array_size(methods) + 1);
	if (json_array_append_new(
		methods, json_pack("{s:s,s:s,s:s,s:s%}", "id", id, "controller",
				   did, "type", "Multikey",
				   "publicKeyMultibase", text, len)) != 0 ||
	    json_array_append_new(get_or_add_array(doc, relation),
				  json_string(id)) != 0)
		return PARLEY_ERR_MEMORY;
	return 0;
}

/* The long name of a member of a service. */
static const char *expand_name(const char *name)
{
	static const struct {
		const char *brief;
		const char *full;
	} names[] = {
	    {"t", "type"},
	    {"s", "serviceEndpoint"},
	    {"r", "routingKeys"},
	    {"a", "accept"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i].brief, name) == 0)
			return names[i].full;
	}
	return name;
}

static json_t *expand_value(const char *name, json_t *value)
{
	const char *text = json_string_value(value);

	if (text != NULL && strcmp(name, "type") == 0 &&
	    strcmp(text, "dm") == 0)
		return json_string("DIDCommMessaging");
	return json_incref(value);
}

/*
 * Expand what is abbreviated in ${value}, at every depth, into ${*newp}.  The
 * parser has bounded the depth.
 */
static int expand(json_t **newp, const char *name, json_t *value)
{
	json_t *copy, *entry, *expanded;
	const char *member;
	size_t i;
	int err = PARLEY_ERR_MEMORY;

	if (!json_is_object(value) && !json_is_array(value)) {
		*newp = expand_value(name, value);
		return *newp != NULL ? 0 : PARLEY_ERR_MEMORY;
	}
	copy = json_is_object(value) ? json_object() : json_array();
	if (copy == NULL)
		return PARLEY_ERR_MEMORY;
	json_array_foreach(value, i, entry)
	{
		if ((err = expand(&expanded, name, entry)) != 0)
			goto fail;
		err = PARLEY_ERR_MEMORY;
		if (json_array_append_new(copy, expanded) != 0)
			goto fail;
	}
	json_object_foreach(value, member, entry)
	{
		const char *full = expand_name(member);

		err = PARLEY_ERR_FORMAT; /* both names of one member */
		if (json_object_get(copy, full) != NULL)
			goto fail;
		if ((err = expand(&expanded, full, entry)) != 0)
			goto fail;
		err = PARLEY_ERR_MEMORY;
		if (json_object_set_new(copy, full, expanded) != 0)
			goto fail;
	}
	*newp = copy;
	return 0;
fail:
	json_decref(copy);
	return err;
}

/* Services without id are #service, #service-1, ... */
static int set_service_id(json_t *service, size_t *n_namedp)
{
	char id[32] = "#service";

	if (json_object_get(service, "id") != NULL)
		return 0;
	if (*n_namedp > 0)
		snprintf(id, sizeof(id), "#service-%zu", *n_namedp);
	(*n_namedp)++;
	return json_object_set_new(service, "id", json_string(id)) == 0
		   ? 0
		   : PARLEY_ERR_MEMORY;
}

static int add_service(json_t *doc, size_t *n_namedp, const char *text,
		       size_t len)
{
	json_t *brief = NULL, *service = NULL;
	uint8_t *bytes;
	size_t n;
	int err;

	bytes = malloc(len + 1);
	if (bytes == NULL)
		return PARLEY_ERR_MEMORY;
	if ((err = did_base64_decode(bytes, len + 1, &n, text, len)) != 0 ||
	    (err = did_json_parse(&brief, (const char *)bytes, n)) != 0 ||
	    (err = expand(&service, "", brief)) != 0 ||
	    (err = set_service_id(service, n_namedp)) != 0)
		goto out;
	if (json_array_append(get_or_add_array(doc, "service"), service) != 0)
		err = PARLEY_ERR_MEMORY;
out:
	json_decref(service);
	json_decref(brief);
	free(bytes);
	return err;
}

/* All elements of ${did}, each "." purpose value. */
static int add_elements(json_t *doc, const char *did)
{
	const char *p = did + PREFIX_LEN;
	size_t n_named = 0, len;
	int err;

	if (*p == '\0')
		return PARLEY_ERR_FORMAT;
	for (; *p != '\0'; p += len) {
		if (p[0] != '.' || p[1] == '\0')
			return PARLEY_ERR_FORMAT;
		p += 2;
		len = strcspn(p, ".");
		err = p[-1] == 'S' ? add_service(doc, &n_named, p, len)
				   : add_key(doc, did, p[-1], p, len);
		if (err != 0)
			return err;
	}
	return 0;
}

int did_peer_resolve_keys(json_t **jsonp, const char *did)
{
	char hash[HASH_SIZE], brief[HASH_SIZE + PREFIX_LEN];
	json_t *doc;
	int err;

	/* The same document by the name of its hash: did:peer:3. */
	write_hash(hash, did + PREFIX_LEN, strlen(did + PREFIX_LEN));
	snprintf(brief, sizeof(brief), DID_PEER_SCHEME "3%s", hash);
	doc = json_pack("{s:[s,s],s:s,s:[],s:[s]}", "@context",
			"https://www.w3.org/ns/did/v1",
			"https://w3id.org/security/multikey/v1", "id", did,
			"verificationMethod", "alsoKnownAs", brief);
	if (doc == NULL)
		return PARLEY_ERR_MEMORY;
	err = add_elements(doc, did);
	if (err != 0) {
		json_decref(doc);
		return err;
	}
	*jsonp = doc;
	return 0;
}

/* Check the hash in front of the document, and decode what it is of. */
static int decode_long(json_t **docp, const char *did)
{
	const char *hash = did + PREFIX_LEN;
	const char *encoded = strchr(hash, ':') + 1;
	uint8_t bytes[DID_BASE58_BYTES_MAX];
	char expected[HASH_SIZE];
	struct did_reader r;
	size_t len;
	int err;

	write_hash(expected, encoded, strlen(encoded));
	if (strlen(expected) != (size_t)(encoded - 1 - hash) ||
	    memcmp(expected, hash, strlen(expected)) != 0 || encoded[0] != 'z')
		return PARLEY_ERR_FORMAT;
	err = did_base58_decode(bytes, sizeof(bytes), &len, encoded + 1,
				strlen(encoded + 1));
	if (err != 0)
		return err == PARLEY_ERR_TOO_LARGE ? PARLEY_ERR_FORMAT : err;
	did_reader_init(&r, bytes, len);
	if (did_reader_varint(&r) != JSON_CODE || r.failed)
		return PARLEY_ERR_ENCODING;
	return did_json_parse(docp, (const char *)r.p, r.left);
}

/* Methods without controller get ${did}. */
static int set_controllers(const json_t *list, const char *did)
{
	json_t *method;
	size_t i;

	json_array_foreach(list, i, method)
	{
		if (json_is_object(method) &&
		    json_object_get(method, "controller") == NULL &&
		    json_object_set_new(method, "controller",
					json_string(did)) != 0)
			return PARLEY_ERR_MEMORY;
	}
	return 0;
}

int did_peer_resolve_long(json_t **jsonp, const char *did, const char *as)
{
	static const char *const lists[] = {
	    "verificationMethod",   "authentication",
	    "assertionMethod",	    "keyAgreement",
	    "capabilityInvocation", "capabilityDelegation",
	};
	json_t *doc = NULL, *names;
	char *brief = NULL;
	int err;

	err = decode_long(&doc, did);
	if (err != 0)
		return err;
	err = PARLEY_ERR_FORMAT;
	if (json_object_get(doc, "id") != NULL)
		goto out;
	err = PARLEY_ERR_MEMORY;
	brief = strndup(did, did_peer_brief_len(did));
	if (brief == NULL ||
	    json_object_set_new(doc, "id", json_string(as)) != 0)
		goto out;
	names = get_or_add_array(doc, "alsoKnownAs");
	err = PARLEY_ERR_FORMAT;
	if (!json_is_array(names))
		goto out;
	err = PARLEY_ERR_MEMORY;
	if (json_array_append_new(
		names, json_string(strcmp(as, did) == 0 ? brief : did)) != 0)
		goto out;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		err = set_controllers(json_object_get(doc, lists[i]), as);
		if (err != 0)
			goto out;
	}
	*jsonp = doc;
	doc = NULL; /* the caller's now */
out:
	free(brief);
	json_decref(doc);
	return err;
}
