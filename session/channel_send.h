/*
 * The outgoing side of a channel, seen from the incoming one.
 */
#ifndef SESSION_CHANNEL_SEND_H
#define SESSION_CHANNEL_SEND_H

#include "session/channel_state.h"

/*
 * session_channel_send_forget(c, next):
 * Everything before ${next} has arrived: let it go.
 */
void session_channel_send_forget(struct session_channel *c, uint64_t next);

/*
 * session_channel_ask(c):
 * PROTOCOL 6.3: put what makes the other side say what has arrived, unless too
 * much is kept already.
 *
 * Returns 0, or what session_channel_control() returns.
 */
int session_channel_ask(struct session_channel *c)
    __attribute__((warn_unused_result));

#endif /* !SESSION_CHANNEL_SEND_H */
