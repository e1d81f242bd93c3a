/*
 * What a stream of a forwarder sends to the other party, and what it allows
 * that party to send.  Inside of session/forward.h.
 */
#ifndef SESSION_FORWARD_SEND_H
#define SESSION_FORWARD_SEND_H

#include <stdbool.h>
#include <stddef.h>

#include "session/forward_stream.h"

/*
 * session_forward_send_data(f, st, len):
 * Send the ${len} bytes that are in ${f->buffer}, after room for the head, as
 * DATA.  What cannot be sent now is held, and the stream not read meanwhile.
 */
void session_forward_send_data(struct session_forward *f,
			       struct session_forward_stream *st, size_t len);

/* session_forward_send_is_due(st): has so much been handed on that the other
 * party should be allowed to send again? */
bool session_forward_send_is_due(const struct session_forward_stream *st);

/*
 * session_forward_send_owed(f, st):
 * Send what is owed, in its order, as far as that is possible now.
 */
void session_forward_send_owed(struct session_forward *f,
			       struct session_forward_stream *st);

#endif /* !SESSION_FORWARD_SEND_H */
