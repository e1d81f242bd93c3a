/*
 * One party's end of DIDComm: keys by key id, documents by DID.
 *
 * Documents are kept between calls where the DID fixes them for ever (did:key,
 * did:jwk, did:peer); others are resolved once in each call, so that one call
 * never sees two states of the same DID.  Resolving a did:key checks points
 * and derives one, which costs as much as verifying a signature.
 */
#include "comm/comm.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "did/did.h"
#include "did/identity.h"
#include "did/jwk.h"
#include "did/resolver.h"
#include "did/secret.h"

enum {
	JWK_LEN_MAX = 8192,
};

int comm_fail(struct parley_comm *c, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(c->reason, sizeof(c->reason), format, args);
	va_end(args);
	return err;
}

/* Does the DID itself say all that its document does? */
static bool is_immutable(const char *did)
{
	return strncmp(did, "did:key:", 8) == 0 ||
	       strncmp(did, "did:jwk:", 8) == 0 ||
	       strncmp(did, "did:peer:", 9) == 0;
}

int comm_begin(struct parley_comm *c)
{
	c->reason[0] = '\0';
	for (size_t i = 0; i < COMM_DOCUMENTS_MAX; i++) {
		struct did_document *doc = c->documents[i].doc;

		if (doc != NULL && !is_immutable(doc->id))
			c->documents[i].fresh = false;
	}
	return did_secret_init();
}

int comm_document(struct parley_comm *c, const struct did_document **docp,
		  const char *did, size_t len)
{
	size_t slot = c->next_document;
	struct did_document *doc;
	char *copy;
	int err;

	for (size_t i = 0; i < COMM_DOCUMENTS_MAX; i++) {
		doc = c->documents[i].doc;
		if (doc == NULL || strncmp(doc->id, did, len) != 0 ||
		    doc->id[len] != '\0')
			continue;
		if (c->documents[i].fresh) {
			*docp = doc;
			return 0;
		}
		slot = i;
		break;
	}

	copy = strndup(did, len);
	if (copy == NULL)
		return PARLEY_ERR_MEMORY;
	err = did_resolver_resolve(c->resolver, &doc, copy);
	if (err) {
		comm_fail(c, err, "cannot resolve %.120s", copy);
		free(copy);
		return err;
	}
	free(copy);
	did_document_free(c->documents[slot].doc);
	c->documents[slot].doc = doc;
	c->documents[slot].fresh = true;
	if (slot == c->next_document)
		c->next_document = (slot + 1) % COMM_DOCUMENTS_MAX;
	*docp = doc;
	return 0;
}

const struct comm_own_key *comm_own_key(const struct parley_comm *c,
					const char *kid)
{
	for (size_t i = 0; i < c->n_keys; i++) {
		if (strcmp(c->keys[i].kid, kid) == 0)
			return &c->keys[i];
	}
	return NULL;
}

bool comm_kid_split(size_t *did_len, const char *kid)
{
	const char *fragment;

	return strlen(kid) <= PARLEY_DID_LEN_MAX &&
	       did_url_split(did_len, &fragment, kid) == 0 &&
	       fragment != NULL && fragment[0] != '\0' &&
	       fragment == kid + *did_len + 1;
}

void comm_wipe(struct parley_comm *c)
{
	for (size_t i = 0; i < c->n_keys; i++) {
		free(c->keys[i].kid);
		did_secret_free(c->keys[i].own);
	}
	free(c->keys);
	for (size_t i = 0; i < COMM_DOCUMENTS_MAX; i++)
		did_document_free(c->documents[i].doc);
	memset(c, 0, sizeof(*c));
}

int parley_comm_new(struct parley_comm **commp,
		    struct parley_resolver *resolver)
{
	struct parley_comm *c;
	int err = did_secret_init();

	if (err)
		return err;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return PARLEY_ERR_MEMORY;
	c->resolver = resolver;
	*commp = c;
	return 0;
}

void parley_comm_free(struct parley_comm *comm)
{
	if (comm == NULL)
		return;
	comm_wipe(comm);
	free(comm);
}

const char *parley_comm_reason(const struct parley_comm *comm)
{
	return comm->reason;
}

/* Borrows ${pair}; takes ${own} on success. */
static int add_key(struct parley_comm *c, const char *kid,
		   const struct did_pair *pair, struct did_pair *own)
{
	struct comm_own_key *keys;
	char *copy;

	if (comm_own_key(c, kid) != NULL)
		return PARLEY_ERR_EXISTS;
	keys = realloc(c->keys, (c->n_keys + 1) * sizeof(*keys));
	if (keys == NULL)
		return PARLEY_ERR_MEMORY;
	c->keys = keys;
	copy = strdup(kid);
	if (copy == NULL)
		return PARLEY_ERR_MEMORY;
	keys[c->n_keys++] =
	    (struct comm_own_key){.kid = copy, .pair = pair, .own = own};
	return 0;
}

int parley_comm_add_identity(struct parley_comm *comm,
			     const struct parley_identity *id)
{
	const char *kid = did_identity_kid(id);
	const char *agreement_kid = did_identity_agreement_kid(id);
	int err = comm_begin(comm);

	if (err)
		return err;
	err = add_key(comm, kid, did_identity_pair(id), NULL);
	if (err || strcmp(kid, agreement_kid) == 0)
		return err;
	return add_key(comm, agreement_kid, did_identity_agreement(id), NULL);
}

int parley_comm_add_jwk(struct parley_comm *comm, const char *kid,
			const char *jwk, size_t len)
{
	struct did_pair *pair;
	size_t did_len;
	char *text;
	int err = comm_begin(comm);

	if (err)
		return err;
	if (!comm_kid_split(&did_len, kid) || len == 0 || len > JWK_LEN_MAX)
		return PARLEY_ERR_FORMAT;
	pair = did_secret_new(sizeof(*pair));
	text = did_secret_new(len + 1); /* ends in NUL */
	err = PARLEY_ERR_MEMORY;
	if (pair != NULL && text != NULL) {
		memcpy(text, jwk, len);
		err = did_jwk_to_pair(pair, text, len);
	}
	did_secret_free(text);
	if (err == 0)
		err = add_key(comm, kid, pair, pair);
	if (err)
		did_secret_free(pair);
	return err;
}
