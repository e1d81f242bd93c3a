/*
 * One stream of a forwarder: a local connection and what it owes to the other
 * party.  Inside of session/forward.h.
 */
#ifndef SESSION_FORWARD_STREAM_H
#define SESSION_FORWARD_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/session.h>

#include "session/forward.h"
#include "session/ready.h"

enum {
	SESSION_FORWARD_HEAD_LEN = 3, /* op, stream */
	SESSION_FORWARD_RESET_LEN = SESSION_FORWARD_HEAD_LEN + 1,
	SESSION_FORWARD_CREDIT_LEN = SESSION_FORWARD_HEAD_LEN + 4,
	SESSION_FORWARD_MESSAGE_MAX =
	    SESSION_FORWARD_HEAD_LEN + SESSION_FORWARD_DATA_MAX,
	SESSION_FORWARD_INDEX_LEN = 2, /* CHECK_LE16 */
};

enum session_forward_op {
	SESSION_FORWARD_OP_OPEN = 1,
	SESSION_FORWARD_OP_DATA,
	SESSION_FORWARD_OP_FIN,
	SESSION_FORWARD_OP_CREDIT,
	SESSION_FORWARD_OP_RESET,
};

/* Whatever is in the epoll set begins with its kind. */
enum session_forward_kind {
	SESSION_FORWARD_SESSION,
	SESSION_FORWARD_TIMER,
	SESSION_FORWARD_WATCH,
	SESSION_FORWARD_LISTENER,
	SESSION_FORWARD_STREAM,
};

struct session_forward_stream {
	enum session_forward_kind kind;
	struct session_forward_stream *next, **prev; /* on forward.streams */
	int party;
	uint16_t number;
	bool ours; /* opened here */

	/* The local connection. */
	int fd;		 /* -1: none now */
	bool up;	 /* it is connected */
	bool read_end;	 /* it will bring nothing more */
	bool discard;	 /* what it still brings is dropped */
	bool deaf;	 /* it takes nothing more */
	bool ending;	 /* nothing more is handed to it */
	bool shut;	 /* its end was told: FIN */
	bool checking;	 /* not dialled before the index was seen */
	bool complained; /* about the user at the port */
	uint32_t events; /* in the epoll set; 0: not in it */
	int64_t dial_ms; /* next attempt; INT64_MAX: none planned */
	int delay_ms;

	/* To the other party. */
	bool tabled; /* its number is in use */
	bool open_owed, fin_owed, fin_sent, reset_owed, reset_sent;
	enum session_forward_reason reason; /* of reset_* */
	uint32_t credit;		    /* DATA bytes it may still get */
	uint8_t *held; /* a DATA that could not be sent yet */
	size_t held_len;

	/* From the other party. */
	bool fin_received, reset_received;
	uint32_t window;  /* = allowed + owed + queue_len */
	uint32_t allowed; /* DATA bytes that it may still send */
	uint32_t owed;	  /* DATA bytes handed on, not allowed again yet */
	uint8_t *queue;	  /* bytes for the local connection */
	size_t queue_at, queue_len, queue_size;
	struct session_ready gathered; /* to be written in this turn */
};

/* How often something may still be told. */
struct session_forward_pace {
	int64_t since_ms;
	int64_t left;
	unsigned untold;
};

struct session_forward_party {
	enum session_forward_kind kind; /* of its listener */
	int listener;			/* -1: none */
	uint16_t port;
	bool gone;    /* lost or closed */
	bool blocked; /* something could not be sent */
	/* Streams that it opened, and those opened here: that are not over,
	 * and with those of which something waits for the program. */
	size_t n_streams[2], n_kept[2];
	uint32_t grown; /* beyond the first windows of all of them */
	struct session_forward_stream **streams; /* by number */
	size_t n_slots;
	struct session_forward_pace refused;
	/* By who cut and why; 0: for no known reason. */
	struct session_forward_pace cuts[2][SESSION_FORWARD_PROTOCOL + 1];
};

struct session_forward {
	struct parley_session *session;
	struct session_forward_options o;
	int n, self;
	int epoll_fd, timer_fd;
	int64_t timer_ms;  /* armed for; INT64_MAX: not armed */
	int64_t accept_ms; /* accepting is paused until then; 0: it is not */
	bool accepting, hung_up, watched;
	int err; /* out of memory or descriptors: ends process() */
	struct session_forward_party *parties;
	struct session_forward_stream *streams, *dead;
	struct session_ready_list gathered; /* empty between turns */
	uint8_t buffer[SESSION_FORWARD_MESSAGE_MAX];
};

/*
 * session_forward_stream_find(f, party, number): NULL if there is none.
 */
struct session_forward_stream *session_forward_stream_find(
    const struct session_forward *f, int party, uint16_t number);

/*
 * session_forward_stream_accept(f, party, fd):
 * The program has connected: open a stream, unless it has too many there.
 * ${fd} is taken in any case.
 *
 * Returns 0, or PARLEY_ERR_MEMORY.
 */
int session_forward_stream_accept(struct session_forward *f, int party, int fd)
    __attribute__((warn_unused_result));

/*
 * session_forward_stream_open(f, party, number, service):
 * Another party has opened a stream to the program here.  If it does so far
 * beyond the limit, it is lost.
 *
 * Returns 0, or PARLEY_ERR_MEMORY.
 */
int session_forward_stream_open(struct session_forward *f, int party,
				uint16_t number, uint8_t service)
    __attribute__((warn_unused_result));

/* What another party says on ${st}; len is that of the rest. */
void session_forward_stream_data(struct session_forward *f,
				 struct session_forward_stream *st,
				 const uint8_t *data, size_t len);
void session_forward_stream_fin(struct session_forward *f,
				struct session_forward_stream *st);
void session_forward_stream_credit(struct session_forward *f,
				   struct session_forward_stream *st,
				   uint32_t credit);
void session_forward_stream_reset(struct session_forward *f,
				  struct session_forward_stream *st,
				  enum session_forward_reason reason);

/*
 * session_forward_stream_write(f, st):
 * All that has come was looked at: the program gets what was gathered for it.
 */
void session_forward_stream_write(struct session_forward *f,
				  struct session_forward_stream *st);

/* session_forward_stream_cut(f, st, reason): send RESET, end it here. */
void session_forward_stream_cut(struct session_forward *f,
				struct session_forward_stream *st,
				enum session_forward_reason reason);

/* session_forward_stream_event(f, st, events): of epoll, for its socket. */
void session_forward_stream_event(struct session_forward *f,
				  struct session_forward_stream *st,
				  uint32_t events);

/* session_forward_stream_timer(f, st, now_ms): is a dial due? */
void session_forward_stream_timer(struct session_forward *f,
				  struct session_forward_stream *st,
				  int64_t now_ms);

/*
 * session_forward_stream_advance(f, st):
 * Send what is owed, if that can be sent; look for what the socket can do; let
 * go of a stream that is over.
 */
void session_forward_stream_advance(struct session_forward *f,
				    struct session_forward_stream *st);

/* session_forward_stream_leave(f, st): the other party is gone. */
void session_forward_stream_leave(struct session_forward *f,
				  struct session_forward_stream *st);

/* session_forward_stream_hang_up(f, st): end both directions. */
void session_forward_stream_hang_up(struct session_forward *f,
				    struct session_forward_stream *st);

/* session_forward_stream_free(st): close and free. */
void session_forward_stream_free(struct session_forward_stream *st);

#endif /* !SESSION_FORWARD_STREAM_H */
