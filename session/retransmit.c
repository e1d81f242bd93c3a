/*
 * The timers of PROTOCOL 6.3.  An ACK waits SESSION_ACK_DELAY_MS for company;
 * a probe goes after SESSION_PROBE_MS of silence, then after twice that, and
 * so on.
 *
 * Invariant: a timer that runs is not moved by what is sent meanwhile, so a
 * busy sender cannot postpone it for ever; only an ACK begins anew.
 */
#include "session/retransmit.h"

void session_retransmit_init(struct session_retransmit *t)
{
	t->ack_ms = INT64_MAX;
	session_retransmit_acked(t);
}

void session_retransmit_acked(struct session_retransmit *t)
{
	t->probe_ms = INT64_MAX;
	t->probe_wait_ms = SESSION_PROBE_MS;
}

void session_retransmit_dropped(struct session_retransmit *t, int64_t now_ms)
{
	t->probe_wait_ms = SESSION_PROBE_MS;
	if (t->probe_ms != INT64_MAX && t->probe_ms > now_ms + SESSION_PROBE_MS)
		t->probe_ms = now_ms + SESSION_PROBE_MS;
}

void session_retransmit_pause(struct session_retransmit *t)
{
	t->probe_ms = INT64_MAX;
}

bool session_retransmit_to_plan(const struct session_retransmit *t,
				const struct session_channel *c, bool connected)
{
	return (t->ack_ms == INT64_MAX && session_channel_ack_owed(c)) ||
	       (t->probe_ms == INT64_MAX && connected &&
		session_channel_probe_due(c));
}

int64_t session_retransmit_plan(struct session_retransmit *t,
				const struct session_channel *c, int64_t now_ms,
				bool connected)
{
	if (t->ack_ms == INT64_MAX && session_channel_ack_owed(c))
		t->ack_ms = now_ms + SESSION_ACK_DELAY_MS;
	if (t->probe_ms == INT64_MAX && connected &&
	    session_channel_probe_due(c))
		t->probe_ms = now_ms + t->probe_wait_ms;
	return t->ack_ms < t->probe_ms ? t->ack_ms : t->probe_ms;
}

bool session_retransmit_ack_due(struct session_retransmit *t,
				const struct session_channel *c, int64_t now_ms)
{
	if (t->ack_ms > now_ms)
		return false;
	t->ack_ms = INT64_MAX;
	return session_channel_ack_owed(c);
}

struct session_frame *session_retransmit_probe(struct session_retransmit *t,
					       struct session_channel *c,
					       int64_t now_ms, bool queued)
{
	if (t->probe_ms > now_ms)
		return NULL;
	t->probe_ms = INT64_MAX;
	/* What was to be probed for may have arrived meanwhile. */
	if (queued || !session_channel_probe_due(c))
		return NULL;
	t->probe_wait_ms = 2 * t->probe_wait_ms < SESSION_PROBE_MAX_MS
			       ? 2 * t->probe_wait_ms
			       : SESSION_PROBE_MAX_MS;
	return session_channel_probe(c);
}
