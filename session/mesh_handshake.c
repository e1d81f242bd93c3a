/*
 * Handshakes on links (PROTOCOL 5): links become channels.
 *
 * handshake.c knows no connection, clock or randomness: this brings them, and
 * draws the consequences.  The letters are the steps of PROTOCOL 5.
 */
#include "session/mesh_handshake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "did/secret.h"
#include "session/clock.h"
#include "session/mesh_channel.h"
#include "session/mesh_dial.h"
#include "session/mesh_fail.h"
#include "session/mesh_link.h"
#include "session/mesh_report.h"
#include "session/mesh_resume.h"

static void draw_random(struct session_handshake_random *random)
{
	randombytes_buf(random, sizeof(*random));
}

static int64_t utc_s(void)
{
	return session_now_utc_ms() / 1000;
}

/* The handshake of ${link} is complete: its channel. */
static int make_channel(struct parley_session *s, struct session_link *link,
			enum session_role role)
{
	struct session_handshake_result result;
	int err;

	err = session_handshake_result(link->handshake, &result);
	if (err)
		return err;
	err = session_channel_new(&link->channel, result.suite, role,
				  &result.traffic, &s->channel);
	session_resume_init(&link->resume, result.traffic.resume, role);
	link->party = (int)result.peer;
	memcpy(link->instance, result.instance, sizeof(link->instance));
	memcpy(link->envelopes, result.envelopes, sizeof(link->envelopes));
	link->finished = result.finished;
	did_secret_wipe(&result, sizeof(result));
	session_handshake_free(link->handshake);
	link->handshake = NULL;
	return err;
}

/* PROTOCOL 7.4: the agreement of ${party} (-1: of somebody) differs. */
static void agreement_differs(struct parley_session *s, int party,
			      const char *field, const char *signer)
{
	/* What was sent it in the handshake tells it, too. */
	if (party >= 0)
		s->parties[party].told = true;
	if (!session_is_opening(s) || s->failing)
		return;
	if (party >= 0) {
		session_error(s, PARLEY_ERR_AGREEMENT, party,
			      "its agreement differs from ours in %s",
			      *field ? field : "a part that cannot be named");
	} else {
		session_error(
		    s, PARLEY_ERR_AGREEMENT, -1,
		    "%s holds this agreement, but it differs from ours in %s",
		    *signer ? signer : "somebody who dialled us",
		    *field ? field : "a part that cannot be named");
	}
	session_mesh_fail(s, PARLEY_ERR_AGREEMENT);
}

void session_mesh_handshake_on_up(struct parley_session *s,
				  struct session_link *link)
{
	struct session_party *p = &s->parties[link->party];
	struct session_handshake_random random;
	struct session_frame *f;
	int err;

	if (!session_mesh_dial_wanted(s, p)) {
		/* The other side was quicker, or the party is lost. */
		session_mesh_dial_drop(s, p, NULL);
		return;
	}
	if (session_live(p) && (!session_is_opening(s) || p->try_resume)) {
		session_mesh_resume_send(s, link);
		return;
	}
	p->try_resume = true;
	link->begun_us = session_now_us();
	link->deadline_ms = session_now_ms() + SESSION_HANDSHAKE_TIMEOUT_MS;
	session_wake_at(s, link->deadline_ms);
	f = session_frame_new(SESSION_PROPOSE_LEN_MAX);
	if (!f) {
		session_mesh_dial_drop(s, p, "out of memory");
		return;
	}
	draw_random(&random);
	err = session_handshake_propose(&link->handshake, f->data, &f->len,
					&s->gate, &s->self, (size_t)link->party,
					&random);
	did_secret_wipe(&random, sizeof(random));
	if (err)
		session_frame_free(f);
	else
		err = session_carrier_send(s->carrier, link->conn, f);
	if (err) {
		session_mesh_dial_drop(s, p, parley_did_err_string(err));
		return;
	}
	link->state = SESSION_LINK_PROPOSED;
	if (p->state == PARLEY_PARTY_CONNECTING)
		session_mesh_report_state(s, p, PARLEY_PARTY_HANDSHAKING);
}

void session_mesh_handshake_on_accept(struct parley_session *s,
				      struct session_link *link,
				      const struct session_frame *f)
{
	struct session_party *p = &s->parties[link->party];
	struct session_handshake_random random;
	char text[SESSION_DETAIL_SIZE];
	uint8_t *reply = NULL;
	size_t reply_len;
	int err, sent = 0;

	draw_random(&random);
	err = session_handshake_confirm(link->handshake, &reply, &reply_len,
					f->data, f->len, &random, utc_s());
	did_secret_wipe(&random, sizeof(random));
	if (reply && (err == 0 || err == PARLEY_ERR_AGREEMENT ||
		      err == PARLEY_ERR_INDEX))
		sent = session_mesh_link_send(s, link->conn, reply, reply_len);
	else
		free(reply);
	if (err == PARLEY_ERR_AGREEMENT)
		agreement_differs(s, link->party,
				  session_handshake_field(link->handshake), "");
	if (f->len > 0 && f->data[0] == SESSION_WIRE_REFUSE &&
	    (err == PARLEY_ERR_SUITE || err == PARLEY_ERR_VERSION) &&
	    session_is_opening(s) && !s->failing) {
		/* Trying again would not change it. */
		p->told = true;
		session_error(s, err, link->party, "refuses us: %s",
			      parley_did_err_string(err));
		session_mesh_fail(s, err);
	}
	if (err == PARLEY_ERR_GATE && f->data[0] == SESSION_WIRE_REFUSE)
		return; /* PROTOCOL 5.4: ignored */
	if (!err)
		err = sent;
	if (!err)
		err = make_channel(s, link, SESSION_INITIATOR);
	if (err) {
		snprintf(text, sizeof(text), "answer refused: %s",
			 parley_did_err_string(err));
		session_mesh_dial_drop(s, p, text);
		return;
	}
	link->state = SESSION_LINK_CONFIRMED;
}

/*
 * A propose that passes the gate costs a key, a DH and a signature, and its
 * confirm a verification; a running session is not to wait for more than a few
 * of these.  While opening, everybody may come at once, and again a second
 * later.  (A bucket: answers_us is when the last answer would have gone, had
 * all gone at the rate.)
 */
static int64_t answer_interval_us(const struct parley_session *s,
				  int64_t *burstp)
{
	const int64_t n = session_is_opening(s)
			      ? SESSION_STRANGERS_MAX + (int64_t)s->n
			      : SESSION_ANSWERS_RATE;

	*burstp = session_is_opening(s) ? n : SESSION_ANSWERS_BURST;
	return 1000000 / n;
}

static bool is_busy(struct parley_session *s)
{
	const int64_t now = session_now_us();
	int64_t burst;
	const int64_t interval = answer_interval_us(s, &burst);

	if (s->answers_us < now)
		s->answers_us = now;
	/* Of more than a full bucket nothing is left from the opening. */
	if (s->answers_us > now + burst * interval)
		s->answers_us = now + burst * interval;
	return s->answers_us > now + (burst - 1) * interval;
}

static void count_answer(struct parley_session *s)
{
	int64_t burst;

	s->answers_us += answer_interval_us(s, &burst);
}

/* Is an answer made, or at least begun, where accept() returns ${err}? */
static bool is_answer(int err)
{
	return err == 0 || err == PARLEY_ERR_VERSION ||
	       err == PARLEY_ERR_ADDRESS || err == PARLEY_ERR_SUITE ||
	       err == PARLEY_ERR_DH;
}

void session_mesh_handshake_on_stranger(struct parley_session *s,
					struct session_conn *conn,
					const struct session_frame *f)
{
	struct session_handshake *h = NULL;
	struct session_handshake_random random;
	struct session_link *link;
	uint8_t *reply;
	size_t reply_len;
	int err;

	if (f->len > 0 && f->data[0] == SESSION_WIRE_RESUME) {
		if (!session_mesh_resume_on_resume(s, conn, f))
			session_carrier_hangup(s->carrier, conn);
		return;
	}
	draw_random(&random);
	s->gate.busy = is_busy(s);
	err =
	    session_handshake_accept(&h, &reply, &reply_len, &s->gate, &s->self,
				     f->data, f->len, &random, utc_s());
	did_secret_wipe(&random, sizeof(random));
	if (is_answer(err))
		count_answer(s);
	if (reply)
		session_mesh_link_send(s, conn, reply, reply_len);
	/* Who does not hold the agreement is not worth a word. */
	if (err && err != PARLEY_ERR_GATE && err != PARLEY_ERR_FORMAT &&
	    err != PARLEY_ERR_LENGTH)
		session_mesh_report_stranger(s, err);
	if (!h) {
		session_carrier_hangup(s->carrier, conn);
		return;
	}
	session_carrier_trust(s->carrier, conn, SESSION_HANDSHAKE_LEN_MAX);
	session_mesh_link_limit(s);
	link = session_mesh_link_new(s, conn, SESSION_LINK_ACCEPTED, -1);
	if (!link) {
		session_handshake_free(h);
		session_carrier_hangup(s->carrier, conn);
		return;
	}
	link->handshake = h;
}

/* PROTOCOL 7.1: does our own attempt stand, so that theirs is dropped? */
static bool own_attempt_stands(const struct parley_session *s,
			       const struct session_party *p)
{
	return session_is_dialler(s, session_index(s, p)) && p->dial &&
	       p->dial->state == SESSION_LINK_CONFIRMED;
}

void session_mesh_handshake_on_confirm(struct parley_session *s,
				       struct session_link *link,
				       const struct session_frame *f)
{
	int err, party;

	err =
	    session_handshake_finish(link->handshake, f->data, f->len, utc_s());
	if (err) {
		party = session_handshake_peer(link->handshake);
		if (err == PARLEY_ERR_AGREEMENT)
			agreement_differs(
			    s, party, session_handshake_field(link->handshake),
			    session_handshake_signer(link->handshake));
		session_mesh_report_stranger(s, err);
		session_mesh_link_free(s, link);
		return;
	}
	s->n_strangers--;
	link->state = SESSION_LINK_CONFIRMED;
	session_carrier_trust(s->carrier, link->conn, SESSION_RECORD_LEN_MAX);
	err = make_channel(s, link, SESSION_RESPONDER);
	if (err || own_attempt_stands(s, &s->parties[link->party])) {
		session_mesh_link_free(s, link);
		return;
	}
	session_mesh_channel_adopt(s, link);
}

enum session_hub_fit session_mesh_handshake_fits(void *context,
						 const uint8_t *msg, size_t len)
{
	const struct parley_session *s = context;
	size_t index;

	if (s->state == PARLEY_SESSION_CLOSED ||
	    s->state == PARLEY_SESSION_FAILED)
		return SESSION_HUB_NONE;
	if (len > 0 && msg[0] == SESSION_WIRE_RESUME)
		return session_resume_index(&index, msg, len, s->gate.key) ==
				   0 &&
			       index < s->n &&
			       session_live(&s->parties[index]) &&
			       session_resume_fits(
				   &s->parties[index].up->resume, msg)
			   ? SESSION_HUB_EXACT
			   : SESSION_HUB_NONE;
	switch (session_handshake_fits(&s->gate, &s->self, msg, len)) {
	case 0:
		return session_is_opening(s) ? SESSION_HUB_EXACT
					     : SESSION_HUB_RUNNING;
	case PARLEY_ERR_ADDRESS:
		return SESSION_HUB_GATE;
	default:
		return SESSION_HUB_NONE;
	}
}
