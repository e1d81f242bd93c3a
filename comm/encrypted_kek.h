/*
 * The key-encrypting keys of encrypted envelopes, and what they are bound to:
 * the same for who writes one and who reads it.
 */
#ifndef COMM_ENCRYPTED_KEK_H
#define COMM_ENCRYPTED_KEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "comm/crypto.h"
#include "did/key.h"
#include "did/pair.h"

#define COMM_ENCRYPTED_ALG_ES  "ECDH-ES+A256KW"
#define COMM_ENCRYPTED_ALG_1PU "ECDH-1PU+A256KW"

enum { COMM_ENCRYPTED_APV_LEN = 32 };

/* comm_encrypted_kek_agrees(type): can keys of that type agree on one? */
bool comm_encrypted_kek_agrees(enum did_key_type type);

/*
 * comm_encrypted_kek_hash_kids(apv, kids, n):
 * DIDComm 2.1, "ECDH-ES key wrapping and common protected headers": "apv: this
 * represents the recipients' kid list.  The list must be alphanumerically
 * sorted, kid values will be concatenated with a . and then base64url encoded
 * of SHA256 hash of that list".  Sorts ${kids}.
 */
void comm_encrypted_kek_hash_kids(uint8_t apv[COMM_ENCRYPTED_APV_LEN],
				  const char **kids, size_t n);

/*
 * comm_encrypted_kek_derive(kek, pair, ephemeral_peer, static_pair,
 *     static_peer, kdf):
 * The key-encrypting key between ${pair} and ${ephemeral_peer}, and for 1PU
 * between ${static_pair} and ${static_peer}:
 *   sender     (ephemeral, recipient), (own static, recipient)
 *   recipient  (own static, epk), (own static, sender)
 *
 * Returns 0, or the errors of did_pair_agree().
 */
int comm_encrypted_kek_derive(uint8_t kek[COMM_CRYPTO_KEK_LEN],
			      const struct did_pair *pair,
			      const struct did_key *ephemeral_peer,
			      const struct did_pair *static_pair,
			      const struct did_key *static_peer,
			      const struct comm_crypto_kdf *kdf)
    __attribute__((warn_unused_result));

#endif /* !COMM_ENCRYPTED_KEK_H */
