/*
 * Messages of the control protocol (CONTROL.md): bytes in, structures out, and
 * back.  No socket, no clock.
 */
#ifndef SESSION_CONTROL_H
#define SESSION_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parley/session.h>

#include "session/dcbor.h"

enum {
	SESSION_CONTROL_VERSION = 1,
	SESSION_CONTROL_LEN_MAX = 9 * 1024 * 1024,
	SESSION_CONTROL_MESSAGE_MAX = 8 * 1024 * 1024, /* of a program */
	SESSION_CONTROL_EVENT = 1,		       /* as status */
	/* States in events besides those of sessions and parties. */
	SESSION_CONTROL_CUT_HERE = 16,
	SESSION_CONTROL_CUT_THERE = 17,
};

enum session_control_op {
	SESSION_CONTROL_OPEN,
	SESSION_CONTROL_STATUS,
	SESSION_CONTROL_FORWARD,
	SESSION_CONTROL_SEND,
	SESSION_CONTROL_RECV,
	SESSION_CONTROL_EVENTS,
	SESSION_CONTROL_RECEIPT,
	SESSION_CONTROL_CLOSE,
	SESSION_CONTROL_RELOAD,
	SESSION_CONTROL_N_OPS,
};

/* A request; which members count depends on ${op}.  Strings are borrowed. */
struct session_control_request {
	uint64_t id;
	enum session_control_op op;
	uint64_t session;
	int64_t party;			   /* send: to, recv: from, receipt */
	struct session_dcbor_string text;  /* open: agreement, close: abort */
	struct session_dcbor_string did;   /* open */
	struct session_dcbor_string bytes; /* send */
	uint64_t open_ms, linger_ms;	   /* open */
	int64_t lost_ms;		   /* open; -1: as configured */
	uint64_t wait_ms;		   /* recv */
	uint64_t port, dial, check;	   /* forward */
};

/* session_control_state_name(state): of a session, "opening", ...; static. */
const char *session_control_state_name(uint64_t state);

/*
 * session_control_decode(q, p, len):
 * Read a request.  ${q->id} is set as soon as it is known, else 0.
 *
 * Returns 0, or PARLEY_ERR_VERSION, PARLEY_ERR_UNSUPPORTED (unknown op),
 * PARLEY_ERR_FORMAT, PARLEY_ERR_ARGUMENT (a number out of range).
 */
int session_control_decode(struct session_control_request *q, const uint8_t *p,
			   size_t len) __attribute__((warn_unused_result));

/* session_control_encode(w, q): write a request. */
void session_control_encode(struct session_dcbor_writer *w,
			    const struct session_control_request *q);

/* session_control_put_reply(w, id, n): the head of a reply of ${n} results. */
void session_control_put_reply(struct session_dcbor_writer *w, uint64_t id,
			       size_t n);

void session_control_put_error(struct session_dcbor_writer *w, uint64_t id,
			       int err, const char *text, int party);

void session_control_put_event(struct session_dcbor_writer *w, uint64_t session,
			       int party, unsigned state, const char *text);

/* What the daemon sent; strings are borrowed. */
struct session_control_reply {
	uint64_t id;
	int status; /* 0, PARLEY_ERR_*, or SESSION_CONTROL_EVENT */
	struct session_dcbor_string text;
	int64_t party;
	uint64_t session, state;	  /* EVENT */
	size_t n;			  /* status 0: results, not read yet, */
	struct session_dcbor_reader rest; /* are here */
};

/*
 * session_control_decode_reply(a, p, len):
 * Read a reply up to its results, an error, or an event.
 *
 * Returns 0, or PARLEY_ERR_FORMAT, PARLEY_ERR_VERSION.
 */
int session_control_decode_reply(struct session_control_reply *a,
				 const uint8_t *p, size_t len)
    __attribute__((warn_unused_result));

/* Results of open. */
struct session_control_opened {
	uint64_t session, self, n;
	bool attached;
};

/* Results of receipt, as parley_session_receipt() gives them. */
struct session_control_receipt {
	struct session_dcbor_string accept, confirm, finished;
};

/* One session of a status; its parties follow. */
struct session_control_session {
	uint64_t session, self, state, age_ms, clients;
	bool forwarding;
	struct session_dcbor_string name, hash, did, error;
	size_t n; /* parties */
};

struct session_control_party {
	struct session_dcbor_string did, name, detail;
	uint64_t state;
	uint64_t messages_sent, messages_received, bytes_sent, bytes_received;
	uint64_t resumes, handshake_us;
};

/* To be put: error and detail end in NUL and need not be UTF-8. */
void session_control_put_opened(struct session_dcbor_writer *w,
				const struct session_control_opened *o);
void session_control_put_receipt(struct session_dcbor_writer *w,
				 const struct session_control_receipt *t);
void session_control_put_session(struct session_dcbor_writer *w,
				 const struct session_control_session *s);
void session_control_put_party(struct session_dcbor_writer *w,
			       const struct session_control_party *p);

/* The same, read; session_dcbor_end() tells in the end. */
void session_control_take_opened(struct session_dcbor_reader *r,
				 struct session_control_opened *o);
void session_control_take_receipt(struct session_dcbor_reader *r,
				  struct session_control_receipt *t);
void session_control_take_session(struct session_dcbor_reader *r,
				  struct session_control_session *s);
void session_control_take_party(struct session_dcbor_reader *r,
				struct session_control_party *p);

#endif /* !SESSION_CONTROL_H */
