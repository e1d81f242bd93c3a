/*
 * DIDComm v2.1 encrypted envelopes (encryption.md), written: JWE general JSON
 * serialization.
 */
#ifndef COMM_ENCRYPTED_SEAL_H
#define COMM_ENCRYPTED_SEAL_H

#include <stddef.h>

#include "comm/comm.h"
#include "comm/crypto.h"

/* To whom and by whom. */
struct comm_encrypted_to {
	const struct did_method *const *methods; /* of one DID and type */
	size_t n_methods;
	const struct comm_own_key *sender; /* NULL: anoncrypt */
	enum comm_crypto_enc enc;
};

/*
 * comm_encrypted_seal(c, textp, lenp, content, content_len, to):
 * Encrypt ${content} and return the envelope in ${*textp}; free() it.
 *
 * Returns 0, or PARLEY_ERR_ARGUMENT (no or too many recipients, or of several
 * types; authcrypt with another enc), PARLEY_ERR_TOO_LARGE, PARLEY_ERR_MEMORY,
 * PARLEY_ERR_SYSTEM, PARLEY_ERR_DH, PARLEY_ERR_KEY.
 */
int comm_encrypted_seal(struct parley_comm *c, char **textp, size_t *lenp,
			const void *content, size_t content_len,
			const struct comm_encrypted_to *to)
    __attribute__((warn_unused_result));

#endif /* !COMM_ENCRYPTED_SEAL_H */
