/*
 * Channels come, speak and go (PROTOCOL 7.2, 8.3).
 *
 * A party has at most one channel.  A later process of the party replaces an
 * earlier one while the session opens, and none once it runs.  What only the
 * network did to a channel is mended (mesh_resume.c); what the other side did
 * is not.
 */
#include "session/mesh_channel.h"

#include <stdio.h>
#include <string.h>

#include "session/clock.h"
#include "session/mesh_barrier.h"
#include "session/mesh_dial.h"
#include "session/mesh_fail.h"
#include "session/mesh_link.h"
#include "session/mesh_report.h"
#include "session/party.h"

/*
 * Channels come and go
 */

/* Say goodbye on an authenticated link that is not to be used, and drop it. */
static void refuse_link(struct parley_session *s, struct session_link *link,
			int err, int culprit, const char *text)
{
	struct session_frame *f;

	if (session_channel_abort(link->channel, -err, culprit, text) == 0 &&
	    session_channel_flush(link->channel) == 0)
		while ((f = session_channel_take(link->channel)))
			if (session_carrier_send(s->carrier, link->conn, f))
				break;
	session_mesh_link_free(s, link);
}

static void forget_up(struct parley_session *s, struct session_party *p)
{
	if (!p->up)
		return;
	session_mesh_link_free(s, p->up);
	p->up = NULL;
	p->has_ready = false;
	s->has_ready = false;
}

/* PROTOCOL 7.2, "holds at most one channel": may ${link} become the one? */
static bool may_adopt(struct parley_session *s, struct session_party *p,
		      struct session_link *link)
{
	const int party = session_index(s, p);
	int order = 1;

	if (!session_is_opening(s)) {
		if (session_live(p) && memcmp(link->instance, p->instance,
					      SESSION_INSTANCE_LEN) == 0)
			session_mesh_link_free(s, link); /* duplicate */
		else
			refuse_link(
			    s, link, PARLEY_ERR_RESTARTED, party,
			    "the session is running without this process");
		return false;
	}
	if (p->has_instance)
		order =
		    memcmp(link->instance, p->instance, SESSION_INSTANCE_LEN);
	if (order < 0) {
		refuse_link(s, link, PARLEY_ERR_RESTARTED, party,
			    "a later process of this party has joined");
		return false;
	}
	if (order == 0 && session_live(p) && p->up->conn) {
		session_mesh_link_free(s, link);
		return false;
	}
	return true;
}

void session_mesh_channel_adopt(struct parley_session *s,
				struct session_link *link)
{
	struct session_party *p = &s->parties[link->party];

	if (p->dial == link)
		p->dial = NULL;
	if (!may_adopt(s, p, link))
		return;
	if (session_live(p) && p->up->conn) {
		struct session_link *old = p->up;

		p->up = NULL;
		refuse_link(s, old, PARLEY_ERR_RESTARTED, session_index(s, p),
			    "a later process of this party has joined");
		p->has_ready = false;
	}
	forget_up(s, p);
	if (p->dial) {
		session_mesh_link_free(s, p->dial);
		p->dial = NULL;
	}
	link->state = SESSION_LINK_UP;
	link->deadline_ms = INT64_MAX;
	link->handshake_us = (uint64_t)(session_now_us() - link->begun_us);
	memcpy(p->instance, link->instance, SESSION_INSTANCE_LEN);
	p->has_instance = true;
	p->up = link;
	p->next_dial_ms = INT64_MAX;
	p->retry_ms = SESSION_DIAL_RETRY_MS;
	p->detail[0] = '\0';
	p->told = p->sent_ready = false;
	p->missed = NULL;
	p->lost_ms = INT64_MAX;
	session_retransmit_init(&p->timers);
	if (session_channel_pending(link->channel))
		session_party_mark_full(s, p);
	/* The first ACK leaves: to the initiator it proves the keys. */
	session_party_flush(s, p);
	if (!session_live(p))
		return;
	session_mesh_report_state(s, p, PARLEY_PARTY_READY);
	if (s->failing)
		session_mesh_fail_tell(s, p);
	else
		session_mesh_barrier_begin(s);
}

/* The connection of ${p} broke, its channel did not: PROTOCOL 8.3. */
static void interrupt(struct parley_session *s, struct session_party *p,
		      const char *why)
{
	const int64_t now = session_now_ms();

	session_mesh_link_hangup(s, p->up);
	session_mesh_report_detail(p, why);
	p->lost_ms =
	    now + (s->o.on_lost == PARLEY_ON_LOST_WAIT ? s->o.resume_ms
						       : s->o.liveness_ms / 2);
	session_wake_at(s, p->lost_ms);
	session_retransmit_pause(&p->timers);
	p->try_resume = true;
	if (!p->dial)
		session_mesh_dial_plan(s, p, now);
	if (p->state == PARLEY_PARTY_READY)
		session_mesh_report_state(s, p, PARLEY_PARTY_INTERRUPTED);
}

void session_mesh_channel_lost(struct parley_session *s,
			       struct session_party *p, int err,
			       const char *why)
{
	/* Who has said goodbye and has everything may go. */
	if (p->state == PARLEY_PARTY_CLOSED && session_live(p) &&
	    session_channel_unacked(p->up->channel) == 0) {
		p->up->state = SESSION_LINK_DOWN;
		session_mesh_link_hangup(s, p->up);
		return;
	}
	/* What only the network did can be mended, from the moment on when
	 * the other side may be running. */
	if (err == PARLEY_ERR_LOST && session_live(p) && !s->failing &&
	    (p->sent_ready || !session_is_opening(s))) {
		interrupt(s, p, why);
		return;
	}
	if (session_is_opening(s)) {
		session_mesh_report_detail(
		    p, why); /* ${why} may belong to the channel */
		forget_up(s, p);
		p->retry_ms = SESSION_DIAL_RETRY_MS;
		if (!p->dial && !s->failing) {
			session_mesh_dial_retry(s, p);
			if (!session_is_dialler(s, session_index(s, p)))
				p->next_dial_ms +=
				    session_mesh_dial_fallback_ms(s);
		}
		session_mesh_report_state(s, p, PARLEY_PARTY_CONNECTING);
		return;
	}
	session_party_lose(s, p, err, why);
}

/*
 * What channels say
 */

/*
 * ${p} gives up because of another party.  Its word counts if that one is not
 * here either: whoever is there cannot be talked away.
 */
static void blame(struct parley_session *s, struct session_party *p,
		  struct session_party *culprit)
{
	char why[sizeof(culprit->detail)];

	if (culprit->state == PARLEY_PARTY_INTERRUPTED) {
		memcpy(why, culprit->detail, sizeof(why));
		session_party_lose(s, culprit, PARLEY_ERR_LOST, why);
	}
	if (culprit->state == PARLEY_PARTY_LOST)
		p->lost_after = culprit;
}

static void on_abort(struct parley_session *s, struct session_party *p,
		     const struct session_channel_news *news)
{
	const int party = session_index(s, p);
	char text[SESSION_DETAIL_SIZE];
	int culprit = (int)news->abort_culprit;
	int err = news->abort_reason <= 1000 ? -(int)news->abort_reason
					     : PARLEY_ERR_ABORTED;

	p->told = true;
	if (culprit >= (int)s->n)
		culprit = -1;
	if (!session_is_opening(s)) {
		if (culprit >= 0 && culprit != party)
			blame(s, p, &s->parties[culprit]);
		snprintf(text, sizeof(text), "gave up: %.120s",
			 news->abort_text);
		session_party_lose(
		    s, p,
		    err == PARLEY_ERR_RESTARTED ? err : PARLEY_ERR_ABORTED,
		    text);
		return;
	}
	if (err == PARLEY_ERR_INTERRUPTED || err == PARLEY_ERR_TIMEOUT) {
		/* It left by choice; it may come back. */
		if (culprit >= 0 && culprit != party &&
		    culprit != (int)s->self.index)
			p->missed = &s->parties[culprit];
		session_mesh_channel_lost(s, p, err, news->abort_text);
		return;
	}
	if (err == PARLEY_ERR_RESTARTED && culprit >= 0 &&
	    culprit != (int)s->self.index) {
		session_mesh_channel_lost(s, p, err, news->abort_text);
		return;
	}
	if (err != PARLEY_ERR_AGREEMENT && err != PARLEY_ERR_RESTARTED)
		err = PARLEY_ERR_ABORTED;
	if (!s->failing) {
		session_error(s, err, party, "gave up: %s", news->abort_text);
		if (culprit >= 0)
			s->culprit = culprit;
		session_mesh_fail(s, err);
	}
}

static void on_close(struct parley_session *s, struct session_party *p)
{
	if (session_channel_ack(p->up->channel) == 0)
		session_party_flush(s, p);
	if (!session_live(p))
		return;
	if (session_is_opening(s)) {
		session_mesh_channel_lost(s, p, PARLEY_ERR_CLOSED,
					  "left before the start");
		return;
	}
	session_mesh_report_state(s, p, PARLEY_PARTY_CLOSED);
}

static void on_pong(struct session_party *p,
		    const struct session_channel_news *news)
{
	int64_t sent;

	if (p->ping_us == 0 || news->pong_len != sizeof(sent))
		return;
	memcpy(&sent, news->pong, sizeof(sent));
	if (sent != p->ping_us)
		return;
	p->rtt_us = (uint64_t)(session_now_us() - sent);
	if (p->rtt_us == 0)
		p->rtt_us = 1;
	p->ping_us = 0;
}

/* In the order in which they matter; each may take the link away. */
static void on_channel_events(struct parley_session *s, struct session_party *p,
			      unsigned events)
{
	const struct session_channel_news *news =
	    session_channel_news(p->up->channel);

	if (events & SESSION_CHANNEL_ACK) {
		session_retransmit_acked(&p->timers);
		session_party_pump(s, p);
	}
	if (events & SESSION_CHANNEL_DROPPED)
		session_retransmit_dropped(&p->timers, session_now_ms());
	if (events & SESSION_CHANNEL_PONG)
		on_pong(p, news);
	if (session_live(p) && events & SESSION_CHANNEL_OUTPUT)
		session_party_flush(s, p);
	if (session_live(p) && events & SESSION_CHANNEL_READY) {
		memcpy(p->ready, news->ready, sizeof(p->ready));
		p->has_ready = true;
		session_mesh_barrier_explain(s, p);
		session_mesh_barrier_check(s);
	}
	if (session_live(p) && events & SESSION_CHANNEL_INSTANCES)
		session_mesh_barrier_on_instances(s, p, news);
	if (session_live(p) && events & SESSION_CHANNEL_ABORT)
		on_abort(s, p, news);
	else if (session_live(p) && events & SESSION_CHANNEL_CLOSE)
		on_close(s, p);
}

void session_mesh_channel_on_record(struct parley_session *s,
				    struct session_link *link,
				    struct session_frame *f)
{
	struct session_party *p = &s->parties[link->party];
	char text[SESSION_DETAIL_SIZE];
	unsigned events;
	int err;

	if (link->conn)
		session_channel_crowd(
		    link->channel,
		    session_carrier_queued(s->carrier, link->conn));
	err = session_channel_receive(link->channel, f);
	if (err) {
		snprintf(text, sizeof(text), "sent a bad record: %s",
			 parley_did_err_string(err));
		if (link == p->up)
			session_mesh_channel_lost(s, p, err, text);
		else
			session_mesh_dial_drop(s, p, text);
		return;
	}
	events = session_channel_events(link->channel);
	if (link->state == SESSION_LINK_CONFIRMED) {
		/* Anybody can send what does not open. */
		if (!(events & SESSION_CHANNEL_FIRST))
			return;
		session_mesh_channel_adopt(s, link);
		if (p->up != link)
			return;
	}
	if (session_channel_pending(link->channel))
		session_party_mark_full(s, p);
	if (events)
		on_channel_events(s, p, events);
	/* Parts of a message make room as they come. */
	if (session_live(p) && session_channel_ack_due(p->up->channel) &&
	    session_channel_ack_now(p->up->channel) == 0)
		session_party_flush(s, p);
	if (session_live(p))
		session_party_timers(s, p);
}
