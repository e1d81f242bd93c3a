/*
 * Progress for the user, and failing together (PROTOCOL 7.4).
 *
 * An opening that cannot succeed ends with the same sentence everywhere: who
 * finds it out goes on for a moment and tells each party that it has a channel
 * to, or gets one to.
 */
#include "session/mesh_report.h"

#include <inttypes.h>
#include <stdio.h>

#include "session/clock.h"
#include "session/mesh_barrier.h"
#include "session/mesh_dial.h"
#include "session/party.h"

/*
 * Progress
 */

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
		if (p->dial || session_mesh_dial_is_ours(s, party))
			progress.endpoint = session_mesh_dial_endpoint(s, p);
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

/*
 * Failing together
 */

void session_mesh_report_tell(struct parley_session *s, struct session_party *p)
{
	if (p->told || !session_live(p))
		return;
	p->told = true;
	if (session_channel_abort(p->up->channel, -s->failing, s->culprit,
				  s->error) == 0)
		session_party_flush(s, p);
}

void session_mesh_report_fail(struct parley_session *s, int err)
{
	if (!session_is_opening(s) || s->failing)
		return;
	s->failing = err;
	s->failing_until_ms = session_now_ms() + SESSION_FAIL_LINGER_MS;
	session_wake_at(s, s->failing_until_ms);
	for (size_t i = 0; i < s->n; i++)
		session_mesh_report_tell(s, &s->parties[i]);
}

bool session_mesh_report_told(const struct parley_session *s, int64_t now)
{
	if (now >= s->failing_until_ms)
		return true;
	for (size_t i = 0; i < s->n; i++)
		if (i != s->self.index && !s->parties[i].told)
			return false;
	return true;
}

int session_mesh_report_timeout(struct parley_session *s)
{
	const struct session_party *first = NULL;
	size_t n_missing = 0;
	char more[40] = "";
	int party, err;

	for (size_t i = 0; i < s->n; i++) {
		const struct session_party *p = &s->parties[i];

		if (i == s->self.index ||
		    (session_live(p) &&
		     (!s->has_ready || session_mesh_barrier_agrees(s, p))))
			continue;
		if (!first)
			first = p;
		n_missing++;
	}
	if (!first)
		return session_error(
		    s, PARLEY_ERR_TIMEOUT, -1,
		    "the parties did not agree on who is there in time");
	party = session_index(s, first);
	if (n_missing > 1)
		snprintf(more, sizeof(more), " (and %zu more)", n_missing - 1);
	err = session_error(s, PARLEY_ERR_TIMEOUT, party,
			    "not ready within %" PRId64 " s%s: %s",
			    (s->deadline_ms - s->opened_ms + 999) / 1000, more,
			    first->detail[0] ? first->detail
			    : session_mesh_dial_is_ours(s, party)
				? "no answer"
				: "has not connected");
	return err;
}
