/*
 * The end of a session (PROTOCOL 8): <parley/session.h>, closing and aborting.
 *
 * Closing is done when every other party has acknowledged what was sent to it,
 * CLOSE included, or has said goodbye itself.
 */
#include <inttypes.h>
#include <stdio.h>

#include <parley/session.h>

#include "session/drive.h"
#include "session/mesh.h"
#include "session/party.h"
#include "session/session.h"

enum { ABORT_TEXT_MAX = 200 };

/* Begin to close the channel of ${p} once all of its messages are put. */
static void say_goodbye(struct parley_session *s, struct session_party *p)
{
	if (!session_live(p) || p->close_sent || p->held)
		return;
	if (session_channel_close(p->up->channel))
		return;
	p->close_sent = true;
	session_party_flush(s, p);
}

/*
 * Is nothing to be waited for any more from ${p}?  Who has closed may leave
 * once all of its own was acknowledged, so its word on our CLOSE may never
 * come; its word on our messages came with its CLOSE, or comes shortly.
 */
static bool is_finished(const struct session_party *p)
{
	if (!session_live(p))
		return true;
	if (session_channel_close_acked(p->up->channel))
		return true;
	return p->state == PARLEY_PARTY_CLOSED && !p->held &&
	       session_channel_unacked(p->up->channel) == 0;
}

/* Name whoever did not acknowledge everything; the first one last. */
static int report_undelivered(struct parley_session *s)
{
	int err = 0;

	for (size_t i = s->n; i-- > 0;) {
		struct session_party *p = &s->parties[i];
		uint64_t unacked =
		    p->up ? session_channel_unacked(p->up->channel) : 0;

		if (unacked > 0 || p->held)
			err = session_error(s, PARLEY_ERR_UNDELIVERED, (int)i,
					    "%" PRIu64
					    " records were not acknowledged",
					    unacked);
	}
	return err;
}

/* Say goodbye where it can be said.  Is there anybody to wait for? */
static bool close_step(struct parley_session *s)
{
	bool waiting = false;

	for (size_t i = 0; i < s->n; i++) {
		struct session_party *p = &s->parties[i];

		if (i == s->self.index)
			continue;
		say_goodbye(s, p);
		waiting = waiting || !is_finished(p);
	}
	session_drive_grant(s);
	return waiting;
}

/* Is there nothing to close?  Then the session is closed, too. */
static bool close_begin(struct parley_session *s)
{
	if (s->state == PARLEY_SESSION_CLOSED ||
	    s->state == PARLEY_SESSION_FAILED)
		return true;
	if (s->state == PARLEY_SESSION_OPENING) {
		for (size_t i = 0; i < s->n; i++)
			say_goodbye(s, &s->parties[i]);
		s->state = PARLEY_SESSION_CLOSED;
		return true;
	}
	s->state = PARLEY_SESSION_CLOSING;
	return false;
}

static int close_end(struct parley_session *s, int err)
{
	session_drive_flush(s);
	if (err != PARLEY_ERR_INTERRUPTED)
		err = report_undelivered(s);
	/* Nobody serves the connections from here on: let the others see. */
	for (size_t i = 0; i < s->n; i++) {
		struct session_link *up = s->parties[i].up;

		if (up && up->conn)
			session_carrier_hangup(s->carrier, up->conn);
		if (up)
			up->conn = NULL;
	}
	s->state = PARLEY_SESSION_CLOSED;
	return err;
}

int parley_session_close(struct parley_session *s)
{
	int64_t limit;
	int err = session_check_owner(s);

	if (err)
		return err;
	if (close_begin(s))
		return 0;
	limit = session_drive_limit(s->o.close_timeout_ms);
	while (!err && close_step(s))
		err = session_drive_wait(s, NULL, limit);
	return close_end(s, err);
}

int parley_session_finish(struct parley_session *s)
{
	int err = session_check_owner(s);

	if (err)
		return err;
	if (close_begin(s))
		return 0;
	/* First what is there: the last acknowledgement may have come. */
	err = session_mesh_process(s);
	if (!err && close_step(s)) {
		session_drive_flush(s);
		err = session_drive_arm_timer(s);
		if (!err)
			err = session_carrier_settle(s->carrier);
		if (!err)
			return PARLEY_ERR_AGAIN;
	}
	return close_end(s, err);
}

void parley_session_abort(struct parley_session *s, const char *reason)
{
	/* Who ends because of a loss says whose. */
	const int culprit = s->first_lost ? session_index(s, s->first_lost)
					  : (int)s->self.index;
	char text[ABORT_TEXT_MAX + 1];

	if (s->state == PARLEY_SESSION_CLOSED ||
	    s->state == PARLEY_SESSION_FAILED || session_check_owner(s))
		return;
	snprintf(text, sizeof(text), "%s", reason);
	for (size_t i = 0; i < s->n; i++) {
		struct session_party *p = &s->parties[i];

		if (session_live(p) &&
		    session_channel_abort(p->up->channel, -PARLEY_ERR_ABORTED,
					  culprit, text) == 0)
			session_party_flush(s, p);
	}
	session_error(s, PARLEY_ERR_ABORTED, -1, "given up here: %s", text);
	s->state = PARLEY_SESSION_FAILED;
}
