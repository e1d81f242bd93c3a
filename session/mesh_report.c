/*
 * What on_progress() is told: how it stands with each party, and now and then
 * who is missing.
 */
#include "session/mesh_report.h"

#include <stdio.h>

#include "session/clock.h"

void session_mesh_report(struct parley_session *s, struct session_party *p,
			 const char *detail)
{
	const int party = p ? session_index(s, p) : -1;
	struct parley_progress progress = {.party = party,
					   .name = "",
					   .did = "",
					   .detail = detail,
					   .waited_ms =
					       session_now_ms() - s->opened_ms};

	if (!s->o.on_progress)
		return;
	if (p) {
		progress.state = p->state;
		progress.name = parley_session_agreement_party_name(
		    s->agreement, (size_t)party);
		progress.did = parley_session_agreement_party_did(
		    s->agreement, (size_t)party);
		if (p->state != PARLEY_PARTY_LOST &&
		    (p->dial || session_is_dialler(s, party)))
			progress.endpoint =
			    parley_session_agreement_party_endpoint(
				s->agreement, (size_t)party, p->endpoint);
		if (!detail && p->detail[0])
			progress.detail = p->detail;
	}
	if (s->o.on_progress(s->o.context, &progress) &&
	    session_is_opening(s) && !s->failing) {
		s->failing =
		    session_error(s, PARLEY_ERR_INTERRUPTED, -1,
				  "opening the session was interrupted");
		s->failing_until_ms = 0;
		session_wake_at(s, 0);
	}
}

void session_mesh_report_stranger(struct parley_session *s, int err)
{
	const int64_t now = session_now_ms();
	char text[SESSION_DETAIL_SIZE], more[40] = "";

	if (s->stranger_ms > 0 && now - s->stranger_ms < SESSION_PROGRESS_MS) {
		s->n_unsaid++;
		return;
	}
	if (s->n_unsaid > 0)
		snprintf(more, sizeof(more), ", and %u before", s->n_unsaid);
	s->stranger_ms = now;
	s->n_unsaid = 0;
	snprintf(text, sizeof(text), "stranger refused: %s%s",
		 parley_did_err_string(err), more);
	session_mesh_report(s, NULL, text);
}

void session_mesh_report_state(struct parley_session *s,
			       struct session_party *p,
			       enum parley_party_state state)
{
	if (p->state == state)
		return;
	p->state = state;
	session_mesh_report(s, p, NULL);
}

void session_mesh_report_detail(struct session_party *p, const char *text)
{
	snprintf(p->detail, sizeof(p->detail), "%s", text);
}

void session_mesh_report_due(struct parley_session *s, int64_t now)
{
	bool told = false;

	if (now < s->next_progress_ms) {
		session_wake_at(s, s->next_progress_ms);
		return;
	}
	s->next_progress_ms = now + SESSION_PROGRESS_MS;
	session_wake_at(s, s->next_progress_ms);
	for (size_t i = 0; i < s->n && !s->failing; i++)
		if (i != s->self.index && !session_live(&s->parties[i])) {
			session_mesh_report(s, &s->parties[i], NULL);
			told = true;
		}
	/* All are there, but wait for each other: the caller may not. */
	if (!told && !s->failing)
		session_mesh_report(s, NULL, NULL);
}
