/*
 * Carriers move frames between parties.  They are never trusted: they may
 * lose, repeat, alter and insert, and everything above checks.
 *
 * Nothing above this interface knows what kind of carrier it is.  A carrier
 * belongs to one thread.
 */
#ifndef SESSION_CARRIER_H
#define SESSION_CARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/frame.h"

struct session_carrier;

/* For session_carrier_free(). */
enum {
	SESSION_GOODBYE_LINGER_MS = 1000, /* the last acknowledgements leave */
	SESSION_CARRIER_LEAVE = -1,	  /* all stays another process's */
};

/*
 * A connection.  The carrier owns it until it has reported it DOWN or the
 * user has given it up by session_carrier_hangup(); ${user} is the user's.
 */
struct session_conn {
	void *user;
	bool dialled;  /* by us; else accepted */
	size_t queued; /* bytes of frames that wait to leave (zmtp only) */
};

enum session_carrier_event_type {
	SESSION_CARRIER_UP,    /* a dialled connection can be used */
	SESSION_CARRIER_DOWN,  /* a connection ended; conn is freed after */
	SESSION_CARRIER_FRAME, /* a frame came; new accepted ones appear so */
};

struct session_carrier_event {
	enum session_carrier_event_type type;
	struct session_conn *conn;
	struct session_frame *frame; /* FRAME: the receiver owns it */
	const char *reason;	     /* DOWN: static text */
};

struct session_carrier_options {
	size_t n_parties;    /* about so many connections at once */
	int liveness_ms;     /* silence of the network that ends a connection */
	int unresponsive_ms; /* silence of a program that does */
	size_t stranger_max; /* first frame of an accepted connection */
	size_t frame_max;    /* any frame */
	struct session_frame_pool *pool; /* for large frames; NULL: none */
	int spin_us; /* longest look before sleeping, spin.h (zmtp only) */
};

struct session_carrier_ops {
	int (*listen)(struct session_carrier *c, const char *endpoint);
	int (*dial)(struct session_carrier *c, const char *endpoint,
		    struct session_conn **connp);
	int (*send)(struct session_carrier *c, struct session_conn *conn,
		    struct session_frame *frame);
	void (*hangup)(struct session_carrier *c, struct session_conn *conn);
	int (*next)(struct session_carrier *c,
		    struct session_carrier_event *event);
	int (*wait)(struct session_carrier *c, struct session_conn *conn,
		    int timeout_ms);
	int (*fd)(const struct session_carrier *c);
	int (*settle)(struct session_carrier *c);
	int64_t (*deadline)(const struct session_carrier *c);
	size_t (*queued)(const struct session_conn *conn);
	void (*trust)(struct session_carrier *c, struct session_conn *conn,
		      size_t frame_max);
	void (*free)(struct session_carrier *c, int linger_ms);
};

struct session_carrier {
	const struct session_carrier_ops *ops;
};

/*
 * session_carrier_listen(c, endpoint):
 * Accept connections at ${endpoint}, "tcp://host:port".  More than once for
 * several.  zmtp also takes "ipc://path", a socket of mode 0600 where only
 * processes of the same user and of root are accepted; who listens there
 * removes it before and after.
 *
 * Returns 0, or PARLEY_ERR_ADDRESS_IN_USE, PARLEY_ERR_ENDPOINT (the address
 * is not one of this machine, or not one at all), PARLEY_ERR_SYSTEM.
 */
static inline int session_carrier_listen(struct session_carrier *c,
					 const char *endpoint)
{
	return c->ops->listen(c, endpoint);
}

/*
 * session_carrier_dial(c, endpoint, connp):
 * Begin to connect; UP or DOWN follows.
 *
 * Returns 0, or PARLEY_ERR_ENDPOINT, PARLEY_ERR_MEMORY, PARLEY_ERR_SYSTEM.
 */
static inline int session_carrier_dial(struct session_carrier *c,
				       const char *endpoint,
				       struct session_conn **connp)
{
	return c->ops->dial(c, endpoint, connp);
}

/*
 * session_carrier_send(c, conn, frame):
 * Send ${frame}, taken in any case.  Does not wait; the frame may be lost
 * without notice if the connection breaks.
 *
 * Returns 0, or PARLEY_ERR_LOST (the connection is gone), PARLEY_ERR_MEMORY,
 * PARLEY_ERR_SYSTEM.
 */
static inline int session_carrier_send(struct session_carrier *c,
				       struct session_conn *conn,
				       struct session_frame *frame)
{
	return c->ops->send(c, conn, frame);
}

/*
 * session_carrier_hangup(c, conn):
 * Give up ${conn}; no event comes from it any more.  What was just sent gets a
 * moment to leave.  A dialled one is closed; so is an accepted one, except over
 * libzmq, which cannot: there it is ignored until its other end closes it.
 */
static inline void session_carrier_hangup(struct session_carrier *c,
					  struct session_conn *conn)
{
	c->ops->hangup(c, conn);
}

/*
 * session_carrier_next(c, event):
 * Fetch the next event without waiting.
 *
 * Returns 0, or PARLEY_ERR_AGAIN (none), PARLEY_ERR_SYSTEM,
 * PARLEY_ERR_MEMORY.
 */
static inline int session_carrier_next(struct session_carrier *c,
				       struct session_carrier_event *event)
{
	return c->ops->next(c, event);
}

/*
 * session_carrier_wait(c, conn, timeout_ms):
 * Wait until there may be an event; -1 for no limit.  ${conn} is where the next
 * one is expected, NULL for anywhere: a carrier may look there alone for some
 * milliseconds.
 *
 * Returns 0, or PARLEY_ERR_AGAIN (time is up), PARLEY_ERR_INTERRUPTED (a
 * signal), PARLEY_ERR_SYSTEM.
 */
static inline int session_carrier_wait(struct session_carrier *c,
				       struct session_conn *conn,
				       int timeout_ms)
{
	return c->ops->wait(c, conn, timeout_ms);
}

/*
 * session_carrier_fd(c):
 * A descriptor that is readable when there may be an event, provided that
 * session_carrier_settle() was called after the last other call.
 */
static inline int session_carrier_fd(const struct session_carrier *c)
{
	return c->ops->fd(c);
}

/* session_carrier_settle(c): see above.  Returns 0 or PARLEY_ERR_SYSTEM. */
static inline int session_carrier_settle(struct session_carrier *c)
{
	return c->ops->settle(c);
}

/*
 * session_carrier_deadline(c):
 * When next() is to be called though nothing happens: monotonic ms, or
 * INT64_MAX.
 */
static inline int64_t session_carrier_deadline(const struct session_carrier *c)
{
	return c->ops->deadline ? c->ops->deadline(c) : INT64_MAX;
}

/*
 * session_carrier_queued(c, conn):
 * Bytes of frames that wait to leave over ${conn}; 0 where that is not known.
 */
static inline size_t session_carrier_queued(const struct session_carrier *c,
					    const struct session_conn *conn)
{
	return c->ops->queued ? c->ops->queued(conn) : conn->queued;
}

/*
 * session_carrier_trust(c, conn, frame_max):
 * The other end of ${conn} has proven something: from now on it may send
 * frames of up to ${frame_max} bytes, and it is not among those that go first
 * when there are too many strangers.
 */
static inline void session_carrier_trust(struct session_carrier *c,
					 struct session_conn *conn,
					 size_t frame_max)
{
	if (c->ops->trust)
		c->ops->trust(c, conn, frame_max);
}

/*
 * session_carrier_free(c, linger_ms):
 * Close everything; frames under way are given ${linger_ms} to leave.  The
 * user has hung up all dialled connections before.  With SESSION_CARRIER_LEAVE,
 * in a forked process, only its own descriptors are closed, if that can be
 * done: the connections stay those of the other one.  NULL is allowed.
 */
static inline void session_carrier_free(struct session_carrier *c,
					int linger_ms)
{
	if (c)
		c->ops->free(c, linger_ms);
}

/*
 * session_carrier_zmq_new(cp, o):
 * A carrier over libzmq: one ROUTER that listens, one DEALER for each
 * connection dialled.
 *
 * Returns 0, or PARLEY_ERR_MEMORY, PARLEY_ERR_SYSTEM.
 */
int session_carrier_zmq_new(struct session_carrier **cp,
			    const struct session_carrier_options *o)
    __attribute__((warn_unused_result));

/*
 * session_carrier_zmtp_new(cp, o):
 * A carrier that speaks ZMTP 3.1 itself, over TCP, in the caller's thread: the
 * same on the wire as the one over libzmq.
 *
 * Returns 0, or PARLEY_ERR_MEMORY, PARLEY_ERR_SYSTEM.
 */
int session_carrier_zmtp_new(struct session_carrier **cp,
			     const struct session_carrier_options *o)
    __attribute__((warn_unused_result));

#endif /* !SESSION_CARRIER_H */
