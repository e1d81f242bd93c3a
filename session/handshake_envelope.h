/*
 * The envelopes of a handshake (PROTOCOL 5.5): what each side signs.
 */
#ifndef SESSION_HANDSHAKE_ENVELOPE_H
#define SESSION_HANDSHAKE_ENVELOPE_H

#include <jansson.h>

#include "session/handshake_state.h"

/* What a verified envelope says. */
struct session_handshake_statement {
	json_int_t index;
	bool same_agreement;
	uint8_t instance[SESSION_INSTANCE_LEN];
};

/*
 * session_handshake_envelope_seal(h, msgp, lenp, clear, clear_len, random,
 *     now):
 * Sign over the transcript as it stands, absorb envelope and finished, and
 * append both, sealed, to ${clear}: B6-B8 and C7-C9.  ${*msgp} is the message;
 * free() it.
 *
 * Returns 0, or PARLEY_ERR_TOO_LARGE, PARLEY_ERR_MEMORY, PARLEY_ERR_SYSTEM.
 */
int session_handshake_envelope_seal(
    struct session_handshake *h, uint8_t **msgp, size_t *lenp,
    const uint8_t *clear, size_t clear_len,
    const struct session_handshake_random *random, int64_t now)
    __attribute__((warn_unused_result));

/*
 * session_handshake_envelope_open(h, st, msg, len, clear_len, now):
 * Open and check the sealed part of ${msg} behind ${clear_len} bytes:
 * C4-C6 and D2-D5.  Whether the agreements are the same is in ${st}.
 *
 * Returns 0, or the errors of session_handshake_confirm().
 */
int session_handshake_envelope_open(struct session_handshake *h,
				    struct session_handshake_statement *st,
				    const uint8_t *msg, size_t len,
				    size_t clear_len, int64_t now)
    __attribute__((warn_unused_result));

#endif /* !SESSION_HANDSHAKE_ENVELOPE_H */
