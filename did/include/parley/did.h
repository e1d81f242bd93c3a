/*
 * parley/did.h: decentralized identifiers.
 *
 *   identity    a key pair and its did:key; kept in a file
 *   resolution  from a DID to its DID document
 *
 * All functions may be called from any thread, but one object only by one
 * thread at a time.  Text is UTF-8 and ends in NUL unless a length is given.
 */
#ifndef PARLEY_DID_H
#define PARLEY_DID_H

#include <stddef.h>
#include <stdint.h>

#include <parley/err.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Everything else in the library is hidden. */
#pragma GCC visibility push(default)

struct parley_identity;

enum {
	/* A did:key of any type that can be created here, with its NUL. */
	PARLEY_DID_SIZE = 128,
	/* Longest DID and DID URL that is read, in bytes without NUL. */
	PARLEY_DID_LEN_MAX = 2048,
	/* Longest passphrase, in bytes. */
	PARLEY_PASSPHRASE_LEN_MAX = 1024,
};

/* How an identity file is protected. */
enum parley_identity_seal {
	PARLEY_IDENTITY_SEALED,	   /* under a passphrase */
	PARLEY_IDENTITY_PLAINTEXT, /* mode 0600 is the only protection */
};

/*
 * parley_did_identity_new(idp):
 * Make a new Ed25519 key pair from the system's randomness and return the
 * identity in ${*idp}; the caller frees it with parley_did_identity_free().
 * The secret is kept in memory that is left out of core files and, as far as
 * RLIMIT_MEMLOCK allows, locked.
 *
 * Returns 0, or PARLEY_ERR_MEMORY, PARLEY_ERR_SYSTEM (no randomness).
 */
int parley_did_identity_new(struct parley_identity **idp);

/*
 * parley_did_identity_save(id, path, passphrase, passphrase_len):
 * Write ${id} to a new file ${path} with mode 0600, sealed under the
 * passphrase (Argon2id, XChaCha20-Poly1305), or unencrypted if ${passphrase}
 * is NULL.  The file appears whole or not at all, and an existing file is
 * never touched.  Takes about a second of CPU and 256 MiB for the passphrase.
 *
 * Returns 0, or PARLEY_ERR_EXISTS, PARLEY_ERR_ARGUMENT (passphrase empty or
 * longer than PARLEY_PASSPHRASE_LEN_MAX), PARLEY_ERR_SYSTEM (see errno),
 * PARLEY_ERR_MEMORY.
 */
int parley_did_identity_save(const struct parley_identity *id, const char *path,
			     const char *passphrase, size_t passphrase_len);

/*
 * parley_did_identity_inspect(path, did, sealp):
 * Read from the identity file ${path} what it says openly: its DID into
 * ${did} and how it is protected into ${*sealp}.  Nothing is decrypted, so
 * the DID is a claim until parley_did_identity_load() has confirmed it.
 *
 * Returns 0, or PARLEY_ERR_NOT_FOUND, PARLEY_ERR_SYSTEM (see errno),
 * PARLEY_ERR_FILE_FORMAT (some other kind of file), PARLEY_ERR_FILE_DAMAGED
 * (an identity file, but cut or changed), PARLEY_ERR_VERSION (written by a
 * newer release), PARLEY_ERR_MEMORY.  Outputs are set only on success.
 */
int parley_did_identity_inspect(const char *path, char did[PARLEY_DID_SIZE],
				enum parley_identity_seal *sealp);

/*
 * parley_did_identity_load(idp, path, passphrase, passphrase_len):
 * Read the identity file ${path} and return the identity in ${*idp}; the
 * caller frees it with parley_did_identity_free().  ${passphrase} may be NULL
 * for an unencrypted file and is ignored for one.
 *
 * Returns 0, the errors of parley_did_identity_inspect(), or
 * PARLEY_ERR_PASSPHRASE (missing, wrong, or the sealed part was changed:
 * these cannot be told apart).
 */
int parley_did_identity_load(struct parley_identity **idp, const char *path,
			     const char *passphrase, size_t passphrase_len);

/*
 * parley_did_identity_did(id):
 * Return the DID of ${id}.  Borrowed: valid until the identity is freed.
 */
const char *parley_did_identity_did(const struct parley_identity *id);

/*
 * parley_did_identity_free(id):
 * Wipe and free ${id}.  NULL is allowed.
 */
void parley_did_identity_free(struct parley_identity *id);

/*
 * parley_did_resolve(jsonp, did):
 * Resolve ${did} and return in ${*jsonp} the W3C DID resolution result as
 * JSON text: didResolutionMetadata, didDocument, didDocumentMetadata.  When
 * resolution fails the document is null, the metadata names the error
 * (DID Core 7.1.2: invalidDid, notFound, methodNotSupported, ...), and the
 * code is returned as well.  The caller frees ${*jsonp} with free().
 *
 * Returns 0, or PARLEY_ERR_FORMAT (not a DID), PARLEY_ERR_ENCODING,
 * PARLEY_ERR_LENGTH, PARLEY_ERR_KEY (not a key), PARLEY_ERR_UNSUPPORTED
 * (method or key type); for these ${*jsonp} is set.  PARLEY_ERR_MEMORY leaves
 * ${*jsonp} untouched.
 *
 * Spec: DID Core 1.0, 7.1; did:key method v0.9.
 */
int parley_did_resolve(char **jsonp, const char *did);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* !PARLEY_DID_H */
