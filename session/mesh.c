/*
 * The opening of a session (PROTOCOL 7), and its connections later on: events
 * of the carrier and timers go from here to the links and parties that they
 * concern.  mesh.h says what is in which file.
 */
#include "session/mesh.h"

#include <stdio.h>

#include "session/clock.h"
#include "session/mesh_channel.h"
#include "session/mesh_dial.h"
#include "session/mesh_fail.h"
#include "session/mesh_handshake.h"
#include "session/mesh_link.h"
#include "session/mesh_report.h"
#include "session/mesh_resume.h"
#include "session/party.h"

/*
 * Events of the carrier
 */

static void on_frame(struct parley_session *s, struct session_conn *conn,
		     struct session_frame *f)
{
	struct session_link *link = conn->user;

	if (!link) {
		if (!conn->dialled)
			session_mesh_handshake_on_stranger(s, conn, f);
		session_frame_free(f);
		return;
	}
	switch (link->state) {
	case SESSION_LINK_UP:
		session_mesh_channel_on_record(s, link, f);
		return;
	case SESSION_LINK_SPARE:
		if (session_live(&s->parties[link->party]))
			session_mesh_channel_on_record(
			    s, s->parties[link->party].up, f);
		else
			session_frame_free(f);
		return;
	case SESSION_LINK_CONFIRMED:
		if (link->channel) {
			session_mesh_channel_on_record(s, link, f);
			return;
		}
		break;
	case SESSION_LINK_PROPOSED:
		session_mesh_handshake_on_accept(s, link, f);
		break;
	case SESSION_LINK_ACCEPTED:
		session_mesh_handshake_on_confirm(s, link, f);
		break;
	case SESSION_LINK_RESUMED:
		session_mesh_resume_on_challenge(s, link, f);
		break;
	case SESSION_LINK_CHALLENGED:
		session_mesh_resume_on_answer(s, link, f);
		break;
	case SESSION_LINK_DIALLING:
	case SESSION_LINK_DOWN:
		break;
	}
	session_frame_free(f);
}

static void on_down(struct parley_session *s, struct session_link *link,
		    const char *reason)
{
	struct session_party *p;

	link->conn = NULL; /* the carrier's again */
	if (link->party < 0) {
		session_mesh_link_free(s, link);
		return;
	}
	p = &s->parties[link->party];
	if (link == p->up)
		session_mesh_channel_lost(s, p, PARLEY_ERR_LOST, reason);
	else if (link == p->dial)
		session_mesh_dial_drop(s, p, reason);
	else
		session_mesh_link_free(s, link);
}

static void on_event(struct parley_session *s,
		     const struct session_carrier_event *ev)
{
	struct session_link *link = ev->conn->user;

	switch (ev->type) {
	case SESSION_CARRIER_UP:
		if (link)
			session_mesh_handshake_on_up(s, link);
		break;
	case SESSION_CARRIER_DOWN:
		if (link)
			on_down(s, link, ev->reason);
		break;
	case SESSION_CARRIER_FRAME:
		on_frame(s, ev->conn, ev->frame);
		break;
	}
}

/*
 * Timers
 */

static void expire_links(struct parley_session *s, int64_t now)
{
	struct session_link *link, *next;

	for (link = s->links; link; link = next) {
		struct session_party *p =
		    link->party >= 0 ? &s->parties[link->party] : NULL;

		next = link->next;
		if (link->deadline_ms > now)
			session_wake_at(s, link->deadline_ms);
		else if (p && link == p->dial)
			session_mesh_dial_drop(
			    s, p,
			    link->state == SESSION_LINK_DIALLING
				? "cannot connect"
				: "connected, but no answer: another DID, or "
				  "another agreement");
		else
			session_mesh_link_free(s, link);
	}
}

static int end_opening(struct parley_session *s, int err)
{
	s->failing = err;
	s->state = PARLEY_SESSION_FAILED;
	s->next_timer_ms = INT64_MAX;
	return err;
}

static void parties_due(struct parley_session *s, int64_t now)
{
	for (size_t i = 0; i < s->n; i++) {
		struct session_party *p = &s->parties[i];
		char text[SESSION_DETAIL_SIZE];

		if (!session_live(p))
			continue;
		if (p->lost_ms <= now) {
			snprintf(text, sizeof(text),
				 "%.100s, and did not come "
				 "back",
				 p->detail);
			p->sent_ready = false;
			if (p->state == PARLEY_PARTY_CLOSED)
				p->up->state = SESSION_LINK_DOWN;
			else if (session_is_opening(s))
				session_mesh_channel_lost(s, p, PARLEY_ERR_LOST,
							  text);
			else
				session_party_lose(s, p, PARLEY_ERR_LOST, text);
			continue;
		}
		session_party_retransmit(s, p, now);
		session_wake_at(s, p->lost_ms);
		session_wake_at(s, p->timers.ack_ms);
		session_wake_at(s, p->timers.probe_ms);
	}
}

static int run_timers(struct parley_session *s, int64_t now)
{
	s->next_timer_ms = INT64_MAX;
	expire_links(s, now);
	session_mesh_dial_due(s, now);
	parties_due(s, now);
	if (s->trim_ms <= now) {
		s->trim_ms = INT64_MAX;
		session_frame_pool_trim(s->pool, SESSION_POOL_IDLE);
	}
	session_wake_at(s, s->trim_ms);
	if (!session_is_opening(s))
		return 0;
	session_mesh_report_due(s, now);
	if (s->failing) {
		if (session_mesh_fail_told(s, now))
			return end_opening(s, s->failing);
		session_wake_at(s, s->failing_until_ms);
	} else if (now >= s->deadline_ms) {
		int err = session_mesh_fail_timeout(s);

		s->failing = err; /* the others may go on waiting */
		for (size_t i = 0; i < s->n; i++)
			session_mesh_fail_tell(s, &s->parties[i]);
		return end_opening(s, err);
	} else {
		session_wake_at(s, s->deadline_ms);
	}
	return 0;
}

/*
 * What sessions call
 */

/*
 * Is there what recv() waits for?  Then the rest can wait: what was just opened
 * is handed out before more comes and drives it from the caches.
 */
static bool is_enough(const struct parley_session *s)
{
	const struct session_party *p;

	if (s->wanted == SESSION_NOBODY)
		return false;
	if (s->wanted == PARLEY_ANY)
		return s->full.first != NULL;
	p = &s->parties[s->wanted];
	return p->up && session_channel_pending(p->up->channel);
}

int session_mesh_process(struct parley_session *s)
{
	struct session_carrier_event ev;
	bool enough = false;
	int64_t now;
	int err = 0;

	if (s->state == PARLEY_SESSION_FAILED && s->failing)
		return s->failing; /* the sentence stands */
	if (s->state == PARLEY_SESSION_FAILED ||
	    s->state == PARLEY_SESSION_CLOSED)
		return PARLEY_ERR_STATE;
	/* Bounded, so that nobody who floods keeps us from our timers. */
	for (int i = 0; i < SESSION_EVENTS_MAX && !enough; i++) {
		err = session_carrier_next(s->carrier, &ev);
		if (err)
			break;
		on_event(s, &ev);
		enough = is_enough(s);
	}
	if (err && err != PARLEY_ERR_AGAIN)
		return session_error(s, err, -1, "the network failed: %s",
				     parley_did_err_string(err));
	if (s->failing && session_is_opening(s))
		session_wake_at(s, 0);
	if (s->next_timer_ms == INT64_MAX)
		return 0;
	/* Who has a message goes on at once: a tick later will do for him. */
	now = enough ? session_now_coarse_ms() : session_now_ms();
	return now >= s->next_timer_ms ? run_timers(s, now) : 0;
}

int64_t session_mesh_deadline(const struct parley_session *s)
{
	const int64_t carrier = session_carrier_deadline(s->carrier);

	return carrier < s->next_timer_ms ? carrier : s->next_timer_ms;
}

int session_mesh_timeout(const struct parley_session *s, int64_t limit_ms)
{
	int64_t until = session_mesh_deadline(s);

	if (limit_ms < until)
		until = limit_ms;

	if (until == INT64_MAX)
		return -1;
	/* Nobody who opens is to wait a tick for what is due now. */
	until -=
	    session_is_opening(s) ? session_now_ms() : session_now_coarse_ms();
	return until < 0 ? 0 : until > INT32_MAX ? INT32_MAX : (int)until;
}

static int start_listening(struct parley_session *s)
{
	const char *endpoint = s->listen;
	int err = 0;

	if (s->o.hub)
		return 0; /* it listens */
	if (endpoint) {
		err = session_carrier_listen(s->carrier, endpoint);
	} else {
		for (size_t i = 0;
		     !err &&
		     (endpoint = parley_session_agreement_party_endpoint(
			  s->agreement, s->self.index, i));
		     i++)
			err = session_carrier_listen(s->carrier, endpoint);
	}
	if (err == 0 || !endpoint)
		return err;
	return session_error(s, err, -1, "cannot listen at %s: %s", endpoint,
			     parley_did_err_string(err));
}

int session_mesh_start(struct parley_session *s)
{
	int err = start_listening(s);

	if (err)
		return err;
	for (size_t i = 0; i < s->n; i++) {
		struct session_party *p = &s->parties[i];

		if (i == s->self.index)
			continue;
		p->state = PARLEY_PARTY_CONNECTING;
		session_mesh_dial_plan(s, p, s->opened_ms);
	}
	return 0;
}
