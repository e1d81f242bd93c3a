/*
 * Parties of DIDComm v2.1, Appendix A, for the tests of comm/: documents and
 * secrets from vectors/didcomm/, and JSON vector files.
 */
#ifndef TESTS_TEST_COMM_PARTY_H
#define TESTS_TEST_COMM_PARTY_H

#include <jansson.h>

#include <parley/comm.h>

#include "test-comm-vector.h"

/* The array `vectors` of the file ${name}; json_decref() ${*rootp}. */
static inline json_t *party_vectors(json_t **rootp, const char *name)
{
	char *path = vector_path(name);
	json_error_t error;
	json_t *vectors;

	*rootp = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (*rootp == NULL)
		fail_msg("%s: %s", path, error.text);
	vectors = json_object_get(*rootp, "vectors");
	assert_true(json_is_array(vectors));
	free(path);
	return vectors;
}

static inline const char *party_text(const json_t *v, const char *name)
{
	const char *text = json_string_value(json_object_get(v, name));

	if (text == NULL)
		fail_msg("no member %s", name);
	return text;
}

/* A resolver that knows did:example:alice, bob and charlie. */
static inline struct parley_resolver *party_resolver(void)
{
	char *path = vector_path("didcomm/documents");
	struct parley_resolver_options options = {.directory = path};
	struct parley_resolver *r = NULL;

	assert_int_equal(parley_did_resolver_new(&r, &options), 0);
	free(path);
	return r;
}

/* All published secrets of ${did}. */
static inline void party_add(struct parley_comm *c, const char *did)
{
	json_t *root, *secrets = party_vectors(&root, "didcomm/secrets.json");
	size_t i, n = 0, did_len = strlen(did);
	json_t *jwk;

	json_array_foreach(secrets, i, jwk)
	{
		const char *kid = party_text(jwk, "kid");
		char *text;

		if (strncmp(kid, did, did_len) != 0 || kid[did_len] != '#')
			continue;
		text = json_dumps(jwk, 0);
		assert_non_null(text);
		assert_int_equal(
		    parley_comm_add_jwk(c, kid, text, strlen(text)), 0);
		free(text);
		n++;
	}
	assert_true(n > 0);
	json_decref(root);
}

/* A party with all published secrets of ${did}. */
static inline struct parley_comm *party_new(struct parley_resolver *r,
					    const char *did)
{
	struct parley_comm *c = NULL;

	assert_int_equal(parley_comm_new(&c, r), 0);
	party_add(c, did);
	return c;
}

#endif /* !TESTS_TEST_COMM_PARTY_H */
