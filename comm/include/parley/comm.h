/*
 * parley/comm.h: DIDComm Messaging v2.1.
 *
 *   parley_comm           one party's end: its secret keys, its resolver
 *   pack, unpack          a plaintext message to an envelope, and back
 *   forward               envelopes for and by mediators
 *   prior                 rotation of a DID
 *   invitation, protocol  messages of the standard's own protocols
 *   signed                signed envelopes alone, by an identity
 *
 * Text in, text out; no network but what a resolver does.  A message is the
 * JSON text of a DIDComm plaintext message.  Structs that the caller fills in
 * are zeroed first; zero always means the default.
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
	/*
	 * Most JSON values in a message that is read.  Each may take some 150
	 * bytes of memory, however short its text.
	 */
	PARLEY_COMM_VALUES_MAX = 64 * 1024,
	/* Most keys that one envelope is encrypted to. */
	PARLEY_COMM_RECIPIENTS_MAX = 32,
};

struct parley_comm;

/* How a message is protected: its envelopes, the outermost named first. */
enum parley_comm_layers {
	PARLEY_COMM_PLAIN,
	PARLEY_COMM_SIGNED,
	PARLEY_COMM_ANONCRYPT,
	PARLEY_COMM_AUTHCRYPT,
	PARLEY_COMM_ANONCRYPT_SIGNED,
	PARLEY_COMM_ANONCRYPT_AUTHCRYPT,
	/* Read, but not written: DIDComm says SHOULD NOT. */
	PARLEY_COMM_AUTHCRYPT_SIGNED,
};

/* Content encryption.  Authcrypt is always A256CBC-HS512. */
enum parley_comm_enc {
	PARLEY_COMM_A256CBC_HS512,
	PARLEY_COMM_A256GCM,
	PARLEY_COMM_XC20P,
};

/* How to pack. */
struct parley_comm_pack {
	enum parley_comm_layers layers;
	enum parley_comm_enc enc; /* of anoncrypt */
	/*
	 * Who can read it: a DID, that is all its keys of the first usable
	 * type; or a DID URL with fragment, that is this key.
	 */
	const char *to;
	/* Own key ids; NULL: the first that fits the message's `from`. */
	const char *sender; /* authcrypt */
	const char *signer;
	/*
	 * Mediators on the way to the recipient, the nearest to the sender
	 * first: DIDs or key ids.
	 */
	const char *const *routing;
	size_t n_routing;
};

/* What to accept. */
struct parley_comm_unpack {
	/*
	 * The message must be for one of these DIDs: in an encrypted envelope
	 * one holds the keys it is encrypted to, in a signed one `to` names
	 * one.  NULL: an encrypted envelope must be for any key of ours, a
	 * signed or plain message may be for anyone.
	 */
	const char *const *to;
	size_t n_to;
	int64_t now;	   /* UTC seconds for `expires_time`; 0: not checked */
	size_t len_max;	   /* 0, or lower than PARLEY_COMM_LEN_MAX */
	size_t values_max; /* 0, or lower than PARLEY_COMM_VALUES_MAX */
};

/*
 * What was unpacked.  Texts end in NUL, belong to the struct, and are NULL
 * where there is nothing to say.
 */
struct parley_comm_unpacked {
	char *message;
	size_t message_len;
	enum parley_comm_layers layers;
	/* Who signed: a third party can be shown that. */
	char *signer;		/* DID */
	char *signer_kid;	/* key id */
	const char *signer_alg; /* "EdDSA", "ES256", "ES256K"; static */
	/* Who sent, by authcrypt: only we know that. */
	char *sender;
	char *sender_kid;
	/* Who could read: the keys of the innermost encryption. */
	char *recipient; /* their DID */
	char **recipient_kids;
	size_t n_recipient_kids;
	char *read_by; /* the key of ours that opened it */
	/* Content encryption of the outermost and the innermost encryption. */
	enum parley_comm_enc enc, inner_enc;
	/*
	 * from_prior, verified: the DID that the sender had before.  With
	 * ${ended} it gives up the relationship instead.
	 */
	char *prior;
	char *prior_kid;
	int64_t prior_time; /* of the rotation, UTC seconds; -1: not said */
	int ended;
};

/*
 * parley_comm_new(commp, resolver):
 * Make a party without keys in ${*commp}; parley_comm_free() it.  ${resolver}
 * finds the documents of others and is borrowed for as long; NULL: did:key,
 * did:peer and did:jwk, without I/O.
 *
 * Returns 0, or PARLEY_ERR_MEMORY, PARLEY_ERR_SYSTEM.
 */
int parley_comm_new(struct parley_comm **commp,
		    struct parley_resolver *resolver);

/*
 * parley_comm_add_identity(comm, id):
 * Add the keys of ${id}: the one that signs, and the one that agrees (for
 * Ed25519 the X25519 key derived from it).  Borrows ${id} for as long as
 * ${comm} lives.
 *
 * Returns 0, or PARLEY_ERR_EXISTS (its key id is there), PARLEY_ERR_MEMORY.
 */
int parley_comm_add_identity(struct parley_comm *comm,
			     const struct parley_identity *id);

/*
 * parley_comm_add_jwk(comm, kid, jwk, len):
 * Add the secret key ${jwk} (JSON text of a JWK with d) under the key id
 * ${kid}, a DID URL with fragment: Ed25519, X25519, P-256, P-384, P-521 or
 * secp256k1.  Copies.
 *
 * Returns 0, or PARLEY_ERR_FORMAT (not a key id, or not a secret JWK),
 * PARLEY_ERR_EXISTS, PARLEY_ERR_JSON, PARLEY_ERR_ENCODING, PARLEY_ERR_LENGTH,
 * PARLEY_ERR_KEY (x and y are not those of d), PARLEY_ERR_UNSUPPORTED,
 * PARLEY_ERR_MEMORY.
 */
int parley_comm_add_jwk(struct parley_comm *comm, const char *kid,
			const char *jwk, size_t len);

/* parley_comm_free(comm): wipes the keys.  NULL is allowed. */
void parley_comm_free(struct parley_comm *comm);

/*
 * parley_comm_reason(comm):
 * Why the last call on ${comm} failed, in words, for a log: "apv is not the
 * hash of the recipients' key ids".  Not for the peer, which must not learn
 * which check failed.  Empty if there is nothing to add to the code.  Borrowed:
 * valid until the next call on ${comm}.
 */
const char *parley_comm_reason(const struct parley_comm *comm);

/*
 * parley_comm_pack(comm, envelopep, lenp, message, message_len, how):
 * Pack ${message} and return the envelope in ${*envelopep}, a NUL-terminated
 * text of ${*lenp} bytes that the caller frees with free().  With
 * PARLEY_COMM_PLAIN it is the message itself, checked.
 *
 * Returns 0, or PARLEY_ERR_MESSAGE, PARLEY_ERR_JSON (not a valid message),
 * PARLEY_ERR_ADDRESS (`from` or `to` of the message are not the sender, signer
 * and recipient), PARLEY_ERR_NOT_FOUND (no own key that fits),
 * PARLEY_ERR_KID (the recipient has no such key), PARLEY_ERR_ARGUMENT,
 * PARLEY_ERR_TOO_LARGE, PARLEY_ERR_MEMORY, PARLEY_ERR_SYSTEM, or what resolving
 * a DID gives.  Outputs are set only on success.
 *
 * Spec: DIDComm v2.1, encryption.md, signature.md, message_structure.md.
 */
int parley_comm_pack(struct parley_comm *comm, char **envelopep, size_t *lenp,
		     const char *message, size_t message_len,
		     const struct parley_comm_pack *how);

/*
 * parley_comm_unpack(comm, unpacked, envelope, len, how):
 * Open ${envelope}, whatever it is, into ${unpacked}, which the caller ends
 * with parley_comm_unpacked_wipe().  ${how} may be NULL.
 *
 * Nothing here says that the message was not seen before: keep `id` and `from`
 * where that matters.
 *
 * Returns 0, or the errors of parley_comm_signed_unpack(), or
 * PARLEY_ERR_LENGTH (iv, tag, encrypted_key), PARLEY_ERR_SEAL (does not
 * decrypt), PARLEY_ERR_DH (epk of small order), PARLEY_ERR_KEY (epk not on the
 * curve, or of another than the key), PARLEY_ERR_ADDRESS (not for us; or `to`
 * and `from` are not who the envelopes say), PARLEY_ERR_EXPIRED.  Envelopes
 * nested in a way that DIDComm does not allow are PARLEY_ERR_ENVELOPE.  The
 * order of checks is said in comm/encrypted.c and comm/signed.c.  ${unpacked}
 * is untouched on error.
 */
int parley_comm_unpack(struct parley_comm *comm,
		       struct parley_comm_unpacked *unpacked,
		       const char *envelope, size_t len,
		       const struct parley_comm_unpack *how);

/* parley_comm_unpacked_wipe(u): a zeroed ${u} is allowed. */
void parley_comm_unpacked_wipe(struct parley_comm_unpacked *u);

/*
 * parley_comm_forward_wrap(comm, envelopep, lenp, packed, packed_len, next,
 * routing, n_routing):
 * Wrap the packed message for the mediators ${routing} (DIDs or key ids, the
 * nearest to the sender first), the last of which hands it to ${next}.
 *
 * Returns 0, or PARLEY_ERR_JSON (${packed} is not JSON), PARLEY_ERR_ARGUMENT
 * (no mediator, or more than PARLEY_COMM_RECIPIENTS_MAX; ${next} not a DID or
 * DID URL), and the errors of parley_comm_pack().
 *
 * Spec: DIDComm v2.1, routing.md.
 */
int parley_comm_forward_wrap(struct parley_comm *comm, char **envelopep,
			     size_t *lenp, const char *packed,
			     size_t packed_len, const char *next,
			     const char *const *routing, size_t n_routing);

/*
 * parley_comm_forward_open(nextp, packedp, lenp, message, len):
 * The mediator's part: take from the unpacked message ${message} who is next
 * and what is handed on; the caller frees both with free().
 *
 * Returns 0, or PARLEY_ERR_UNSUPPORTED (not a forward message),
 * PARLEY_ERR_MESSAGE (not one attachment, no next), PARLEY_ERR_JSON,
 * PARLEY_ERR_ENCODING, PARLEY_ERR_TOO_LARGE, PARLEY_ERR_MEMORY.
 */
int parley_comm_forward_open(char **nextp, char **packedp, size_t *lenp,
			     const char *message, size_t len);

/*
 * parley_comm_prior_issue(comm, jwtp, kid, to, time):
 * Write the `from_prior` by which the DID of the own key ${kid} becomes ${to}
 * (NULL: ends), at ${time} (UTC seconds).  The caller free()s ${*jwtp} and
 * puts it into the message, which must be encrypted and come from ${to}.
 *
 * Returns 0, or PARLEY_ERR_NOT_FOUND (no own signing key ${kid}),
 * PARLEY_ERR_ARGUMENT (${to} is no DID, or the DID of ${kid}),
 * PARLEY_ERR_MEMORY, PARLEY_ERR_SYSTEM.
 *
 * Spec: DIDComm v2.1, did_rotation.md; RFC 7519.
 */
int parley_comm_prior_issue(struct parley_comm *comm, char **jwtp,
			    const char *kid, const char *to, int64_t time);

/* --- messages of the standard's own protocols --- */

/* What is the same in all; NULL and 0 are left out, but ${id}: a random one. */
struct parley_comm_header {
	const char *id;
	const char *from, *to; /* DIDs */
	const char *thid, *pthid;
	int64_t created_time, expires_time; /* UTC seconds */
};

/* A feature, or in a query what to look for: ${id} may end in `*`. */
struct parley_comm_feature {
	const char *type; /* "protocol", "goal-code", "header", ... */
	const char *id;
};

struct parley_comm_report {
	const char *code;    /* "e.p.trust.crypto" */
	const char *comment; /* fixed for the code, with {1}, {2}, ... */
	const char *const *args;
	size_t n_args;
	const char *escalate_to; /* URI */
};

struct parley_comm_invitation {
	const char *goal_code, *goal;
	const char *const *accept; /* profiles: "didcomm/v2" */
	size_t n_accept;
	const char *attachment; /* JSON text of a message, or NULL */
};

enum parley_comm_protocol_kind {
	PARLEY_COMM_PROTOCOL_OTHER, /* of none of these protocols */
	PARLEY_COMM_PROTOCOL_EMPTY,
	PARLEY_COMM_PROTOCOL_PING,
	PARLEY_COMM_PROTOCOL_PING_RESPONSE,
	PARLEY_COMM_PROTOCOL_QUERIES,
	PARLEY_COMM_PROTOCOL_DISCLOSE,
	PARLEY_COMM_PROTOCOL_REPORT,
	PARLEY_COMM_PROTOCOL_INVITATION,
	PARLEY_COMM_PROTOCOL_FORWARD, /* see parley_comm_forward_open() */
};

/* A message read; what its kind does not have is NULL or 0. */
struct parley_comm_protocol {
	enum parley_comm_protocol_kind kind;
	const char *id, *from, *thid, *pthid;
	int response_requested;		      /* ping */
	struct parley_comm_feature *features; /* queries, disclose */
	size_t n_features;
	struct parley_comm_report report;
	const char *goal_code, *goal; /* invitation */
	const char **accept;
	size_t n_accept;
	const char **args; /* of the report */
	void *json;	   /* owns the texts */
};

/*
 * parley_comm_protocol_empty, _ping, _ping_response, _queries, _disclose,
 * _report(messagep, lenp, h, ...):
 * Write the message into ${*messagep}, which the caller frees with free().  A
 * response and a disclosure need h->thid, a report h->pthid.
 *
 * Returns 0, or PARLEY_ERR_ARGUMENT (something needed is missing, or not what
 * it must be), PARLEY_ERR_MEMORY, PARLEY_ERR_SYSTEM.
 */
int parley_comm_protocol_empty(char **messagep, size_t *lenp,
			       const struct parley_comm_header *h);
int parley_comm_protocol_ping(char **messagep, size_t *lenp,
			      const struct parley_comm_header *h,
			      int response_requested);
int parley_comm_protocol_ping_response(char **messagep, size_t *lenp,
				       const struct parley_comm_header *h);
int parley_comm_protocol_queries(char **messagep, size_t *lenp,
				 const struct parley_comm_header *h,
				 const struct parley_comm_feature *queries,
				 size_t n);
int parley_comm_protocol_disclose(char **messagep, size_t *lenp,
				  const struct parley_comm_header *h,
				  const struct parley_comm_feature *features,
				  size_t n);
int parley_comm_protocol_report(char **messagep, size_t *lenp,
				const struct parley_comm_header *h,
				const struct parley_comm_report *r);

/*
 * parley_comm_protocol_read(protocol, message, len):
 * Read the unpacked message ${message}, of whatever kind, into ${protocol};
 * parley_comm_protocol_wipe() it.
 *
 * Returns 0, or PARLEY_ERR_JSON, PARLEY_ERR_MESSAGE (the body is not what its
 * kind demands), PARLEY_ERR_TOO_LARGE, PARLEY_ERR_MEMORY.
 */
int parley_comm_protocol_read(struct parley_comm_protocol *protocol,
			      const char *message, size_t len);

/* parley_comm_protocol_wipe(p): a zeroed ${p} is allowed. */
void parley_comm_protocol_wipe(struct parley_comm_protocol *p);

/*
 * parley_comm_protocol_feature_matches(match, id):
 * Does the query ${match} ask for the feature ${id}?
 */
int parley_comm_protocol_feature_matches(const char *match, const char *id);

/*
 * parley_comm_protocol_report_text(textp, r):
 * The comment of ${r} with its arguments put in, or its code; a missing
 * argument is "?".  The caller frees ${*textp} with free().  It is the peer's
 * text: no terminal should see it unescaped.
 *
 * Returns 0, or PARLEY_ERR_MEMORY.
 */
int parley_comm_protocol_report_text(char **textp,
				     const struct parley_comm_report *r);

/*
 * parley_comm_invitation_new(messagep, lenp, h, invitation):
 * Write an invitation by h->from, as parley_comm_protocol_ping() does.  Also
 * returns PARLEY_ERR_JSON (the attachment).  A reply has its id as `pthid`.
 *
 * Spec: DIDComm v2.1, out_of_band.md.
 */
int parley_comm_invitation_new(char **messagep, size_t *lenp,
			       const struct parley_comm_header *h,
			       const struct parley_comm_invitation *invitation);

/*
 * parley_comm_invitation_url(urlp, message, len, base):
 * The invitation ${message} as URL under ${base}, "https://example.com/path",
 * or without one (NULL) as bare base64url text.  The caller frees ${*urlp} with
 * free().
 *
 * Returns 0, or PARLEY_ERR_UNSUPPORTED (not an invitation),
 * PARLEY_ERR_ARGUMENT (${base} has a fragment), PARLEY_ERR_JSON,
 * PARLEY_ERR_MESSAGE, PARLEY_ERR_TOO_LARGE, PARLEY_ERR_MEMORY.
 */
int parley_comm_invitation_url(char **urlp, const char *message, size_t len,
			       const char *base);

/*
 * parley_comm_invitation_parse(messagep, lenp, text, len):
 * Read an invitation in any form: URL, bare text, or JSON; white space around
 * it is passed over.  The message is returned in ${*messagep}; free() it.
 *
 * Returns 0, or PARLEY_ERR_FORMAT (a URL without _oob), PARLEY_ERR_UNSUPPORTED
 * (an _oobid, which must be fetched first; or not an invitation),
 * PARLEY_ERR_ENCODING, PARLEY_ERR_JSON, PARLEY_ERR_MESSAGE,
 * PARLEY_ERR_TOO_LARGE, PARLEY_ERR_MEMORY.
 */
int parley_comm_invitation_parse(char **messagep, size_t *lenp,
				 const char *text, size_t len);

/* --- signed envelopes alone --- */

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
