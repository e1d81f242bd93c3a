/*
 * Receiving of the ZMTP carrier: from bytes to events.
 */
#ifndef SESSION_CARRIER_ZMTP_RECEIVE_H
#define SESSION_CARRIER_ZMTP_RECEIVE_H

#include "session/carrier_zmtp_conn.h"

/* What a step gives; the event is what the user gets. */
enum session_carrier_zmtp_step {
	SESSION_CARRIER_NOTHING = 1,
	SESSION_CARRIER_EVENT = 2,
};

/*
 * session_carrier_zmtp_receive_read(c, ev, conn):
 * One read of ${conn}: into a frame that is under way, and into staging.
 * Returns an enum session_carrier_zmtp_step.
 */
int session_carrier_zmtp_receive_read(struct session_carrier_zmtp *c,
				      struct session_carrier_event *ev,
				      struct session_carrier_zmtp_conn *conn);

/*
 * session_carrier_zmtp_receive_parse(c, ev, conn):
 * Parse staged bytes of ${conn} up to the next event.  Returns likewise.
 */
int session_carrier_zmtp_receive_parse(struct session_carrier_zmtp *c,
				       struct session_carrier_event *ev,
				       struct session_carrier_zmtp_conn *conn);

/*
 * session_carrier_zmtp_receive_end(c, ev, conn, reason):
 * End ${conn}: an event, unless nobody knows it or cares any more.  Returns
 * likewise.
 */
int session_carrier_zmtp_receive_end(struct session_carrier_zmtp *c,
				     struct session_carrier_event *ev,
				     struct session_carrier_zmtp_conn *conn,
				     const char *reason);

/*
 * session_carrier_zmtp_receive_may_wait(conn):
 * Let a read of ${conn} wait for a moment.  Can it be done?
 */
bool session_carrier_zmtp_receive_may_wait(
    struct session_carrier_zmtp_conn *conn);

/*
 * session_carrier_zmtp_receive_wait(c, conn):
 * Wait in ${conn} alone, which takes one system call where epoll takes two: a
 * message that answers ours comes soon, and from there.  Everybody else waits
 * no longer than a moment: not at all while something is to be written, and
 * after a wait in vain not soon again.
 *
 * Returns 0 if something is to be read, EAGAIN if nothing came, or another
 * errno.
 */
int session_carrier_zmtp_receive_wait(struct session_carrier_zmtp *c,
				      struct session_carrier_zmtp_conn *conn);

#endif /* !SESSION_CARRIER_ZMTP_RECEIVE_H */
