/*
 * Timers of the ZMTP carrier: who is silent, who took too long.
 */
#ifndef SESSION_CARRIER_ZMTP_ALIVE_H
#define SESSION_CARRIER_ZMTP_ALIVE_H

#include "session/carrier_zmtp_conn.h"

/*
 * session_carrier_zmtp_alive_beat(c):
 * When the network is to be looked at while something is under way, in ms.
 */
static inline int session_carrier_zmtp_alive_beat(
    const struct session_carrier_zmtp *c)
{
	return c->o.liveness_ms / 3 + 1;
}

/*
 * session_carrier_zmtp_alive_run_timers(c, ev, crowded):
 * Do what is due.  Sockets are to be polled before, for the program may have
 * been away, unless they are ${crowded}: then they are polled all the time.
 *
 * Returns an enum session_carrier_zmtp_step.
 */
int session_carrier_zmtp_alive_run_timers(struct session_carrier_zmtp *c,
					  struct session_carrier_event *ev,
					  bool crowded);

#endif /* !SESSION_CARRIER_ZMTP_ALIVE_H */
