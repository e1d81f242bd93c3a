/*
 * Sockets of the carrier over libzmq: options, monitors, dialling, listening.
 */
#ifndef SESSION_CARRIER_ZMQ_SOCKET_H
#define SESSION_CARRIER_ZMQ_SOCKET_H

#include "session/carrier_zmq_conn.h"

/* session_carrier_zmq_socket_error(): what errno is after a call of libzmq. */
int session_carrier_zmq_socket_error(void);

/* What session_carrier_listen() and session_carrier_dial() come to. */
int session_carrier_zmq_socket_listen(struct session_carrier *base,
				      const char *endpoint);
int session_carrier_zmq_socket_dial(struct session_carrier *base,
				    const char *endpoint,
				    struct session_conn **connp);

/* session_carrier_zmq_socket_close(c, s, linger_ms): NULL sockets, too. */
void session_carrier_zmq_socket_close(struct session_carrier_zmq *c,
				      struct session_carrier_zmq_source *s,
				      int linger_ms);

/* session_carrier_zmq_socket_close_dialled(c, conn, linger_ms): its two. */
void session_carrier_zmq_socket_close_dialled(
    struct session_carrier_zmq *c, struct session_carrier_zmq_conn *conn,
    int linger_ms);

#endif /* !SESSION_CARRIER_ZMQ_SOCKET_H */
