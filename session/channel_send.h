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

#endif /* !SESSION_CHANNEL_SEND_H */
