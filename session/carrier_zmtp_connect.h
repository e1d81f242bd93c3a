/*
 * How connections of the ZMTP carrier come to be: dialling, listening,
 * accepting.
 */
#ifndef SESSION_CARRIER_ZMTP_CONNECT_H
#define SESSION_CARRIER_ZMTP_CONNECT_H

#include "session/carrier_zmtp_conn.h"

/* What session_carrier_listen() and session_carrier_dial() come to. */
int session_carrier_zmtp_connect_listen(struct session_carrier *base,
					const char *endpoint);
int session_carrier_zmtp_connect_dial(struct session_carrier *base,
				      const char *endpoint,
				      struct session_conn **connp);

/*
 * session_carrier_zmtp_connect_found(c, conn):
 * The name that was dialled may have been looked up: then go on.
 */
void session_carrier_zmtp_connect_found(struct session_carrier_zmtp *c,
					struct session_carrier_zmtp_conn *conn);

/*
 * session_carrier_zmtp_connect_finish(c, conn):
 * The socket is connected: greet; or it failed to: try the next address.
 *
 * Returns 0, or PARLEY_ERR_LOST (no address is left, or no memory).
 */
int session_carrier_zmtp_connect_finish(struct session_carrier_zmtp *c,
					struct session_carrier_zmtp_conn *conn)
    __attribute__((warn_unused_result));

/*
 * session_carrier_zmtp_connect_accept(c, listener):
 * Accept who waits at ${listener}, as strangers; of too many one goes.
 */
void session_carrier_zmtp_connect_accept(struct session_carrier_zmtp *c,
					 int listener);

/*
 * session_carrier_zmtp_connect_resume(c):
 * Accept again, after a pause for want of descriptors.
 */
void session_carrier_zmtp_connect_resume(struct session_carrier_zmtp *c);

#endif /* !SESSION_CARRIER_ZMTP_CONNECT_H */
