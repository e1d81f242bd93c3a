/*
 * Receiving of the carrier over libzmq: from messages to events.
 */
#ifndef SESSION_CARRIER_ZMQ_RECEIVE_H
#define SESSION_CARRIER_ZMQ_RECEIVE_H

#include "session/carrier_zmq_conn.h"

/* Something was found that is not an event. */
enum { SESSION_CARRIER_READ_ON = 1 };

/*
 * session_carrier_zmq_receive(c, s, ev):
 * Returns 0 with ${ev} set, SESSION_CARRIER_READ_ON, PARLEY_ERR_AGAIN when
 * ${s} is empty, or an error.
 */
int session_carrier_zmq_receive(struct session_carrier_zmq *c,
				struct session_carrier_zmq_source *s,
				struct session_carrier_event *ev);

/*
 * session_carrier_zmq_receive_ended(c, ev):
 * The router is empty, or has been read for so long that nothing of those
 * that ended can be left: report one of them.  Was there one?
 */
bool session_carrier_zmq_receive_ended(struct session_carrier_zmq *c,
				       struct session_carrier_event *ev);

#endif /* !SESSION_CARRIER_ZMQ_RECEIVE_H */
