/*
 * Messages of a session: <parley/session.h>, sending and receiving.
 */
#include <parley/session.h>

#include "session/clock.h"
#include "session/drive.h"
#include "session/mesh.h"
#include "session/party.h"
#include "session/session.h"

static int check_party(struct parley_session *s, int party)
{
	int err = session_check_owner(s);

	if (err)
		return err;
	if (party < 0 || (size_t)party >= s->n)
		return session_refuse(s, PARLEY_ERR_ARGUMENT, "no such party");
	if ((size_t)party == s->self.index)
		return session_refuse(s, PARLEY_ERR_ARGUMENT,
				      "a party does not talk to itself");
	if (s->state != PARLEY_SESSION_READY)
		return session_refuse(s, PARLEY_ERR_STATE,
				      "the session is not ready");
	return 0;
}

/*
 * Sending
 */

/* The slow path of send: the window is full, or a message still waits. */
static int send_when_possible(struct parley_session *s, struct session_party *p,
			      struct session_outgoing *m)
{
	int64_t limit = session_drive_limit(s->o.send_timeout_ms);
	int err = 0, r = SESSION_PUT_BLOCKED;

	for (;;) {
		if (!session_party_usable(p))
			return session_party_error(s, p);
		if (!p->held)
			r = session_party_put(s, p, m);
		if (r == SESSION_PUT_DONE)
			return 0;
		if (r < 0)
			return session_party_error(s, p);
		if (err)
			break;
		if (s->o.send_timeout_ms == 0) {
			err = PARLEY_ERR_AGAIN;
			session_drive_flush(s);
			if (session_mesh_process(s))
				break;
			continue;
		}
		session_drive_grant(s);
		err = session_drive_wait(s, NULL, limit);
	}
	if (!m->begun) /* nothing of it left */
		return err == PARLEY_ERR_AGAIN
			   ? session_refuse(s, err,
					    "the other side's window is full")
			   : err;
	return session_party_hold(p, m);
}

static int send_slowly(struct parley_session *s, struct session_party *p,
		       const void *msg, size_t len)
{
	struct session_outgoing m = {.p = msg, .len = len};
	int r;

	if (!session_party_usable(p))
		return session_party_error(s, p);
	if (!p->held) {
		r = session_party_put(s, p, &m);
		if (r == SESSION_PUT_DONE)
			return 0;
		if (r < 0)
			return session_party_error(s, p);
	}
	return send_when_possible(s, p, &m);
}

int parley_session_send(struct parley_session *s, int to, const void *msg,
			size_t len)
{
	struct session_party *p;
	int err;

	err = check_party(s, to);
	if (err)
		return err;
	p = &s->parties[to];
	if (session_party_usable(p) && !p->held &&
	    session_channel_put_short(p->up->channel, msg, len)) {
		session_party_mark_dirty(s, p);
		return 0;
	}
	return send_slowly(s, p, msg, len);
}

int parley_session_broadcast(struct parley_session *s, const void *msg,
			     size_t len)
{
	for (size_t i = 0; i < s->n; i++) {
		int err;

		if (i == s->self.index)
			continue;
		err = parley_session_send(s, (int)i, msg, len);
		if (err) {
			s->culprit = (int)i;
			return err;
		}
	}
	return 0;
}

int parley_session_flush(struct parley_session *s)
{
	int err = session_check_owner(s);

	if (err)
		return err;
	if (s->state != PARLEY_SESSION_READY)
		return session_refuse(s, PARLEY_ERR_STATE,
				      "the session is not ready");
	session_drive_flush(s);
	err = session_drive_arm_timer(s);
	return err ? err : session_carrier_settle(s->carrier);
}

/*
 * Receiving
 */

/* Take a message of ${p}; its window may move. */
static bool take(struct parley_session *s, struct session_party *p,
		 const void **msgp, size_t *lenp)
{
	struct session_channel *c = p->up ? p->up->channel : NULL;

	if (!c || !session_channel_next(c, msgp, lenp))
		return false;
	if (session_live(p) && session_channel_ack_due(c) &&
	    session_channel_ack_now(c) == 0)
		session_party_flush(s, p);
	return true;
}

static bool take_any(struct parley_session *s, int *whop, const void **msgp,
		     size_t *lenp)
{
	struct session_party *p;

	while (s->full.first) {
		p = SESSION_READY_OF(s->full.first, struct session_party, full);
		session_ready_remove(&s->full, &p->full);
		if (take(s, p, msgp, lenp)) {
			*whop = session_index(s, p);
			/* To the end of the list: parties take turns. */
			if (session_channel_pending(p->up->channel))
				session_party_mark_full(s, p);
			return true;
		}
	}
	return false;
}

/* Is there nobody left to wait for?  0, or what to tell the caller. */
static int nobody_left(struct parley_session *s, int from)
{
	size_t n_closed = 0, last = 0;

	if (from != PARLEY_ANY)
		return session_party_usable(&s->parties[from])
			   ? 0
			   : session_party_error(s, &s->parties[from]);
	for (size_t i = 0; i < s->n; i++) {
		if (s->parties[i].state == PARLEY_PARTY_LOST)
			return session_party_error(s, &s->parties[i]);
		if (s->parties[i].state == PARLEY_PARTY_CLOSED) {
			n_closed++;
			last = i;
		}
	}
	return n_closed == s->n - 1 ? session_party_error(s, &s->parties[last])
				    : 0;
}

static bool take_from(struct parley_session *s, int from, int *whop,
		      const void **msgp, size_t *lenp)
{
	int who = from;
	bool taken = from == PARLEY_ANY
			 ? take_any(s, &who, msgp, lenp)
			 : take(s, &s->parties[from], msgp, lenp);

	if (taken && whop)
		*whop = who;
	return taken;
}

static int check_from(struct parley_session *s, int from)
{
	int err;

	if (from != PARLEY_ANY)
		return check_party(s, from);
	err = session_check_owner(s);
	if (err)
		return err;
	if (s->state != PARLEY_SESSION_READY)
		return session_refuse(s, PARLEY_ERR_STATE,
				      "the session is not ready");
	return 0;
}

int parley_session_take(struct parley_session *s, int from, int *whop,
			const void **msgp, size_t *lenp)
{
	int err = check_from(s, from);

	if (err)
		return err;
	if (take_from(s, from, whop, msgp, lenp))
		return 0;
	err = nobody_left(s, from);
	return err ? err : PARLEY_ERR_AGAIN;
}

/* Where the next message of ${from} comes from, if that is one party. */
static const struct session_party *only_party(const struct parley_session *s,
					      int from)
{
	if (from != PARLEY_ANY)
		return &s->parties[from];
	return s->n == 2 ? &s->parties[!s->self.index] : NULL;
}

int parley_session_recv(struct parley_session *s, int from, int *whop,
			const void **msgp, size_t *lenp)
{
	int64_t limit = -1;
	int err = check_from(s, from);

	if (err)
		return err;
	while (!take_from(s, from, whop, msgp, lenp)) {
		/* A wait also takes what is there already. */
		if (limit < 0)
			limit = session_drive_limit(s->o.recv_timeout_ms);
		else if (limit != INT64_MAX && session_now_ms() >= limit)
			return session_refuse(s, PARLEY_ERR_AGAIN,
					      "no message within the time");
		err = nobody_left(s, from);
		if (err)
			return err;
		s->wanted = from;
		err = session_drive_wait(s, only_party(s, from), limit);
		s->wanted = SESSION_NOBODY;
		if (err && err != PARLEY_ERR_AGAIN)
			return err;
	}
	return 0;
}

int parley_session_ping(struct parley_session *s, int party)
{
	struct session_party *p;
	int err;

	err = check_party(s, party);
	if (err)
		return err;
	p = &s->parties[party];
	if (!session_party_usable(p))
		return session_party_error(s, p);
	p->ping_us = session_now_us();
	p->rtt_us = 0;
	err = session_channel_control(p->up->channel, SESSION_ITEM_PING,
				      &p->ping_us, sizeof(p->ping_us));
	if (err)
		return session_error(s, err, party, "cannot be asked");
	session_party_flush(s, p);
	return session_carrier_settle(s->carrier);
}
