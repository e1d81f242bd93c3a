/*
 * DIDComm v2.1 signed envelopes (signature.md) inside the library: JWS JSON
 * serialization, one signature.  The rules a message must meet are listed, in
 * the order in which they are checked, at the top of signed.c.
 */
#ifndef COMM_SIGNED_H
#define COMM_SIGNED_H

#include <stddef.h>

#include <parley/comm.h>

#include "comm/comm.h"
#include "comm/message.h"

#define COMM_SIGNED_TYP "application/didcomm-signed+json"

/* A verified envelope. */
struct comm_signed {
	struct comm_message message;
	char *payload; /* the exact bytes signed, with a NUL behind; owned */
	size_t payload_len;
	char *kid;	    /* DID URL of the key that signed; owned */
	const char *alg;    /* by which it signed; static */
	const char *signer; /* DID that signed: message.from; borrowed */
};

/*
 * comm_signed_open(s, text, len):
 * Parse and verify the envelope ${text} into ${s}; comm_signed_wipe() it.
 * Errors as parley_comm_signed_unpack(); ${s} is untouched on error.
 */
int comm_signed_open(struct comm_signed *s, const char *text, size_t len)
    __attribute__((warn_unused_result));

/*
 * comm_signed_open_by(c, s, text, len):
 * The same with the documents of ${c}.
 */
int comm_signed_open_by(struct parley_comm *c, struct comm_signed *s,
			const char *text, size_t len)
    __attribute__((warn_unused_result));

/*
 * The valid key that the did:key ${did} names, if it is at hand; NULL: it is to
 * be read from the text.
 */
typedef const struct did_key *comm_signed_key(const void *context,
					      const char *did);

/*
 * comm_signed_open_known(s, text, len, find, context):
 * comm_signed_open() for who has the keys of its peers: those that
 * ${find}(${context}, did) knows are not decoded and checked once more, which
 * costs more than the signature.
 */
int comm_signed_open_known(struct comm_signed *s, const char *text, size_t len,
			   comm_signed_key *find, const void *context)
    __attribute__((warn_unused_result));

/*
 * comm_signed_seal(textp, lenp, message, message_len, kid, pair):
 * parley_comm_signed_pack() with the key ${pair} of the id ${kid}.  Also
 * returns PARLEY_ERR_ARGUMENT if it is of a type that does not sign.
 */
int comm_signed_seal(char **textp, size_t *lenp, const char *message,
		     size_t message_len, const char *kid,
		     const struct did_pair *pair)
    __attribute__((warn_unused_result));

/* comm_signed_wipe(s): release ${s}; a zeroed ${s} is allowed. */
void comm_signed_wipe(struct comm_signed *s);

#endif /* !COMM_SIGNED_H */
