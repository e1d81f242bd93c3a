/*
 * The timers of a channel (PROTOCOL 6.3): when an ACK is owed no longer than
 * this, and when silence calls for a probe.
 *
 * Pure: the caller brings the clock, and sends.
 */
#ifndef SESSION_RETRANSMIT_H
#define SESSION_RETRANSMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "session/channel.h"

struct session_retransmit {
	int64_t ack_ms, probe_ms; /* due at; INT64_MAX: off */
	int probe_wait_ms;	  /* the next time */
};

/* session_retransmit_init(t): both off; also for a new connection. */
void session_retransmit_init(struct session_retransmit *t);

/* session_retransmit_acked(t): an ACK came: waiting begins anew. */
void session_retransmit_acked(struct session_retransmit *t);

/*
 * session_retransmit_dropped(t, now_ms):
 * A record came that had to be dropped: the other side is there, and not just
 * silent, so there is no reason to wait longer and longer.
 */
void session_retransmit_dropped(struct session_retransmit *t, int64_t now_ms);

/* session_retransmit_pause(t): there is no connection to probe over. */
void session_retransmit_pause(struct session_retransmit *t);

/* session_retransmit_to_plan(t, c, connected): would _plan() start anything? */
bool session_retransmit_to_plan(const struct session_retransmit *t,
				const struct session_channel *c,
				bool connected);

/*
 * session_retransmit_plan(t, c, now_ms, connected):
 * Something was sent over ${c} or came from it: start what is not running.
 * Returns when the first timer is due, or INT64_MAX.
 */
int64_t session_retransmit_plan(struct session_retransmit *t,
				const struct session_channel *c, int64_t now_ms,
				bool connected);

/* session_retransmit_ack_due(t, c, now_ms): is an ACK to be put now? */
bool session_retransmit_ack_due(struct session_retransmit *t,
				const struct session_channel *c,
				int64_t now_ms);

/*
 * session_retransmit_probe(t, c, now_ms, queued):
 * The probe to be sent now, a reference; or NULL, also where something waits
 * to leave already (${queued}): it would not arrive sooner.
 * session_retransmit_plan() afterwards.
 */
struct session_frame *session_retransmit_probe(struct session_retransmit *t,
					       struct session_channel *c,
					       int64_t now_ms, bool queued);

#endif /* !SESSION_RETRANSMIT_H */
