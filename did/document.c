/*
 * DID documents: made of a key, or read from JSON.
 *
 * Spec: DID Core 1.0, 5; Controlled Identifiers 1.0, 2; did:key method v0.9,
 * "Document Creation Algorithm".
 *
 * Invariant: a method in struct did_document belongs to the document's own DID,
 * its key is valid, and each of its relations is one that its key can serve.
 *
 * Choice: the derived X25519 key of an Ed25519 DID is always listed, and an
 * X25519 key gets no relation but keyAgreement.  The algorithm as written
 * would put it into authentication, which a key without signatures cannot
 * serve; the published vectors do as we do.
 */
#include "did/document.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "did/base58.h"
#include "did/did.h"
#include "did/json.h"
#include "did/jwk.h"

static const unsigned signing_relations =
    DID_RELATION_AUTHENTICATION | DID_RELATION_ASSERTION |
    DID_RELATION_INVOCATION | DID_RELATION_DELEGATION;

/* In the order in which documents list them. */
static const struct {
	enum did_relation bit;
	const char *name;
} relations[] = {
    {DID_RELATION_AUTHENTICATION, "authentication"},
    {DID_RELATION_ASSERTION, "assertionMethod"},
    {DID_RELATION_DELEGATION, "capabilityDelegation"},
    {DID_RELATION_INVOCATION, "capabilityInvocation"},
    {DID_RELATION_KEY_AGREEMENT, "keyAgreement"},
};

enum {
	N_RELATIONS = sizeof(relations) / sizeof(relations[0]),
};

/* Append a method; ${id} is the document's then, also on failure. */
static int add_method(struct did_document *doc, char *id,
		      const struct did_key *key, unsigned relations_of_key)
{
	const struct did_key_info *info = did_key_info(key->type);
	struct did_method *methods = NULL;

	if (id != NULL)
		methods = realloc(doc->methods,
				  (doc->n_methods + 1) * sizeof(*methods));
	if (methods == NULL) {
		free(id);
		return PARLEY_ERR_MEMORY;
	}
	doc->methods = methods;
	if (!info->can_sign)
		relations_of_key &= ~signing_relations;
	if (!info->can_agree)
		relations_of_key &= ~(unsigned)DID_RELATION_KEY_AGREEMENT;
	methods[doc->n_methods++] = (struct did_method){
	    .id = id,
	    .key = *key,
	    .relations = relations_of_key,
	};
	return 0;
}

/* Append ${key} as DID "#" multikey. */
static int add_key(struct did_document *doc, const struct did_key *key)
{
	char multikey[DID_KEY_MULTIKEY_SIZE];
	char *id;

	did_key_to_multikey(multikey, key);
	if (asprintf(&id, "%s#%s", doc->id, multikey) < 0)
		return PARLEY_ERR_MEMORY;
	return add_method(doc, id, key,
			  signing_relations | DID_RELATION_KEY_AGREEMENT);
}

static int new_document(struct did_document **docp, const char *did)
{
	struct did_document *doc = calloc(1, sizeof(*doc));

	if (doc != NULL)
		doc->id = strdup(did);
	if (doc == NULL || doc->id == NULL) {
		did_document_free(doc);
		return PARLEY_ERR_MEMORY;
	}
	*docp = doc;
	return 0;
}

int did_document_from_key(struct did_document **docp, const char *did,
			  const struct did_key *key)
{
	struct did_document *doc;
	struct did_key derived;
	int err;

	err = new_document(&doc, did);
	if (err != 0)
		return err;
	err = add_key(doc, key);
	if (err == 0 && key->type == DID_KEY_ED25519) {
		err = did_key_derive_x25519(&derived, key);
		if (err == 0)
			err = add_key(doc, &derived);
	}
	if (err != 0) {
		did_document_free(doc);
		return err;
	}
	*docp = doc;
	return 0;
}

/* Types whose key is found by the member alone, and those of one type. */
static const struct {
	const char *name;
	bool any; /* Multikey, JsonWebKey: the value says which type */
	enum did_key_type type;
} method_types[] = {
    {"Multikey", true, DID_KEY_ED25519},
    {"JsonWebKey", true, DID_KEY_ED25519},
    {"JsonWebKey2020", true, DID_KEY_ED25519},
    {"Ed25519VerificationKey2018", false, DID_KEY_ED25519},
    {"Ed25519VerificationKey2020", false, DID_KEY_ED25519},
    {"X25519KeyAgreementKey2019", false, DID_KEY_X25519},
    {"X25519KeyAgreementKey2020", false, DID_KEY_X25519},
    {"EcdsaSecp256k1VerificationKey2019", false, DID_KEY_SECP256K1},
    {"P256Key2021", false, DID_KEY_P256},
};

enum {
	N_METHOD_TYPES = sizeof(method_types) / sizeof(method_types[0]),
};

/* publicKeyBase58 of the types of 2018 and 2019: raw, without multicodec. */
static int read_base58(struct did_key *key, enum did_key_type type,
		       const char *text, size_t len)
{
	uint8_t bytes[DID_KEY_BYTES_MAX];
	size_t n;

	/* The decoder is quadratic; no key of these types is longer. */
	if (len > 64 ||
	    did_base58_decode(bytes, sizeof(bytes), &n, text, len) != 0)
		return PARLEY_ERR_DOCUMENT;
	return did_key_from_bytes(key, type, bytes, n);
}

/*
 * The key of a method: 0, PARLEY_ERR_UNSUPPORTED (to be passed over),
 * PARLEY_ERR_MEMORY, or another error.
 */
static int read_key(struct did_key *key, const json_t *method)
{
	const char *type = did_json_string(method, "type");
	const json_t *multibase = json_object_get(method, "publicKeyMultibase");
	const json_t *base58 = json_object_get(method, "publicKeyBase58");
	const json_t *jwk = json_object_get(method, "publicKeyJwk");
	size_t row = 0;
	int err;

	if (type == NULL)
		return PARLEY_ERR_DOCUMENT;
	while (row < N_METHOD_TYPES &&
	       strcmp(method_types[row].name, type) != 0)
		row++;
	if (row == N_METHOD_TYPES)
		return PARLEY_ERR_UNSUPPORTED;
	/* DID Core 5.2: "MUST NOT contain multiple verification material" */
	if ((multibase != NULL) + (base58 != NULL) + (jwk != NULL) != 1)
		return PARLEY_ERR_DOCUMENT;
	if (jwk != NULL)
		err = did_jwk_to_key(key, NULL, jwk);
	else if (multibase != NULL && json_is_string(multibase))
		err = did_key_from_multikey(key, json_string_value(multibase),
					    json_string_length(multibase));
	else if (base58 != NULL && json_is_string(base58) &&
		 !method_types[row].any)
		err = read_base58(key, method_types[row].type,
				  json_string_value(base58),
				  json_string_length(base58));
	else
		err = PARLEY_ERR_DOCUMENT;
	if (err == 0 && !method_types[row].any &&
	    key->type != method_types[row].type)
		err = PARLEY_ERR_DOCUMENT;
	return err;
}

/* Reading: the document so far, and where to look. */
struct parser {
	struct did_document *doc;
	const json_t *json;
	enum did_document_ids ids;
	size_t n_seen; /* methods, those passed over too */
	json_t *seen;  /* their absolute ids, as the members of an object */
};

/*
 * The absolute form of ${value} in ${*idp}, which the caller frees.  Of another
 * DID, or of none: ${*ownp} says so.
 */
static int read_id(char **idp, bool *ownp, const struct parser *p,
		   const json_t *value)
{
	const char *text = json_string_value(value);
	const char *fragment;
	size_t len;
	char *id;

	if (text == NULL || json_string_length(value) > PARLEY_DID_LEN_MAX)
		return PARLEY_ERR_DOCUMENT;
	if (text[0] == '#') {
		if (p->ids == DID_DOCUMENT_IDS_ABSOLUTE || text[1] == '\0')
			return PARLEY_ERR_DOCUMENT;
		if (asprintf(&id, "%s%s", p->doc->id, text) < 0)
			return PARLEY_ERR_MEMORY;
	} else {
		id = strdup(text);
		if (id == NULL)
			return PARLEY_ERR_MEMORY;
	}
	if (did_url_split(&len, &fragment, id) != 0) {
		free(id);
		return PARLEY_ERR_DOCUMENT;
	}
	*ownp = fragment != NULL && len == strlen(p->doc->id) &&
		memcmp(id, p->doc->id, len) == 0;
	*idp = id;
	return 0;
}

/* One method, listed or embedded; ${bits} are the relations it stands in. */
static int parse_method(struct parser *p, const json_t *method, unsigned bits)
{
	struct did_key key;
	char *id = NULL;
	bool own;
	int err;

	if (!json_is_object(method) || p->n_seen++ == DID_DOCUMENT_METHODS_MAX)
		return PARLEY_ERR_DOCUMENT;
	err = read_id(&id, &own, p, json_object_get(method, "id"));
	if (err != 0)
		return err;
	/* DID Core 5.2: the controller is a DID; did:peer:4 adds it. */
	err = PARLEY_ERR_DOCUMENT;
	if (!did_json_string(method, "controller") ||
	    json_object_get(p->seen, id) != NULL)
		goto out;
	err = PARLEY_ERR_MEMORY;
	if (json_object_set_new(p->seen, id, json_true()) != 0)
		goto out;
	err = read_key(&key, method);
	if (err == PARLEY_ERR_UNSUPPORTED || (err == 0 && !own)) {
		err = 0;
		goto out;
	}
	if (err == 0) {
		err = add_method(p->doc, id, &key, bits);
		id = NULL; /* the document's now */
	} else if (err != PARLEY_ERR_MEMORY) {
		err = PARLEY_ERR_DOCUMENT;
	}
out:
	free(id);
	return err;
}

/* An entry of a relation that names a method. */
static int parse_reference(struct parser *p, const json_t *entry, unsigned bit)
{
	char *id;
	bool own;
	int err;

	err = read_id(&id, &own, p, entry);
	if (err != 0)
		return err;
	for (size_t i = 0; i < p->doc->n_methods; i++) {
		struct did_method *method = &p->doc->methods[i];
		const struct did_key_info *info =
		    did_key_info(method->key.type);

		if (strcmp(method->id, id) == 0 &&
		    (bit == DID_RELATION_KEY_AGREEMENT ? info->can_agree
						       : info->can_sign))
			method->relations |= bit;
	}
	/*
	 * Choice: a reference to a key of another DID, or to none, is passed
	 * over.  It gives no key any right, and older documents have some.
	 */
	free(id);
	return 0;
}

/* Embedded methods first: a relation may refer to those of another one. */
static int parse_relations(struct parser *p, bool embedded)
{
	const json_t *list, *entry;
	size_t i;
	int err;

	for (size_t r = 0; r < N_RELATIONS; r++) {
		list = json_object_get(p->json, relations[r].name);
		if (list == NULL)
			continue;
		if (!json_is_array(list) ||
		    json_array_size(list) > DID_DOCUMENT_METHODS_MAX)
			return PARLEY_ERR_DOCUMENT;
		json_array_foreach(list, i, entry)
		{
			if (json_is_object(entry) != embedded)
				continue;
			err = embedded
				  ? parse_method(p, entry, relations[r].bit)
				  : parse_reference(p, entry, relations[r].bit);
			if (err != 0)
				return err;
		}
	}
	return 0;
}

/* DID Core 5.4: id, type, and serviceEndpoint; kept as JSON. */
static int parse_services(const struct parser *p)
{
	const json_t *list = json_object_get(p->json, "service");
	const json_t *service, *endpoint, *type;
	size_t i;

	if (list == NULL)
		return 0;
	if (!json_is_array(list) ||
	    json_array_size(list) > DID_DOCUMENT_SERVICES_MAX)
		return PARLEY_ERR_DOCUMENT;
	json_array_foreach(list, i, service)
	{
		endpoint = json_object_get(service, "serviceEndpoint");
		type = json_object_get(service, "type");
		if (did_json_string(service, "id") == NULL ||
		    (!json_is_string(type) && !json_is_array(type)) ||
		    (!json_is_string(endpoint) && !json_is_object(endpoint) &&
		     !json_is_array(endpoint)))
			return PARLEY_ERR_DOCUMENT;
	}
	return 0;
}

static int parse_methods(struct parser *p)
{
	const json_t *list = json_object_get(p->json, "verificationMethod");
	const json_t *method;
	size_t i;
	int err;

	if (list != NULL && !json_is_array(list))
		return PARLEY_ERR_DOCUMENT;
	json_array_foreach(list, i, method)
	{
		err = parse_method(p, method, 0);
		if (err != 0)
			return err;
	}
	return 0;
}

int did_document_parse(struct did_document **docp, json_t *json,
		       const char *did, enum did_document_ids ids)
{
	struct parser p = {.json = json, .ids = ids};
	const char *id = did_json_string(json, "id");
	int err;

	if (id == NULL || strcmp(id, did) != 0)
		return PARLEY_ERR_DOCUMENT;
	err = new_document(&p.doc, did);
	if (err != 0)
		return err;
	err = PARLEY_ERR_MEMORY;
	p.seen = json_object();
	if (p.seen == NULL)
		goto out;
	if ((err = parse_methods(&p)) != 0 ||
	    (err = parse_relations(&p, true)) != 0 ||
	    (err = parse_relations(&p, false)) != 0 ||
	    (err = parse_services(&p)) != 0)
		goto out;
	p.doc->json = json;
	*docp = p.doc;
	p.doc = NULL; /* the caller's now */
out:
	json_decref(p.seen);
	did_document_free(p.doc);
	return err;
}

const struct did_method *did_document_method(const struct did_document *doc,
					     const char *id)
{
	for (size_t i = 0; i < doc->n_methods; i++) {
		if (strcmp(doc->methods[i].id, id) == 0)
			return &doc->methods[i];
	}
	return NULL;
}

static json_t *method_to_json(const struct did_document *doc,
			      const struct did_method *method)
{
	char multikey[DID_KEY_MULTIKEY_SIZE];

	did_key_to_multikey(multikey, &method->key);
	return json_pack("{s:s,s:s,s:s,s:s}", "id", method->id, "type",
			 "Multikey", "controller", doc->id,
			 "publicKeyMultibase", multikey);
}

/* The ids of all methods that have ${bit}: an array, perhaps empty. */
static json_t *relation_to_json(const struct did_document *doc,
				enum did_relation bit)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < doc->n_methods; i++) {
		const struct did_method *method = &doc->methods[i];

		if ((method->relations & bit) == 0)
			continue;
		if (json_array_append_new(ids, json_string(method->id)) != 0) {
			json_decref(ids);
			return NULL;
		}
	}
	return ids;
}

/* Is ${value}, absolute or relative to the document, the absolute ${id}? */
static bool is_id(const struct did_document *doc, const json_t *value,
		  const char *id)
{
	const char *text = json_string_value(value);
	size_t len = strlen(doc->id);

	if (text == NULL)
		return false;
	if (text[0] != '#')
		return strcmp(text, id) == 0;
	return strncmp(id, doc->id, len) == 0 && strcmp(id + len, text) == 0;
}

static json_t *find_in(const struct did_document *doc, const json_t *list,
		       const char *id)
{
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
	{
		if (json_is_object(entry) &&
		    is_id(doc, json_object_get(entry, "id"), id))
			return json_incref(entry);
	}
	return NULL;
}

json_t *did_document_find(const struct did_document *doc, const char *id)
{
	const struct did_method *method;
	json_t *found;

	if (doc->json == NULL) {
		method = did_document_method(doc, id);
		return method != NULL ? method_to_json(doc, method) : NULL;
	}
	found =
	    find_in(doc, json_object_get(doc->json, "verificationMethod"), id);
	for (size_t r = 0; found == NULL && r < N_RELATIONS; r++)
		found = find_in(
		    doc, json_object_get(doc->json, relations[r].name), id);
	if (found == NULL)
		found = find_in(doc, did_document_services(doc), id);
	return found;
}

const json_t *did_document_services(const struct did_document *doc)
{
	return json_object_get(doc->json, "service");
}

json_t *did_document_to_json(const struct did_document *doc)
{
	json_t *obj, *methods, *ids;

	if (doc->json != NULL)
		return json_incref(doc->json);
	obj = json_pack("{s:[s],s:s,s:[]}", "@context",
			"https://www.w3.org/ns/did/v1.1", "id", doc->id,
			"verificationMethod");
	if (obj == NULL)
		return NULL;
	methods = json_object_get(obj, "verificationMethod");
	for (size_t i = 0; i < doc->n_methods; i++) {
		if (json_array_append_new(
			methods, method_to_json(doc, &doc->methods[i])) != 0)
			goto fail;
	}
	for (size_t i = 0; i < N_RELATIONS; i++) {
		ids = relation_to_json(doc, relations[i].bit);
		if (ids == NULL)
			goto fail;
		if (json_array_size(ids) == 0)
			json_decref(ids);
		else if (json_object_set_new(obj, relations[i].name, ids) != 0)
			goto fail;
	}
	return obj;
fail:
	json_decref(obj);
	return NULL;
}

void did_document_free(struct did_document *doc)
{
	if (doc == NULL)
		return;
	for (size_t i = 0; i < doc->n_methods; i++)
		free(doc->methods[i].id);
	free(doc->methods);
	json_decref(doc->json);
	free(doc->id);
	free(doc);
}
