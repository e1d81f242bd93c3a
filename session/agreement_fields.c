/*
 * Field digests (PROTOCOL 2.2): they name what differs between two agreements
 * without telling what it is.
 */
#include "session/agreement_fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "did/base64.h"
#include "did/json.h"
#include "session/agreement_cbor.h"
#include "session/agreement_form.h"

/* PROTOCOL 2.2: H(CBOR ["parley field", 1, path, value])[0..8]. */
static void field_begin(struct session_agreement_cbor *b, const char *path)
{
	b->len = 0;
	session_agreement_cbor_array(b, 4);
	session_agreement_cbor_text(b, "parley field");
	session_agreement_cbor_int(b, 1);
	session_agreement_cbor_text(b, path);
}

static void field_digest(uint8_t digest[SESSION_FIELD_DIGEST_LEN],
			 const struct session_agreement_cbor *b)
{
	uint8_t hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, b->p, b->len);
	memcpy(digest, hash, SESSION_FIELD_DIGEST_LEN);
}

static void field_set(json_t *fields, struct session_agreement_cbor *b,
		      const char *path, const uint8_t *digest, size_t len)
{
	char *text = malloc(DID_BASE64_LEN(len) + 1);

	if (!text) {
		b->failed = true;
		return;
	}
	did_base64_encode(text, digest, len);
	if (json_object_set_new(fields, path, json_string(text)))
		b->failed = true;
	free(text);
}

static void field_end(json_t *fields, struct session_agreement_cbor *b,
		      const char *path)
{
	uint8_t digest[SESSION_FIELD_DIGEST_LEN];

	if (b->failed)
		return;
	field_digest(digest, b);
	field_set(fields, b, path, digest, sizeof(digest));
}

static void field_text(json_t *fields, struct session_agreement_cbor *b,
		       const char *path, const char *text)
{
	field_begin(b, path);
	session_agreement_cbor_text(b, text);
	field_end(fields, b, path);
}

static void field_int(json_t *fields, struct session_agreement_cbor *b,
		      const char *path, int64_t v)
{
	field_begin(b, path);
	session_agreement_cbor_int(b, v);
	field_end(fields, b, path);
}

/* What of the roster is digested under one path, in order to name it. */
enum roster_part { ROSTER_DID, ROSTER_NAME, ROSTER_ENDPOINTS, ROSTER_N_PARTS };

static const char *const roster_part_name[ROSTER_N_PARTS] = {"did", "name",
							     "endpoints"};

/* The concatenated digests of one part over all parties. */
static void field_roster(json_t *fields, struct session_agreement_cbor *b,
			 const struct parley_agreement *a,
			 enum roster_part part)
{
	char path[SESSION_FIELD_PATH_SIZE];
	uint8_t *digests;

	digests = malloc(a->n_parties * SESSION_FIELD_DIGEST_LEN);
	if (!digests) {
		b->failed = true;
		return;
	}
	for (size_t i = 0; i < a->n_parties && !b->failed; i++) {
		const struct session_agreement_party *p = &a->parties[i];

		snprintf(path, sizeof(path), "parties[%zu].%s", i,
			 roster_part_name[part]);
		field_begin(b, path);
		if (part == ROSTER_ENDPOINTS)
			session_agreement_cbor_endpoints(b, p);
		else
			session_agreement_cbor_text(
			    b, part == ROSTER_DID ? p->did : p->name);
		if (!b->failed)
			field_digest(digests + i * SESSION_FIELD_DIGEST_LEN, b);
	}
	snprintf(path, sizeof(path), "parties.%s", roster_part_name[part]);
	if (!b->failed)
		field_set(fields, b, path, digests,
			  a->n_parties * SESSION_FIELD_DIGEST_LEN);
	free(digests);
}

json_t *session_agreement_fields_new(const struct parley_agreement *a)
{
	struct session_agreement_cbor b = {0};
	char path[SESSION_FIELD_PATH_SIZE];
	json_t *fields = json_object();

	if (!fields)
		return NULL;
	field_text(fields, &b, "name", a->name);
	field_int(fields, &b, "created", a->created);
	field_int(fields, &b, "expires", a->expires);
	field_text(fields, &b, "program.name", a->program);
	field_text(fields, &b, "program.version", a->version);
	for (size_t i = 0; i < a->n_digests; i++) {
		snprintf(path, sizeof(path), "program.digests.%s",
			 a->digests[i].label);
		field_begin(&b, path);
		session_agreement_cbor_bytes(&b, a->digests[i].bytes,
					     SESSION_AGREEMENT_DIGEST_LEN);
		field_end(fields, &b, path);
	}
	field_int(fields, &b, "threshold", a->threshold);
	for (size_t i = 0; i < a->n_parameters; i++) {
		snprintf(path, sizeof(path), "parameters.%s",
			 a->parameters[i].name);
		field_begin(&b, path);
		session_agreement_cbor_parameter(&b, &a->parameters[i]);
		field_end(fields, &b, path);
	}
	for (int part = 0; part < ROSTER_N_PARTS; part++)
		field_roster(fields, &b, a, (enum roster_part)part);
	free(b.p);
	if (b.failed) {
		json_decref(fields);
		return NULL;
	}
	return fields;
}

/*
 * Differences
 */

/* First party whose digest differs in the concatenation ${theirs}. */
static void diff_roster(char path[SESSION_FIELD_PATH_SIZE], const char *key,
			const char *mine, const char *theirs)
{
	uint8_t a[PARLEY_AGREEMENT_PARTIES_MAX * SESSION_FIELD_DIGEST_LEN];
	uint8_t b[sizeof(a)];
	size_t a_len, b_len, i = 0;

	snprintf(path, SESSION_FIELD_PATH_SIZE, "parties");
	if (did_base64_decode(a, sizeof(a), &a_len, mine, strlen(mine)) ||
	    did_base64_decode(b, sizeof(b), &b_len, theirs, strlen(theirs)) ||
	    a_len != b_len)
		return; /* another number of parties */
	while (i < a_len && a[i] == b[i])
		i++;
	snprintf(path, SESSION_FIELD_PATH_SIZE, "parties[%zu].%s",
		 i / SESSION_FIELD_DIGEST_LEN, key + strlen("parties."));
}

/* A foreign path, cut and cleaned of what paths do not have. */
static void copy_path(char path[SESSION_FIELD_PATH_SIZE], const char *foreign)
{
	size_t n = 0;

	for (; n < SESSION_FIELD_PATH_SIZE - 1 && foreign[n]; n++)
		path[n] =
		    foreign[n] > 0x20 && foreign[n] < 0x7f ? foreign[n] : '?';
	path[n] = '\0';
}

void session_agreement_fields_diff(char path[SESSION_FIELD_PATH_SIZE],
				   const struct parley_agreement *a,
				   const json_t *fields)
{
	const char *key;
	json_t *mine;
	void *iter;

	path[0] = '\0';
	json_object_foreach(a->fields, key, mine)
	{
		const char *theirs = did_json_string(fields, key);

		if (theirs && strcmp(theirs, json_string_value(mine)) == 0)
			continue;
		if (theirs && strncmp(key, "parties.", 8) == 0)
			diff_roster(path, key, json_string_value(mine), theirs);
		else
			copy_path(path, key);
		return;
	}
	/* All of mine are there and equal; is there one more of theirs? */
	iter = json_object_iter((json_t *)(uintptr_t)fields);
	for (; iter;
	     iter = json_object_iter_next((json_t *)(uintptr_t)fields, iter)) {
		key = json_object_iter_key(iter);
		if (!json_object_get(a->fields, key)) {
			copy_path(path, key);
			return;
		}
	}
}
