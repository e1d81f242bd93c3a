/*
 * The carrier over libzmq, seen from inside: what carrier_zmq.c and the files
 * beside it share, and the table of accepted connections.  Nobody else includes
 * this.
 *
 *   carrier_zmq.c           the carrier: sending, waiting, its life
 *   carrier_zmq_receive.c   from messages to events
 *   carrier_zmq_conn.c      this: accepted connections, and who is gone
 *   carrier_zmq_socket.c    libzmq's sockets: options, monitors, dialling
 */
#ifndef SESSION_CARRIER_ZMQ_CONN_H
#define SESSION_CARRIER_ZMQ_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/carrier.h"
#include "session/ready.h"
#include "session/wake.h"

/* Frames queued of one connection. */
enum { SESSION_STRANGER_HWM = 256 };

enum session_carrier_zmq_kind {
	SESSION_ZMQ_ROUTER,
	SESSION_ZMQ_ROUTER_MONITOR,
	SESSION_ZMQ_DEALER,
	SESSION_ZMQ_DEALER_MONITOR,
};

struct session_carrier_zmq_conn;

/* A libzmq socket with its place on the list of those to be read. */
struct session_carrier_zmq_source {
	enum session_carrier_zmq_kind kind;
	void *socket;
	struct session_carrier_zmq_conn *conn; /* a DEALER's, its monitor's */
	struct session_ready ready;	       /* to be read */
};

struct session_carrier_zmq_conn {
	struct session_conn base;
	struct session_carrier_zmq_source dealer;  /* dialled */
	struct session_carrier_zmq_source monitor; /* dialled */
	uint32_t routing_id; /* accepted; the last 4 of 5 bytes */
	int fd;		     /* accepted: libzmq's descriptor; -1: unknown */
	bool up;
	bool ended; /* closed, but frames may be left */
	bool over;  /* given up: ignore what comes */
	struct session_carrier_zmq_conn *chain; /* accepted: with its hash */
	struct session_carrier_zmq_conn *dead;	/* next to be freed, or ended */
};

struct session_carrier_zmq {
	struct session_carrier base;
	struct session_carrier_options o;
	void *context;
	struct session_carrier_zmq_source router;
	struct session_carrier_zmq_source router_monitor;
	int epoll_fd;
	struct session_wake wake;	 /* in epoll_fd, while one is listed */
	struct session_ready_list ready; /* sources to be read */
	unsigned n_monitors; /* made so far; names their addresses */

	/* Accepted connections by routing id and by descriptor. */
	struct session_carrier_zmq_conn **by_id;
	size_t n_conns, n_slots;
	struct session_carrier_zmq_conn **by_fd;
	unsigned *owed;	 /* DISCONNECTED events of reused descriptors */
	unsigned *early; /* those that came before a first frame was read */
	size_t n_fds, n_early;

	struct session_carrier_zmq_conn *dead;	/* freed at the next call */
	struct session_carrier_zmq_conn *ended; /* frames may be left */
	size_t n_late;			    /* frames read since one ended */
	struct session_carrier_event stash; /* to be returned next */
	bool stashed;
	struct session_frame *spare; /* zmq_frame, for reuse */
	unsigned n_spare;
};

/* session_carrier_zmq_conn_find(c, id): the accepted one, or NULL. */
struct session_carrier_zmq_conn *session_carrier_zmq_conn_find(
    const struct session_carrier_zmq *c, uint32_t id);

/*
 * session_carrier_zmq_conn_add(c, connp, gonep, id, fd):
 * Remember the connection on the descriptor ${fd} (-1: unknown) of which the
 * first frame came.  Should its descriptor still stand for another one, that
 * one is gone, and the monitor's word of it, which is on its way, must not be
 * taken for this one's.  It is returned in ${*gonep}, else NULL.
 *
 * Returns 0 or PARLEY_ERR_MEMORY.
 */
int session_carrier_zmq_conn_add(struct session_carrier_zmq *c,
				 struct session_carrier_zmq_conn **connp,
				 struct session_carrier_zmq_conn **gonep,
				 uint32_t id, int fd)
    __attribute__((warn_unused_result));

/*
 * session_carrier_zmq_conn_grow_fds(c, fd):
 * Make room for what is known of ${fd}.  Returns 0 or PARLEY_ERR_MEMORY.
 */
int session_carrier_zmq_conn_grow_fds(struct session_carrier_zmq *c, size_t fd)
    __attribute__((warn_unused_result));

/*
 * session_carrier_zmq_conn_set_ended(c, conn):
 * ${conn} has ended.  What came before the end is delivered before the end:
 * the router is read until it is empty first.
 */
void session_carrier_zmq_conn_set_ended(struct session_carrier_zmq *c,
					struct session_carrier_zmq_conn *conn);

/*
 * session_carrier_zmq_conn_bury(c, conn):
 * It is freed at the next call: the user may still look at a connection that
 * was reported DOWN.
 */
void session_carrier_zmq_conn_bury(struct session_carrier_zmq *c,
				   struct session_carrier_zmq_conn *conn);

/* session_carrier_zmq_conn_free_dead(c): free those that were buried. */
void session_carrier_zmq_conn_free_dead(struct session_carrier_zmq *c);

#endif /* !SESSION_CARRIER_ZMQ_CONN_H */
