/*
 * The other parties of a session: what goes to one of them, and its loss.
 *
 * Nothing is sent before somebody flushes: a full record, a call of
 * parley_session_flush(), or a caller about to wait.
 */
#include "session/party.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "did/secret.h"
#include "session/clock.h"
#include "session/mesh_channel.h"
#include "session/mesh_report.h"

/*
 * Sending
 */

/* Hand all sealed frames of ${p} to the carrier. */
static void drain(struct parley_session *s, struct session_party *p)
{
	struct session_frame *f;
	int err = 0;

	while (p->up->conn && !err &&
	       (f = session_channel_take(p->up->channel)))
		err = session_carrier_send(s->carrier, p->up->conn, f);
	if (err)
		session_mesh_channel_lost(s, p, PARLEY_ERR_LOST,
					  "connection closed");
	else
		session_party_timers(s, p);
}

void session_party_flush(struct parley_session *s, struct session_party *p)
{
	int err;

	if (!session_live(p))
		return;
	err = session_channel_flush(p->up->channel);
	if (err)
		session_mesh_channel_lost(s, p, err,
					  parley_did_err_string(err));
	else
		drain(s, p);
}

int session_party_put(struct parley_session *s, struct session_party *p,
		      struct session_outgoing *m)
{
	int r;

	while ((r = session_channel_put(p->up->channel, m)) ==
	       SESSION_PUT_FULL) {
		drain(s, p);
		if (!session_live(p))
			return PARLEY_ERR_LOST;
	}
	if (r < 0)
		session_mesh_channel_lost(s, p, r, parley_did_err_string(r));
	else
		session_party_mark_dirty(s, p);
	return r;
}

int session_party_hold(struct session_party *p,
		       const struct session_outgoing *m)
{
	size_t left = m->len - m->done;

	p->held = malloc(left);
	if (!p->held)
		return PARLEY_ERR_MEMORY;
	memcpy(p->held, m->p + m->done, left);
	/* The same message, seen from where it stands. */
	p->rest = (struct session_outgoing){
	    .p = p->held, .len = left, .done = 0, .begun = m->begun};
	return 0;
}

void session_party_drop_held(struct session_party *p)
{
	if (p->held)
		did_secret_wipe(p->held, p->rest.len);
	free(p->held);
	p->held = NULL;
	p->rest = (struct session_outgoing){0};
}

void session_party_pump(struct parley_session *s, struct session_party *p)
{
	if (!p->held || !session_live(p))
		return;
	if (session_party_put(s, p, &p->rest) != SESSION_PUT_BLOCKED)
		session_party_drop_held(p);
	session_party_flush(s, p);
}

/*
 * Timers
 */

void session_party_timers(struct parley_session *s, struct session_party *p)
{
	/* Mostly both run already, and the clock need not be asked. */
	if (session_retransmit_to_plan(&p->timers, p->up->channel, p->up->conn))
		session_wake_at(
		    s, session_retransmit_plan(&p->timers, p->up->channel,
					       session_now_ms(), p->up->conn));
	if (s->trim_ms == INT64_MAX && session_frame_pool_returned(s->pool)) {
		s->trim_ms = session_now_ms() + SESSION_POOL_TRIM_MS;
		session_wake_at(s, s->trim_ms);
	}
}

void session_party_retransmit(struct parley_session *s, struct session_party *p,
			      int64_t now)
{
	struct session_frame *f;

	if (session_retransmit_ack_due(&p->timers, p->up->channel, now) &&
	    session_channel_ack_now(p->up->channel) == 0)
		session_party_flush(s, p);
	if (!session_live(p) || !p->up->conn)
		return;
	f = session_retransmit_probe(
	    &p->timers, p->up->channel, now,
	    session_carrier_queued(s->carrier, p->up->conn) > 0);
	if (f)
		(void)session_carrier_send(s->carrier, p->up->conn, f);
	session_party_timers(s, p);
}

/*
 * Losing
 */

int session_party_error(struct parley_session *s, const struct session_party *p)
{
	int party;

	if (p->state == PARLEY_PARTY_LOST && p->lost_after)
		p = p->lost_after;
	party = session_index(s, p);
	if (p->state == PARLEY_PARTY_CLOSED)
		return session_error(s, PARLEY_ERR_CLOSED, party,
				     "closed the session");
	return session_error(s, p->lost_err, party, "lost: %s", p->detail);
}

void session_party_lose(struct parley_session *s, struct session_party *p,
			int err, const char *why)
{
	uint64_t next;
	size_t len;

	/* Keep the first reason. */
	if (p->state == PARLEY_PARTY_LOST)
		return;
	len = (size_t)snprintf(p->detail, sizeof(p->detail), "%.116s", why);
	next = p->up ? session_channel_expected(p->up->channel) : 0;
	if (next > 0)
		snprintf(p->detail + len, sizeof(p->detail) - len,
			 "; its last record was %" PRIu64, next - 1);
	/* Who noticed a loss earlier and left is not who is to be named. */
	if (!s->first_lost) {
		s->first_lost = p;
		s->first_lost_ms = session_now_ms();
	} else if (err == PARLEY_ERR_LOST &&
		   session_now_ms() - s->first_lost_ms <= s->o.liveness_ms) {
		p->lost_after = s->first_lost;
	}
	p->lost_err = err;
	p->lost_ms = INT64_MAX;
	session_retransmit_init(&p->timers);
	if (p->up) {
		p->up->state = SESSION_LINK_DOWN;
		if (p->up->conn)
			session_carrier_hangup(s->carrier, p->up->conn);
		p->up->conn = NULL;
	}
	session_party_drop_held(p);
	p->state = PARLEY_PARTY_LOST;
	session_party_error(s, p);
	session_mesh_report(s, p, p->detail);
}
