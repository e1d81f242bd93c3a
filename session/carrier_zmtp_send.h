/*
 * Sending of the ZMTP carrier, and what waits to leave.
 */
#ifndef SESSION_CARRIER_ZMTP_SEND_H
#define SESSION_CARRIER_ZMTP_SEND_H

#include "session/carrier_zmtp_conn.h"

/* What session_carrier_send() comes to. */
int session_carrier_zmtp_send(struct session_carrier *base,
			      struct session_conn *conn_base,
			      struct session_frame *frame);

/*
 * session_carrier_zmtp_send_control(c, conn, bytes, len):
 * Send a command; a peer that does not read gets no more than a few.
 *
 * Returns 0, or PARLEY_ERR_LOST when out of memory.
 */
int session_carrier_zmtp_send_control(struct session_carrier_zmtp *c,
				      struct session_carrier_zmtp_conn *conn,
				      const uint8_t *bytes, size_t len)
    __attribute__((warn_unused_result));

/*
 * session_carrier_zmtp_send_greeting(c, conn):
 * Greeting and READY in one flight: neither depends on the other side.
 * Returns as session_carrier_zmtp_send_control().
 */
int session_carrier_zmtp_send_greeting(struct session_carrier_zmtp *c,
				       struct session_carrier_zmtp_conn *conn)
    __attribute__((warn_unused_result));

/*
 * session_carrier_zmtp_send_out(c, conn):
 * Write what can be written; epoll is asked to tell when the rest can be.
 */
void session_carrier_zmtp_send_out(struct session_carrier_zmtp *c,
				   struct session_carrier_zmtp_conn *conn);

/* session_carrier_zmtp_send_drop(conn): nothing waits to leave any more. */
void session_carrier_zmtp_send_drop(struct session_carrier_zmtp_conn *conn);

#endif /* !SESSION_CARRIER_ZMTP_SEND_H */
