/*
 * Agreements: what they say, once parsed (PROTOCOL 2).
 *
 *   agreement_parse.c    from JSON, with all checks
 *   agreement_cbor.c     the bytes that are hashed
 *   agreement_fields.c   field digests: what differs?
 */
#include "session/agreement.h"

#include <stdlib.h>
#include <string.h>

#include "did/secret.h"
#include "session/agreement_form.h"

void parley_session_agreement_free(struct parley_agreement *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->n_digests; i++)
		free(a->digests[i].label);
	for (size_t i = 0; i < a->n_parameters; i++) {
		free(a->parameters[i].name);
		free(a->parameters[i].text);
	}
	for (size_t i = 0; i < a->n_parties; i++) {
		free(a->parties[i].did);
		free(a->parties[i].name);
		for (size_t j = 0; j < a->parties[i].n_endpoints; j++)
			free(a->parties[i].endpoints[j]);
	}
	free(a->digests);
	free(a->parameters);
	free(a->parties);
	free(a->name);
	free(a->program);
	free(a->version);
	json_decref(a->fields);
	did_secret_wipe(a->id, sizeof(a->id));
	free(a);
}

const uint8_t *session_agreement_id(const struct parley_agreement *a)
{
	return a->id;
}

const struct did_key *session_agreement_key(const struct parley_agreement *a,
					    size_t index)
{
	return &a->parties[index].key;
}

bool session_agreement_dials(const struct parley_agreement *a, size_t i,
			     size_t j)
{
	if (i < j)
		return a->parties[j].n_endpoints > 0;
	return a->parties[i].n_endpoints == 0;
}

const json_t *session_agreement_fields(const struct parley_agreement *a)
{
	return a->fields;
}

void parley_session_agreement_hash(const struct parley_agreement *a,
				   uint8_t hash[PARLEY_AGREEMENT_HASH_LEN])
{
	memcpy(hash, a->hash, PARLEY_AGREEMENT_HASH_LEN);
}

const char *parley_session_agreement_name(const struct parley_agreement *a)
{
	return a->name;
}

int64_t parley_session_agreement_created(const struct parley_agreement *a)
{
	return a->created;
}

int64_t parley_session_agreement_expires(const struct parley_agreement *a)
{
	return a->expires;
}

size_t parley_session_agreement_n_parties(const struct parley_agreement *a)
{
	return a->n_parties;
}

unsigned parley_session_agreement_threshold(const struct parley_agreement *a)
{
	return a->threshold;
}

const char *parley_session_agreement_program(const struct parley_agreement *a)
{
	return a->program;
}

const char *parley_session_agreement_program_version(
    const struct parley_agreement *a)
{
	return a->version;
}

const char *parley_session_agreement_digest(const struct parley_agreement *a,
					    const char *label)
{
	for (size_t i = 0; i < a->n_digests; i++)
		if (strcmp(a->digests[i].label, label) == 0)
			return a->digests[i].hex;
	return NULL;
}

const char *parley_session_agreement_parameter(const struct parley_agreement *a,
					       const char *name)
{
	for (size_t i = 0; i < a->n_parameters; i++)
		if (strcmp(a->parameters[i].name, name) == 0)
			return a->parameters[i].text;
	return NULL;
}

const char *parley_session_agreement_party_did(const struct parley_agreement *a,
					       size_t index)
{
	return index < a->n_parties ? a->parties[index].did : NULL;
}

const char *parley_session_agreement_party_name(
    const struct parley_agreement *a, size_t index)
{
	return index < a->n_parties ? a->parties[index].name : NULL;
}

const char *parley_session_agreement_party_endpoint(
    const struct parley_agreement *a, size_t index, size_t n)
{
	return index < a->n_parties && n < a->parties[index].n_endpoints
		   ? a->parties[index].endpoints[n]
		   : NULL;
}

int parley_session_agreement_index(const struct parley_agreement *a,
				   const char *did)
{
	for (size_t i = 0; i < a->n_parties; i++)
		if (strcmp(a->parties[i].did, did) == 0)
			return (int)i;
	return PARLEY_ERR_ROSTER;
}
