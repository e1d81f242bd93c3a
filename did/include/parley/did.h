/*
 * parley/did.h: decentralized identifiers.
 *
 *   identity    a key pair and its did:key; kept in a file
 *   resolution  from a DID to its DID document, and to a part of it
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
struct parley_resolver;

enum {
	/* A did:key of any type that can be created here, with its NUL. */
	PARLEY_DID_SIZE = 128,
	/* Longest DID and DID URL that is read, in bytes without NUL. */
	PARLEY_DID_LEN_MAX = 4096,
	/* Longest passphrase, in bytes. */
	PARLEY_PASSPHRASE_LEN_MAX = 1024,
};

/* How an identity file is protected. */
enum parley_identity_seal {
	PARLEY_IDENTITY_SEALED,	   /* under a passphrase */
	PARLEY_IDENTITY_PLAINTEXT, /* mode 0600 is the only protection */
};

/* The types of key that an identity can have. */
enum parley_identity_type {
	PARLEY_IDENTITY_ED25519, /* did:key:z6Mk..., signs with EdDSA */
	PARLEY_IDENTITY_P256,	 /* did:key:zDn..., signs with ES256 */
};

/* Forms in which other programs keep a secret key. */
enum parley_key_format {
	PARLEY_KEY_JWK,	 /* RFC 7517: {"kty":"OKP","crv":"Ed25519",...,"d":...}
			  */
	PARLEY_KEY_PEM,	 /* RFC 7468: PKCS #8, perhaps under a passphrase */
	PARLEY_KEY_SEED, /* the 32 bytes of an Ed25519 seed, nothing else */
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
 * parley_did_identity_new_type(idp, type):
 * parley_did_identity_new() for a key of ${type}.
 *
 * Returns 0, or PARLEY_ERR_ARGUMENT (no such type), PARLEY_ERR_MEMORY,
 * PARLEY_ERR_SYSTEM (no randomness).
 */
int parley_did_identity_new_type(struct parley_identity **idp,
				 enum parley_identity_type type);

/*
 * parley_did_identity_import(idp, path, format, passphrase, passphrase_len):
 * Read the secret key in ${path}, a file of another program, and return its
 * identity in ${*idp}; the caller frees it with parley_did_identity_free().
 * Ed25519 and P-256 keys are taken.  ${passphrase} is for encrypted PEM and
 * JWK, and ignored otherwise; it may be NULL.  The file is not changed; who no
 * longer needs it should destroy it.
 *
 * Returns 0, or PARLEY_ERR_NOT_FOUND, PARLEY_ERR_SYSTEM (see errno),
 * PARLEY_ERR_FORMAT (not of this format, or no secret in it), PARLEY_ERR_JSON,
 * PARLEY_ERR_ENCODING, PARLEY_ERR_LENGTH, PARLEY_ERR_KEY (not a valid key, or
 * its public part is another key's), PARLEY_ERR_UNSUPPORTED (other type of
 * key), PARLEY_ERR_ALGORITHM (of an encrypted JWK), PARLEY_ERR_PASSPHRASE
 * (missing or wrong), PARLEY_ERR_TOO_LARGE, PARLEY_ERR_ARGUMENT,
 * PARLEY_ERR_MEMORY.
 */
int parley_did_identity_import(struct parley_identity **idp, const char *path,
			       enum parley_key_format format,
			       const char *passphrase, size_t passphrase_len);

/*
 * parley_did_identity_export(id, path, format, passphrase, passphrase_len):
 * Write the secret key of ${id} to a new file ${path} with mode 0600 for
 * another program.  Unless ${passphrase} is NULL, PEM is encrypted (PBES2:
 * PBKDF2 with HMAC-SHA-256 in 600,000 rounds, AES-256-CBC) and a JWK becomes a
 * JWE (RFC 7517, 7); a seed has no encryption, and ${passphrase} must be NULL.
 * The file appears whole or not at all, and an existing file is never touched.
 *
 * Returns 0, or PARLEY_ERR_EXISTS, PARLEY_ERR_ARGUMENT (passphrase empty, too
 * long, or not for this format; PARLEY_KEY_SEED of a P-256 identity),
 * PARLEY_ERR_SYSTEM (see errno), PARLEY_ERR_MEMORY.
 */
int parley_did_identity_export(const struct parley_identity *id,
			       const char *path, enum parley_key_format format,
			       const char *passphrase, size_t passphrase_len);

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
 * newer release), PARLEY_ERR_UNSAFE (a symbolic link, or other users can write
 * to a directory above it), PARLEY_ERR_MEMORY.  Outputs are set only on
 * success.
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
 * parley_did_identity_type(id):
 * Return the type of the key of ${id}.
 */
enum parley_identity_type parley_did_identity_type(
    const struct parley_identity *id);

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
 * How to resolve; all zeroes is the default: no network, no files.  Texts are
 * copied.
 */
struct parley_resolver_options {
	int web;		 /* resolve did:web, by HTTPS */
	int web_private;	 /* also where the host has a private address */
	const char *web_ca;	 /* PEM file of CAs to trust instead, or NULL */
	unsigned web_timeout_ms; /* for a whole look-up; 0: 10,000 */
	unsigned web_redirects;	 /* followed, to HTTPS only; 0: none */
	const char *directory;	 /* documents as files, or NULL; see below */
};

/*
 * parley_did_resolver_new(rp, options):
 * Return a resolver in ${*rp}; the caller frees it with
 * parley_did_resolver_free().  ${options} may be NULL.
 *
 * It resolves did:key, did:peer 0, 2 and 4, and did:jwk, which need nothing but
 * the DID; the short form of a did:peer:4 if it has resolved the long form
 * before (the last 64 are kept); and, as ${options} say, did:web, and any DID
 * whose document is in the directory as the file DID + ".json" with each `:`
 * and `%` of the DID written as `_`, such as did_web_example.com.json.  The
 * directory is looked into first for methods other than key, peer and jwk, and
 * the id in a document must be the DID.
 *
 * did:web: only HTTPS, TLS 1.2 or newer with a verified certificate, a
 * document of at most 64 KiB, no proxy, no cookies; addresses that are not
 * global unicast are refused after name resolution, for every connection.
 * Resolving blocks until the document is there, or the time is over.
 *
 * Returns 0, or PARLEY_ERR_UNSUPPORTED (built without libcurl, and web is
 * asked for), PARLEY_ERR_MEMORY, PARLEY_ERR_SYSTEM.
 */
int parley_did_resolver_new(struct parley_resolver **rp,
			    const struct parley_resolver_options *options);

/*
 * parley_did_resolver_free(r):
 * NULL is allowed.
 */
void parley_did_resolver_free(struct parley_resolver *r);

/*
 * parley_did_resolver_json(jsonp, r, did):
 * Resolve ${did} and return in ${*jsonp} the W3C DID resolution result as
 * JSON text: didResolutionMetadata, didDocument, didDocumentMetadata.  ${r} may
 * be NULL: methods without I/O only.  The caller frees ${*jsonp} with free().
 *
 * When resolution fails the document is null and the code is returned as well.
 * The metadata names the error twice: `error` as DID Core 1.0 and the did:key
 * method do ("invalidDid", "notFound", "methodNotSupported", ...), and
 * `problemDetails` as the DID Resolution specification of 2025 does (`type`
 * "https://www.w3.org/ns/did#INVALID_DID" and so on, `title`, and `detail`
 * where more is known).
 *
 * Returns 0, or PARLEY_ERR_FORMAT (not a DID), PARLEY_ERR_ENCODING,
 * PARLEY_ERR_LENGTH, PARLEY_ERR_KEY (not a key), PARLEY_ERR_JSON,
 * PARLEY_ERR_UNSUPPORTED (method or key type), PARLEY_ERR_NOT_FOUND,
 * PARLEY_ERR_DOCUMENT (not a valid document), PARLEY_ERR_FETCH (host,
 * connection, certificate, private address, limits; see `detail`); for these
 * ${*jsonp} is set.  PARLEY_ERR_MEMORY leaves ${*jsonp} untouched.
 *
 * Spec: DID Core 1.0, 7.1; DID Resolution v0.3.
 */
int parley_did_resolver_json(char **jsonp, struct parley_resolver *r,
			     const char *did);

/*
 * parley_did_dereference(jsonp, r, url):
 * Dereference the DID URL ${url}: a fragment gives the verification method or
 * the service with that id, no fragment gives the document.  ${*jsonp} is JSON
 * text: dereferencingMetadata, contentStream, contentMetadata; free() it.  ${r}
 * may be NULL.
 *
 * Returns 0, or PARLEY_ERR_FORMAT (not a DID URL), PARLEY_ERR_NOT_FOUND (no
 * such id in the document), PARLEY_ERR_UNSUPPORTED (also for a path or a
 * query), or the other errors of parley_did_resolver_json(); ${*jsonp} is set
 * as there.
 *
 * Spec: DID Core 1.0, 7.2.
 */
int parley_did_dereference(char **jsonp, struct parley_resolver *r,
			   const char *url);

/*
 * parley_did_resolve(jsonp, did):
 * parley_did_resolver_json() without a resolver: did:key, did:peer and did:jwk,
 * no I/O.
 */
int parley_did_resolve(char **jsonp, const char *did);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* !PARLEY_DID_H */
