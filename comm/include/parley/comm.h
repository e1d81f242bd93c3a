/*
 * parley/comm.h: DIDComm Messaging v2.1.
 *
 * Plaintext messages and signed envelopes.  Text in, text out; no network.
 */
#ifndef PARLEY_COMM_H
#define PARLEY_COMM_H

#include <stddef.h>
#include <stdint.h>

#include <parley/did.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Everything else in the library is hidden. */
#pragma GCC visibility push(default)

enum {
	/* Longest message and envelope that is read or written, in bytes. */
	PARLEY_COMM_LEN_MAX = 16 * 1024 * 1024,
};

/*
 * parley_comm_signed_pack(envelopep, lenp, id, message, message_len):
 * Sign the DIDComm plaintext message ${message} (JSON) with the
 * authentication key of ${id} and return the signed envelope in
 * ${*envelopep}, a NUL-terminated text of ${*lenp} bytes that the caller
 * frees with free().  The payload is exactly ${message}.  General JWS JSON
 * form, one signature, key id in the unprotected header: what every DIDComm
 * implementation reads.
 *
 * Returns 0, or PARLEY_ERR_MESSAGE or PARLEY_ERR_JSON (not a valid plaintext
 * message), PARLEY_ERR_ADDRESS (`from` is not the DID of ${id}),
 * PARLEY_ERR_TOO_LARGE, PARLEY_ERR_MEMORY, PARLEY_ERR_SYSTEM.  Outputs are set
 * only on success.
 *
 * Spec: DIDComm v2.1, signature.md; RFC 7515, 7.2.1; RFC 8037.
 */
int parley_comm_signed_pack(char **envelopep, size_t *lenp,
			    const struct parley_identity *id,
			    const char *message, size_t message_len);

/*
 * parley_comm_signed_unpack(messagep, lenp, signer, envelope, envelope_len):
 * Verify the signed envelope ${envelope} and return the message that was
 * signed in ${*messagep} (NUL-terminated, ${*lenp} bytes, free() it) and the
 * DID that signed it, which is also its `from`, in ${signer}.
 *
 * Nothing here says that the message is fresh or meant for the reader: check
 * `to`, `expires_time` and a challenge as the protocol at hand demands.
 *
 * Parsed JSON takes up to 80 times the memory of its text, so give a protocol
 * whose messages are short a limit of its own.
 *
 * Returns 0, or PARLEY_ERR_JSON, PARLEY_ERR_ENVELOPE (members missing, of the
 * wrong type, or in two places; another typ; a header that brings its own
 * key), PARLEY_ERR_ENCODING (base64url not strict), PARLEY_ERR_ALGORITHM (alg
 * none, symmetric, unknown, not protected, or not that of the key; any crit;
 * b64), PARLEY_ERR_KID (not a key in `authentication` of `from`),
 * PARLEY_ERR_ADDRESS (`from` is not the signer), PARLEY_ERR_SIGNATURE,
 * PARLEY_ERR_MESSAGE (payload is not a plaintext message),
 * PARLEY_ERR_TOO_LARGE, PARLEY_ERR_MEMORY, PARLEY_ERR_SYSTEM, or what resolving
 * the DID gives: PARLEY_ERR_FORMAT, PARLEY_ERR_UNSUPPORTED, PARLEY_ERR_LENGTH,
 * PARLEY_ERR_KEY.  Which comes first is said at the top of comm/signed.c.
 * Outputs are set only on success.
 */
int parley_comm_signed_unpack(char **messagep, size_t *lenp,
			      char signer[PARLEY_DID_SIZE],
			      const char *envelope, size_t envelope_len);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* !PARLEY_COMM_H */
