/*
 * The incoming side of a channel, seen from its end.
 */
#ifndef SESSION_CHANNEL_RECEIVE_H
#define SESSION_CHANNEL_RECEIVE_H

#include "session/channel_state.h"

/* session_channel_receive_drop(c): free what waits to be taken, or to open. */
void session_channel_receive_drop(struct session_channel *c);

#endif /* !SESSION_CHANNEL_RECEIVE_H */
