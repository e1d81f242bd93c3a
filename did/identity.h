/*
 * Identities inside the library; the public part is in <parley/did.h>.
 *
 * The file format is described at the top of identity_file.c.
 */
#ifndef DID_IDENTITY_H
#define DID_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/did.h>

#include "did/key.h"

struct did_file_fault;
struct did_file_rules;
struct did_pair;

enum {
	DID_IDENTITY_SEED_LEN = 32,
	DID_IDENTITY_SIG_LEN_MAX = 64,
	DID_IDENTITY_KID_SIZE = 2 * PARLEY_DID_SIZE, /* with NUL */
};

/*
 * did_identity_from_seed(idp, seed):
 * Make the Ed25519 identity of a 32-byte seed, which is copied and stays the
 * caller's to wipe.  Returned in ${*idp}; free with parley_did_identity_free().
 *
 * Returns 0, or PARLEY_ERR_MEMORY, PARLEY_ERR_SYSTEM.
 */
int did_identity_from_seed(struct parley_identity **idp,
			   const uint8_t seed[DID_IDENTITY_SEED_LEN])
    __attribute__((warn_unused_result));

/*
 * did_identity_from_secret(idp, type, secret, len):
 * Make the identity of a secret as in did_pair_from_secret(), which is copied
 * and stays the caller's to wipe.  Returned in ${*idp}.
 *
 * Returns 0, or PARLEY_ERR_UNSUPPORTED (not a type that identities have), the
 * errors of did_pair_from_secret().
 */
int did_identity_from_secret(struct parley_identity **idp,
			     enum did_key_type type, const uint8_t *secret,
			     size_t len) __attribute__((warn_unused_result));

/* did_identity_has_type(type): can there be an identity with this key? */
bool did_identity_has_type(enum did_key_type type);

/*
 * did_identity_encode(bytesp, lenp, id, format, passphrase, passphrase_len):
 * What parley_did_identity_export() writes, in ${*bytesp} from
 * did_secret_new(); did_secret_free() it.
 *
 * Returns 0, or PARLEY_ERR_ARGUMENT, PARLEY_ERR_MEMORY, PARLEY_ERR_SYSTEM.
 */
int did_identity_encode(uint8_t **bytesp, size_t *lenp,
			const struct parley_identity *id,
			enum parley_key_format format, const char *passphrase,
			size_t passphrase_len)
    __attribute__((warn_unused_result));

/*
 * did_identity_save_cost(id, path, passphrase, passphrase_len, ops, mem):
 * parley_did_identity_save() with ${ops} passes of Argon2id over ${mem} bytes;
 * small ones are for tests.
 */
int did_identity_save_cost(const struct parley_identity *id, const char *path,
			   const char *passphrase, size_t passphrase_len,
			   uint64_t ops, uint64_t mem)
    __attribute__((warn_unused_result));

/*
 * did_identity_inspect_checked(did, sealp, fault, path, rules):
 * parley_did_identity_inspect() of a file for which ${rules} hold; see
 * did_file_read_checked() for ${fault} and PARLEY_ERR_UNSAFE.
 */
int did_identity_inspect_checked(char did[PARLEY_DID_SIZE],
				 enum parley_identity_seal *sealp,
				 struct did_file_fault *fault, const char *path,
				 const struct did_file_rules *rules)
    __attribute__((warn_unused_result));

/*
 * did_identity_load_checked(idp, fault, path, passphrase, len, rules):
 * parley_did_identity_load(), in the same way.
 */
int did_identity_load_checked(struct parley_identity **idp,
			      struct did_file_fault *fault, const char *path,
			      const char *passphrase, size_t len,
			      const struct did_file_rules *rules)
    __attribute__((warn_unused_result));

/* What parley_did_identity_load() wants of a file. */
extern const struct did_file_rules did_identity_file_rules;

/* did_identity_key(id): the public key.  Borrowed, as long as ${id} lives. */
const struct did_key *did_identity_key(const struct parley_identity *id);

/* did_identity_pair(id): the pair that signs.  Borrowed, in locked memory. */
const struct did_pair *did_identity_pair(const struct parley_identity *id);

/*
 * did_identity_agreement(id):
 * The pair of the keyAgreement relation, for reading what is encrypted to this
 * identity: X25519 derived from Ed25519, or the P-256 pair itself.  Borrowed,
 * in locked memory; hand it to did_pair_agree(), copy it nowhere.
 */
const struct did_pair *did_identity_agreement(const struct parley_identity *id);

/*
 * did_identity_agreement_kid(id):
 * The DID URL of that key, "did:key:z6Mk...#z6LS...".  Borrowed.
 */
const char *did_identity_agreement_kid(const struct parley_identity *id);

/*
 * did_identity_kid(id):
 * The DID URL of the key that signs, "did:key:z6Mk...#z6Mk...".  Borrowed.
 */
const char *did_identity_kid(const struct parley_identity *id);

/*
 * did_identity_sign(sig, lenp, id, msg, len):
 * Sign ${msg}; the raw JOSE signature goes to ${sig}, its length to ${*lenp}.
 *
 * Returns 0, or PARLEY_ERR_SYSTEM, PARLEY_ERR_MEMORY.
 */
int did_identity_sign(uint8_t sig[DID_IDENTITY_SIG_LEN_MAX], size_t *lenp,
		      const struct parley_identity *id, const void *msg,
		      size_t len) __attribute__((warn_unused_result));

#endif /* !DID_IDENTITY_H */
