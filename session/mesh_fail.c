/*
 * Failing together (PROTOCOL 7.4).
 *
 * An opening that cannot succeed ends with the same sentence everywhere: who
 * finds it out goes on for a moment and tells each party that it has a channel
 * to, or gets one to.
 */
#include "session/mesh_fail.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "session/clock.h"
#include "session/mesh_barrier.h"
#include "session/party.h"

enum { TIMEOUT_MORE_SIZE = 500 }; /* the parties of a sentence but the first */

void session_mesh_fail_tell(struct parley_session *s, struct session_party *p)
{
	if (p->told || !session_live(p))
		return;
	p->told = true;
	if (session_channel_abort(p->up->channel, -s->failing, s->culprit,
				  s->error) == 0)
		session_party_flush(s, p);
}

void session_mesh_fail(struct parley_session *s, int err)
{
	if (!session_is_opening(s) || s->failing)
		return;
	s->failing = err;
	s->failing_until_ms = session_now_ms() + SESSION_FAIL_LINGER_MS;
	session_wake_at(s, s->failing_until_ms);
	for (size_t i = 0; i < s->n; i++)
		session_mesh_fail_tell(s, &s->parties[i]);
}

bool session_mesh_fail_told(const struct parley_session *s, int64_t now)
{
	if (now >= s->failing_until_ms)
		return true;
	for (size_t i = 0; i < s->n; i++)
		if (i != s->self.index && !s->parties[i].told)
			return false;
	return true;
}

/* Is ${p} not ready, as far as this side knows? */
static bool is_missing(const struct parley_session *s,
		       const struct session_party *p)
{
	if (session_index(s, p) == (int)s->self.index)
		return false;
	return !session_live(p) ||
	       (s->has_ready && !session_mesh_barrier_agrees(s, p));
}

/* Is ${p} missing only because it gave up waiting for one that is, too? */
static bool is_gone_for_another(const struct parley_session *s,
				const struct session_party *p)
{
	return p->missed && !p->missed->missed && is_missing(s, p->missed);
}

/* Add ${p} to the parties in ${text}; is there room for it? */
static bool add_party(char text[static TIMEOUT_MORE_SIZE],
		      const struct parley_session *s,
		      const struct session_party *p)
{
	const size_t before = strlen(text);
	size_t len = before;

	if (before > 0)
		len +=
		    (size_t)snprintf(text + len, TIMEOUT_MORE_SIZE - len, ", ");
	if (len < TIMEOUT_MORE_SIZE)
		len += session_name_party(s, session_index(s, p), text + len,
					  TIMEOUT_MORE_SIZE - len, "");
	if (len < TIMEOUT_MORE_SIZE)
		return true;
	text[before] = '\0';
	return false;
}

int session_mesh_fail_timeout(struct parley_session *s)
{
	const struct session_party *first = NULL;
	const char *why = "has not connected";
	char others[TIMEOUT_MORE_SIZE] = "", more[40] = "";
	size_t n_unnamed = 0;
	int party;

	for (size_t i = 0; i < s->n; i++) {
		const struct session_party *p = &s->parties[i];

		if (!is_missing(s, p) || is_gone_for_another(s, p))
			continue;
		if (!first)
			first = p;
		else if (n_unnamed > 0 || !add_party(others, s, p))
			n_unnamed++;
	}
	if (!first)
		return session_error(
		    s, PARLEY_ERR_TIMEOUT, -1,
		    "the parties did not agree on who is there in time");
	party = session_index(s, first);
	if (first->detail[0])
		why = first->detail;
	else if (session_is_dialler(s, party))
		why = "no answer";
	if (n_unnamed > 0)
		snprintf(more, sizeof(more), " and %zu more", n_unnamed);
	return session_error(s, PARLEY_ERR_TIMEOUT, party,
			     "not ready within %" PRId64 " s%s%s%s%s: %s",
			     (s->deadline_ms - s->opened_ms + 999) / 1000,
			     *others ? " (nor " : "", others, more,
			     *others ? ")" : "", why);
}
