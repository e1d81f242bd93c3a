/*
 * Resuming (PROTOCOL 5.6): a channel goes on over a new connection.
 *
 * Who dialled says resume, is challenged, and answers; from there on the
 * channel has the new connection, and the link on which it came keeps the
 * former one.
 */
#include "session/mesh_resume.h"

#include <stdlib.h>

#include <sodium.h>

#include "session/clock.h"
#include "session/mesh_channel.h"
#include "session/mesh_dial.h"
#include "session/mesh_link.h"
#include "session/mesh_report.h"
#include "session/party.h"

void session_mesh_resume_send(struct parley_session *s,
			      struct session_link *link)
{
	struct session_party *p = &s->parties[link->party];
	uint8_t a[SESSION_NONCE_LEN];
	uint8_t *msg = malloc(SESSION_RESUME_LEN);

	/* While opening, the other side may know nothing of the channel: then
	 * the attempt after this one is a handshake. */
	p->try_resume = false;
	link->state = SESSION_LINK_RESUMED;
	link->deadline_ms = session_now_ms() + SESSION_RESUME_TIMEOUT_MS;
	session_wake_at(s, link->deadline_ms);
	if (!msg) {
		session_mesh_dial_drop(s, p, "out of memory");
		return;
	}
	randombytes_buf(a, sizeof(a));
	session_resume_create(msg, &link->attempt, &p->up->resume, s->gate.key,
			      s->self.index, a);
	if (session_mesh_link_send(s, link->conn, msg, SESSION_RESUME_LEN))
		session_mesh_dial_drop(s, p, "connection closed");
}

/*
 * Records that are under way on former connections count, but of those who
 * resume again and again not every connection is kept: the oldest goes.
 */
static void limit_spares(struct parley_session *s, int party)
{
	struct session_link *link, *oldest = NULL;
	int n = 0;

	for (link = s->links; link; link = link->next) {
		if (link->state != SESSION_LINK_SPARE || link->party != party)
			continue;
		if (!oldest)
			oldest = link;
		n++;
	}
	if (n > SESSION_SPARES_MAX)
		session_mesh_link_free(s, oldest);
}

/*
 * The new connection on ${link} is proven, and the other side expects record
 * ${next}: the channel goes on over it.
 */
static void take_connection(struct parley_session *s, struct session_link *link,
			    uint64_t next)
{
	struct session_party *p = &s->parties[link->party];
	struct session_conn *former = p->up->conn;
	int err;

	if (p->dial == link)
		p->dial = NULL;
	if (session_mesh_link_is_stranger(link))
		s->n_strangers--;
	session_carrier_trust(s->carrier, link->conn, SESSION_RECORD_LEN_MAX);
	p->up->conn = link->conn;
	p->up->conn->user = p->up;
	link->conn = former;
	link->state = SESSION_LINK_SPARE;
	link->deadline_ms = INT64_MAX;
	if (former)
		former->user = link;
	else
		session_mesh_link_free(s, link);
	limit_spares(s, session_index(s, p));
	p->lost_ms = INT64_MAX;
	p->next_dial_ms = INT64_MAX;
	p->retry_ms = SESSION_DIAL_RETRY_MS;
	session_retransmit_acked(&p->timers);
	p->n_resumes++;
	p->detail[0] = '\0';
	err = session_channel_resend(p->up->channel, next);
	if (err) {
		session_mesh_channel_lost(s, p, err,
					  "resumed where it cannot be");
		return;
	}
	if (p->state == PARLEY_PARTY_INTERRUPTED)
		session_mesh_report_state(s, p, PARLEY_PARTY_READY);
	session_party_flush(s, p);
}

/*
 * A recorded resume can be sent again and again, and is challenged each time:
 * of too many for one party the oldest goes, so that others have room.
 */
static void limit_challenges(struct parley_session *s, int party)
{
	struct session_link *link, *oldest = NULL;
	int n = 0;

	for (link = s->links; link; link = link->next) {
		if (link->state != SESSION_LINK_CHALLENGED ||
		    link->party != party)
			continue;
		if (!oldest)
			oldest = link;
		n++;
	}
	if (n >= SESSION_CHALLENGES_MAX)
		session_mesh_link_free(s, oldest);
}

bool session_mesh_resume_on_resume(struct parley_session *s,
				   struct session_conn *conn,
				   const struct session_frame *f)
{
	uint8_t b[SESSION_NONCE_LEN];
	uint8_t *reply;
	struct session_link *link, *up;
	size_t index;

	if (session_resume_index(&index, f->data, f->len, s->gate.key) ||
	    index >= s->n || !session_live(&s->parties[index]))
		return false;
	up = s->parties[index].up;
	/* Before anybody else has to make room. */
	if (!session_resume_fits(&up->resume, f->data))
		return false;
	limit_challenges(s, (int)index);
	session_mesh_link_limit(s);
	link =
	    session_mesh_link_new(s, conn, SESSION_LINK_CHALLENGED, (int)index);
	if (!link)
		return false;
	link->deadline_ms = session_now_ms() + SESSION_RESUME_TIMEOUT_MS;
	session_wake_at(s, link->deadline_ms);
	reply = malloc(SESSION_CHALLENGE_LEN);
	randombytes_buf(b, sizeof(b));
	if (!reply || session_resume_challenge(
			  reply, &link->attempt, &up->resume, f->data,
			  session_channel_expected(up->channel), b)) {
		free(reply);
		session_mesh_link_free(s, link);
		return true;
	}
	if (session_mesh_link_send(s, conn, reply, SESSION_CHALLENGE_LEN))
		session_mesh_link_free(s, link);
	return true;
}

void session_mesh_resume_on_challenge(struct parley_session *s,
				      struct session_link *link,
				      const struct session_frame *f)
{
	struct session_party *p = &s->parties[link->party];
	uint8_t *reply;
	uint64_t next;
	int err = PARLEY_ERR_STATE;

	reply = malloc(SESSION_ANSWER_LEN);
	if (!reply || !session_live(p) ||
	    (err = session_resume_answer(
		 reply, &next, &link->attempt, &p->up->resume, f->data, f->len,
		 session_channel_expected(p->up->channel)))) {
		free(reply);
		session_mesh_dial_drop(s, p, parley_did_err_string(err));
		return;
	}
	if (session_mesh_link_send(s, link->conn, reply, SESSION_ANSWER_LEN))
		session_mesh_dial_drop(s, p, "connection closed");
	else
		take_connection(s, link, next);
}

void session_mesh_resume_on_answer(struct parley_session *s,
				   struct session_link *link,
				   const struct session_frame *f)
{
	struct session_party *p = &s->parties[link->party];
	uint64_t next;

	if (!session_live(p) ||
	    session_resume_finish(&next, &link->attempt, &p->up->resume,
				  f->data, f->len))
		session_mesh_link_free(s, link);
	else
		take_connection(s, link, next);
}
