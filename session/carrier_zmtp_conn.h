/*
 * The carrier that speaks ZMTP itself, seen from inside: what carrier_zmtp.c
 * and the files beside it share, and what a connection is from its first
 * socket to its end.  Nobody else includes this.
 *
 *   carrier_zmtp.c           the carrier: waiting, taking turns, its life
 *   carrier_zmtp_connect.c   dialling, listening, accepting strangers
 *   carrier_zmtp_receive.c   from bytes to events
 *   carrier_zmtp_alive.c     timers: who is silent, who took too long
 *   carrier_zmtp_send.c      from frames to bytes, and what waits to leave
 *   carrier_zmtp_conn.c      this: making, watching and ending connections
 *   carrier_zmtp_socket.c    addresses and options of sockets
 */
#ifndef SESSION_CARRIER_ZMTP_CONN_H
#define SESSION_CARRIER_ZMTP_CONN_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/carrier.h"
#include "session/carrier_zmtp_socket.h"
#include "session/lookup.h"
#include "session/ready.h"
#include "session/spin.h"
#include "session/wake.h"
#include "session/zmtp.h"

enum {
	SESSION_EPOLL_BATCH = 64,
	SESSION_LISTENERS_MAX = 16,
	SESSION_STAGING_LEN = 64 * 1024, /* one read, shared by all */
};

enum session_carrier_zmtp_state {
	SESSION_CONN_CONNECTING,
	SESSION_CONN_GREETING,
	SESSION_CONN_UP,
	SESSION_CONN_OVER,
};

struct session_carrier_zmtp_piece;

struct session_carrier_zmtp_conn {
	struct session_conn base;
	/* On carrier.conns, oldest first. */
	struct session_carrier_zmtp_conn *next, **prev;
	struct session_ready ready; /* to be read */
	struct session_carrier_zmtp_conn *dead;
	struct addrinfo *addresses, *address; /* dialled: those to try */
	struct session_lookup *lookup; /* of these; fd tells when it is done */
	int fd;
	enum session_carrier_zmtp_state state;
	uint16_t slot; /* accepted: of its address */
	bool stranger; /* accepted, and not trusted yet */
	bool writing;  /* waits for EPOLLOUT */
	bool closing;  /* hung up: close once all is sent */
	bool sent;     /* since the network was found in order last */
	bool mute;     /* writing failed: what came before is still read */
	bool watched;  /* its descriptor blocks, for WATCH_MS */
	unsigned watch_pause; /* frames until it is watched again */
	struct session_spin spin;
	int64_t deadline_ms;
	int64_t heard_ms;  /* last byte */
	int64_t pinged_ms; /* PING sent since; 0: none */
	unsigned n_control;
	struct session_zmtp zmtp;
	const char *broken;	     /* to be ended, for this reason */
	struct session_frame *frame; /* being read */
	size_t frame_done;
	struct session_carrier_zmtp_piece *head, **tail; /* to be sent */
};

struct session_carrier_zmtp {
	struct session_carrier base;
	struct session_carrier_options o;
	int epoll_fd;
	struct session_wake wake; /* in epoll_fd, while bytes are staged */
	bool leaving;  /* what is shared with another process stays as it is */
	bool fresh;    /* polled since next() found nothing last */
	int n_reads;   /* since the last poll */
	int n_watches; /* since the last poll */
	size_t n_writing; /* connections that wait for EPOLLOUT */
	int64_t heard_ms; /* when timers were due, and sockets polled before */
	int listeners[SESSION_LISTENERS_MAX];
	size_t n_listeners;
	int64_t accept_ms; /* accepting is paused until then; 0: it is not */
	struct session_carrier_zmtp_conn *conns, **conns_tail;
	struct session_lookup_list lookups;
	size_t n_strangers;
	uint8_t salt[SESSION_CARRIER_ZMTP_SOCKET_SALT_LEN];
	struct session_ready_list ready; /* connections to be read */
	struct session_carrier_zmtp_conn *dead;
	/* Of whom unparsed bytes are in staging. */
	struct session_carrier_zmtp_conn *staged;
	size_t staged_at, staged_len;
	int64_t next_timer_ms;
	uint8_t staging[SESSION_STAGING_LEN];
};

/* session_carrier_zmtp_conn_wake_at(c, ms): timers are looked at by then. */
static inline void session_carrier_zmtp_conn_wake_at(
    struct session_carrier_zmtp *c, int64_t ms)
{
	if (ms < c->next_timer_ms)
		c->next_timer_ms = ms;
}

/*
 * session_carrier_zmtp_conn_new(c, dialled):
 * A connection that has no socket yet.  Returns NULL when out of memory.
 */
struct session_carrier_zmtp_conn *session_carrier_zmtp_conn_new(
    struct session_carrier_zmtp *c, bool dialled)
    __attribute__((warn_unused_result));

/*
 * session_carrier_zmtp_conn_set_deadline(c, conn, ms):
 * It ends in ${ms} unless it has come further by then.
 */
void session_carrier_zmtp_conn_set_deadline(
    struct session_carrier_zmtp *c, struct session_carrier_zmtp_conn *conn,
    int ms);

/* session_carrier_zmtp_conn_set_trusted(c, conn): no stranger any more. */
void session_carrier_zmtp_conn_set_trusted(
    struct session_carrier_zmtp *c, struct session_carrier_zmtp_conn *conn);

/* session_carrier_zmtp_conn_set_writing(c, conn, on): it waits to write. */
void session_carrier_zmtp_conn_set_writing(
    struct session_carrier_zmtp *c, struct session_carrier_zmtp_conn *conn,
    bool on);

/*
 * session_carrier_zmtp_conn_set_broken(c, conn, reason):
 * Nothing more can go over ${conn}: it ends when its turn comes.
 */
void session_carrier_zmtp_conn_set_broken(
    struct session_carrier_zmtp *c, struct session_carrier_zmtp_conn *conn,
    const char *reason);

/*
 * session_carrier_zmtp_conn_watch(c, op, fd, events, ptr):
 * epoll_ctl().  Returns 0 or PARLEY_ERR_SYSTEM.
 */
int session_carrier_zmtp_conn_watch(struct session_carrier_zmtp *c, int op,
				    int fd, uint32_t events, void *ptr);

/*
 * session_carrier_zmtp_conn_close_fd(c, fd):
 * Close ${fd}.  It leaves the epoll set before: closing alone would leave it
 * there, with a pointer to freed memory, if a forked process has it, too.
 */
void session_carrier_zmtp_conn_close_fd(const struct session_carrier_zmtp *c,
					int fd);

/*
 * session_carrier_zmtp_conn_close(c, conn):
 * Close what ${conn} has; it stays on the list of the dead for a moment.
 */
void session_carrier_zmtp_conn_close(struct session_carrier_zmtp *c,
				     struct session_carrier_zmtp_conn *conn);

/* session_carrier_zmtp_conn_free_dead(c): free those that were closed. */
void session_carrier_zmtp_conn_free_dead(struct session_carrier_zmtp *c);

#endif /* !SESSION_CARRIER_ZMTP_CONN_H */
