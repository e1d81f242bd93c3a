/*
 * The handshake (PROTOCOL 5): propose, accept, confirm.
 *
 * Pure: bytes, time and randomness in, bytes and a result out.  It knows no
 * socket, no clock and no random source, so a vector fixes the whole
 * transcript.
 *
 *   initiator                               responder
 *   session_handshake_propose()
 *                                           session_handshake_accept()
 *   session_handshake_confirm()
 *                                           session_handshake_finish()
 *
 * A message that fails a check leaves nothing behind but the error: the
 * handshake is over, and the caller frees it.
 */
#ifndef SESSION_HANDSHAKE_H
#define SESSION_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/session.h>

#include "session/agreement.h"
#include "session/gate.h"
#include "session/schedule.h"
#include "session/wire.h"

/* All the randomness that one side uses.  The caller wipes it. */
struct session_handshake_random {
	uint8_t tag[SESSION_TAG_LEN]; /* initiator only */
	uint8_t ephemeral[SESSION_EPHEMERAL_LEN];
	uint8_t message_id[16];
};

/* Who one is; everything is borrowed for the life of the handshake. */
struct session_handshake_self {
	const struct parley_agreement *agreement;
	const struct parley_identity *identity;
	size_t index;
	uint8_t instance[SESSION_INSTANCE_LEN];
	size_t n_suites; /* offered (initiator) or allowed (responder) */
	uint8_t suites[SESSION_SUITES_MAX]; /* in order of preference */
	bool keep_envelopes;		    /* in the result */
};

struct session_handshake;

/*
 * session_handshake_propose(hp, msg, lenp, gate, self, peer, random):
 * A1-A4: begin a handshake with the party ${peer} and write the propose to
 * ${msg}.  Its tag is remembered in ${gate} as an own one.  Free ${*hp} with
 * session_handshake_free().
 *
 * Returns 0, or PARLEY_ERR_MEMORY, PARLEY_ERR_REPLAY or PARLEY_ERR_REFLECTION
 * (the tag was used before), PARLEY_ERR_KEY (the ephemeral key is all zero):
 * neither of which randomness does.
 */
int session_handshake_propose(struct session_handshake **hp,
			      uint8_t msg[SESSION_PROPOSE_LEN_MAX],
			      size_t *lenp, struct session_gate *gate,
			      const struct session_handshake_self *self,
			      size_t peer,
			      const struct session_handshake_random *random)
    __attribute__((warn_unused_result));

/*
 * session_handshake_accept(hp, replyp, reply_lenp, gate, self, msg, len,
 *     random, now):
 * B1-B8: answer the propose ${msg} that a stranger sent.  On success the
 * accept is returned in ${*replyp} (free() it) and the handshake in ${*hp}.
 * On some errors ${*replyp} is a refuse that is to be sent; it is NULL
 * otherwise: then the stranger gets silence.  With PARLEY_ERR_ADDRESS ${*hp}
 * is set, too: session_handshake_finish() then takes the dispute that may
 * follow.  ${now} is in seconds UTC.
 *
 * Returns 0, or PARLEY_ERR_LENGTH, PARLEY_ERR_FORMAT, PARLEY_ERR_GATE,
 * PARLEY_ERR_VERSION (refuse), PARLEY_ERR_REPLAY, PARLEY_ERR_REFLECTION,
 * PARLEY_ERR_ADDRESS (refuse: the sender wants another DID here),
 * PARLEY_ERR_SUITE (refuse), PARLEY_ERR_DH, PARLEY_ERR_EXHAUSTED,
 * PARLEY_ERR_AGAIN (the gate is busy; nothing was remembered),
 * PARLEY_ERR_KEY (the own ephemeral key is all zero), PARLEY_ERR_MEMORY,
 * PARLEY_ERR_SYSTEM.
 */
int session_handshake_accept(struct session_handshake **hp, uint8_t **replyp,
			     size_t *reply_lenp, struct session_gate *gate,
			     const struct session_handshake_self *self,
			     const uint8_t *msg, size_t len,
			     const struct session_handshake_random *random,
			     int64_t now) __attribute__((warn_unused_result));

/*
 * session_handshake_fits(gate, self, msg, len):
 * Is ${msg} a propose that passes B2 (else PARLEY_ERR_GATE) and B4 (else
 * PARLEY_ERR_ADDRESS)?  Changes nothing.
 */
int session_handshake_fits(const struct session_gate *gate,
			   const struct session_handshake_self *self,
			   const uint8_t *msg, size_t len)
    __attribute__((warn_unused_result));

/*
 * session_handshake_confirm(h, replyp, reply_lenp, msg, len, random, now):
 * C1-C10: consume the accept (or refuse) ${msg} and make the confirm.  With
 * PARLEY_ERR_AGREEMENT (and PARLEY_ERR_INDEX) the confirm, or for a refuse the
 * dispute, is set as well and is to be sent, so that the other side learns
 * which field differs.
 *
 * Returns 0, or PARLEY_ERR_STATE, PARLEY_ERR_LENGTH, PARLEY_ERR_FORMAT,
 * PARLEY_ERR_TRANSCRIPT (another session's tag), PARLEY_ERR_SUITE,
 * PARLEY_ERR_DH, PARLEY_ERR_REFLECTION, PARLEY_ERR_SEAL, PARLEY_ERR_PURPOSE,
 * PARLEY_ERR_EXPIRED, PARLEY_ERR_ROSTER, PARLEY_ERR_INDEX,
 * PARLEY_ERR_FINISHED, PARLEY_ERR_AGREEMENT, the errors of
 * parley_comm_signed_unpack(); for a refuse PARLEY_ERR_GATE (not R's: to be
 * ignored, the handshake goes on),
 * PARLEY_ERR_AGREEMENT, PARLEY_ERR_SUITE, PARLEY_ERR_VERSION.
 */
int session_handshake_confirm(struct session_handshake *h, uint8_t **replyp,
			      size_t *reply_lenp, const uint8_t *msg,
			      size_t len,
			      const struct session_handshake_random *random,
			      int64_t now) __attribute__((warn_unused_result));

/*
 * session_handshake_finish(h, msg, len, now):
 * D1-D7: consume the confirm ${msg}.  Errors as session_handshake_confirm(),
 * and PARLEY_ERR_ADDRESS.  After a refuse of our DID: consume the dispute,
 * which gives PARLEY_ERR_AGREEMENT, or PARLEY_ERR_LENGTH, PARLEY_ERR_FORMAT,
 * PARLEY_ERR_GATE if it is none.
 */
int session_handshake_finish(struct session_handshake *h, const uint8_t *msg,
			     size_t len, int64_t now)
    __attribute__((warn_unused_result));

/*
 * What a completed handshake leaves behind.  The caller wipes it, and frees the
 * envelopes, by role of who signed, and R's finished in base64url: with it
 * anybody can see that I's envelope was signed over R's (PROTOCOL 5.5).  NULL
 * unless they are kept.
 */
struct session_handshake_result {
	size_t peer;
	uint8_t suite;
	uint8_t instance[SESSION_INSTANCE_LEN]; /* of the peer */
	struct session_traffic traffic;
	char *envelopes[2];
	char *finished;
};

/*
 * session_handshake_result(h, result):
 * Move the result out of ${h}, whose own copy of the secrets is wiped.
 *
 * Returns 0, or PARLEY_ERR_STATE (not completed, or taken before).
 */
int session_handshake_result(struct session_handshake *h,
			     struct session_handshake_result *result)
    __attribute__((warn_unused_result));

/*
 * After an error: the path of the field that differs (PARLEY_ERR_AGREEMENT),
 * the DID that signed and the index it has in our roster, as far as the
 * checks came.  "" and -1 if unknown.  Borrowed.
 */
const char *session_handshake_field(const struct session_handshake *h);
const char *session_handshake_signer(const struct session_handshake *h);
int session_handshake_peer(const struct session_handshake *h);

/* session_handshake_free(h): wipe and free; NULL is allowed. */
void session_handshake_free(struct session_handshake *h);

#endif /* !SESSION_HANDSHAKE_H */
