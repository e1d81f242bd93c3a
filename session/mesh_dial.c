/*
 * Whom to dial, where and when (PROTOCOL 7.1).
 *
 * Of each pair one party dials; the other one does so, too, when nothing came
 * for a while.  An attempt that failed is followed by another one, later each
 * time, at the next endpoint.
 */
#include "session/mesh_dial.h"

#include <sodium.h>

#include "session/clock.h"
#include "session/mesh_link.h"
#include "session/mesh_report.h"

/* The one whose turn it is, or NULL. */
static const char *endpoint_of(const struct parley_session *s,
			       const struct session_party *p)
{
	return parley_session_agreement_party_endpoint(
	    s->agreement, (size_t)session_index(s, p), p->endpoint);
}

bool session_mesh_dial_wanted(const struct parley_session *s,
			      const struct session_party *p)
{
	if (session_index(s, p) == (int)s->self.index)
		return false;
	if (session_live(p))
		return p->up->conn == NULL;
	return session_is_opening(s);
}

void session_mesh_dial_retry(struct parley_session *s, struct session_party *p)
{
	const int64_t now = session_now_ms();
	int wait = p->retry_ms;

	/* Half to one and a half of it, so that parties do not march. */
	wait = wait / 2 + (int)randombytes_uniform((uint32_t)wait + 1);
	p->next_dial_ms = now + wait;
	p->retry_ms = p->retry_ms * 2 < SESSION_DIAL_RETRY_MAX_MS
			  ? p->retry_ms * 2
			  : SESSION_DIAL_RETRY_MAX_MS;
	/* The next endpoint, round and round. */
	p->endpoint++;
	if (!endpoint_of(s, p))
		p->endpoint = 0;
	session_wake_at(s, p->next_dial_ms);
}

void session_mesh_dial_drop(struct parley_session *s, struct session_party *p,
			    const char *why)
{
	session_mesh_link_free(s, p->dial);
	p->dial = NULL;
	if (why)
		session_mesh_report_detail(p, why);
	if (!session_mesh_dial_wanted(s, p))
		return;
	session_mesh_dial_retry(s, p);
	if (!session_live(p))
		session_mesh_report_state(s, p, PARLEY_PARTY_CONNECTING);
}

static void dial(struct parley_session *s, struct session_party *p)
{
	const int party = session_index(s, p);
	const char *endpoint = endpoint_of(s, p);
	struct session_conn *conn;
	struct session_link *link;
	int err;

	p->next_dial_ms = INT64_MAX;
	if (!endpoint)
		return;
	err = session_carrier_dial(s->carrier, endpoint, &conn);
	if (err) {
		session_mesh_report_detail(p, parley_did_err_string(err));
		session_mesh_dial_retry(s, p);
		return;
	}
	link = session_mesh_link_new(s, conn, SESSION_LINK_DIALLING, party);
	if (!link) {
		session_carrier_hangup(s->carrier, conn);
		session_mesh_dial_retry(s, p);
		return;
	}
	p->dial = link;
}

int64_t session_mesh_dial_fallback_ms(const struct parley_session *s)
{
	return SESSION_DIAL_FALLBACK_MS +
	       (session_is_opening(s) ? (int64_t)s->n * SESSION_DIAL_PATIENCE_MS
				      : 0);
}

void session_mesh_dial_plan(struct parley_session *s, struct session_party *p,
			    int64_t now)
{
	p->next_dial_ms = session_is_dialler(s, session_index(s, p))
			      ? now
			      : now + session_mesh_dial_fallback_ms(s);
	p->retry_ms = SESSION_DIAL_RETRY_MS;
	p->endpoint = 0;
	session_wake_at(s, p->next_dial_ms);
}

void session_mesh_dial_due(struct parley_session *s, int64_t now)
{
	for (size_t i = 0; i < s->n; i++) {
		struct session_party *p = &s->parties[i];

		if (!session_mesh_dial_wanted(s, p) || p->dial ||
		    (s->failing && p->told))
			continue;
		if (p->next_dial_ms <= now)
			dial(s, p);
		if (p->next_dial_ms < INT64_MAX)
			session_wake_at(s, p->next_dial_ms);
	}
}
