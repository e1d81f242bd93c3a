/*
 * Refuses, and the dispute that may follow (PROTOCOL 5.4).
 */
#ifndef SESSION_HANDSHAKE_REFUSE_H
#define SESSION_HANDSHAKE_REFUSE_H

#include "session/handshake_state.h"

/*
 * session_handshake_refuse_make(h, replyp, reply_lenp, reason):
 * The refuse for the propose that ${h} has absorbed; free() it.  Returns 0 or
 * PARLEY_ERR_MEMORY.
 */
int session_handshake_refuse_make(struct session_handshake *h, uint8_t **replyp,
				  size_t *reply_lenp, uint8_t reason)
    __attribute__((warn_unused_result));

/*
 * session_handshake_refuse_consume(h, replyp, reply_lenp, msg, len):
 * A refuse came.  For one of our DID the dispute is in ${*replyp}; free() it.
 *
 * Returns PARLEY_ERR_GATE (it is not R's, and to be ignored),
 * PARLEY_ERR_AGREEMENT, PARLEY_ERR_SUITE, PARLEY_ERR_VERSION, or
 * PARLEY_ERR_MEMORY.
 */
int session_handshake_refuse_consume(struct session_handshake *h,
				     uint8_t **replyp, size_t *reply_lenp,
				     const uint8_t *msg, size_t len)
    __attribute__((warn_unused_result));

/*
 * session_handshake_refuse_dispute(h, msg, len):
 * After a refuse of our DID: is ${msg} the dispute?
 *
 * Returns PARLEY_ERR_AGREEMENT, or PARLEY_ERR_LENGTH, PARLEY_ERR_FORMAT,
 * PARLEY_ERR_GATE if it is none.
 */
int session_handshake_refuse_dispute(struct session_handshake *h,
				     const uint8_t *msg, size_t len)
    __attribute__((warn_unused_result));

#endif /* !SESSION_HANDSHAKE_REFUSE_H */
