/*
 * Forwarding (PROTOCOL 12): TCP connections of a program on this machine,
 * carried as streams over a session.
 *
 *   program --> loopback port of party j --> stream --> forwarder of party j
 *           --> port of the program there
 *
 * An engine over the public functions of a session, for `did-cli run` and for
 * the daemon.  It has no thread, prints nothing and handles no signal; what
 * happens is told by a callback.  Nothing but loopback is ever listened at or
 * dialled.
 *
 *   session_forward_new()          listens: the ports are known from here on
 *   ... the session becomes ready, the program is started ...
 *   session_forward_process()      in a loop, with or without waiting in it
 *   session_forward_is_idle()      after the program's end: has all been sent?
 *   session_forward_hang_up()      a party is lost: end all connections
 *   session_forward_free()         before parley_session_free()
 *
 * Connections that the program makes before the session is ready, or before
 * the program at the other end listens, are held, not refused.  They end with
 * FIN and never with RST, whatever happens (a reset makes some programs hang).
 */
#ifndef SESSION_FORWARD_H
#define SESSION_FORWARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <parley/session.h>

enum {
	SESSION_FORWARD_DATA_MAX = 65535, /* bytes in one DATA */
	/* message_max of a session that only forwards: what is longer than a
	 * DATA is answered, what is longer than this is not even kept. */
	SESSION_FORWARD_ACCEPT_MAX = 1024 * 1024,
	/* Bytes that may be under way: of a new stream, of one whose program
	 * takes all that comes, and by how much the streams with one party may
	 * exceed the first number together. */
	SESSION_FORWARD_CREDIT = 64 * 1024,
	SESSION_FORWARD_WINDOW_MAX = 4 * 1024 * 1024,
	SESSION_FORWARD_SPARE = 64 * 1024 * 1024,
	/* Open at a time that a party has opened, to each other one. */
	SESSION_FORWARD_STREAMS_MAX = 1024,
	/* So many more are refused one by one, then the party is cut off. */
	SESSION_FORWARD_EXCESS_MAX = 1024,
	/* CUT and REFUSED, of one party and for one reason: told at once, then
	 * one a second, which says how many were not told. */
	SESSION_FORWARD_TOLD_MAX = 8,
	SESSION_FORWARD_TEXT_SIZE = 320, /* of an event's sentence */
};

/* PROTOCOL 12, RESET: why a stream was cut. */
enum session_forward_reason {
	SESSION_FORWARD_NO_SERVICE = 1, /* nothing is offered there */
	SESSION_FORWARD_WRONG_INDEX,	/* claims the index of another party */
	SESSION_FORWARD_SECOND,		/* that index is connected already */
	SESSION_FORWARD_UNREACHABLE,	/* the program does not answer there */
	SESSION_FORWARD_PROTOCOL,	/* messages make no sense */
};

/* Whom the program dials. */
enum session_forward_dial {
	SESSION_FORWARD_DIAL_ALL,    /* every other party */
	SESSION_FORWARD_DIAL_HIGHER, /* those with a higher index, as MPyC */
};

/* What a connection opened by another party has to begin with. */
enum session_forward_check {
	SESSION_FORWARD_CHECK_NONE,
	/* That party's index in two bytes, little-endian, as MPyC; and one
	 * connection of each party at a time. */
	SESSION_FORWARD_CHECK_LE16,
};

enum session_forward_event_type {
	SESSION_FORWARD_OPENED, /* a stream, here or there; see ${ours} */
	SESSION_FORWARD_ENDED,	/* a stream, both directions */
	SESSION_FORWARD_CUT,	/* a stream, by RESET; see ${ours}, ${reason} */
	SESSION_FORWARD_REFUSED, /* a local connection */
	SESSION_FORWARD_LOST,	 /* the party will not come back; see ${err} */
	SESSION_FORWARD_CLOSED,	 /* the party has closed the session */
};

/* Texts are valid during the call. */
struct session_forward_event {
	enum session_forward_event_type type;
	int party;			    /* at the other end */
	int stream;			    /* number, or -1 */
	bool ours;			    /* opened here, cut by this side */
	enum session_forward_reason reason; /* CUT */
	int err;			    /* LOST: PARLEY_ERR_* */
	const char *text; /* one sentence that names the party */
};

struct session_forward_options {
	/* The port of 127.0.0.1 where the program here listens; 0: nowhere,
	 * and streams that others open are cut as NO_SERVICE. */
	uint16_t port;
	/* Whose program it is: connections that are not known to be this
	 * user's are refused, and a port at which another user listens is not
	 * dialled. */
	uid_t uid;
	enum session_forward_dial dial;
	enum session_forward_check check;
	/* Called from within session_forward_process() and _hang_up().  It
	 * must not call functions on the engine or the session but getters.
	 * NULL: nobody wants to know. */
	void (*on_event)(void *context, const struct session_forward_event *e);
	void *context;
};

struct session_forward;

/*
 * session_forward_new(fp, s, o):
 * Make the engine of the session ${s}, which may still be opening and must
 * have been made with send_timeout_ms and recv_timeout_ms 0.  One loopback
 * port is listened at for each party that the program dials.  ${s} is
 * borrowed and nobody else may send or receive on it; ${o} is copied.  The
 * caller frees ${*fp} with session_forward_free().
 *
 * Returns 0, or PARLEY_ERR_SYSTEM (see errno; EPROTONOSUPPORT: this machine
 * does not tell whose a connection is), PARLEY_ERR_MEMORY.
 */
int session_forward_new(struct session_forward **fp, struct parley_session *s,
			const struct session_forward_options *o)
    __attribute__((warn_unused_result));

/*
 * session_forward_port(f, party):
 * The port of 127.0.0.1 at which the program reaches ${party}; 0 if it does
 * not dial that party.
 */
uint16_t session_forward_port(const struct session_forward *f, int party);

/*
 * session_forward_fd(f):
 * A descriptor that is readable when session_forward_process() has work, the
 * session's own work and all timers included.  It belongs to ${f}.
 */
int session_forward_fd(const struct session_forward *f);

/*
 * session_forward_watch(f, fd):
 * Let session_forward_process() return early when ${fd}, which is the
 * caller's, becomes readable: saves a caller with few descriptors its own
 * poll(2), that is a system call for each turn.
 *
 * Returns 0, or PARLEY_ERR_SYSTEM.
 */
int session_forward_watch(struct session_forward *f, int fd)
    __attribute__((warn_unused_result));

/* session_forward_watched(f): was it readable in the last turn? */
bool session_forward_watched(const struct session_forward *f);

/*
 * session_forward_process(f, timeout_ms):
 * Wait until there is work, for at most ${timeout_ms} (0: not at all, -1: no
 * limit), do it, and flush.  Drives the session as well, also while it opens.
 * A lost party is an event and no error.
 *
 * Returns 0, or the error that ended the session (its
 * parley_session_error() says why), or PARLEY_ERR_SYSTEM, PARLEY_ERR_MEMORY.
 */
int session_forward_process(struct session_forward *f, int timeout_ms)
    __attribute__((warn_unused_result));

/* session_forward_n_streams(f): those of which a direction is still open. */
size_t session_forward_n_streams(const struct session_forward *f);

/*
 * session_forward_is_idle(f):
 * Has everything that the program sent, and the end of it, been accepted by
 * the session?  Once the program has ended this becomes true by itself, and
 * parley_session_close() then delivers the rest.
 */
bool session_forward_is_idle(const struct session_forward *f);

/*
 * session_forward_hang_up(f):
 * Take no new connection and end (FIN) all that the program has, as if every
 * other party had.  What it still sends is discarded.
 */
void session_forward_hang_up(struct session_forward *f);

/* session_forward_reason_text(reason): in words, as in "the index ..."; static.
 */
const char *session_forward_reason_text(enum session_forward_reason reason);

/* session_forward_free(f): close all; NULL is allowed. */
void session_forward_free(struct session_forward *f);

#endif /* !SESSION_FORWARD_H */
