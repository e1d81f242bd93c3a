/*
 * Sessions: the public API over mesh.c (who is there) and channel.c (what is
 * said).
 *
 * Nothing is sent before somebody flushes: a full record, a call of
 * parley_session_flush(), or a caller about to wait.  Every wait in this file
 * goes on receiving, so that two parties that wait for each other's windows
 * cannot stop each other.
 */
#include "session/session.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <sodium.h>

#include "did/secret.h"

enum {
	OPEN_TIMEOUT_MS = 60 * 1000,
	CLOSE_TIMEOUT_MS = 30 * 1000,
	LIVENESS_MS = 30 * 1000,
	RESUME_MS = 10 * 60 * 1000,
	UNRESPONSIVE_MS = 5 * 60 * 1000,
	/* More than this runs out of the caches ahead of the receiver: a
	 * third more CPU per byte at 16 MiB. */
	WINDOW = 4 * 1024 * 1024,
	WINDOW_MIN = 64 * 1024,
	MESSAGE_MAX = 1024 * 1024 * 1024,
	RECORD_MIN = 32 * 1024, /* holds INSTANCES of 1024 parties */
	ABORT_TEXT_MAX = 200,
	/* Room for two messages of 64 KiB with their framing; 10 to 20 % less
	 * CPU than half of it from 256 bytes on. */
	RECORD_DEFAULT = SESSION_RECORD_LEN_DEFAULT + 64,
};

/*
 * Errors
 */

int session_error(struct parley_session *s, int err, int culprit,
		  const char *format, ...)
{
	const char *name;
	size_t len = 0;
	va_list ap;

	s->culprit = culprit;
	s->error[0] = '\0';
	if (culprit >= 0) {
		name = parley_session_agreement_party_name(s->agreement,
							   (size_t)culprit);
		len = (size_t)snprintf(
		    s->error, sizeof(s->error),
		    *name ? "party %d '%s' (%s): " : "party %d%s (%s): ",
		    culprit, name,
		    parley_session_agreement_party_did(s->agreement,
						       (size_t)culprit));
	}
	if (len < sizeof(s->error)) {
		va_start(ap, format);
		vsnprintf(s->error + len, sizeof(s->error) - len, format, ap);
		va_end(ap);
	}
	return err;
}

/* An error of the caller's, which concerns no party. */
static int refuse_call(struct parley_session *s, int err, const char *why)
{
	return session_error(s, err, -1, "%s", why);
}

/*
 * Lists of parties: those with items to send, those with messages to take.
 */

void session_mark_dirty(struct parley_session *s, struct session_party *p)
{
	if (p->dirty)
		return;
	p->dirty = true;
	p->next_dirty = NULL;
	*s->dirty_tail = p;
	s->dirty_tail = &p->next_dirty;
}

void session_mark_full(struct parley_session *s, struct session_party *p)
{
	if (p->full)
		return;
	p->full = true;
	p->next_full = NULL;
	*s->full_tail = p;
	s->full_tail = &p->next_full;
}

static struct session_party *pop_full(struct parley_session *s)
{
	struct session_party *p = s->full;

	if (!p)
		return NULL;
	s->full = p->next_full;
	if (!s->full)
		s->full_tail = &s->full;
	p->full = false;
	return p;
}

/*
 * Sending
 */

/* Hand all sealed frames of ${p} to the carrier. */
static void drain(struct parley_session *s, struct session_party *p)
{
	struct session_frame *f;
	int err = 0;

	while (p->up->conn && !err &&
	       (f = session_channel_take(p->up->channel)))
		err = session_carrier_send(s->carrier, p->up->conn, f);
	if (err)
		session_mesh_lost(s, p, PARLEY_ERR_LOST, "connection closed");
	else
		session_party_timers(s, p);
}

void session_party_flush(struct parley_session *s, struct session_party *p)
{
	int err;

	if (!session_live(p))
		return;
	err = session_channel_flush(p->up->channel);
	if (err)
		session_mesh_lost(s, p, err, parley_did_err_string(err));
	else
		drain(s, p);
}

static void flush_all(struct parley_session *s)
{
	struct session_party *p;

	while ((p = s->dirty)) {
		s->dirty = p->next_dirty;
		if (!s->dirty)
			s->dirty_tail = &s->dirty;
		p->dirty = false;
		session_party_flush(s, p);
	}
}

static void drop_held(struct session_party *p)
{
	if (p->held)
		did_secret_wipe(p->held, p->rest.len);
	free(p->held);
	p->held = NULL;
	p->rest = (struct session_outgoing){0};
}

/*
 * Put as much of ${m} as goes.  Returns an enum session_put (not FULL), or an
 * error, after which the party is lost.
 */
static int put(struct parley_session *s, struct session_party *p,
	       struct session_outgoing *m)
{
	int r;

	while ((r = session_channel_put(p->up->channel, m)) ==
	       SESSION_PUT_FULL) {
		drain(s, p);
		if (!session_live(p))
			return PARLEY_ERR_LOST;
	}
	if (r < 0)
		session_mesh_lost(s, p, r, parley_did_err_string(r));
	else
		session_mark_dirty(s, p);
	return r;
}

void session_party_pump(struct parley_session *s, struct session_party *p)
{
	if (!p->held || !session_live(p))
		return;
	if (put(s, p, &p->rest) != SESSION_PUT_BLOCKED)
		drop_held(p);
	session_party_flush(s, p);
}

/* Copy what is left of ${m}: it was accepted and goes when there is room. */
static int hold(struct session_party *p, const struct session_outgoing *m)
{
	size_t left = m->len - m->done;

	p->held = malloc(left);
	if (!p->held)
		return PARLEY_ERR_MEMORY;
	memcpy(p->held, m->p + m->done, left);
	/* The same message, seen from where it stands. */
	p->rest = (struct session_outgoing){
	    .p = p->held, .len = left, .done = 0, .begun = m->begun};
	return 0;
}

/* How the last thing that happened to ${p} is told to callers. */
static int party_error(struct parley_session *s, const struct session_party *p)
{
	int party;

	if (p->state == PARLEY_PARTY_LOST && p->lost_after)
		p = p->lost_after;
	party = session_index(s, p);
	if (p->state == PARLEY_PARTY_CLOSED)
		return session_error(s, PARLEY_ERR_CLOSED, party,
				     "closed the session");
	return session_error(s, p->lost_err, party, "lost: %s", p->detail);
}

void session_party_lose(struct parley_session *s, struct session_party *p,
			int err, const char *why)
{
	uint64_t next;
	size_t len;

	/* Keep the first reason. */
	if (p->state == PARLEY_PARTY_LOST)
		return;
	len = (size_t)snprintf(p->detail, sizeof(p->detail), "%.116s", why);
	next = p->up ? session_channel_expected(p->up->channel) : 0;
	if (next > 0)
		snprintf(p->detail + len, sizeof(p->detail) - len,
			 "; its last record was %" PRIu64, next - 1);
	/* Who noticed a loss earlier and left is not who is to be named. */
	if (!s->first_lost) {
		s->first_lost = p;
		s->first_lost_ms = session_now_ms();
	} else if (err == PARLEY_ERR_LOST &&
		   session_now_ms() - s->first_lost_ms <= s->o.liveness_ms) {
		p->lost_after = s->first_lost;
	}
	p->lost_err = err;
	p->lost_ms = INT64_MAX;
	session_retransmit_init(&p->timers);
	if (p->up) {
		p->up->state = SESSION_LINK_DOWN;
		if (p->up->conn)
			session_carrier_hangup(s->carrier, p->up->conn);
		p->up->conn = NULL;
	}
	drop_held(p);
	p->state = PARLEY_PARTY_LOST;
	party_error(s, p);
	if (s->o.on_progress) {
		struct parley_progress progress = {
		    .party = session_index(s, p),
		    .state = p->state,
		    .name = parley_session_agreement_party_name(
			s->agreement, (size_t)session_index(s, p)),
		    .did = parley_session_agreement_party_did(
			s->agreement, (size_t)session_index(s, p)),
		    .detail = p->detail,
		    .waited_ms = session_now_ms() - s->opened_ms};

		s->o.on_progress(s->o.context, &progress);
	}
}

/* A caller that waits to send must not block the others: they get room. */
static void grant_all(struct parley_session *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct session_party *p = &s->parties[i];

		if (!session_live(p))
			continue;
		session_channel_grant(p->up->channel);
		if (session_channel_ack_due(p->up->channel) &&
		    session_channel_ack_now(p->up->channel) == 0)
			session_mark_dirty(s, p);
	}
}

/* May messages be sent to ${p}, now or later? */
static bool is_usable(const struct session_party *p)
{
	return p->state == PARLEY_PARTY_READY ||
	       p->state == PARLEY_PARTY_INTERRUPTED;
}

static int64_t limit_of(int timeout_ms)
{
	return timeout_ms < 0 ? INT64_MAX : session_now_ms() + timeout_ms;
}

/*
 * Does the program catch any signal but those of its own faults?  Where it does
 * not, what interrupted a wait was a stop and SIGCONT, which is nothing to
 * tell.
 */
static bool catches_signals(void)
{
	static const int faults[] = {SIGABRT, SIGBUS,  SIGFPE, SIGILL,
				     SIGSEGV, SIGTRAP, SIGSYS};
	struct sigaction a;

	for (int sig = 1; sig < NSIG; sig++) {
		bool fault = false;

		for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
			fault = fault || sig == faults[i];
		if (!fault && sigaction(sig, NULL, &a) == 0 &&
		    a.sa_handler != SIG_DFL && a.sa_handler != SIG_IGN)
			return true;
	}
	return false;
}

/*
 * Flush, wait for something to happen until ${limit_ms}, first of all at
 * ${from} (NULL: anywhere), and act on it.  Returns 0, or PARLEY_ERR_AGAIN when
 * the limit is reached, or an error.
 */
static int wait_and_process(struct parley_session *s,
			    const struct session_party *from, int64_t limit_ms)
{
	int err;

	flush_all(s);
	err = session_carrier_wait(
	    s->carrier, from && session_live(from) ? from->up->conn : NULL,
	    session_mesh_timeout(s, limit_ms));
	if (err == PARLEY_ERR_INTERRUPTED && catches_signals())
		return refuse_call(s, err, "interrupted by a signal");
	if (err && err != PARLEY_ERR_AGAIN && err != PARLEY_ERR_INTERRUPTED)
		return refuse_call(s, err, "the network failed");
	err = session_mesh_process(s);
	if (err)
		return err;
	return limit_ms != INT64_MAX && session_now_ms() >= limit_ms
		   ? PARLEY_ERR_AGAIN
		   : 0;
}

static int check_party(struct parley_session *s, int party)
{
	if (party < 0 || (size_t)party >= s->n)
		return refuse_call(s, PARLEY_ERR_ARGUMENT, "no such party");
	if ((size_t)party == s->self.index)
		return refuse_call(s, PARLEY_ERR_ARGUMENT,
				   "a party does not talk to itself");
	if (s->state != PARLEY_SESSION_READY)
		return refuse_call(s, PARLEY_ERR_STATE,
				   "the session is not ready");
	return 0;
}

/* The slow path of send: the window is full, or a message still waits. */
static int send_when_possible(struct parley_session *s, struct session_party *p,
			      struct session_outgoing *m)
{
	int64_t limit = limit_of(s->o.send_timeout_ms);
	int err = 0, r = SESSION_PUT_BLOCKED;

	for (;;) {
		if (!is_usable(p))
			return party_error(s, p);
		if (!p->held)
			r = put(s, p, m);
		if (r == SESSION_PUT_DONE)
			return 0;
		if (r < 0)
			return party_error(s, p);
		if (err)
			break;
		if (s->o.send_timeout_ms == 0) {
			err = PARLEY_ERR_AGAIN;
			flush_all(s);
			if (session_mesh_process(s))
				break;
			continue;
		}
		grant_all(s);
		err = wait_and_process(s, NULL, limit);
	}
	if (!m->begun) /* nothing of it left */
		return err == PARLEY_ERR_AGAIN
			   ? refuse_call(s, err,
					 "the other side's window is full")
			   : err;
	return hold(p, m);
}

static int send_slowly(struct parley_session *s, struct session_party *p,
		       const void *msg, size_t len)
{
	struct session_outgoing m = {.p = msg, .len = len};
	int r;

	if (!is_usable(p))
		return party_error(s, p);
	if (!p->held) {
		r = put(s, p, &m);
		if (r == SESSION_PUT_DONE)
			return 0;
		if (r < 0)
			return party_error(s, p);
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
	if (is_usable(p) && !p->held &&
	    session_channel_put_short(p->up->channel, msg, len)) {
		session_mark_dirty(s, p);
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

/* Make the descriptor say when timers are due. */
static int arm_timer(struct parley_session *s)
{
	const int64_t deadline = session_mesh_deadline(s);
	struct itimerspec t = {0};

	if (s->timer_armed_ms == deadline)
		return 0;
	s->timer_armed_ms = deadline;
	if (deadline != INT64_MAX) {
		int64_t ms = deadline > 0 ? deadline : 1;

		/* Counted from the start of the machine: 31 bits do. */
		t.it_value.tv_sec = (time_t)(ms / 1000);
		t.it_value.tv_nsec = (long)(ms % 1000 * 1000000);
	}
	return timerfd_settime(s->timer_fd, TFD_TIMER_ABSTIME, &t, NULL)
		   ? PARLEY_ERR_SYSTEM
		   : 0;
}

int parley_session_flush(struct parley_session *s)
{
	int err;

	if (s->state != PARLEY_SESSION_READY)
		return refuse_call(s, PARLEY_ERR_STATE,
				   "the session is not ready");
	flush_all(s);
	err = arm_timer(s);
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

	while ((p = pop_full(s)))
		if (take(s, p, msgp, lenp)) {
			*whop = session_index(s, p);
			/* To the end of the list: parties take turns. */
			if (session_channel_pending(p->up->channel))
				session_mark_full(s, p);
			return true;
		}
	return false;
}

/* Is there nobody left to wait for?  0, or what to tell the caller. */
static int nobody_left(struct parley_session *s, int from)
{
	size_t n_closed = 0, last = 0;

	if (from != PARLEY_ANY)
		return is_usable(&s->parties[from])
			   ? 0
			   : party_error(s, &s->parties[from]);
	for (size_t i = 0; i < s->n; i++) {
		if (s->parties[i].state == PARLEY_PARTY_LOST)
			return party_error(s, &s->parties[i]);
		if (s->parties[i].state == PARLEY_PARTY_CLOSED) {
			n_closed++;
			last = i;
		}
	}
	return n_closed == s->n - 1 ? party_error(s, &s->parties[last]) : 0;
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
	if (from != PARLEY_ANY)
		return check_party(s, from);
	if (s->state != PARLEY_SESSION_READY)
		return refuse_call(s, PARLEY_ERR_STATE,
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
			limit = limit_of(s->o.recv_timeout_ms);
		else if (limit != INT64_MAX && session_now_ms() >= limit)
			return refuse_call(s, PARLEY_ERR_AGAIN,
					   "no message within the time");
		err = nobody_left(s, from);
		if (err)
			return err;
		s->wanted = from;
		err = wait_and_process(s, only_party(s, from), limit);
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
	if (!is_usable(p))
		return party_error(s, p);
	p->ping_us = session_now_us();
	p->rtt_us = 0;
	err = session_channel_control(p->up->channel, SESSION_ITEM_PING,
				      &p->ping_us, sizeof(p->ping_us));
	if (err)
		return session_error(s, err, party, "cannot be asked");
	session_party_flush(s, p);
	return session_carrier_settle(s->carrier);
}

/*
 * Driving from outside
 */

int parley_session_process(struct parley_session *s)
{
	int err = session_mesh_process(s), settled;

	settled = arm_timer(s);
	if (!settled)
		settled = session_carrier_settle(s->carrier);
	return err ? err : settled;
}

int parley_session_fd(const struct parley_session *s)
{
	return s->epoll_fd;
}

int parley_session_wait(struct parley_session *s)
{
	int err = 0;

	while (!err && s->state == PARLEY_SESSION_OPENING)
		err = wait_and_process(s, NULL, INT64_MAX);
	if (!err && s->state != PARLEY_SESSION_READY)
		err = session_mesh_process(s);
	return err;
}

/*
 * Ending
 */

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

/* Name whoever did not get everything; the first one last. */
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
	grant_all(s);
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
	flush_all(s);
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
	int err = 0;

	if (close_begin(s))
		return 0;
	limit = limit_of(s->o.close_timeout_ms);
	while (!err && close_step(s))
		err = wait_and_process(s, NULL, limit);
	return close_end(s, err);
}

int parley_session_finish(struct parley_session *s)
{
	int err = 0;

	if (close_begin(s))
		return 0;
	/* First what is there: the last acknowledgement may have come. */
	err = session_mesh_process(s);
	if (!err && close_step(s)) {
		flush_all(s);
		err = arm_timer(s);
		if (!err)
			err = session_carrier_settle(s->carrier);
		if (!err)
			return PARLEY_ERR_AGAIN;
	}
	return close_end(s, err);
}

void parley_session_abort(struct parley_session *s, const char *reason)
{
	char text[ABORT_TEXT_MAX + 1];

	if (s->state == PARLEY_SESSION_CLOSED ||
	    s->state == PARLEY_SESSION_FAILED)
		return;
	snprintf(text, sizeof(text), "%s", reason);
	for (size_t i = 0; i < s->n; i++) {
		struct session_party *p = &s->parties[i];

		if (session_live(p) &&
		    session_channel_abort(p->up->channel, -PARLEY_ERR_ABORTED,
					  (int)s->self.index, text) == 0)
			session_party_flush(s, p);
	}
	session_error(s, PARLEY_ERR_ABORTED, -1, "given up here: %s", text);
	s->state = PARLEY_SESSION_FAILED;
}

void parley_session_free(struct parley_session *s)
{
	if (!s)
		return;
	for (size_t i = 0; s->parties && i < s->n; i++)
		drop_held(&s->parties[i]);
	while (s->links)
		session_mesh_link_free(s, s->links);
	session_carrier_free(s->carrier, s->state == PARLEY_SESSION_OPENING
					     ? 0
					     : SESSION_GOODBYE_LINGER_MS);
	session_frame_pool_free(s->pool);
	if (s->timer_fd >= 0)
		close(s->timer_fd);
	if (s->epoll_fd >= 0)
		close(s->epoll_fd);
	session_gate_wipe(&s->gate);
	free(s->parties);
	free(s->listen);
	did_secret_wipe(s, sizeof(*s));
	free(s);
}

/*
 * Beginning
 */

void parley_session_options_init(struct parley_session_options *o)
{
	*o = (struct parley_session_options){
	    .size = sizeof(*o),
	    .open_timeout_ms = OPEN_TIMEOUT_MS,
	    .send_timeout_ms = -1,
	    .recv_timeout_ms = -1,
	    .close_timeout_ms = CLOSE_TIMEOUT_MS,
	    .liveness_ms = LIVENESS_MS,
	    .on_lost = PARLEY_ON_LOST_FAIL,
	    .resume_ms = RESUME_MS,
	    .unresponsive_ms = UNRESPONSIVE_MS,
	    .carrier = PARLEY_CARRIER_ZMTP,
	    .window = WINDOW,
	    .message_max = MESSAGE_MAX,
	    .record_max = RECORD_DEFAULT,
	};
}

static int take_options(struct parley_session *s,
			const struct parley_session_options *o)
{
	parley_session_options_init(&s->o);
	/* A program built against an older header knows fewer members. */
	if (o && o->size > sizeof(*o))
		return refuse_call(
		    s, PARLEY_ERR_ARGUMENT,
		    "options: size is not that of this release or older");
	if (o && o->size < offsetof(struct parley_session_options, listen))
		return refuse_call(s, PARLEY_ERR_ARGUMENT,
				   "options: not initialised");
	if (o)
		memcpy(&s->o, o, o->size);
	s->o.size = sizeof(s->o);
	if (s->o.open_timeout_ms <= 0 || s->o.liveness_ms < 30 ||
	    s->o.resume_ms < 0 || s->o.unresponsive_ms < 30 ||
	    s->o.window < WINDOW_MIN || s->o.message_max == 0 ||
	    s->o.record_max < RECORD_MIN ||
	    s->o.record_max > SESSION_RECORD_LEN_MAX)
		return refuse_call(s, PARLEY_ERR_ARGUMENT,
				   "options: a limit or time is out of range");
	s->channel =
	    (struct session_channel_options){.window = s->o.window,
					     .message_max = s->o.message_max,
					     .record_max = s->o.record_max};
	if (s->o.listen) {
		s->listen = strdup(s->o.listen);
		if (!s->listen)
			return PARLEY_ERR_MEMORY;
		s->o.listen = NULL;
	}
	return 0;
}

static int make_pool(struct parley_session *s)
{
	s->pool = session_frame_pool_new(s->o.record_max);
	s->channel.pool = s->pool;
	return s->pool ? 0 : PARLEY_ERR_MEMORY;
}

/* PROTOCOL 4.4: both suites, the faster one here first. */
static void take_suites(struct session_handshake_self *self)
{
	self->suites[0] = (uint8_t)session_aead_preferred();
	self->n_suites = 1;
	if (self->suites[0] != SESSION_SUITE_CHACHA20)
		self->suites[self->n_suites++] = SESSION_SUITE_CHACHA20;
}

/* PROTOCOL 7.2. */
static void make_instance(uint8_t instance[SESSION_INSTANCE_LEN])
{
	const uint64_t now = (uint64_t)session_now_utc_ms();

	for (int i = 0; i < 8; i++)
		instance[i] = (uint8_t)(now >> (56 - 8 * i));
	randombytes_buf(instance + 8, SESSION_INSTANCE_LEN - 8);
}

static int make_parties(struct parley_session *s)
{
	struct session_party *self;

	s->n = parley_session_agreement_n_parties(s->agreement);
	s->parties = calloc(s->n, sizeof(*s->parties));
	if (!s->parties)
		return PARLEY_ERR_MEMORY;
	for (size_t i = 0; i < s->n; i++) {
		struct session_party *p = &s->parties[i];

		p->lost_ms = INT64_MAX;
		session_retransmit_init(&p->timers);
		p->next_dial_ms = INT64_MAX;
	}
	self = &s->parties[s->self.index];
	self->state = PARLEY_PARTY_SELF;
	make_instance(s->self.instance);
	memcpy(self->instance, s->self.instance, sizeof(self->instance));
	self->has_instance = true;
	return 0;
}

static int make_descriptors(struct parley_session *s)
{
	const struct session_carrier_options o = {
	    /* Half to notice that the connection broke, half to try again;
	     * carriers look every third of what they are given. */
	    .liveness_ms = s->o.liveness_ms * 3 / 8,
	    .n_parties = s->n,
	    .unresponsive_ms = s->o.unresponsive_ms,
	    .pool = s->pool,
	    .stranger_max = SESSION_PROPOSE_LEN_MAX,
	    .frame_max = SESSION_RECORD_LEN_MAX};
	struct epoll_event ev = {.events = EPOLLIN};
	int err;

	if (s->o.hub)
		err = session_hub_port_new(&s->carrier, s->o.hub,
					   session_mesh_fits, s);
	else if (s->o.carrier == PARLEY_CARRIER_LIBZMQ)
		err = session_carrier_zmq_new(&s->carrier, &o);
	else
		err = session_carrier_zmtp_new(&s->carrier, &o);
	if (err)
		return refuse_call(s, err, "cannot start the network");
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->timer_fd =
	    timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->epoll_fd < 0 || s->timer_fd < 0 ||
	    epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->timer_fd, &ev) ||
	    epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD,
		      session_carrier_fd(s->carrier), &ev))
		return refuse_call(s, PARLEY_ERR_SYSTEM,
				   "cannot make descriptors");
	return 0;
}

static int begin(struct parley_session *s, const struct parley_identity *id,
		 const struct parley_session_options *o)
{
	int64_t expires = parley_session_agreement_expires(s->agreement);
	int err, self;

	self = parley_session_agreement_index(s->agreement,
					      parley_did_identity_did(id));
	if (self < 0)
		return session_error(s, self, -1,
				     "%s is not in the roster of the agreement",
				     parley_did_identity_did(id));
	if (expires > 0 && session_now_utc_ms() / 1000 >= expires)
		return refuse_call(s, PARLEY_ERR_EXPIRED,
				   "the agreement has expired");
	s->self.agreement = s->agreement;
	s->self.identity = id;
	s->self.index = (size_t)self;
	if ((err = take_options(s, o)) || (err = make_pool(s)) ||
	    (err = make_parties(s)) || (err = make_descriptors(s)))
		return err;
	take_suites(&s->self);
	s->self.keep_envelopes = s->o.keep_receipts;
	session_gate_init(&s->gate, s->agreement);
	s->opened_ms = session_now_ms();
	s->deadline_ms = s->opened_ms + s->o.open_timeout_ms;
	s->next_progress_ms = s->opened_ms + SESSION_PROGRESS_MS;
	s->next_timer_ms = s->opened_ms;
	err = session_mesh_start(s);
	return err ? err : arm_timer(s);
}

int parley_session_new(struct parley_session **sp,
		       const struct parley_agreement *a,
		       const struct parley_identity *id,
		       const struct parley_session_options *o)
{
	struct parley_session *s;
	int err;

	err = did_secret_init();
	if (err)
		return err;
	s = calloc(1, sizeof(*s));
	if (!s)
		return PARLEY_ERR_MEMORY;
	s->agreement = a;
	s->identity = id;
	s->epoll_fd = s->timer_fd = -1;
	s->culprit = -1;
	s->links_tail = &s->links;
	s->dirty_tail = &s->dirty;
	s->full_tail = &s->full;
	s->timer_armed_ms = INT64_MAX;
	s->next_timer_ms = s->trim_ms = INT64_MAX;
	s->wanted = SESSION_NOBODY;
	err = begin(s, id, o);
	if (err) {
		s->state = PARLEY_SESSION_FAILED;
		if (!s->error[0])
			refuse_call(s, err, parley_did_err_string(err));
	}
	*sp = s;
	return err;
}

int parley_session_open(struct parley_session **sp,
			const struct parley_agreement *a,
			const struct parley_identity *id,
			const struct parley_session_options *o)
{
	int err;

	*sp = NULL;
	err = parley_session_new(sp, a, id, o);
	return err ? err : parley_session_wait(*sp);
}

/*
 * Getters
 */

enum parley_session_state parley_session_state(const struct parley_session *s)
{
	return s->state;
}

int parley_session_self(const struct parley_session *s)
{
	return (int)s->self.index;
}

int parley_session_n_parties(const struct parley_session *s)
{
	return (int)s->n;
}

enum parley_party_state parley_session_party_state(
    const struct parley_session *s, int party)
{
	if (party < 0 || (size_t)party >= s->n)
		return PARLEY_PARTY_LOST;
	return s->parties[party].state;
}

const char *parley_session_party_state_name(enum parley_party_state state)
{
	switch (state) {
	case PARLEY_PARTY_SELF:
		return "self";
	case PARLEY_PARTY_CONNECTING:
		return "connecting";
	case PARLEY_PARTY_HANDSHAKING:
		return "handshaking";
	case PARLEY_PARTY_READY:
		return "ready";
	case PARLEY_PARTY_INTERRUPTED:
		return "interrupted";
	case PARLEY_PARTY_LOST:
		return "lost";
	case PARLEY_PARTY_CLOSED:
		return "closed";
	}
	return "unknown";
}

const char *parley_session_error(const struct parley_session *s)
{
	return s->error;
}

int parley_session_culprit(const struct parley_session *s)
{
	return s->culprit;
}

int parley_session_stats(const struct parley_session *s, int party,
			 struct parley_party_stats *stats)
{
	const struct session_channel_stats *c;
	const struct session_party *p;

	if (party < 0 || (size_t)party >= s->n)
		return PARLEY_ERR_ARGUMENT;
	p = &s->parties[party];
	*stats = (struct parley_party_stats){.rtt_us = p->rtt_us};
	if (!p->up)
		return 0;
	c = session_channel_stats(p->up->channel);
	stats->messages_sent = c->messages_sent;
	stats->messages_received = c->messages_received;
	stats->bytes_sent = c->bytes_sent;
	stats->bytes_received = c->bytes_received;
	stats->records_sent = c->records_sent;
	stats->records_received = c->records_received;
	stats->wire_bytes_sent = c->wire_bytes_sent;
	stats->wire_bytes_received = c->wire_bytes_received;
	stats->records_resent = c->records_resent;
	stats->records_dropped = c->records_dropped;
	stats->resumes = p->n_resumes;
	stats->ratchets = session_channel_ratchets(p->up->channel);
	stats->handshake_us = p->up->handshake_us;
	return 0;
}

int parley_session_receipt(const struct parley_session *s, int party,
			   enum parley_receipt which, const char **envelopep)
{
	const struct session_link *up;

	if (party < 0 || (size_t)party >= s->n)
		return PARLEY_ERR_ARGUMENT;
	up = s->parties[party].up;
	if (!up || !up->envelopes[0] || !up->envelopes[1])
		return PARLEY_ERR_NOT_FOUND;
	*envelopep =
	    up->envelopes[which == PARLEY_RECEIPT_ACCEPT ? SESSION_RESPONDER
							 : SESSION_INITIATOR];
	return 0;
}
