/*
 * Identities: a key pair with its DID.
 *
 * One table lists the types that can be created; others are resolved and
 * verified only.  Files are in identity_file.c, foreign formats in
 * identity_import.c.
 *
 * Invariant: secrets stay in the one locked block of an identity; those who
 * need them borrow the pair.
 */
#include "did/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "did/key.h"
#include "did/pair.h"
#include "did/secret.h"

/* In memory from did_secret_new(). */
struct secrets {
	struct did_pair sign;
	struct did_pair agree; /* the derived X25519, or ${sign} once more */
};

struct parley_identity {
	struct secrets *secrets;
	char did[PARLEY_DID_SIZE];
	char kid[DID_IDENTITY_KID_SIZE];
	char agreement_kid[DID_IDENTITY_KID_SIZE];
};

_Static_assert((int)DID_IDENTITY_SIG_LEN_MAX >= (int)DID_PAIR_SIG_LEN,
	       "a signature fits");

/* Rows of the public enum, in its order. */
static const enum did_key_type types[] = {
    [PARLEY_IDENTITY_ED25519] = DID_KEY_ED25519,
    [PARLEY_IDENTITY_P256] = DID_KEY_P256,
};

enum {
	N_TYPES = sizeof(types) / sizeof(types[0]),
};

bool did_identity_has_type(enum did_key_type type)
{
	for (size_t i = 0; i < N_TYPES; i++) {
		if (types[i] == type)
			return true;
	}
	return false;
}

/* What can be said without the secrets: DID and key ids. */
static int set_names(struct parley_identity *id)
{
	char multikey[DID_KEY_MULTIKEY_SIZE];
	int err;

	err = did_key_encode(id->did, sizeof(id->did), &id->secrets->sign.key);
	if (err != 0)
		return err;
	snprintf(id->kid, sizeof(id->kid), "%s#%s", id->did,
		 id->did + strlen("did:key:"));
	did_key_to_multikey(multikey, &id->secrets->agree.key);
	snprintf(id->agreement_kid, sizeof(id->agreement_kid), "%s#%.127s",
		 id->did, multikey);
	return 0;
}

/* Derive what follows from the pair in ${secrets}, which is taken. */
static int from_secrets(struct parley_identity **idp, struct secrets *secrets)
{
	struct parley_identity *id = NULL;
	int err = 0;

	if (secrets->sign.key.type == DID_KEY_ED25519)
		err = did_pair_derive_x25519(&secrets->agree, &secrets->sign);
	else
		secrets->agree = secrets->sign;
	if (err != 0)
		goto out;
	err = PARLEY_ERR_MEMORY;
	id = calloc(1, sizeof(*id));
	if (id == NULL)
		goto out;
	id->secrets = secrets;
	secrets = NULL; /* the identity's now */
	err = set_names(id);
	if (err != 0)
		goto out;
	*idp = id;
	id = NULL; /* the caller's now */
out:
	parley_did_identity_free(id);
	did_secret_free(secrets);
	return err;
}

int did_identity_from_secret(struct parley_identity **idp,
			     enum did_key_type type, const uint8_t *secret,
			     size_t len)
{
	struct secrets *secrets;
	int err;

	if (!did_identity_has_type(type))
		return PARLEY_ERR_UNSUPPORTED;
	err = did_secret_init();
	if (err != 0)
		return err;
	secrets = did_secret_new(sizeof(*secrets));
	if (secrets == NULL)
		return PARLEY_ERR_MEMORY;
	err = did_pair_from_secret(&secrets->sign, type, secret, len);
	if (err != 0) {
		did_secret_free(secrets);
		return err;
	}
	return from_secrets(idp, secrets);
}

int did_identity_from_seed(struct parley_identity **idp,
			   const uint8_t seed[DID_IDENTITY_SEED_LEN])
{
	return did_identity_from_secret(idp, DID_KEY_ED25519, seed,
					DID_IDENTITY_SEED_LEN);
}

int parley_did_identity_new_type(struct parley_identity **idp,
				 enum parley_identity_type type)
{
	struct secrets *secrets;
	int err;

	if ((unsigned)type >= N_TYPES)
		return PARLEY_ERR_ARGUMENT;
	err = did_secret_init();
	if (err != 0)
		return err;
	secrets = did_secret_new(sizeof(*secrets));
	if (secrets == NULL)
		return PARLEY_ERR_MEMORY;
	err = did_pair_new(&secrets->sign, types[type]);
	if (err != 0) {
		did_secret_free(secrets);
		return err;
	}
	return from_secrets(idp, secrets);
}

int parley_did_identity_new(struct parley_identity **idp)
{
	return parley_did_identity_new_type(idp, PARLEY_IDENTITY_ED25519);
}

enum parley_identity_type parley_did_identity_type(
    const struct parley_identity *id)
{
	unsigned type = 0;

	while (types[type] != id->secrets->sign.key.type)
		type++;
	return type;
}

const char *parley_did_identity_did(const struct parley_identity *id)
{
	return id->did;
}

void parley_did_identity_free(struct parley_identity *id)
{
	if (id == NULL)
		return;
	did_secret_free(id->secrets);
	free(id);
}

const struct did_key *did_identity_key(const struct parley_identity *id)
{
	return &id->secrets->sign.key;
}

const struct did_pair *did_identity_pair(const struct parley_identity *id)
{
	return &id->secrets->sign;
}

const struct did_pair *did_identity_agreement(const struct parley_identity *id)
{
	return &id->secrets->agree;
}

const char *did_identity_kid(const struct parley_identity *id)
{
	return id->kid;
}

const char *did_identity_agreement_kid(const struct parley_identity *id)
{
	return id->agreement_kid;
}

int did_identity_sign(uint8_t sig[DID_IDENTITY_SIG_LEN_MAX], size_t *lenp,
		      const struct parley_identity *id, const void *msg,
		      size_t len)
{
	int err = did_pair_sign(sig, &id->secrets->sign, msg, len);

	if (err == 0)
		*lenp = DID_PAIR_SIG_LEN;
	return err;
}
