/*
 * A channel: the sealed link to one party (PROTOCOL 6.2, 8).
 *
 * Pure: frames and messages in, frames and messages out; no socket, no clock.
 *
 *   outgoing   message -> open record -> sealed frame, taken by the caller
 *   incoming   frame -> opened in place -> messages, pointing into it
 *
 * Messages gather in the open record until it is full or flushed.  Messages
 * too large for one record go in parts.
 */
#ifndef SESSION_CHANNEL_H
#define SESSION_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/frame.h"
#include "session/record.h"
#include "session/schedule.h"
#include "session/wire.h"

struct session_channel_options {
	size_t window;	    /* bytes the other side may have under way */
	size_t message_max; /* largest message accepted */
	size_t record_max;  /* largest record made */
	struct session_frame_pool *pool; /* of such records; NULL: none */
	const struct session_aead_machine *machine; /* borrowed; or NULL */
};

/* What control items said since the caller last looked; see _events(). */
enum session_channel_event {
	SESSION_CHANNEL_FIRST = 1 << 0, /* the first record came */
	SESSION_CHANNEL_READY = 1 << 1,
	SESSION_CHANNEL_INSTANCES = 1 << 2,
	SESSION_CHANNEL_PONG = 1 << 3,
	SESSION_CHANNEL_CLOSE = 1 << 4,
	SESSION_CHANNEL_ABORT = 1 << 5,
	SESSION_CHANNEL_ACK = 1 << 6,
	SESSION_CHANNEL_OUTPUT = 1 << 7,  /* an answer waits to be flushed */
	SESSION_CHANNEL_DROPPED = 1 << 8, /* a record that was not the next */
};

/* Bodies of the items above, valid after the event. */
struct session_channel_news {
	uint8_t ready[SESSION_HASH_LEN];
	uint8_t *instances; /* owned by the channel */
	size_t instances_len;
	uint8_t pong[SESSION_PING_LEN_MAX];
	size_t pong_len;
	uint64_t abort_reason;
	int64_t abort_culprit;			     /* -1: nobody */
	char abort_text[SESSION_ABORT_TEXT_MAX + 1]; /* printable ASCII */
};

struct session_channel_stats {
	uint64_t messages_sent, messages_received;
	uint64_t bytes_sent, bytes_received;
	uint64_t records_sent, records_received;
	uint64_t wire_bytes_sent, wire_bytes_received;
	uint64_t records_resent, records_dropped;
};

struct session_channel;

/*
 * session_channel_new(cp, suite, role, traffic, o):
 * Make the channel of a party that had ${role} in the handshake.  The first
 * ACK stands in the open record already.  session_channel_free() it.
 *
 * Returns 0, or PARLEY_ERR_MEMORY, PARLEY_ERR_SUITE.
 */
int session_channel_new(struct session_channel **cp, uint8_t suite,
			enum session_role role,
			const struct session_traffic *traffic,
			const struct session_channel_options *o)
    __attribute__((warn_unused_result));

/* session_channel_free(c): wipe and free; NULL is allowed. */
void session_channel_free(struct session_channel *c);

/* A message on its way out; ${done} is moved by session_channel_put(). */
struct session_outgoing {
	const uint8_t *p;
	size_t len;
	size_t done;
	bool begun;
};

enum session_put {
	SESSION_PUT_DONE,    /* all of it is in */
	SESSION_PUT_FULL,    /* a record was sealed; take it and call again */
	SESSION_PUT_BLOCKED, /* the other side's limit is reached */
};

/*
 * session_channel_put(c, m):
 * Put (the rest of) a message into the open record, up to one record's worth.
 * Between a message's first and last call no other message may be put.
 *
 * Returns an enum session_put, or PARLEY_ERR_EXHAUSTED, PARLEY_ERR_MEMORY,
 * PARLEY_ERR_INTERNAL.
 */
int session_channel_put(struct session_channel *c, struct session_outgoing *m)
    __attribute__((warn_unused_result));

/*
 * session_channel_put_short(c, msg, len):
 * The same for a message that is short and fits into the open record, without
 * detours.  Returns false if it is not done: session_channel_put() will tell.
 */
bool session_channel_put_short(struct session_channel *c, const void *msg,
			       size_t len);

/* session_channel_may_put(c): is the other side's limit not reached? */
bool session_channel_may_put(const struct session_channel *c);

/*
 * session_channel_control(c, item, body, len):
 * Put a control item into the open record.  Errors as session_channel_put().
 */
int session_channel_control(struct session_channel *c,
			    enum session_wire_item item, const void *body,
			    size_t len) __attribute__((warn_unused_result));

/* session_channel_ack(c): put an ACK of all that came into the open record. */
int session_channel_ack(struct session_channel *c)
    __attribute__((warn_unused_result));

/*
 * session_channel_abort(c, reason, culprit, text): put an ABORT; ${culprit} -1
 * for nobody.
 */
int session_channel_abort(struct session_channel *c, int reason, int culprit,
			  const char *text) __attribute__((warn_unused_result));

/*
 * session_channel_flush(c):
 * Seal the open record if there is anything in it.
 */
int session_channel_flush(struct session_channel *c)
    __attribute__((warn_unused_result));

/*
 * session_channel_take(c):
 * Return the next sealed frame that was not taken yet, or NULL.  The caller
 * gets a reference; the channel keeps the frame until it is acknowledged, and
 * nobody may change it.
 */
struct session_frame *session_channel_take(struct session_channel *c);

/*
 * session_channel_resend(c, next):
 * The other side expects record ${next}: from there on all are to be taken
 * again, those before are forgotten.  A ${next} that an ACK has overtaken is
 * allowed: then it is all that are kept.
 *
 * Returns 0, or PARLEY_ERR_SEQUENCE (that was not sent yet).
 */
int session_channel_resend(struct session_channel *c, uint64_t next)
    __attribute__((warn_unused_result));

/* session_channel_expected(c): the number of the record expected next. */
uint64_t session_channel_expected(const struct session_channel *c);

/*
 * session_channel_probe(c):
 * PROTOCOL 6.3: the record that is to be sent now as a probe, a reference; NULL
 * if one is on its way already, nothing is unacknowledged or memory is short.
 */
struct session_frame *session_channel_probe(struct session_channel *c);

/* session_channel_probe_due(c): is anything sent that calls for an ACK? */
bool session_channel_probe_due(const struct session_channel *c);

/* session_channel_ack_owed(c): did anything come that calls for an ACK? */
bool session_channel_ack_owed(const struct session_channel *c);

/* session_channel_ack_now(c): put the ACK (or GAP) that is owed. */
int session_channel_ack_now(struct session_channel *c)
    __attribute__((warn_unused_result));

/*
 * session_channel_crowd(c, queued):
 * ${queued} bytes wait to leave already.  When all that is kept is among them
 * twice, a GAP brings nothing more: it would only make the queue of one who
 * does not read longer.  What is missing then is found by probes.
 */
void session_channel_crowd(struct session_channel *c, size_t queued);

/*
 * session_channel_receive(c, f):
 * Consume the frame ${f}, taken in any case: open it, act on control items,
 * queue messages.  A record that is not the next one, or does not open, is
 * dropped and changes nothing but what is acknowledged next.
 *
 * Returns 0, or PARLEY_ERR_RECORD (items do not parse, or are not allowed),
 * PARLEY_ERR_TOO_LARGE (a message over message_max), PARLEY_ERR_EXHAUSTED,
 * PARLEY_ERR_MEMORY.  After an error the channel is broken.
 */
int session_channel_receive(struct session_channel *c, struct session_frame *f)
    __attribute__((warn_unused_result));

/*
 * session_channel_events(c):
 * Return what happened since the last call, enum session_channel_event or-ed.
 */
unsigned session_channel_events(struct session_channel *c);

const struct session_channel_news *session_channel_news(
    const struct session_channel *c);

/*
 * session_channel_next(c, msgp, lenp):
 * Take the next message; borrowed until the next call, or until
 * session_channel_release().  Returns false if there is none.
 */
bool session_channel_next(struct session_channel *c, const void **msgp,
			  size_t *lenp);

/* session_channel_release(c): give up the message last taken. */
void session_channel_release(struct session_channel *c);

/* session_channel_pending(c): is a message there to be taken? */
bool session_channel_pending(const struct session_channel *c);

/*
 * session_channel_ack_due(c):
 * Is an ACK due at once (a quarter of the window was freed, many records
 * came, or one is missing)?
 */
bool session_channel_ack_due(const struct session_channel *c);

/*
 * session_channel_grant(c):
 * Give the other side new room as if the program had taken everything that is
 * queued: for a caller that waits to send and must not block the others.
 */
void session_channel_grant(struct session_channel *c);

/*
 * session_channel_close(c):
 * Say in a record of its own what arrived, and that nothing more is coming.
 * Errors as session_channel_put().
 */
int session_channel_close(struct session_channel *c)
    __attribute__((warn_unused_result));

/* session_channel_close_acked(c): has the other side seen our CLOSE? */
bool session_channel_close_acked(const struct session_channel *c);

/*
 * session_channel_unacked(c):
 * Records with messages (or parts) that were not acknowledged yet.
 */
uint64_t session_channel_unacked(const struct session_channel *c);

/* session_channel_kept(c): records kept until they are acknowledged. */
size_t session_channel_kept(const struct session_channel *c);

const struct session_channel_stats *session_channel_stats(
    const struct session_channel *c);

/* session_channel_ratchets(c): key changes in both directions. */
uint64_t session_channel_ratchets(const struct session_channel *c);

/* session_channel_open_len(c): bytes waiting in the open record. */
size_t session_channel_open_len(const struct session_channel *c);

#endif /* !SESSION_CHANNEL_H */
