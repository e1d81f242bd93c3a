/*
 * What a stream of a forwarder has for the program here.  Inside of
 * session/forward.h.
 *
 * What the program's socket does not take waits, and the credit given bounds
 * it.  Small DATA behind which the session has more is gathered: what came
 * together is written together, at the end of the turn in which it came.
 */
#ifndef SESSION_FORWARD_QUEUE_H
#define SESSION_FORWARD_QUEUE_H

#include "session/forward_stream.h"

/*
 * session_forward_queue_add(f, st, data, len):
 * Write ${data} to the program, behind what waits for it, or have it wait as
 * well.  If ${st->gathered} is listed then, there is a
 * session_forward_queue_write() to come in this turn.
 *
 * Returns 0, or PARLEY_ERR_MEMORY.
 */
int session_forward_queue_add(struct session_forward *f,
			      struct session_forward_stream *st,
			      const uint8_t *data, size_t len)
    __attribute__((warn_unused_result));

/*
 * session_forward_queue_write(st):
 * Write what waits, as far as it goes; then the end, if that has come.
 */
void session_forward_queue_write(struct session_forward_stream *st);

/* session_forward_queue_drop(st): nobody will want what waits. */
void session_forward_queue_drop(struct session_forward_stream *st);

/*
 * session_forward_queue_go_deaf(st):
 * The program takes nothing more: what waits and what comes is dropped.
 */
void session_forward_queue_go_deaf(struct session_forward_stream *st);

#endif /* !SESSION_FORWARD_QUEUE_H */
