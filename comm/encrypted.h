/*
 * DIDComm v2.1 encrypted envelopes (encryption.md): JWE general JSON
 * serialization.  The rules a message must meet are listed, in the order in
 * which they are checked, at the top of encrypted.c.
 */
#ifndef COMM_ENCRYPTED_H
#define COMM_ENCRYPTED_H

#include <stddef.h>
#include <stdint.h>

#include "comm/comm.h"
#include "comm/crypto.h"

#define COMM_ENCRYPTED_TYP "application/didcomm-encrypted+json"

/* An opened envelope. */
struct comm_encrypted {
	char *content; /* with a NUL behind; owned, wiped when freed */
	size_t content_len;
	enum comm_crypto_enc enc;
	char *sender_kid; /* NULL: anoncrypt; owned */
	char *recipient;  /* the DID of all recipients; owned */
	char **kids;	  /* as received; owned */
	size_t n_kids;
	char *read_by; /* the one of them that is ours; owned */
};

/*
 * comm_encrypted_open(c, e, text, len):
 * Open the envelope ${text} into ${e}; comm_encrypted_wipe() it.  What is
 * inside is not looked at.  Errors as parley_comm_unpack(); ${e} is untouched
 * on error.
 */
int comm_encrypted_open(struct parley_comm *c, struct comm_encrypted *e,
			const char *text, size_t len)
    __attribute__((warn_unused_result));

/* comm_encrypted_wipe(e): a zeroed ${e} is allowed. */
void comm_encrypted_wipe(struct comm_encrypted *e);

#endif /* !COMM_ENCRYPTED_H */
